// The stored form of what a transition changed beside its events, and how a run is lived through again.
// tests/history/note_codec_test.cpp pins the bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/history/transition.h"

namespace wfe::history {

/// One transition as its row tells it.
struct StoredTransition {
  int64_t number = 0;
  std::vector<PlacedNote> notes;
};

/// A wfe.engine.v1.TransitionNotes and a checksum of it.  That the transition counts (note::TransitionCounted) is said
/// by its row being there.
std::string EncodeNotes(int64_t number, const std::vector<PlacedNote>& notes);

/// DATA_LOSS when the bytes are not what EncodeNotes writes; the message does not name the run.
Result<StoredTransition> DecodeNotes(std::string_view bytes);

/// Applies a transition again, through the same Apply.  DATA_LOSS, and a state of no use, when something in it cannot
/// follow on the state: a stored row is judged where Apply would CHECK.
Status Replay(MutableState& state, const std::vector<HistoryEvent>& events, const std::vector<PlacedNote>& notes);

}  // namespace wfe::history
