#include "engine/timers/timer_queue.h"

namespace wfe::timers {

void TimerQueue::Set(const ExecutionKey& key, Instant due) {
  const auto [entry, added] = by_key_.try_emplace(key);
  if (!added) {
    if (entry->second->first == due) return;
    order_.erase(entry->second);
  }
  entry->second = order_.emplace(due, &entry->first);
}

void TimerQueue::Remove(const ExecutionKey& key) {
  const auto entry = by_key_.find(key);
  if (entry == by_key_.end()) return;
  order_.erase(entry->second);
  by_key_.erase(entry);
}

std::vector<ExecutionKey> TimerQueue::PopDue(Instant now, size_t limit) {
  std::vector<ExecutionKey> due;
  while (!order_.empty() && order_.begin()->first <= now && due.size() < limit) {
    const auto entry = by_key_.find(*order_.begin()->second);
    order_.erase(order_.begin());
    due.push_back(std::move(by_key_.extract(entry).key()));
  }
  return due;
}

std::optional<Instant> TimerQueue::NextDue() const {
  if (order_.empty()) return std::nullopt;
  return order_.begin()->first;
}

std::optional<Instant> TimerQueue::Due(const ExecutionKey& key) const {
  const auto entry = by_key_.find(key);
  if (entry == by_key_.end()) return std::nullopt;
  return entry->second->first;
}

std::vector<ExecutionKey> TimerQueue::Keys() const {
  std::vector<ExecutionKey> keys;
  keys.reserve(order_.size());
  for (const auto& [due, key] : order_) keys.push_back(*key);
  return keys;
}

}  // namespace wfe::timers
