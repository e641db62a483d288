// H41, H42: runs of different workflow ids: parents and children, those who ask and those who are asked.
#include "engine/lint/family_rules.h"

#include <google/protobuf/util/message_differencer.h>

#include <set>

#include "engine/lint/child_events.h"
#include "engine/lint/rule.h"

namespace wfe::lint {
namespace {

namespace enums = temporal::api::enums::v1;
using google::protobuf::util::MessageDifferencer;
using Initiated = temporal::api::history::v1::StartChildWorkflowExecutionInitiatedEventAttributes;
using WorkflowStarted = temporal::api::history::v1::WorkflowExecutionStartedEventAttributes;

/// A child that was started for this event of that run.
using Claim = std::pair<ExecutionKey, EventId>;

const WorkflowStarted& StartOf(const RunHistory& run) { return run.events.front().workflow_execution_started_event_attributes(); }

/// The event with this id; histories are dense (H1), and a damaged one is another rule's affair.
const HistoryEvent* EventOf(const RunHistory& run, EventId id) {
  if (id < 1 || id > static_cast<EventId>(run.events.size())) return nullptr;
  return &run.events[static_cast<size_t>(id - 1)];
}

const Initiated* InitiatedOf(const RunHistory& run, EventId id) {
  const HistoryEvent* event = EventOf(run, id);
  if (event == nullptr || !event->has_start_child_workflow_execution_initiated_event_attributes()) return nullptr;
  return &event->start_child_workflow_execution_initiated_event_attributes();
}

ExecutionKey KeyOf(const Namespace& ns, const temporal::api::common::v1::WorkflowExecution& execution) {
  return {ns, WorkflowId(execution.workflow_id()), RunId(execution.run_id())};
}

class Families {
 public:
  Families(const RunsByKey& runs, bool complete, std::vector<Finding>& findings)
      : runs_(runs), complete_(complete), relatives_("H41", findings), requests_("H42", findings) {}

  void Check() {
    for (const auto& [key, run] : runs_) {
      if (run->events.empty()) continue;
      CheckToldOfChildren(*run);
      CheckParent(*run);
      CheckRequests(*run);
    }
    for (const auto& [pair, times] : signals_) CheckSignals(pair.first, pair.second, times);
  }

 private:
  const RunHistory* Find(const ExecutionKey& key) const {
    const auto found = runs_.find(key);
    return found == runs_.end() || found->second->events.empty() ? nullptr : found->second;
  }
  static void Say(Report& report, const RunHistory& run, const HistoryEvent& event, const std::string& message) {
    report.Add(event, "of " + run.key.ToString() + ": " + message);
  }

  /// What the parent was told is what happened to the child.
  void CheckToldOfChildren(const RunHistory& parent) {
    std::map<EventId, std::string> first_runs;
    for (const HistoryEvent& event : parent.events) {
      const auto told = ChildEventOf(event);
      if (!told || told->run_id.empty()) continue;
      const Initiated* initiated = InitiatedOf(parent, told->initiated_event_id);
      if (initiated == nullptr) continue;  // H23
      const Namespace ns = initiated->namespace_().empty() ? parent.key.ns : Namespace(initiated->namespace_());
      const RunHistory* child = Find({ns, WorkflowId(told->workflow_id), RunId(told->run_id)});
      if (child == nullptr) {
        if (complete_) Say(relatives_, parent, event, "the child's run " + told->run_id + " does not exist");
      } else if (told->started_event_id) {
        CheckClosed(parent, event, *child, first_runs[told->initiated_event_id]);
      } else {
        first_runs[told->initiated_event_id] = told->run_id;
        CheckStarted(parent, event, *initiated, *child);
      }
    }
  }

