// The workflow task of one execution: where it stands, and every way it moves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/history/arrows.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "temporal/api/taskqueue/v1/message.pb.h"

namespace wfe::history {

/// What a worker that holds the task was told.  Not stored: its Started event is committed with its completion (design
/// rule R1), so after a crash the task is offered again and the old holder's answer is refused.
struct StartedWorkflowTask {
  EventId started_event_id = 0;    ///< The id its Started event will get.
  EventId scheduled_event_id = 0;  ///< The id of its Scheduled event, to come when the task is transient.
  int32_t attempt = 1;
  Instant started_time;
  Instant deadline;  ///< start-to-close
  std::string identity;
  std::string request_id;
  int64_t history_size_bytes = 0;
  bool suggest_continue_as_new = false;
  std::vector<temporal::api::enums::v1::SuggestContinueAsNewReason> suggest_reasons;  ///< S55; why it is suggested
};

/// What there is of the task in the history.  A speculative task (none of its events is written until it completes)
/// will be the third kind.
enum class TaskKind {
  kNormal,     ///< Its Scheduled event is written.
  kTransient,  ///< A retry: its Scheduled event is written when it completes (S42).
};

enum class TaskState { kNone, kBackingOff, kOffered, kStarted };

enum class TaskOn {
  kSchedule,        ///< WorkflowTaskScheduled is written
  kRelease,         ///< its back-off is over
  kTake,            ///< a poller got it
  kLose,            ///< the engine restarted: nobody holds it
  kLoseUnreleased,  ///< the same, and its back-off was over but not released when it was taken
  kEnd,             ///< completed, failed or timed out, by an event
  kRetry,           ///< the next attempt is offered at once
  kRetryLater,      ///< the next attempt waits for a back-off
  kDrop,            ///< over through no fault of its worker
};

/// That a worker holds a task is not stored, so whoever lives through stored events and notes again sees the arrows
/// that leave kStarted leave kOffered or kBackingOff.
inline constexpr auto kTaskArrows = std::to_array<Arrow<TaskState, TaskOn>>({
    // from                   on                        to
    {TaskState::kNone, TaskOn::kSchedule, TaskState::kOffered},
    {TaskState::kNone, TaskOn::kEnd, TaskState::kNone},
    {TaskState::kNone, TaskOn::kRetry, TaskState::kOffered},  // its Failed or TimedOut event has just been written
    {TaskState::kNone, TaskOn::kRetryLater, TaskState::kBackingOff},
    {TaskState::kNone, TaskOn::kDrop, TaskState::kNone},
    {TaskState::kBackingOff, TaskOn::kRelease, TaskState::kOffered},
    {TaskState::kBackingOff, TaskOn::kTake, TaskState::kStarted},  // due, and named by PendingOffers
    {TaskState::kBackingOff, TaskOn::kSchedule, TaskState::kOffered},
    {TaskState::kBackingOff, TaskOn::kEnd, TaskState::kNone},
    {TaskState::kBackingOff, TaskOn::kRetry, TaskState::kOffered},
    {TaskState::kBackingOff, TaskOn::kRetryLater, TaskState::kBackingOff},
    {TaskState::kBackingOff, TaskOn::kDrop, TaskState::kNone},
    {TaskState::kOffered, TaskOn::kTake, TaskState::kStarted},
    {TaskState::kOffered, TaskOn::kSchedule, TaskState::kOffered},  // a transient task gets its event on success
    {TaskState::kOffered, TaskOn::kEnd, TaskState::kNone},
    {TaskState::kOffered, TaskOn::kRetry, TaskState::kOffered},
    {TaskState::kOffered, TaskOn::kRetryLater, TaskState::kBackingOff},
    {TaskState::kOffered, TaskOn::kDrop, TaskState::kNone},
    {TaskState::kStarted, TaskOn::kSchedule, TaskState::kStarted},  // the same
    {TaskState::kStarted, TaskOn::kLose, TaskState::kOffered},
    {TaskState::kStarted, TaskOn::kLoseUnreleased, TaskState::kBackingOff},
    {TaskState::kStarted, TaskOn::kEnd, TaskState::kNone},
    {TaskState::kStarted, TaskOn::kRetry, TaskState::kOffered},
    {TaskState::kStarted, TaskOn::kRetryLater, TaskState::kBackingOff},
    {TaskState::kStarted, TaskOn::kDrop, TaskState::kNone},
});
static_assert(IsDeterministic(kTaskArrows));

struct WorkflowTask {
  TaskKind kind = TaskKind::kNormal;
  TaskState state = TaskState::kNone;
  /// Of the task that is pending or the next one; 1 unless the last ones failed or timed out (S42).
  int32_t attempt = 1;
  Instant scheduled_time;              ///< Of a pending task.
  std::optional<Instant> not_before;   ///< Of a transient one that waits, or waited, for its back-off.
  std::optional<StartedWorkflowTask> started;  ///< Set exactly in kStarted.

  // Of a normal one.
  EventId scheduled_event_id = 0;
  Duration start_to_close_timeout{};
  temporal::api::taskqueue::v1::TaskQueue queue;

  /// In the history as scheduled, or due as a transient one; started or not.
  bool IsPending() const { return state != TaskState::kNone; }
  /// Its Scheduled event is written and it has not ended.
  bool IsInHistory() const { return IsPending() && kind == TaskKind::kNormal; }
  bool IsTransient() const { return IsPending() && kind == TaskKind::kTransient; }

  /// Follows the table.  Leaving kStarted forgets the holder.
  void Move(TaskOn on) {
    const std::optional<TaskState> to = Follow(kTaskArrows, state, on);
    WFE_CHECK(to.has_value(), "no such arrow for the workflow task");
    state = *to;
    if (state != TaskState::kStarted) started.reset();
  }
};

}  // namespace wfe::history
