// How a workflow performs, out of what its runs left behind (PF-1 to PF-5).  Durations are seconds, money is dollars,
// shares are from 0 to 1; what was not measured is absent.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "activities/optimizer/profile/bottleneck.h"
#include "engine/base/record_json.h"

namespace wfe::optimizer {

/// Whether a rate changes with time: the slope over the executions in their order, and how likely it is by chance.
struct Trend {
  double per_execution = 0;
  double p_value = 1;
};
WFE_RECORD(Trend, per_execution, p_value);

/// All runs of one node, together (PF-2).
struct NodePerformanceProfile {
  std::string node_id;
  std::string activity;
  std::string tool;   ///< Of its last run; so is model.
  std::string model;
  int64_t runs = 0;
  double runs_per_execution = 0;  ///< More than 1 in loops and batches, less where a condition leads around it.
  double avg_duration = 0;
  double p50_duration = 0;
  double p95_duration = 0;
  double p99_duration = 0;
  double success_rate = 1;
  double recent_success_rate = 1;  ///< Of its last 50 runs (ST-17).
  std::map<std::string, int64_t> error_types;
  Trend error_trend;
  double avg_input_tokens = 0;
  double avg_output_tokens = 0;
  std::optional<double> token_efficiency;  ///< Output by input; absent without input.
  int64_t tool_calls = 0;                  ///< Calls of its tool: more than `runs` where attempts were repeated.
  std::optional<double> avg_memory_mb;
  std::optional<double> avg_cpu_percent;
  double avg_cost = 0;           ///< Of one run.
  double time_contribution = 0;  ///< Mean time on the critical path by mean duration of the workflow (PF-5).
  double cost_share = 0;         ///< Of the workflow's cost.
};
WFE_RECORD(NodePerformanceProfile, node_id, activity, tool, model, runs, runs_per_execution, avg_duration, p50_duration,
           p95_duration, p99_duration, success_rate, recent_success_rate, error_types, error_trend, avg_input_tokens,
           avg_output_tokens, token_efficiency, tool_calls, avg_memory_mb, avg_cpu_percent, avg_cost, time_contribution,
           cost_share);

/// All calls of one tool, whichever node made them (PF-3).
struct ToolPerformanceProfile {
  std::string tool_id;  ///< NodeRun::ToolId.
  int64_t call_count = 0;
  double success_rate = 1;
  double avg_duration = 0;
  std::string cost_tier;  ///< From the catalog, else by its mean cost; see CostTierOf.
  double total_cost = 0;
  double cost_share = 0;  ///< Of the workflow's cost.
  /// Of calls whose input had been there before: those whose output was the same.  Absent without repeats.
  std::optional<double> deterministic_rate;
  int64_t repeats = 0;
  int64_t contradictions = 0;  ///< Of the repeats: another output.
  int64_t repeats_in_run = 0;  ///< The same input again within one run (BN-8).
  int64_t cache_hits = 0;
  int64_t cache_misses = 0;
};
WFE_RECORD(ToolPerformanceProfile, tool_id, call_count, success_rate, avg_duration, cost_tier, total_cost, cost_share,
           deterministic_rate, repeats, contradictions, repeats_in_run, cache_hits, cache_misses);

struct WorkflowMetrics {
  int64_t executions = 0;
  double avg_duration = 0;
  double p50_duration = 0;
  double p95_duration = 0;
  double p99_duration = 0;
  double success_rate = 1;
  double avg_cost = 0;
  double avg_tokens = 0;
  Trend error_trend;
  std::optional<double> avg_quality;
};
WFE_RECORD(WorkflowMetrics, executions, avg_duration, p50_duration, p95_duration, p99_duration, success_rate, avg_cost,
           avg_tokens, error_trend, avg_quality);

struct TokenEfficiency {
  double input_tokens = 0;  ///< Of one execution, on average; so is output.
  double output_tokens = 0;
  std::optional<double> ratio;  ///< Output by input.
};
WFE_RECORD(TokenEfficiency, input_tokens, output_tokens, ratio);

struct CostAnalysis {
  double total = 0;
  std::map<std::string, double> by_node;
  std::map<std::string, double> by_tool;
  std::map<std::string, double> by_model;
};
WFE_RECORD(CostAnalysis, total, by_node, by_tool, by_model);

/// One call of a tool, as small as it can be: what replays of a cache (ST-19) and groups of calls (ST-22) need.
struct ToolCall {
  int64_t at_ms = 0;     ///< Since 1970.
  uint64_t input = 0;    ///< The first 8 bytes of the hash.
  uint64_t output = 0;   ///< The same; 0: it failed.
  uint32_t execution = 0;  ///< The number of its run, from 0 in their order.
  uint32_t node = 0;       ///< In PerformanceProfile::node_metrics.
  float duration_s = 0;
  float cost_usd = 0;
};

struct PerformanceProfile {
  std::string workflow_id;
  std::string version_id;   ///< Of whose runs; empty: of several.
  std::string from;         ///< ISO 8601; the start of the first run and of the last.
  std::string to;
  int64_t executions = 0;
  WorkflowMetrics workflow_metrics;
  std::vector<NodePerformanceProfile> node_metrics;  ///< By id.
  std::vector<ToolPerformanceProfile> tool_metrics;  ///< By id.
  TokenEfficiency token_efficiency;
  CostAnalysis cost_analysis;
  std::vector<Bottleneck> bottlenecks;  ///< FindBottlenecks (bottleneck.h) fills it in.
  std::vector<std::string> skipped;     ///< Rules that could not be applied, each with why (BN-10).
  /// The graph whose runs these are; null: a workflow in C++, of which there are only nodes and who came after whom.
  nlohmann::json workflow_structure;

  /// By tool id, in the order of time, the last 10,000 of each.  Not part of the record: it is large.
  std::map<std::string, std::vector<ToolCall>> calls;

  const NodePerformanceProfile* Node(std::string_view id) const;
  const ToolPerformanceProfile* Tool(std::string_view id) const;
};
WFE_RECORD(PerformanceProfile, workflow_id, version_id, from, to, executions, workflow_metrics, node_metrics,
           tool_metrics, token_efficiency, cost_analysis, bottlenecks, skipped, workflow_structure);

}  // namespace wfe::optimizer
