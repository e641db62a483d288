// What the history of a run says of one of its steps (RC-16): the elements of ExecutionRecord::nodes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/record_json.h"

namespace wfe::optimizer {

/// NodeRun::error_type of one that was cancelled, or still ran when its workflow ended: it counts neither as good nor
/// as bad.
inline constexpr std::string_view kRunCancelled = "CANCELLED";

/// One call of an activity or a child workflow, with all its attempts.
struct NodeRun {
  std::string node;         ///< Of a graph the node's id; of a workflow in C++ the activity's type (GW-3).
  std::string activity;     ///< The type of the activity or child.
  std::string tool;         ///< As its input says it; empty: the activity is the tool.
  std::string model;        ///< The same.
  int64_t start_ms = 0;     ///< When it was scheduled, counted from the start of the run.
  int64_t duration_ms = 0;  ///< From there to its end.
  int64_t busy_ms = 0;      ///< Of that: the last attempt, from its start to its end.
  int64_t attempts = 1;
  bool success = true;
  std::string error_type;     ///< Of the failure that ended it.
  std::string input_sha256;   ///< Of the canonical JSON of its input.
  std::string output_sha256;  ///< Of its result; empty: there is none.
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  double cost_usd = 0;
  std::optional<double> cpu_ms;     ///< Measured by the worker; so is memory.
  std::optional<double> memory_mb;  ///< At its highest.
  bool cache_hit = false;

  bool cancelled() const { return !success && error_type == kRunCancelled; }
  const std::string& ToolId() const { return tool.empty() ? activity : tool; }
};
WFE_RECORD(NodeRun, node, activity, tool, model, start_ms, duration_ms, busy_ms, attempts, success, error_type,
           input_sha256, output_sha256, input_tokens, output_tokens, cost_usd, cpu_ms, memory_mb, cache_hit);
constexpr RecordRules RulesOf(const NodeRun*) {
  return {.required = "node activity",
          .seldom =
              "tool model error_type output_sha256 input_tokens output_tokens cost_usd cpu_ms memory_mb cache_hit"};
}

}  // namespace wfe::optimizer
