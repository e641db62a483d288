#include "engine/host/answer_budget.h"

#include <utility>
#include <vector>

namespace wfe::host {

bool AnswerBudget::Take(int64_t bytes) {
  const int64_t before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
  // One answer is always let out: it may be larger than the whole budget.
  if (before == 0 || before + bytes <= max_bytes_) return true;
  Give(bytes);
  return false;
}

uint64_t AnswerBudget::Watch(Instant since, std::function<void()> end) {
  const std::lock_guard lock(mutex_);
  const uint64_t id = next_++;
  watched_.emplace(id, Watched{since, std::move(end)});
  return id;
}

void AnswerBudget::Unwatch(uint64_t id) {
  const std::lock_guard lock(mutex_);
  watched_.erase(id);
}

size_t AnswerBudget::EndSlow(Instant now) {
  std::vector<uint64_t> slow;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, watched] : watched_) {
      if (now - watched.since < patience_) break;
      slow.push_back(id);
    }
  }
  size_t ended = 0;
  for (const uint64_t id : slow) {
    const std::lock_guard lock(mutex_);
    const auto found = watched_.find(id);
    if (found == watched_.end()) continue;
    const std::function<void()> end = std::move(found->second.end);
    watched_.erase(found);
    end();
    ++ended;
  }
  return ended;
}

}  // namespace wfe::host
