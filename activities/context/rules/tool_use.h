// Which tools agents call, how often and how that ends (RC-10): sums over the transcripts of their steps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "activities/agent/step/tool_calls.h"
#include "engine/base/record_json.h"

namespace wfe::context {

struct ToolUse {
  std::string tool;
  std::string via;  ///< Who carried it out: as StepToolCalls::via, or "routed": instead of an agent.
  int64_t steps = 0;
  int64_t calls = 0;
  int64_t failed = 0;
  std::optional<double> mean_duration_ms;  ///< Of the calls whose time is known; absent: of none.
};
WFE_RECORD(ToolUse, tool, via, steps, calls, failed, mean_duration_ms);

struct ToolUseReport {
  int64_t steps = 0;     ///< That called tools.
  int64_t calls = 0;     ///< All of them.
  int64_t left_out = 0;  ///< Calls of long steps that are counted and not kept: they are in no row of `tools`.
  std::vector<ToolUse> tools;  ///< The most called first.
};
WFE_RECORD(ToolUseReport, steps, calls, left_out, tools);

ToolUseReport ToolUseOf(const std::vector<agent::StepToolCalls>& steps);
/// The most called first, then by name.
void SortToolUse(std::vector<ToolUse>& tools);

}  // namespace wfe::context
