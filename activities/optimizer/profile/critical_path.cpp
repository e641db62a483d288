#include "activities/optimizer/profile/critical_path.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

namespace wfe::optimizer {

std::vector<int64_t> TimeOnCriticalPath(std::span<const NodeRun> runs, const GraphFlow* flow,
                                        std::span<const int> node_of_run) {
  std::vector<size_t> by_end(runs.size());
  std::iota(by_end.begin(), by_end.end(), size_t{0});
  const auto end_of = [&](size_t i) { return runs[i].start_ms + runs[i].duration_ms; };
  std::ranges::sort(by_end, {}, [&](size_t i) { return std::tuple(end_of(i), runs[i].start_ms, i); });

  std::vector<int64_t> on_path(runs.size());
  constexpr size_t kNobody = std::numeric_limits<size_t>::max();
  size_t later = kNobody;
  for (size_t place = by_end.size(); place-- > 0;) {
    const size_t run = by_end[place];
    if (later != kNobody) {
      if (end_of(run) > runs[later].start_ms) continue;
      const int from = node_of_run[run];
      const int to = node_of_run[later];
      const bool known = flow != nullptr && from != graph::GraphIndex::kNone && to != graph::GraphIndex::kNone;
      if (known && !flow->Precedes(from, to)) continue;
    }
    on_path[run] = std::max<int64_t>(0, runs[run].duration_ms);
    later = run;
  }
  return on_path;
}

}  // namespace wfe::optimizer
