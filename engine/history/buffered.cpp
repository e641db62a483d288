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
