// When time moves an execution next.
#pragma once

#include <optional>

#include "engine/history/mutable_state.h"

namespace wfe::history {

/// When Tick is next due; nullopt when only an outside input can move this execution (it waits for a signal or a
/// poller).
std::optional<Instant> NextDeadline(const MutableState& state);

}  // namespace wfe::history
