// The end of every transition.
#pragma once

#include "engine/history/builder.h"

namespace wfe::history {

/// Ends the transition: holds the run to its size limits (S54), schedules a workflow task if one is asked for, names
/// the offers, counts the transition.
Transition Finish(Builder builder);

}  // namespace wfe::history
