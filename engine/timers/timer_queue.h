// When each execution next needs time to pass.  Derived from state, never stored: rebuilt at start, compared by a
// background scan.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/time.h"

namespace wfe::timers {

/// One due time per execution, in due order; equal times in the order they were set.
/// Plain data: no threads, no clock; its owner calls it from one strand.  About 300 bytes an entry.
class TimerQueue {
 public:
  TimerQueue() = default;
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  /// Sets or moves the due time.
  void Set(const ExecutionKey& key, Instant due);
  /// Harmless when there is none.
  void Remove(const ExecutionKey& key);
  /// Removes and returns what is due at `now`, earliest first, at most `limit` of them.
  std::vector<ExecutionKey> PopDue(Instant now, size_t limit = SIZE_MAX);

  std::optional<Instant> NextDue() const;
  std::optional<Instant> Due(const ExecutionKey& key) const;
  std::vector<ExecutionKey> Keys() const;  ///< In due order.
  size_t size() const { return by_key_.size(); }

 private:
  // The ordered side points at the keys of the other, whose nodes do not move.
  using Order = std::multimap<Instant, const ExecutionKey*>;
  std::unordered_map<ExecutionKey, Order::iterator> by_key_;
  Order order_;
};

}  // namespace wfe::timers
