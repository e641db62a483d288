// Parked calls of a shard; for its own sources.
#pragma once

#include <algorithm>

#include "engine/shard/shard.h"

namespace wfe::shard {

/// A GetWorkflowExecutionHistory call that waits for events after what it has seen, or for the close.
struct Shard::HistoryWaiter {
  uint64_t id = 0;
  HistoryRequest request;
  EventId seen = 0;  ///< Wakes when the history goes beyond this event.
  TimerService::TimerId timer = 0;
  Callback<HistoryPage> done;
};

/// A WatchChain call whose chain goes on.
struct Shard::ChainWatcher {
  Target target;
  Callback<ChainEnd> done;
};

struct Shard::PendingQuery {
  enum class State {
    kBuffered,  ///< Waits for the workflow task that is pending (pitfall 2).
    kAttached,  ///< Rides on the workflow task that a worker holds.
    kOffered,   ///< A query task of its own, in a queue or with a worker.
    kAnswered,  ///< The answer waits until what it shows is durable.
  };
  std::string id;
  temporal::api::query::v1::WorkflowQuery query;
  State state = State::kBuffered;
  EventId attached_to = 0;  ///< Started event id and attempt of the task it rides on.
  int32_t attached_attempt = 0;
  bool delivered = false;  ///< A worker holds the query's own task.
  Function<bool()> gone;
  TimerService::TimerId timer = 0;
  Callback<std::string> done;
};

/// What a start comes to, given the current run of its workflow id (S1-S6).
struct Shard::StartPlan {
  enum class Kind { kNewRun, kReplaceRunning, kUseExisting } kind = Kind::kNewRun;
  std::optional<engine::v1::CurrentRun> current;
};

/// Takes out of `parked` what `which` names; the order stays.
template <class T, class Which>
std::vector<std::unique_ptr<T>> TakeIf(std::vector<std::unique_ptr<T>>& parked, Which which) {
  const auto taken =
      std::stable_partition(parked.begin(), parked.end(), [&](const std::unique_ptr<T>& one) { return !which(*one); });
  std::vector<std::unique_ptr<T>> out(std::make_move_iterator(taken), std::make_move_iterator(parked.end()));
  parked.erase(taken, parked.end());
  return out;
}

}  // namespace wfe::shard
