#include "engine/history/buffered.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/history/names.h"

namespace wfe::history {
namespace {

template <class Predicate>
bool AnyBuffered(const MutableState& state, Predicate matches) {
  const auto& events = state.bookkeeping().buffered_events();
  return std::any_of(events.begin(), events.end(), matches);
}

}  // namespace

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
  return AnyBuffered(state, [&](const HistoryEvent& event) { return ActivityOf(event) == scheduled_event_id; });
}

bool IsTimerFiringBuffered(const MutableState& state, EventId started_event_id) {
  return AnyBuffered(state, [&](const HistoryEvent& event) {
    return event.has_timer_fired_event_attributes() &&
           event.timer_fired_event_attributes().started_event_id() == started_event_id;
  });
}

bool IsCancelRequestBuffered(const MutableState& state) {
  return AnyBuffered(state, [](const HistoryEvent& event) {
    return event.has_workflow_execution_cancel_requested_event_attributes();
  });
}

int64_t BufferedSignals(const MutableState& state) {
  const auto& events = state.bookkeeping().buffered_events();
  return std::count_if(events.begin(), events.end(), [](const HistoryEvent& event) {
    return event.has_workflow_execution_signaled_event_attributes();
  });
}

int64_t BufferedBytes(const MutableState& state) {
  int64_t bytes = 0;
  for (const HistoryEvent& event : state.bookkeeping().buffered_events()) {
    bytes += static_cast<int64_t>(event.ByteSizeLong());
  }
  return bytes;
}

}  // namespace wfe::history
