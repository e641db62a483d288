#include "activities/optimizer/strategies/cache_replay.h"

#include <list>
#include <unordered_map>

namespace wfe::optimizer {

CacheReplay ReplayCache(const std::vector<ToolCall>& calls, const std::set<uint32_t>& nodes, int64_t ttl_seconds,
                        int64_t max_size) {
  struct Kept {
    uint64_t output = 0;
    int64_t from_ms = 0;
    std::list<uint64_t>::iterator place;
  };
  std::unordered_map<uint64_t, Kept> kept;
  std::list<uint64_t> last_used;  // the latest first
  CacheReplay replay;
  for (const ToolCall& call : calls) {
    if (!nodes.contains(call.node)) continue;
    ++replay.calls;
    const auto found = kept.find(call.input);
    if (found != kept.end() && call.at_ms - found->second.from_ms <= ttl_seconds * 1000) {
      ++replay.hits;
      if (call.output != 0 && call.output != found->second.output) ++replay.wrong_hits;
      last_used.splice(last_used.begin(), last_used, found->second.place);
      continue;
    }
    if (call.output == 0) continue;
    if (found != kept.end()) {
      found->second.output = call.output;
      found->second.from_ms = call.at_ms;
      last_used.splice(last_used.begin(), last_used, found->second.place);
      continue;
    }
    last_used.push_front(call.input);
    kept[call.input] = {.output = call.output, .from_ms = call.at_ms, .place = last_used.begin()};
    if (static_cast<int64_t>(kept.size()) <= max_size) continue;
    kept.erase(last_used.back());
    last_used.pop_back();
  }
  return replay;
}

}  // namespace wfe::optimizer
