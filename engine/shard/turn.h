// How much of a long piece of work a strand does before others get theirs.
#pragma once

#include <cstddef>

#include "engine/history/mutable_state.h"

namespace wfe::shard {

/// One turn's worth of executions to look at: whichever limit comes first ends it.
class Turn {
 public:
  bool over() const { return executions_ >= kExecutions || bytes_ >= kBytes; }
  void LookedAt(const history::MutableState* state) {
    ++executions_;
    if (state) bytes_ += static_cast<size_t>(state->SizeBytes());
  }

 private:
  static constexpr size_t kExecutions = 64;
  static constexpr size_t kBytes = 1 << 20;
  size_t executions_ = 0;
  size_t bytes_ = 0;
};

}  // namespace wfe::shard
