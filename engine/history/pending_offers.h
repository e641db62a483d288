// How the tasks of an execution are named to matching.
#pragma once

#include <optional>

#include "engine/history/transition.h"

namespace wfe::history {

/// Of the pending workflow task.  A transient task has no Scheduled event yet and is known by its attempt; its
/// scheduled_event_id is what it would be now.
OfferWorkflowTask WorkflowTaskOffer(const MutableState& state);

/// Of the activity's current attempt; nullopt when there is no such activity.
std::optional<OfferActivityTask> ActivityTaskOffer(const MutableState& state, EventId scheduled_event_id);

}  // namespace wfe::history
