// H24, H26, H40: requests to other executions and from them, Nexus operations, updates.
#include <array>
#include <set>

#include "engine/lint/rule.h"

namespace wfe::lint {
namespace {

namespace enums = temporal::api::enums::v1;

struct Outcome {
  EventId initiated_event_id = 0;
  EventType initiated_type{};
};

/// The execution that an event signals or asks to cancel, or tells the outcome for.
struct Target {
  std::string ns;
  std::string workflow_id;
  std::string run_id;
};

template <class Attributes>
Target TargetIn(const Attributes& attributes) {
  return {attributes.namespace_(), attributes.workflow_execution().workflow_id(),
          attributes.workflow_execution().run_id()};
}

/// Empty for other events.
Target TargetOf(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kSignalExternalWorkflowExecutionInitiatedEventAttributes:
      return TargetIn(event.signal_external_workflow_execution_initiated_event_attributes());
    case HistoryEvent::kSignalExternalWorkflowExecutionFailedEventAttributes:
      return TargetIn(event.signal_external_workflow_execution_failed_event_attributes());
    case HistoryEvent::kExternalWorkflowExecutionSignaledEventAttributes:
      return TargetIn(event.external_workflow_execution_signaled_event_attributes());
    case HistoryEvent::kRequestCancelExternalWorkflowExecutionInitiatedEventAttributes:
      return TargetIn(event.request_cancel_external_workflow_execution_initiated_event_attributes());
    case HistoryEvent::kRequestCancelExternalWorkflowExecutionFailedEventAttributes:
      return TargetIn(event.request_cancel_external_workflow_execution_failed_event_attributes());
    case HistoryEvent::kExternalWorkflowExecutionCancelRequestedEventAttributes:
      return TargetIn(event.external_workflow_execution_cancel_requested_event_attributes());
    default:
      return {};
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

/// The request id of a Nexus operation, as the event that closes it tells it; empty for other events and older servers.
std::string RequestIdOf(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kNexusOperationScheduledEventAttributes:
      return event.nexus_operation_scheduled_event_attributes().request_id();
    case HistoryEvent::kNexusOperationCompletedEventAttributes:
      return event.nexus_operation_completed_event_attributes().request_id();
    case HistoryEvent::kNexusOperationFailedEventAttributes:
      return event.nexus_operation_failed_event_attributes().request_id();
    case HistoryEvent::kNexusOperationCanceledEventAttributes:
      return event.nexus_operation_canceled_event_attributes().request_id();
    case HistoryEvent::kNexusOperationTimedOutEventAttributes:
      return event.nexus_operation_timed_out_event_attributes().request_id();
    default:
      return {};
  }
}

void CheckTarget(const HistoryEvent& event, const HistoryEvent& initiated, Report& report) {
  const Target told = TargetOf(event);
  const Target asked = TargetOf(initiated);
  if (told.workflow_id != asked.workflow_id) {
    report.Add(event, "it is about workflow " + told.workflow_id + ", the request was for " + asked.workflow_id);
  }
  if (told.run_id != asked.run_id) {
    report.Add(event, "it is about run \"" + told.run_id + "\", the request was for \"" + asked.run_id + "\"");
  }
  // An empty namespace in a command means the sender's own, which the outcome may spell out.
  if (!asked.ns.empty() && told.ns != asked.ns) {
    report.Add(event, "it is about namespace \"" + told.ns + "\", the request was for \"" + asked.ns + "\"");
  }
  if (const std::string id = RequestIdOf(event); !id.empty() && id != RequestIdOf(initiated)) {
    report.Add(event, "it answers request " + id + ", that was " + RequestIdOf(initiated));
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
    } else {
      CheckTarget(event, *initiated, report);
    }
  }
}

/// Who else asked for it: both ids or none, and an event of its own only with them.
void CheckSender(const HistoryEvent& event, const temporal::api::common::v1::WorkflowExecution& sender, EventId by,
                 Report& report) {
  if (sender.workflow_id().empty() != sender.run_id().empty()) {
    report.Add(event, "it names another workflow by half: " + sender.workflow_id() + "/" + sender.run_id());
  }
  if (by != 0 && sender.workflow_id().empty()) report.Add(event, "event " + std::to_string(by) + " is nobody's");
}

void AskedToCancelOnce(const HistoryView& history, Report& report) {
  EventId asked = 0;
  for (const HistoryEvent& event : history.events()) {
    if (event.has_workflow_execution_signaled_event_attributes()) {
      CheckSender(event, event.workflow_execution_signaled_event_attributes().external_workflow_execution(), 0, report);
    }
    if (!event.has_workflow_execution_cancel_requested_event_attributes()) continue;
    const auto& request = event.workflow_execution_cancel_requested_event_attributes();
    CheckSender(event, request.external_workflow_execution(), request.external_initiated_event_id(), report);
    if (asked != 0) report.Add(event, "the run was asked to cancel at event " + std::to_string(asked));
    asked = event.event_id();
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

constexpr auto kExternalRules = std::to_array<Rule>({
    {"H24", "a request to another execution has one outcome, for whom it was made", OneOutcomePerRequest},
    {"H26", "an update is accepted before it completes, with one outcome", UpdatesAreAcceptedThenCompleted},
    {"H40", "a run is asked to cancel once, and other workflows that ask or signal are named in full", AskedToCancelOnce},
});

}  // namespace

std::span<const Rule> ExternalRules() { return kExternalRules; }

}  // namespace wfe::lint
