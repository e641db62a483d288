// Bookkeeping changes that leave no event: what Temporal keeps out of the history.  Applied by Apply, like events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "engine/history/mutable_state.h"

namespace wfe::history {

namespace note {

/// A worker holds the attempt from `time` on.
struct AttemptStarted {
  EventId scheduled_event_id = 0;
  Instant time;
  std::string identity;
  std::string request_id;
};

/// The attempt ended and another one waits until `scheduled_time`.
struct AttemptRetried {
  EventId scheduled_event_id = 0;
  Instant completed_time;  ///< Of the attempt that ended.
  Instant scheduled_time;
  temporal::api::failure::v1::Failure last_failure;
};

/// The attempt's back-off is over: it may be handed out.
struct AttemptReleased {
  EventId scheduled_event_id = 0;
};

struct Heartbeat {
  EventId scheduled_event_id = 0;
  std::optional<Instant> time;  ///< Unset: details that came with a failure, not with a sign of life.
  temporal::api::common::v1::Payloads details;
};

/// The event arrived while a workflow task was out; it gets its id and time when the task ends.
struct EventBuffered {
  HistoryEvent event;
};

/// All buffered events leave the buffer, on their way into the history.
struct BufferFlushed {};

/// The timer was cancelled while its firing was still buffered.
struct BufferedTimerDropped {
  EventId started_event_id = 0;
};

/// A poller took the workflow task.  Volatile (design rule R1).
struct WorkflowTaskTaken {
  StartedWorkflowTask task;
};

/// The engine restarted: nobody holds the workflow task any more.  Volatile.
struct WorkflowTaskLost {};

/// The workflow task failed or timed out; the next attempt is transient (S42) and may wait for a back-off.
struct WorkflowTaskRetried {
  int32_t attempt = 2;
  Instant scheduled_time;
  std::optional<Instant> not_before;
};

/// The workflow task's back-off is over: it may be handed out.
struct WorkflowTaskReleased {};

/// The workflow task is over through no fault of its worker: the next one starts a new series of attempts.
struct WorkflowTaskDropped {};

struct StickySet {
  std::string queue;
  Duration schedule_to_start_timeout{};
};

struct StickyUnset {};

/// The pending workflow task was put on the sticky queue at `time`; its schedule-to-start timeout counts from there.
struct StickyOffered {
  Instant time;
};

/// The first workflow task waits until `until` (S10, S11).
struct FirstTaskDelayed {
  Instant until;
};

struct FirstTaskReleased {};

/// One more durable transition of this execution.
struct TransitionCounted {};

}  // namespace note

using Note = std::variant<note::AttemptStarted, note::AttemptRetried, note::AttemptReleased, note::Heartbeat,
                          note::EventBuffered, note::BufferFlushed, note::BufferedTimerDropped, note::WorkflowTaskTaken,
                          note::WorkflowTaskLost, note::WorkflowTaskRetried, note::WorkflowTaskReleased,
                          note::WorkflowTaskDropped, note::StickySet, note::StickyUnset, note::StickyOffered,
                          note::FirstTaskDelayed, note::FirstTaskReleased, note::TransitionCounted>;

/// A note that changes only what a crash may lose; it needs no commit.
bool IsVolatile(const Note& note);

}  // namespace wfe::history