  void CheckStarted(const RunHistory& parent, const HistoryEvent& event, const Initiated& initiated,
                    const RunHistory& child) {
    const WorkflowStarted& start = StartOf(child);
    const std::string name = child.key.ToString() + " ";
    if (start.parent_workflow_execution().workflow_id() != parent.key.workflow_id.value() ||
        start.parent_workflow_execution().run_id() != parent.key.run_id.value() ||
        start.parent_initiated_event_id() !=
            event.child_workflow_execution_started_event_attributes().initiated_event_id()) {
      Say(relatives_, parent, event, name + "was not started for it");
    }
    if (start.workflow_type().name() != initiated.workflow_type().name() ||
        start.task_queue().name() != initiated.task_queue().name() ||
        !MessageDifferencer::Equals(start.input(), initiated.input())) {
      Say(relatives_, parent, event, name + "has another type, task queue or input than was asked for");
    }
  }

  void CheckClosed(const RunHistory& parent, const HistoryEvent& event, const RunHistory& child,
                   const std::string& first_run) {
    const HistoryEvent& end = child.events.back();
    const std::string name = child.key.ToString() + " ";
    if (ToldToTheParent(end.event_type()) != event.event_type() || !NextRunId(end).empty()) {
      Say(relatives_, parent, event, name + "ends with " + std::string(TypeName(end)));
    } else if (end.has_workflow_execution_completed_event_attributes() &&
               !MessageDifferencer::Equals(event.child_workflow_execution_completed_event_attributes().result(),
                                           end.workflow_execution_completed_event_attributes().result())) {
      Say(relatives_, parent, event, name + "gave another result");
    } else if (end.has_workflow_execution_failed_event_attributes() &&
               !MessageDifferencer::Equals(event.child_workflow_execution_failed_event_attributes().failure(),
                                           end.workflow_execution_failed_event_attributes().failure())) {
      Say(relatives_, parent, event, name + "failed otherwise");
    }
    if (!first_run.empty() && StartOf(child).first_execution_run_id() != first_run) {
      Say(relatives_, parent, event, name + "does not follow run " + first_run + ", which was started");
    }
  }

  /// What a child says of its parent is so; each event that asks for a child has one.
  void CheckParent(const RunHistory& child) {
    const WorkflowStarted& start = StartOf(child);
    if (!start.has_parent_workflow_execution()) return;
    const HistoryEvent& first = child.events.front();
    const Namespace ns =
        start.parent_workflow_namespace().empty() ? child.key.ns : Namespace(start.parent_workflow_namespace());
    const ExecutionKey key = KeyOf(ns, start.parent_workflow_execution());
    const EventId asked = start.parent_initiated_event_id();
    if (start.continued_execution_run_id().empty()) {
      const auto [claim, inserted] = claims_.try_emplace({key, asked}, child.key);
      if (!inserted) Say(relatives_, child, first, claim->second.ToString() + " was started for the same event");
    }
    const RunHistory* parent = Find(key);
    if (parent == nullptr) return;  // Deleted, or out of sight.
    const Initiated* initiated = InitiatedOf(*parent, asked);
    if (initiated == nullptr || initiated->workflow_id() != child.key.workflow_id.value()) {
      Say(relatives_, child, first, "event " + std::to_string(asked) + " of its parent did not ask for it");
      return;
    }
    if (start.continued_execution_run_id().empty()) CheckKnownToParent(child, *parent, asked);
    CheckPolicy(child, *parent, *initiated);
  }

  /// The parent was not told of another run, nor of a failure to start.
  void CheckKnownToParent(const RunHistory& child, const RunHistory& parent, EventId asked) {
    for (const HistoryEvent& event : parent.events) {
      const auto told = ChildEventOf(event);
      if (!told || told->initiated_event_id != asked || told->started_event_id) continue;
      if (told->run_id == child.key.run_id.value()) continue;
      Say(relatives_, child, child.events.front(),
          "its parent was told at event " + std::to_string(event.event_id()) +
              (told->run_id.empty() ? " that it did not start" : " that run " + told->run_id + " started"));
    }
  }

