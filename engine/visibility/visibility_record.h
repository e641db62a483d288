// The row of a listing that an execution has.
#pragma once

#include "engine/history/mutable_state.h"
#include "wfe/engine/v1/state.pb.h"

namespace wfe::visibility {

engine::v1::VisibilityRecord VisibilityOf(const history::MutableState& state);

}  // namespace wfe::visibility
