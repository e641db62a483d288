// Where a workflow loses time, money or runs (BN-1 to BN-10).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::optimizer {

// Bottleneck::type.
inline constexpr std::string_view kSlowNode = "SLOW_NODE";
inline constexpr std::string_view kDominantNode = "DOMINANT_NODE";
inline constexpr std::string_view kUnreliableNode = "UNRELIABLE_NODE";
inline constexpr std::string_view kExpensiveTool = "EXPENSIVE_TOOL";
inline constexpr std::string_view kMissingCaching = "MISSING_CACHING";
inline constexpr std::string_view kRedundantOperation = "REDUNDANT_OPERATION";
inline constexpr std::string_view kUnusedOutput = "UNUSED_OUTPUT";

struct Bottleneck {
  std::string type;
  std::string node_id;   ///< Or tool_id; of two nodes that do the same, the one that may go.
  std::string tool_id;
  std::string severity;  ///< HIGH, MEDIUM or LOW.
  std::string metric;    ///< Of the profile, or what was counted.
  double value = 0;
  double threshold = 0;
  std::string suggestion;  ///< What could be done, in a sentence.
  std::string description;
  std::string other_node;  ///< Of REDUNDANT_OPERATION: the node whose result is the same.
  std::string rule;        ///< The requirement: "BN-1".
};
WFE_RECORD(Bottleneck, type, node_id, tool_id, severity, metric, value, threshold, suggestion, description, other_node,
           rule);
constexpr RecordRules RulesOf(const Bottleneck*) { return {.seldom = "node_id tool_id other_node"}; }

/// All thresholds of the rules; RulesOf says that unknown ones are refused.
struct BottleneckRules {
  int64_t min_executions = 5;       ///< Fewer: no rule is applied, and the profile says so.
  double slow_factor = 3;           ///< BN-1: times the median of the nodes' means.
  double slow_quantile = 0.95;      ///< BN-2
  int64_t slow_min_nodes = 20;      ///< BN-2
  double dominant_share = 0.20;     ///< BN-3
  double min_success_rate = 0.80;   ///< BN-4
  double trend_significance = 0.05; ///< BN-5
  double expensive_share = 0.10;    ///< BN-6
  double deterministic_rate = 0.8;  ///< BN-7
};
WFE_RECORD(BottleneckRules, min_executions, slow_factor, slow_quantile, slow_min_nodes, dominant_share,
           min_success_rate, trend_significance, expensive_share, deterministic_rate);
constexpr RecordRules RulesOf(const BottleneckRules*) { return {.refuses_unknown = true, .subject = "rules"}; }

}  // namespace wfe::optimizer