  /// S78: what is done to a child by policy is done when its parent has ended, and by the policy it was given.
  void CheckPolicy(const RunHistory& child, const RunHistory& parent, const Initiated& initiated) {
    for (const HistoryEvent& event : child.events) {
      auto policy = enums::PARENT_CLOSE_POLICY_UNSPECIFIED;
      if (event.workflow_execution_terminated_event_attributes().reason() == kByParentClosePolicy) {
        policy = enums::PARENT_CLOSE_POLICY_TERMINATE;
      } else if (event.has_workflow_execution_cancel_requested_event_attributes()) {
        const auto& request = event.workflow_execution_cancel_requested_event_attributes();
        const bool by_parent = request.external_workflow_execution().run_id() == parent.key.run_id.value();
        if (by_parent && request.external_initiated_event_id() == 0) {
          policy = enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL;
        }
      }
      if (policy == enums::PARENT_CLOSE_POLICY_UNSPECIFIED) continue;
      if (policy != initiated.parent_close_policy()) Say(relatives_, child, event, "its parent close policy is another");
      if (!IsClosing(parent.events.back().event_type())) Say(relatives_, child, event, "its parent has not ended");
    }
  }

  void CheckRequests(const RunHistory& target) {
    for (const HistoryEvent& event : target.events) {
      if (event.has_workflow_execution_signaled_event_attributes()) {
        const auto& sender = event.workflow_execution_signaled_event_attributes().external_workflow_execution();
        if (!sender.run_id().empty()) ++signals_[{KeyOf(target.key.ns, sender), target.key.workflow_id}];
      } else if (event.has_workflow_execution_cancel_requested_event_attributes()) {
        CheckCancelRequest(target, event);
      }
    }
  }

  void CheckCancelRequest(const RunHistory& target, const HistoryEvent& event) {
    const auto& request = event.workflow_execution_cancel_requested_event_attributes();
    const EventId by = request.external_initiated_event_id();
    if (by == 0) return;
    const ExecutionKey key = KeyOf(target.key.ns, request.external_workflow_execution());
    const std::string name = "event " + std::to_string(by) + " of " + key.ToString() + " ";
    if (!cancels_.insert({key, by}).second) Say(requests_, target, event, name + "has asked another run too");
    const RunHistory* sender = Find(key);
    if (sender == nullptr) return;
    const HistoryEvent* asked = EventOf(*sender, by);
    if (asked == nullptr || !asked->has_request_cancel_external_workflow_execution_initiated_event_attributes()) {
      return Say(requests_, target, event, name + "asked nobody to cancel");
    }
    const auto& wanted = asked->request_cancel_external_workflow_execution_initiated_event_attributes();
    if (wanted.workflow_execution().workflow_id() != target.key.workflow_id.value() ||
        (!wanted.workflow_execution().run_id().empty() &&
         wanted.workflow_execution().run_id() != target.key.run_id.value())) {
      Say(requests_, target, event, name + "asked another run");
    }
    for (const HistoryEvent& outcome : sender->events) {
      if (outcome.request_cancel_external_workflow_execution_failed_event_attributes().initiated_event_id() == by) {
        Say(requests_, target, event, name + "was told that it failed");
      }
    }
  }

  /// As many as were sent, less those that the sender was told had failed.
  void CheckSignals(const ExecutionKey& key, const WorkflowId& target, int64_t times) {
    const RunHistory* sender = Find(key);
    if (sender == nullptr) return;
    int64_t sent = 0;
    for (const HistoryEvent& event : sender->events) {
      if (event.signal_external_workflow_execution_initiated_event_attributes().workflow_execution().workflow_id() ==
          target.value()) {
        ++sent;
      } else if (event.signal_external_workflow_execution_failed_event_attributes().workflow_execution().workflow_id() ==
                 target.value()) {
        --sent;
      }
    }
    if (times <= sent) return;
    requests_.Add(0, "workflow " + target.value() + " has " + std::to_string(times) + " signals of " + key.ToString() +
                         ", which sent it " + std::to_string(sent));
  }

  static constexpr std::string_view kByParentClosePolicy = "by parent close policy";

  const RunsByKey& runs_;
  bool complete_;
  Report relatives_;
  Report requests_;
  std::map<Claim, ExecutionKey> claims_;
  std::set<Claim> cancels_;
  std::map<std::pair<ExecutionKey, WorkflowId>, int64_t> signals_;
};

}  // namespace

void CheckFamilies(const RunsByKey& runs, bool complete, std::vector<Finding>& findings) {
  Families(runs, complete, findings).Check();
}

}  // namespace wfe::lint
