// Finding and removing parts of the stored state, for Apply.
#pragma once

#include "engine/history/mutable_state.h"

namespace wfe::history {

/// Removes every element that `matches`, keeping the order of the rest.
template <class Repeated, class Predicate>
void EraseIf(Repeated& elements, Predicate matches) {
  int kept = 0;
  for (int i = 0; i < elements.size(); ++i) {
    if (matches(elements.Get(i))) continue;
    if (kept != i) elements.SwapElements(kept, i);
    ++kept;
  }
  elements.DeleteSubrange(kept, elements.size() - kept);
}

engine::v1::PendingActivity* MutableActivity(MutableState& state, EventId scheduled_event_id);
engine::v1::ActivityAttempt* MutableAttempt(MutableState& state, EventId scheduled_event_id);

}  // namespace wfe::history
