// H23, H24, H26: children, requests to other executions, Nexus operations, updates.
#include <array>
#include <set>

#include "engine/lint/rule.h"

namespace wfe::lint {
namespace {

namespace enums = temporal::api::enums::v1;

/// How an event of a child points back.
struct ChildReference {
  EventId initiated_event_id = 0;
  std::optional<EventId> started_event_id;
};

std::optional<ChildReference> ChildReferenceOf(const HistoryEvent& event) {
  const auto closing = [](const auto& attributes) {
    return ChildReference{attributes.initiated_event_id(), attributes.started_event_id()};
  };
  switch (event.attributes_case()) {
    case HistoryEvent::kStartChildWorkflowExecutionFailedEventAttributes:
      return ChildReference{event.start_child_workflow_execution_failed_event_attributes().initiated_event_id(), {}};
    case HistoryEvent::kChildWorkflowExecutionStartedEventAttributes:
      return ChildReference{event.child_workflow_execution_started_event_attributes().initiated_event_id(), {}};
    case HistoryEvent::kChildWorkflowExecutionCompletedEventAttributes:
      return closing(event.child_workflow_execution_completed_event_attributes());
    case HistoryEvent::kChildWorkflowExecutionFailedEventAttributes:
      return closing(event.child_workflow_execution_failed_event_attributes());
    case HistoryEvent::kChildWorkflowExecutionCanceledEventAttributes:
      return closing(event.child_workflow_execution_canceled_event_attributes());
    case HistoryEvent::kChildWorkflowExecutionTimedOutEventAttributes:
      return closing(event.child_workflow_execution_timed_out_event_attributes());
    case HistoryEvent::kChildWorkflowExecutionTerminatedEventAttributes:
      return closing(event.child_workflow_execution_terminated_event_attributes());
    default:
      return std::nullopt;
  }
}

/// The workflow id of the child that the event is about; nullopt when it does not say.
std::optional<std::string> ChildIdOf(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kStartChildWorkflowExecutionFailedEventAttributes:
      return event.start_child_workflow_execution_failed_event_attributes().workflow_id();
    case HistoryEvent::kChildWorkflowExecutionStartedEventAttributes:
      return event.child_workflow_execution_started_event_attributes().workflow_execution().workflow_id();
    case HistoryEvent::kChildWorkflowExecutionCompletedEventAttributes:
      return event.child_workflow_execution_completed_event_attributes().workflow_execution().workflow_id();
    case HistoryEvent::kChildWorkflowExecutionFailedEventAttributes:
      return event.child_workflow_execution_failed_event_attributes().workflow_execution().workflow_id();
    case HistoryEvent::kChildWorkflowExecutionCanceledEventAttributes:
      return event.child_workflow_execution_canceled_event_attributes().workflow_execution().workflow_id();
    case HistoryEvent::kChildWorkflowExecutionTimedOutEventAttributes:
      return event.child_workflow_execution_timed_out_event_attributes().workflow_execution().workflow_id();
    case HistoryEvent::kChildWorkflowExecutionTerminatedEventAttributes:
      return event.child_workflow_execution_terminated_event_attributes().workflow_execution().workflow_id();
    default:
      return std::nullopt;
  }
}

void ChildrenStartThenClose(const HistoryView& history, Report& report) {
  struct Child {
    std::string workflow_id;
    EventId started = 0;
    bool over = false;
  };
  std::map<EventId, Child> children;
  for (const HistoryEvent& event : history.events()) {
    if (event.has_start_child_workflow_execution_initiated_event_attributes()) {
      children[event.event_id()].workflow_id =
          event.start_child_workflow_execution_initiated_event_attributes().workflow_id();
      continue;
    }
    const auto reference = ChildReferenceOf(event);
    if (!reference) continue;
    const auto found = children.find(reference->initiated_event_id);
    if (found == children.end()) {
      report.Add(event, "event " + std::to_string(reference->initiated_event_id) + " did not initiate a child");
      continue;
    }
    Child& child = found->second;
    if (const auto id = ChildIdOf(event); id != child.workflow_id) {
      report.Add(event, "it is about child " + id.value_or("") + ", event " +
                            std::to_string(reference->initiated_event_id) + " initiated " + child.workflow_id);
    }
    if (child.over) report.Add(event, "the child was over before");
    if (event.has_child_workflow_execution_started_event_attributes()) {
      if (child.started != 0) report.Add(event, "the child started at event " + std::to_string(child.started));
      child.started = event.event_id();
      continue;
    }
    if (reference->started_event_id && (child.started == 0 || *reference->started_event_id != child.started)) {
      report.Add(event, "it names event " + std::to_string(*reference->started_event_id) +
                            " as started, that is event " + std::to_string(child.started));
    }
    if (!reference->started_event_id && child.started != 0) report.Add(event, "the child had started");
    child.over = true;
  }
}

struct Outcome {
  EventId initiated_event_id = 0;
  EventType initiated_type{};
};

/// The execution that was signalled or asked to cancel; empty for other events.
std::string TargetOf(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kSignalExternalWorkflowExecutionInitiatedEventAttributes:
      return event.signal_external_workflow_execution_initiated_event_attributes().workflow_execution().workflow_id();
    case HistoryEvent::kSignalExternalWorkflowExecutionFailedEventAttributes:
      return event.signal_external_workflow_execution_failed_event_attributes().workflow_execution().workflow_id();
    case HistoryEvent::kExternalWorkflowExecutionSignaledEventAttributes:
      return event.external_workflow_execution_signaled_event_attributes().workflow_execution().workflow_id();
    case HistoryEvent::kRequestCancelExternalWorkflowExecutionInitiatedEventAttributes:
      return event.request_cancel_external_workflow_execution_initiated_event_attributes()
          .workflow_execution()
          .workflow_id();
    case HistoryEvent::kRequestCancelExternalWorkflowExecutionFailedEventAttributes:
      return event.request_cancel_external_workflow_execution_failed_event_attributes()
          .workflow_execution()
          .workflow_id();
    case HistoryEvent::kExternalWorkflowExecutionCancelRequestedEventAttributes:
      return event.external_workflow_execution_cancel_requested_event_attributes().workflow_execution().workflow_id();
    default:
      return "";
  }
}

