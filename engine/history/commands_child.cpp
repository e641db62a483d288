// Child workflows, and what a workflow asks of others: each command owes something to another run (obligations.h).
#include <algorithm>
#include <utility>

#include "engine/history/attribute_limits.h"
#include "engine/history/close.h"
#include "engine/history/commands.h"
#include "engine/history/obligations.h"
#include "engine/history/retry.h"
#include "engine/history/timeouts.h"

namespace wfe::history {
namespace {

constexpr auto kBadChild = enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_START_CHILD_EXECUTION_ATTRIBUTES;
constexpr auto kBadSignal = enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES;
constexpr auto kBadExternalCancel =
    enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES;

using StartAttributes = command::StartChildWorkflowExecutionCommandAttributes;
using Initiated = api::history::v1::StartChildWorkflowExecutionInitiatedEventAttributes;

/// A command without a namespace means the workflow's own.
const std::string& NamespaceOf(const Builder& builder, const std::string& named) {
  return named.empty() ? builder.state().folded().namespace_() : named;
}

/// As a start's own event has them: the run's is written even when nothing limits it (WIRE-F17).
void FillTimeouts(const StartAttributes& attributes, const Limits& limits, Initiated& initiated) {
  const RunTimeouts timeouts = TimeoutsOf(attributes, limits);
  if (timeouts.execution.has_value()) *initiated.mutable_workflow_execution_timeout() = ToProto(*timeouts.execution);
  *initiated.mutable_workflow_run_timeout() = ToProto(timeouts.run.value_or(Duration::zero()));
  *initiated.mutable_workflow_task_timeout() = ToProto(timeouts.task);
}

Initiated ChildInitiated(const CommandContext& context, const StartAttributes& attributes) {
  const Builder& builder = context.builder;
  Initiated initiated;
  initiated.set_namespace_(NamespaceOf(builder, attributes.namespace_()));
  initiated.set_workflow_id(attributes.workflow_id());
  *initiated.mutable_workflow_type() = attributes.workflow_type();
  const std::string& queue = attributes.task_queue().name();
  initiated.mutable_task_queue()->set_name(queue.empty() ? builder.state().folded().task_queue() : queue);
  initiated.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  if (attributes.has_input()) *initiated.mutable_input() = attributes.input();
  FillTimeouts(attributes, builder.limits(), initiated);
  const auto policy = attributes.parent_close_policy();
  initiated.set_parent_close_policy(
      policy == enums::PARENT_CLOSE_POLICY_UNSPECIFIED ? enums::PARENT_CLOSE_POLICY_TERMINATE : policy);  // S78
  initiated.set_control(attributes.control());
  initiated.set_workflow_task_completed_event_id(context.completed_event_id);
  const auto reuse = attributes.workflow_id_reuse_policy();
  initiated.set_workflow_id_reuse_policy(reuse == enums::WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED
                                             ? enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
                                             : reuse);
  if (attributes.has_retry_policy()) *initiated.mutable_retry_policy() = WithDefaults(attributes.retry_policy());
  initiated.set_cron_schedule(attributes.cron_schedule());
  if (attributes.has_header()) *initiated.mutable_header() = attributes.header();
  if (attributes.has_memo()) *initiated.mutable_memo() = attributes.memo();
  if (attributes.has_search_attributes()) *initiated.mutable_search_attributes() = attributes.search_attributes();
  if (attributes.has_priority()) *initiated.mutable_priority() = attributes.priority();
  if (attributes.has_versioning_override()) {
    *initiated.mutable_versioning_override() = attributes.versioning_override();
  }
  return initiated;
}

/// The run at the top of the family that the child joins.
common::WorkflowExecution RootOf(const engine::v1::Folded& folded) {
  if (folded.has_root()) return folded.root();
  common::WorkflowExecution root;
  root.set_workflow_id(folded.workflow_id());
  root.set_run_id(folded.run_id());
  return root;
}

bool IsStartedByThisTask(const CommandContext& context, const std::string& workflow_id) {
  const auto& children = context.builder.state().children();
  return std::any_of(children.upper_bound(context.completed_event_id), children.end(), [&](const auto& child) {
    return child.second.initiated.workflow_id() == workflow_id;
  });
}

/// There is room for the one that is asked for now.
CommandResult CheckPendingExternals(CommandContext& context, bool is_signal, enums::WorkflowTaskFailedCause cause,
                                    const std::string& name) {
  if (!context.pending_externals.has_value()) {
    context.pending_externals.emplace();
    for (const auto& [id, external] : context.builder.state().externals()) {
      ++(*context.pending_externals)[external.initiated.is_signal() ? 1 : 0];
    }
  }
  int64_t& pending = (*context.pending_externals)[is_signal ? 1 : 0];
  const int64_t limit = context.builder.limits().max_pending_externals;
  if (pending++ < limit) return std::nullopt;
  return BadCommand{cause, name + ": " + std::to_string(limit) + " of its kind are not answered (max_pending_externals)"};
}

}  // namespace

CommandResult Run(CommandContext& context, const command::Command& command, const StartAttributes& attributes) {
  Builder& builder = context.builder;
  const Limits& limits = builder.limits();
  WFE_RETURN_IF_BAD(CheckId(attributes.workflow_id(), "workflow id of a child", kBadChild, limits));
  const std::string name = "child workflow \"" + attributes.workflow_id() + "\"";
  if (static_cast<int64_t>(builder.state().children().size()) >= limits.max_pending_children) {
    return BadCommand{enums::WORKFLOW_TASK_FAILED_CAUSE_PENDING_CHILD_WORKFLOWS_LIMIT_EXCEEDED,
                      name + ": " + std::to_string(limits.max_pending_children) +
                          " child workflows are open already (max_pending_children)"};
  }

  const EventId initiated_event_id = builder.state().folded().next_event_id();
  const engine::v1::Folded& folded = builder.state().folded();
  Obligation obligation;
  auto& start = *obligation.mutable_start_child();
  start.set_initiated_event_id(initiated_event_id);
  *start.mutable_initiated() = ChildInitiated(context, attributes);
  start.set_run_id(ChildRunId(builder.state(), initiated_event_id).value());
  if (command.has_user_metadata()) *start.mutable_user_metadata() = command.user_metadata();
  *start.mutable_root() = RootOf(folded);
  if (folded.has_priority() || attributes.has_priority()) {
    *start.mutable_priority() = Merged(folded.priority(), attributes.priority());
  }
  obligation.set_namespace_(start.initiated().namespace_());
  obligation.set_workflow_id(start.initiated().workflow_id());
  const Status valid =
      CheckStart(attributes.workflow_id(), ChildStart(builder.state().Key(), start).request, limits);
  if (!valid.has_value()) return BadCommand{kBadChild, name + ": " + valid.error().message};

  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED, command);
  *event.mutable_start_child_workflow_execution_initiated_event_attributes() = start.initiated();
  builder.Append(std::move(event));
  builder.Owe(std::move(obligation));
  return std::nullopt;
}

CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::SignalExternalWorkflowExecutionCommandAttributes& attributes) {
  Builder& builder = context.builder;
  const Limits& limits = builder.limits();
  const std::string& target = attributes.execution().workflow_id();
  WFE_RETURN_IF_BAD(CheckId(target, "workflow id of a signal to another workflow", kBadSignal, limits));
  const std::string name = "signal to workflow \"" + target + "\"";
  WFE_RETURN_IF_BAD(CheckId(attributes.signal_name(), "name of a " + name, kBadSignal, limits));
  WFE_RETURN_IF_BAD(CheckSize(attributes.input().ByteSizeLong() + attributes.header().ByteSizeLong(),
                              "input of a " + name, limits));
  WFE_RETURN_IF_BAD(CheckPendingExternals(
      context, /*is_signal=*/true, enums::WORKFLOW_TASK_FAILED_CAUSE_PENDING_SIGNALS_LIMIT_EXCEEDED, name));

  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED, command);
  auto& initiated = *event.mutable_signal_external_workflow_execution_initiated_event_attributes();
  initiated.set_workflow_task_completed_event_id(context.completed_event_id);
  initiated.set_namespace_(attributes.namespace_());
  *initiated.mutable_workflow_execution() = attributes.execution();
  initiated.set_signal_name(attributes.signal_name());
  if (attributes.has_input()) *initiated.mutable_input() = attributes.input();
  initiated.set_control(attributes.control());
  initiated.set_child_workflow_only(attributes.child_workflow_only());
  if (attributes.has_header()) *initiated.mutable_header() = attributes.header();

  Obligation obligation;
  obligation.set_namespace_(NamespaceOf(builder, attributes.namespace_()));
  obligation.set_workflow_id(target);
  *obligation.mutable_signal()->mutable_initiated() = initiated;
  obligation.mutable_signal()->set_initiated_event_id(builder.Append(std::move(event)));
  builder.Owe(std::move(obligation));
  return std::nullopt;
}

CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::RequestCancelExternalWorkflowExecutionCommandAttributes& attributes) {
  Builder& builder = context.builder;
  const std::string& target = attributes.workflow_id();
  WFE_RETURN_IF_BAD(
      CheckId(target, "workflow id of a cancel request to another workflow", kBadExternalCancel, builder.limits()));
  const std::string name = "cancel request to workflow \"" + target + "\"";
  if (IsStartedByThisTask(context, target)) {
    return BadCommand{kBadExternalCancel, name + ": it may not be cancelled by the task that starts it"};
  }
  WFE_RETURN_IF_BAD(CheckSize(attributes.reason().size(), "reason of a " + name, builder.limits()));
  WFE_RETURN_IF_BAD(CheckPendingExternals(
      context, /*is_signal=*/false, enums::WORKFLOW_TASK_FAILED_CAUSE_PENDING_REQUEST_CANCEL_LIMIT_EXCEEDED, name));

  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED, command);
  auto& initiated = *event.mutable_request_cancel_external_workflow_execution_initiated_event_attributes();
  initiated.set_workflow_task_completed_event_id(context.completed_event_id);
  initiated.set_namespace_(attributes.namespace_());
  initiated.mutable_workflow_execution()->set_workflow_id(target);
  initiated.mutable_workflow_execution()->set_run_id(attributes.run_id());
  initiated.set_control(attributes.control());
  initiated.set_child_workflow_only(attributes.child_workflow_only());
  initiated.set_reason(attributes.reason());

  Obligation obligation;
  obligation.set_namespace_(NamespaceOf(builder, attributes.namespace_()));
  obligation.set_workflow_id(target);
  *obligation.mutable_cancel()->mutable_initiated() = initiated;
  obligation.mutable_cancel()->set_initiated_event_id(builder.Append(std::move(event)));
  builder.Owe(std::move(obligation));
  return std::nullopt;
}

}  // namespace wfe::history
