#include "activities/context/rules/tool_use.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace wfe::context {
namespace {

struct ToolSums {
  ToolUse use;
  int64_t timed = 0;
  int64_t duration_ms = 0;
};

}  // namespace

void SortToolUse(std::vector<ToolUse>& tools) {
  std::ranges::sort(tools, {}, [](const ToolUse& use) { return std::tuple(-use.calls, use.tool, use.via); });
}

ToolUseReport ToolUseOf(const std::vector<agent::StepToolCalls>& steps) {
  ToolUseReport report;
  std::map<std::pair<std::string, std::string>, ToolSums> sums;
  for (const agent::StepToolCalls& step : steps) {
    ++report.steps;
    report.calls += step.count;
    report.left_out += std::max<int64_t>(0, step.count - static_cast<int64_t>(step.calls.size()));
    std::set<std::string> names;
    for (const agent::AgentToolCall& call : step.calls) {
      ToolSums& sum = sums[{call.tool, step.via}];
      if (names.insert(call.tool).second) ++sum.use.steps;
      ++sum.use.calls;
      if (!call.success) ++sum.use.failed;
      if (!call.duration_ms) continue;
      ++sum.timed;
      sum.duration_ms += *call.duration_ms;
    }
  }
  for (auto& [name, sum] : sums) {
    std::tie(sum.use.tool, sum.use.via) = name;
    if (sum.timed > 0) {
      sum.use.mean_duration_ms = static_cast<double>(sum.duration_ms) / static_cast<double>(sum.timed);
    }
    report.tools.push_back(std::move(sum.use));
  }
  SortToolUse(report.tools);
  return report;
}

}  // namespace wfe::context
