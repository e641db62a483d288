// What waits in the buffer while a workflow task is out: ended activities and fired timers stay open in the folded
// state until their events are in the history, so whoever asks whether they are open must look here too.
#pragma once

#include <string>

#include "engine/history/mutable_state.h"

namespace wfe::history {

/// The activity's closing event is buffered.
bool IsActivityCloseBuffered(const MutableState& state, EventId scheduled_event_id);

/// The timer's firing is buffered.
bool IsTimerFiringBuffered(const MutableState& state, EventId started_event_id);

/// The activity that an activity event is about; 0 for all others.
EventId ActivityOf(const HistoryEvent& event);

/// What an event from outside says of a child.
struct ChildEvent {
  EventId initiated_event_id = 0;  ///< 0: it is about no child.
  bool closes = false;             ///< The child has ended; else it has started, or could not.
};
ChildEvent ChildOf(const HistoryEvent& event);

/// The signal or cancel request to another workflow that the event answers; 0 for all others.
EventId ExternalOf(const HistoryEvent& event);

/// Sets started_event_id of an event that closes a child.
void SetChildStartedEventId(HistoryEvent& event, EventId started_event_id);

/// Sets started_event_id of an event that closes an activity.
void SetActivityStartedEventId(HistoryEvent& event, EventId started_event_id);

}  // namespace wfe::history
