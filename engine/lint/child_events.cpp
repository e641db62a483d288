#include "engine/lint/child_events.h"

namespace wfe::lint {
namespace {

namespace enums = temporal::api::enums::v1;

template <class Attributes>
ChildEvent OfStarted(const Attributes& attributes) {
  return {.initiated_event_id = attributes.initiated_event_id(),
          .started_event_id = std::nullopt,
          .ns = attributes.namespace_(),
          .workflow_id = attributes.workflow_execution().workflow_id(),
          .run_id = attributes.workflow_execution().run_id(),
          .workflow_type = attributes.workflow_type().name()};
}

template <class Attributes>
ChildEvent OfClosed(const Attributes& attributes) {
  ChildEvent event = OfStarted(attributes);
  event.started_event_id = attributes.started_event_id();
  return event;
}

}  // namespace

std::optional<ChildEvent> ChildEventOf(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kStartChildWorkflowExecutionFailedEventAttributes: {
      const auto& failed = event.start_child_workflow_execution_failed_event_attributes();
      return ChildEvent{.initiated_event_id = failed.initiated_event_id(),
                        .started_event_id = std::nullopt,
                        .ns = failed.namespace_(),
                        .workflow_id = failed.workflow_id(),
                        .run_id = {},
                        .workflow_type = failed.workflow_type().name()};
    }
    case HistoryEvent::kChildWorkflowExecutionStartedEventAttributes:
      return OfStarted(event.child_workflow_execution_started_event_attributes());
    case HistoryEvent::kChildWorkflowExecutionCompletedEventAttributes:
      return OfClosed(event.child_workflow_execution_completed_event_attributes());
    case HistoryEvent::kChildWorkflowExecutionFailedEventAttributes:
      return OfClosed(event.child_workflow_execution_failed_event_attributes());
    case HistoryEvent::kChildWorkflowExecutionCanceledEventAttributes:
      return OfClosed(event.child_workflow_execution_canceled_event_attributes());
    case HistoryEvent::kChildWorkflowExecutionTimedOutEventAttributes:
      return OfClosed(event.child_workflow_execution_timed_out_event_attributes());
    case HistoryEvent::kChildWorkflowExecutionTerminatedEventAttributes:
      return OfClosed(event.child_workflow_execution_terminated_event_attributes());
    default:
      return std::nullopt;
  }
}

EventType ToldToTheParent(EventType closing) {
  switch (closing) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
      return enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
      return enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
      return enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      return enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
      return enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED;
    default:
      return enums::EVENT_TYPE_UNSPECIFIED;
  }
}

}  // namespace wfe::lint