std::optional<Outcome> OutcomeOf(const HistoryEvent& event) {
  constexpr auto kSignal = enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED;
  constexpr auto kCancel = enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED;
  constexpr auto kNexus = enums::EVENT_TYPE_NEXUS_OPERATION_SCHEDULED;
  switch (event.attributes_case()) {
    case HistoryEvent::kSignalExternalWorkflowExecutionFailedEventAttributes:
      return Outcome{event.signal_external_workflow_execution_failed_event_attributes().initiated_event_id(), kSignal};
    case HistoryEvent::kExternalWorkflowExecutionSignaledEventAttributes:
      return Outcome{event.external_workflow_execution_signaled_event_attributes().initiated_event_id(), kSignal};
    case HistoryEvent::kRequestCancelExternalWorkflowExecutionFailedEventAttributes:
      return Outcome{event.request_cancel_external_workflow_execution_failed_event_attributes().initiated_event_id(),
                     kCancel};
    case HistoryEvent::kExternalWorkflowExecutionCancelRequestedEventAttributes:
      return Outcome{event.external_workflow_execution_cancel_requested_event_attributes().initiated_event_id(),
                     kCancel};
    case HistoryEvent::kNexusOperationCompletedEventAttributes:
      return Outcome{event.nexus_operation_completed_event_attributes().scheduled_event_id(), kNexus};
    case HistoryEvent::kNexusOperationFailedEventAttributes:
      return Outcome{event.nexus_operation_failed_event_attributes().scheduled_event_id(), kNexus};
    case HistoryEvent::kNexusOperationCanceledEventAttributes:
      return Outcome{event.nexus_operation_canceled_event_attributes().scheduled_event_id(), kNexus};
    case HistoryEvent::kNexusOperationTimedOutEventAttributes:
      return Outcome{event.nexus_operation_timed_out_event_attributes().scheduled_event_id(), kNexus};
    default:
      return std::nullopt;
  }
}

