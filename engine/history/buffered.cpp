#include "engine/history/buffered.h"

#include "engine/base/check.h"
#include "engine/history/names.h"

namespace wfe::history {

EventId ActivityOf(const HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_STARTED:
      return event.activity_task_started_event_attributes().scheduled_event_id();
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
      return event.activity_task_completed_event_attributes().scheduled_event_id();
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
      return event.activity_task_failed_event_attributes().scheduled_event_id();
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
      return event.activity_task_timed_out_event_attributes().scheduled_event_id();
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED:
      return event.activity_task_canceled_event_attributes().scheduled_event_id();
    default:
      return 0;
  }
}

ChildEvent ChildOf(const HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED:
      return {event.start_child_workflow_execution_failed_event_attributes().initiated_event_id(), false};
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
      return {event.child_workflow_execution_started_event_attributes().initiated_event_id(), false};
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
      return {event.child_workflow_execution_completed_event_attributes().initiated_event_id(), true};
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
      return {event.child_workflow_execution_failed_event_attributes().initiated_event_id(), true};
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED:
      return {event.child_workflow_execution_canceled_event_attributes().initiated_event_id(), true};
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:
      return {event.child_workflow_execution_timed_out_event_attributes().initiated_event_id(), true};
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:
      return {event.child_workflow_execution_terminated_event_attributes().initiated_event_id(), true};
    default:
      return {};
  }
}

EventId ExternalOf(const HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED:
      return event.external_workflow_execution_signaled_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
      return event.signal_external_workflow_execution_failed_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
      return event.external_workflow_execution_cancel_requested_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
      return event.request_cancel_external_workflow_execution_failed_event_attributes().initiated_event_id();
    default:
      return 0;
  }
}

void SetChildStartedEventId(HistoryEvent& event, EventId started_event_id) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
      event.mutable_child_workflow_execution_completed_event_attributes()->set_started_event_id(started_event_id);
      break;
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
      event.mutable_child_workflow_execution_failed_event_attributes()->set_started_event_id(started_event_id);
      break;
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED:
      event.mutable_child_workflow_execution_canceled_event_attributes()->set_started_event_id(started_event_id);
      break;
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:
      event.mutable_child_workflow_execution_timed_out_event_attributes()->set_started_event_id(started_event_id);
      break;
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:
      event.mutable_child_workflow_execution_terminated_event_attributes()->set_started_event_id(started_event_id);
      break;
    default:
      WFE_CHECK(false, "only an event that closes a child names its start");
  }
}

void SetActivityStartedEventId(HistoryEvent& event, EventId started_event_id) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
      event.mutable_activity_task_completed_event_attributes()->set_started_event_id(started_event_id);
      break;
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
      event.mutable_activity_task_failed_event_attributes()->set_started_event_id(started_event_id);
      break;
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
      event.mutable_activity_task_timed_out_event_attributes()->set_started_event_id(started_event_id);
      break;
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED:
      event.mutable_activity_task_canceled_event_attributes()->set_started_event_id(started_event_id);
      break;
    default:
      WFE_CHECK(false, "only an event that closes an activity names its start");
  }
}

bool IsActivityCloseBuffered(const MutableState& state, EventId scheduled_event_id) {
  const auto found = state.activities().find(scheduled_event_id);
  return found != state.activities().end() && found->second.close_buffered;
}

bool IsTimerFiringBuffered(const MutableState& state, EventId started_event_id) {
  const auto found = state.timers().find(started_event_id);
  return found != state.timers().end() && found->second.firing_buffered;
}

}  // namespace wfe::history
