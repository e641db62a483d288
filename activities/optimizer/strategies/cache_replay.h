// How often a cache would have had the answer: the calls of a profile through an LRU with its size and time (ST-19).
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "activities/optimizer/profile/performance_profile.h"

namespace wfe::optimizer {

struct CacheReplay {
  int64_t calls = 0;
  int64_t hits = 0;
  /// Hits whose result would have been another one than the call gave, when it was made.
  int64_t wrong_hits = 0;

  double hit_rate() const { return calls == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(calls); }
};

/// `calls` in the order of time; those of `nodes` count (numbers in node_metrics).  A call that failed is no hit and
/// leaves nothing; a result ages from the call that gave it.
CacheReplay ReplayCache(const std::vector<ToolCall>& calls, const std::set<uint32_t>& nodes, int64_t ttl_seconds,
                        int64_t max_size);

}  // namespace wfe::optimizer
