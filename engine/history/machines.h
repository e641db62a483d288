// The two machines inside an execution that live in bookkeeping: an activity's attempt and the workflow task.
#pragma once

#include "engine/history/arrows.h"
#include "engine/history/mutable_state.h"

namespace wfe::history {

enum class AttemptState { kBackingOff, kOffered, kStarted };
enum class AttemptOn { kRelease, kStart, kHeartbeat, kRetry };

inline constexpr auto kAttemptArrows = std::to_array<Arrow<AttemptState, AttemptOn>>({
    // from                      on                     to
    {AttemptState::kBackingOff, AttemptOn::kRelease, AttemptState::kOffered},
    {AttemptState::kBackingOff, AttemptOn::kStart, AttemptState::kStarted},     // due, and named by PendingOffers
    {AttemptState::kBackingOff, AttemptOn::kRetry, AttemptState::kBackingOff},  // failed by id before it started
    {AttemptState::kOffered, AttemptOn::kStart, AttemptState::kStarted},
    {AttemptState::kOffered, AttemptOn::kRetry, AttemptState::kBackingOff},  // failed by id before it started
    {AttemptState::kStarted, AttemptOn::kHeartbeat, AttemptState::kStarted},
    {AttemptState::kStarted, AttemptOn::kRetry, AttemptState::kBackingOff},
});
static_assert(IsDeterministic(kAttemptArrows));

enum class TaskState { kNone, kBackingOff, kOffered, kStarted };
enum class TaskOn { kSchedule, kRelease, kTake, kLose, kRetry, kDrop };

inline constexpr auto kTaskArrows = std::to_array<Arrow<TaskState, TaskOn>>({
    // from                   on                  to
    {TaskState::kNone, TaskOn::kSchedule, TaskState::kOffered},
    {TaskState::kNone, TaskOn::kRetry, TaskState::kOffered},  // its Failed or TimedOut event has just been written
    {TaskState::kNone, TaskOn::kDrop, TaskState::kNone},
    {TaskState::kBackingOff, TaskOn::kRelease, TaskState::kOffered},
    {TaskState::kBackingOff, TaskOn::kTake, TaskState::kStarted},  // due, and named by PendingOffers
    {TaskState::kBackingOff, TaskOn::kSchedule, TaskState::kOffered},
    {TaskState::kOffered, TaskOn::kTake, TaskState::kStarted},
    {TaskState::kOffered, TaskOn::kSchedule, TaskState::kOffered},  // a transient task gets its event on success
    {TaskState::kStarted, TaskOn::kSchedule, TaskState::kStarted},  // the same
    {TaskState::kStarted, TaskOn::kLose, TaskState::kOffered},
    {TaskState::kStarted, TaskOn::kRetry, TaskState::kOffered},
    {TaskState::kStarted, TaskOn::kDrop, TaskState::kNone},
});
static_assert(IsDeterministic(kTaskArrows));

AttemptState StateOf(const engine::v1::ActivityAttempt& attempt);
TaskState WorkflowTaskState(const MutableState& state);

}  // namespace wfe::history
