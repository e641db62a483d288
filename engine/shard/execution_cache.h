// The executions that a shard has in memory.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/history/mutable_state.h"
#include "engine/shard/durable_gate.h"
#include "engine/shard/history_bytes.h"
#include "engine/shard/options.h"
#include "engine/storage/execution_store.h"

namespace wfe::shard {

/// One execution in memory.
struct Execution {
  ExecutionKey key;
  history::MutableState state;
  storage::RunTail rows;  ///< Where they end in the store.
  HistoryTail tail;
  HistoryTail scheduled;  ///< The batch of the activity that was handed out last, when it is not in the tail.
  uint64_t last_commit = 0;  ///< Number of its latest commit, see DurableGate.
  Instant last_used;
  int64_t bytes = 0;  ///< Its part of ExecutionCache::bytes().
};

/// Bounded by bytes and by number.  What nobody used for a while leaves, and the longest unused leave a full cache,
/// closed ones first: whoever reads many of those shall not push out what is at work.  An execution stays while the
/// store does not hold all of it: a commit under way, a workflow task in a worker's hands.  References live until the
/// strand's turn ends.  Belongs to one strand, on which everything here is called.
class ExecutionCache {
 public:
  ExecutionCache(const Options& options, const Clock& clock, TimerService& timers, Executor& strand,
                 const DurableGate& gate)
      : options_(options), clock_(clock), timers_(timers), strand_(strand), gate_(gate) {}

  /// nullptr: not in memory.  One that is found is in use.
  Execution* Find(const ExecutionKey& key);
  /// The same, for a look that shall not keep it in memory.
  const Execution* Peek(const ExecutionKey& key) const;
  Execution& Insert(const ExecutionKey& key, storage::LoadedRun run);
  /// Its state or tail has changed.
  void Weigh(Execution& execution);
  /// Sweeps no more.
  void Stop() { stopped_ = true; }

  size_t size() const { return executions_.size(); }
  int64_t bytes() const { return bytes_; }

 private:
  bool Evictable(const Execution& execution) const;
  bool IsFull() const;
  void SweepSoon();
  void Sweep();

  const Options& options_;
  const Clock& clock_;
  TimerService& timers_;
  Executor& strand_;
  const DurableGate& gate_;
  std::unordered_map<ExecutionKey, std::unique_ptr<Execution>> executions_;
  int64_t bytes_ = 0;
  bool sweep_armed_ = false;   // a timer is set
  bool sweep_posted_ = false;  // the cache is full
  bool stopped_ = false;
};

}  // namespace wfe::shard