void OneOutcomePerRequest(const HistoryView& history, Report& report) {
  std::set<EventId> answered;
  for (const HistoryEvent& event : history.events()) {
    const auto outcome = OutcomeOf(event);
    if (!outcome) continue;
    const HistoryEvent* initiated = history.FindEarlier(outcome->initiated_event_id, outcome->initiated_type, event);
    if (initiated == nullptr) {
      report.Add(event, "event " + std::to_string(outcome->initiated_event_id) + " is no earlier " +
                            std::string(TypeName(outcome->initiated_type)));
    } else if (!answered.insert(outcome->initiated_event_id).second) {
      report.Add(event, "event " + std::to_string(outcome->initiated_event_id) + " has an outcome already");
    } else if (TargetOf(event) != TargetOf(*initiated)) {
      report.Add(event, "it is about workflow " + TargetOf(event) + ", the request was for " + TargetOf(*initiated));
    }
  }
}

/// Servers 1.20 and 1.21 do not say which event accepted the update that completes: its id does.
EventId AcceptedEventId(const HistoryView& history, const HistoryEvent& completion,
                        const std::map<std::string, EventId>& accepted) {
  const auto& attributes = completion.workflow_execution_update_completed_event_attributes();
  if (attributes.accepted_event_id() != 0 || !history.options().foreign) return attributes.accepted_event_id();
  const auto found = accepted.find(attributes.meta().update_id());
  return found == accepted.end() ? 0 : found->second;
}

void UpdatesAreAcceptedThenCompleted(const HistoryView& history, Report& report) {
  std::map<std::string, EventId> accepted;
  std::set<EventId> completed;
  for (const HistoryEvent& event : history.events()) {
    if (event.has_workflow_execution_update_accepted_event_attributes()) {
      const auto& attributes = event.workflow_execution_update_accepted_event_attributes();
      const auto [first, inserted] = accepted.try_emplace(attributes.protocol_instance_id(), event.event_id());
      if (!inserted) {
        report.Add(event, "update " + attributes.protocol_instance_id() + " is already event " +
                              std::to_string(first->second));
      }
      if (attributes.accepted_request_sequencing_event_id() >= event.event_id()) {
        report.Add(event, "it was accepted before the event that its request waited for");
      }
    } else if (event.has_workflow_execution_update_completed_event_attributes()) {
      const auto& attributes = event.workflow_execution_update_completed_event_attributes();
      const EventId accepted_id = AcceptedEventId(history, event, accepted);
      const HistoryEvent* acceptance =
          history.FindEarlier(accepted_id, enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, event);
      if (acceptance == nullptr) {
        report.Add(event, "event " + std::to_string(accepted_id) + " did not accept an update");
        continue;
      }
      const std::string& id = acceptance->workflow_execution_update_accepted_event_attributes().protocol_instance_id();
      if (attributes.meta().update_id() != id) {
        report.Add(event, "update " + attributes.meta().update_id() + ", but event " +
                              std::to_string(accepted_id) + " accepted " + id);
      }
      if (!completed.insert(accepted_id).second) report.Add(event, "update " + id + " has an outcome");
    }
  }
}

constexpr auto kRules = std::to_array<Rule>({
    {"H23", "a child is initiated, starts, and closes once", ChildrenStartThenClose},
    {"H24", "a request to another execution has one outcome", OneOutcomePerRequest},
    {"H26", "an update is accepted before it completes, with one outcome", UpdatesAreAcceptedThenCompleted},
});

}  // namespace

std::span<const Rule> ExternalRules() { return kRules; }

}  // namespace wfe::lint
