// For the shard's own sources.
#pragma once

#include "engine/shard/shard.h"

namespace wfe::shard {

/// A WatchChain call whose chain goes on.
struct Shard::ChainWatcher {
  Target target;
  Callback<ChainEnd> done;
};

/// What a start comes to, given the current run of its workflow id (S1-S6).
struct Shard::StartPlan {
  enum class Kind { kNewRun, kReplaceRunning, kUseExisting } kind = Kind::kNewRun;
  std::optional<engine::v1::CurrentRun> current;
};

/// What every task that replays the run begins with.
ws::PollWorkflowTaskQueueResponse PollAnswerFor(const Execution& execution);

}  // namespace wfe::shard
