#include "engine/history/obligations.h"

#include <set>
#include <utility>
#include <vector>

#include "engine/base/proto_time.h"
#include "engine/history/builder.h"
#include "engine/history/close.h"

namespace wfe::history {
namespace {

/// As a real server names itself in what it does to a workflow of its own accord.
constexpr const char* kServer = "history-service";
constexpr const char* kByParentClosePolicy = "by parent close policy";
/// Far above what limits allow to be owed by one transition.
constexpr int64_t kPlaces = int64_t{1} << 20;

Obligation OwedTo(const std::string& ns, const std::string& workflow_id) {
  Obligation obligation;
  obligation.set_namespace_(ns);
  obligation.set_workflow_id(workflow_id);
  return obligation;
}

Sender SenderOf(const ExecutionKey& owner, EventId initiated_event_id, bool only_to_child) {
  Sender sender;
  sender.ns = owner.ns.value();
  sender.execution.set_workflow_id(owner.workflow_id.value());
  sender.execution.set_run_id(owner.run_id.value());
  sender.initiated_event_id = initiated_event_id;
  sender.only_to_child = only_to_child;
  return sender;
}

/// How the run ended, from its closing event; false when another run goes on in its place.
bool TellOutcome(const HistoryEvent& closing, Obligation::ChildClosed& told) {
  switch (closing.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: {
      const auto& completed = closing.workflow_execution_completed_event_attributes();
      told.set_status(enums::WORKFLOW_EXECUTION_STATUS_COMPLETED);
      if (completed.has_result()) *told.mutable_result() = completed.result();
      return completed.new_execution_run_id().empty();
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: {
      const auto& failed = closing.workflow_execution_failed_event_attributes();
      told.set_status(enums::WORKFLOW_EXECUTION_STATUS_FAILED);
      *told.mutable_failure() = failed.failure();
      told.set_retry_state(failed.retry_state());
      return failed.new_execution_run_id().empty();
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: {
      const auto& timed_out = closing.workflow_execution_timed_out_event_attributes();
      told.set_status(enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT);
      told.set_retry_state(timed_out.retry_state());
      return timed_out.new_execution_run_id().empty();
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: {
      const auto& canceled = closing.workflow_execution_canceled_event_attributes();
      told.set_status(enums::WORKFLOW_EXECUTION_STATUS_CANCELED);
      if (canceled.has_details()) *told.mutable_result() = canceled.details();
      return true;
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
      told.set_status(enums::WORKFLOW_EXECUTION_STATUS_TERMINATED);
      return true;
    default:
      return false;
  }
}

/// A start that was not carried out yet is dropped at the close, by whoever would carry it out.  It may be under way,
/// so the policy is owed for it too, behind it.
void OweEndOfChild(Builder& builder, const OpenChild& child) {
  const auto policy = child.initiated.parent_close_policy();
  if (policy != enums::PARENT_CLOSE_POLICY_TERMINATE && policy != enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL) return;
  if (child.close_buffered) return;
  Obligation obligation = OwedTo(child.initiated.namespace_(), child.initiated.workflow_id());
  auto& close = *obligation.mutable_close_child();
  close.set_policy(policy);
  close.set_initiated_event_id(child.initiated.initiated_event_id());
  close.set_first_run_id(ChildRunId(builder.state(), child.initiated.initiated_event_id()).value());
  builder.Owe(std::move(obligation));
}

/// What the closing task itself asked of others never happens: nobody is left to hear of it.
std::set<EventId> TakeBackAnswered(std::vector<Obligation>& owed) {
  std::set<EventId> children;
  for (const Obligation& obligation : owed) {
    if (obligation.has_start_child()) children.insert(obligation.start_child().initiated_event_id());
  }
  std::erase_if(owed, IsAnswered);
  return children;
}

void OweReportToParent(Builder& builder, const HistoryEvent& closing) {
  const engine::v1::Folded& folded = builder.state().folded();
  if (!folded.has_parent()) return;
  Obligation obligation = OwedTo(folded.parent().namespace_(), folded.parent().workflow_id());
  auto& told = *obligation.mutable_child_closed();
  if (!TellOutcome(closing, told)) return;
  *told.mutable_parent() = folded.parent();
  told.set_run_id(folded.run_id());
  told.set_first_run_id(folded.first_execution_run_id());
  *told.mutable_workflow_type() = folded.workflow_type();
  builder.Owe(std::move(obligation));
}

bool Closes(const HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
      return true;
    default:
      return false;
  }
}

}  // namespace

int64_t ObligationNumber(int64_t transition, size_t place) {
  WFE_CHECK(static_cast<int64_t>(place) < kPlaces, "one transition owes too much");
  return transition * kPlaces + static_cast<int64_t>(place);
}

WorkflowKey ReceiverOf(const Obligation& obligation) {
  return {Namespace(obligation.namespace_()), WorkflowId(obligation.workflow_id())};
}

std::string Describe(const Obligation& obligation) {
  const std::string whom = " workflow " + obligation.workflow_id();
  switch (obligation.duty_case()) {
    case Obligation::kStartChild:
      return "start of child" + whom;
    case Obligation::kSignal:
      return "signal " + obligation.signal().initiated().signal_name() + " to" + whom;
    case Obligation::kCancel:
      return "cancel request to" + whom;
    case Obligation::kCloseChild:
      return "parent close policy for" + whom;
    case Obligation::kChildClosed:
      return "end of child, told to" + whom;
    case Obligation::DUTY_NOT_SET:
      break;
  }
  return "unknown duty to" + whom;
}

bool IsAnswered(const Obligation& obligation) {
  return obligation.has_start_child() || obligation.has_signal() || obligation.has_cancel();
}

void OweAtClose(Builder& builder, const HistoryEvent& closing) {
  if (!Closes(closing)) return;
  const std::set<EventId> never_started = TakeBackAnswered(builder.transition().owed);
  for (const auto& [id, child] : builder.state().children()) {
    if (!never_started.contains(id)) OweEndOfChild(builder, child);
  }
  OweReportToParent(builder, closing);
}

StartInput ChildStart(const ExecutionKey& owner, const Obligation::StartChild& start) {
  const auto& initiated = start.initiated();
  StartInput input;
  input.key = {Namespace(initiated.namespace_()), WorkflowId(initiated.workflow_id()), RunId(start.run_id())};
  engine::v1::Parent& parent = input.parent.emplace();
  parent.set_namespace_(owner.ns.value());
  parent.set_workflow_id(owner.workflow_id.value());
  parent.set_run_id(owner.run_id.value());
  parent.set_initiated_event_id(start.initiated_event_id());
  input.root = start.root();
  auto& request = input.request;
  request.set_namespace_(initiated.namespace_());
  request.set_workflow_id(initiated.workflow_id());
  *request.mutable_workflow_type() = initiated.workflow_type();
  *request.mutable_task_queue() = initiated.task_queue();
  if (initiated.has_input()) *request.mutable_input() = initiated.input();
  if (initiated.has_workflow_execution_timeout()) {
    *request.mutable_workflow_execution_timeout() = initiated.workflow_execution_timeout();
  }
  if (initiated.has_workflow_run_timeout()) {
    *request.mutable_workflow_run_timeout() = initiated.workflow_run_timeout();
  }
  if (initiated.has_workflow_task_timeout()) {
    *request.mutable_workflow_task_timeout() = initiated.workflow_task_timeout();
  }
  request.set_workflow_id_reuse_policy(initiated.workflow_id_reuse_policy());
  if (initiated.has_retry_policy()) *request.mutable_retry_policy() = initiated.retry_policy();
  request.set_cron_schedule(initiated.cron_schedule());
  if (initiated.has_versioning_override()) *request.mutable_versioning_override() = initiated.versioning_override();
  if (initiated.has_header()) *request.mutable_header() = initiated.header();
  if (initiated.has_memo()) *request.mutable_memo() = initiated.memo();
  if (initiated.has_search_attributes()) *request.mutable_search_attributes() = initiated.search_attributes();
  if (start.has_user_metadata()) *request.mutable_user_metadata() = start.user_metadata();
  if (start.has_priority()) *request.mutable_priority() = start.priority();
  return input;
}

SignalReceived ExternalSignal(const ObligationId& id, const Obligation::SignalExternal& signal) {
  SignalReceived input;
  input.signal_name = signal.initiated().signal_name();
  input.input = signal.initiated().input();
  input.header = signal.initiated().header();
  input.identity = kServer;
  input.request_id = id.ToString();
  input.from = SenderOf(id.owner, signal.initiated_event_id(), signal.initiated().child_workflow_only());
  return input;
}

CancelRequested ExternalCancel(const ObligationId& id, const Obligation::CancelExternal& cancel) {
  CancelRequested input;
  input.reason = cancel.initiated().reason();
  input.identity = kServer;
  input.request_id = id.ToString();
  input.from = SenderOf(id.owner, cancel.initiated_event_id(), cancel.initiated().child_workflow_only());
  return input;
}

Input ChildClosing(const ObligationId& id, const Obligation::CloseChild& close) {
  if (close.policy() == enums::PARENT_CLOSE_POLICY_TERMINATE) {
    return TerminateRequested{.reason = kByParentClosePolicy, .details = {}, .identity = kServer};
  }
  CancelRequested input;
  input.identity = kServer;
  input.request_id = id.ToString();
  input.from = SenderOf(id.owner, /*initiated_event_id=*/0, /*only_to_child=*/true);
  return input;
}

}  // namespace wfe::history
