// Ending and retrying an activity's attempt, shared by answers of workers and by timeouts.
#pragma once

#include <optional>
#include <string>

#include "engine/history/builder.h"

namespace wfe::history {

/// The retry policy's word on the attempt that failed with `cause`.  IN_PROGRESS: the next attempt is recorded.
enums::RetryState RetryActivity(Builder& builder, EventId scheduled_event_id, const failure::Failure& cause);

/// Writes (or buffers) the closing event, after the Started event if the attempt started (S30).  `closed` lacks only
/// its started event id.  `starter`: the attempt never started, but its closing event needs a start (H15), by this
/// identity, now.
void CloseActivity(Builder& builder, EventId scheduled_event_id, HistoryEvent closed,
                   std::optional<std::string> starter = std::nullopt);

/// A timeout of this type is due now: a retry, or ActivityTaskTimedOut.
void TimeOutActivity(Builder& builder, EventId scheduled_event_id, enums::TimeoutType type);

}  // namespace wfe::history
