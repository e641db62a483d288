// The machine of an activity's attempt, which lives in bookkeeping.  That of the workflow task: workflow_task_state.h.
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

AttemptState StateOf(const engine::v1::ActivityAttempt& attempt);

}  // namespace wfe::history
