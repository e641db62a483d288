#include "engine/shard/execution_cache.h"

#include <algorithm>
#include <tuple>

namespace wfe::shard {

Execution* ExecutionCache::Find(const ExecutionKey& key) {
  const auto found = executions_.find(key);
  if (found == executions_.end()) return nullptr;
  found->second->last_used = clock_.Now();
  return found->second.get();
}

const Execution* ExecutionCache::Peek(const ExecutionKey& key) const {
  const auto found = executions_.find(key);
  return found == executions_.end() ? nullptr : found->second.get();
}

Execution& ExecutionCache::Insert(const ExecutionKey& key, storage::LoadedRun run) {
  auto execution = std::make_unique<Execution>();
  execution->key = key;
  execution->state = std::move(run.state);
  execution->rows = std::move(run.tail);
  execution->last_used = clock_.Now();
  Execution& inserted = *execution;
  executions_[key] = std::move(execution);
  Weigh(inserted);
  SweepSoon();
  return inserted;
}

void ExecutionCache::Weigh(Execution& execution) {
  const auto bytes = execution.state.SizeBytes() +
                     static_cast<int64_t>(execution.tail.size_bytes() + execution.scheduled.size_bytes());
  bytes_ += bytes - execution.bytes;
  execution.bytes = bytes;
}

bool ExecutionCache::Evictable(const Execution& execution) const {
  return gate_.IsDurable(execution.last_commit) && !execution.state.workflow_task().started;
}

bool ExecutionCache::IsFull() const {
  return static_cast<int64_t>(executions_.size()) > options_.max_cached_executions ||
         bytes_ > options_.max_cached_bytes;
}

void ExecutionCache::SweepSoon() {
  if (stopped_) return;
  if (!sweep_armed_) {
    sweep_armed_ = true;
    timers_.After(options_.cache_idle, strand_, [this] {
      sweep_armed_ = false;
      Sweep();
      if (!executions_.empty()) SweepSoon();
    });
  }
  // A full cache does not wait until its entries become idle.
  if (IsFull() && !sweep_posted_) {
    sweep_posted_ = true;
    strand_.Post([this] {
      sweep_posted_ = false;
      Sweep();
    });
  }
}

void ExecutionCache::Sweep() {
  const Instant now = clock_.Now();
  std::vector<Execution*> kept;
  for (auto it = executions_.begin(); it != executions_.end();) {
    Execution& execution = *it->second;
    if (Evictable(execution) && now - execution.last_used >= options_.cache_idle) {
      bytes_ -= execution.bytes;
      it = executions_.erase(it);
      continue;
    }
    kept.push_back(&execution);
    ++it;
  }
  if (!IsFull()) return;
  // Down to three quarters, so that a full cache is not swept at every insertion.
  const int64_t number = options_.max_cached_executions * 3 / 4;
  const int64_t bytes = options_.max_cached_bytes / 4 * 3;
  std::sort(kept.begin(), kept.end(), [](const Execution* a, const Execution* b) {
    const bool a_open = a->state.IsOpen(), b_open = b->state.IsOpen();
    return std::tie(a_open, a->last_used, a->key) < std::tie(b_open, b->last_used, b->key);
  });
  for (const Execution* execution : kept) {
    if (static_cast<int64_t>(executions_.size()) <= number && bytes_ <= bytes) break;
    if (!Evictable(*execution)) continue;
    bytes_ -= execution->bytes;
    executions_.erase(ExecutionKey(execution->key));
  }
}

}  // namespace wfe::shard
