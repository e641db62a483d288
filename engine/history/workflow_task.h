// The life of a workflow task, shared by the handlers that schedule, start and end it.
#pragma once

#include <optional>
#include <string>

#include "engine/history/builder.h"

namespace wfe::history {

/// Start-to-close timeout of the given attempt: grows from the fourth on (S43).
Duration WorkflowTaskTimeout(const MutableState& state, int32_t attempt, const Limits& limits);

/// Writes WorkflowTaskScheduled, for the sticky queue if there is one, and asks for its offer.
void ScheduleWorkflowTask(Builder& builder);

/// Writes what R1 put off: the Scheduled event of a transient task, then Started.  Returns the ids.
struct WrittenTask {
  EventId scheduled_event_id = 0;
  EventId started_event_id = 0;
};
WrittenTask WriteStartedTask(Builder& builder);

/// Gives buffered events their ids and times: activity results last, so that a workflow sees the signals that came
/// before them first; an activity's Started and closing events stay together.
void FlushBufferedEvents(Builder& builder);

struct TaskFailure {
  enums::WorkflowTaskFailedCause cause{};
  temporal::api::failure::v1::Failure failure;
  std::string identity;
  std::string binary_checksum;
};

/// The started task fails.  Its worker's fault: the next attempt is transient (S42), after a back-off if it failed
/// before.  Nobody's fault (UNHANDLED_COMMAND, FORCE_CLOSE_COMMAND): buffered events are flushed and a fresh task is
/// asked for.
void FailStartedTask(Builder& builder, const TaskFailure& task_failure);

/// The started task ran out of its start-to-close timeout.
void TimeOutStartedTask(Builder& builder);

/// The run closes from outside: whoever holds the task will be refused.  Buffered events were accepted, so they get
/// into the history first.
void AbandonStartedTask(Builder& builder, const std::string& why);

/// The task that waits for its sticky worker moves to the normal queue (S45, pitfall 7).
void LeaveStickyQueue(Builder& builder);

/// True when the pending, un-started task waits on the sticky queue.
bool WaitsOnStickyQueue(const MutableState& state);

}  // namespace wfe::history
