// Between a state in memory and the form it is stored in: the checkpoint row.  tests/history/state_codec_test.cpp pins
// the bytes.
#pragma once

#include "engine/base/result.h"
#include "engine/history/mutable_state.h"

namespace wfe::history {

/// All but what is volatile.
engine::v1::MutableState ToCheckpoint(const MutableState& state);

/// Reads it back.  DATA_LOSS, naming the run, when its parts do not fit each other.
Result<MutableState> FromCheckpoint(engine::v1::MutableState row);

}  // namespace wfe::history
