// A change of a workflow that is proposed, with an honest estimate (ST-1 to ST-4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/graph/graph.h"
#include "engine/base/record_json.h"

namespace wfe::optimizer {

// OptimizationSuggestion::strategy_type.
inline constexpr std::string_view kPruning = "pruning";
inline constexpr std::string_view kParallelization = "parallelization";
inline constexpr std::string_view kToolSelection = "tool_selection";
inline constexpr std::string_view kModelSelection = "model_selection";
inline constexpr std::string_view kCaching = "caching";
inline constexpr std::string_view kBatching = "batching";

// GraphChange::type.
inline constexpr std::string_view kRemoveNode = "remove_node";
inline constexpr std::string_view kCreateParallelNode = "create_parallel_node";
inline constexpr std::string_view kSubstituteTool = "substitute_tool";
inline constexpr std::string_view kSubstituteModel = "substitute_model";
inline constexpr std::string_view kEnableCache = "enable_cache";
inline constexpr std::string_view kCreateBatchNode = "create_batch_node";
inline constexpr std::string_view kMergeNodes = "merge_nodes";
inline constexpr std::string_view kSetRetry = "set_retry";  ///< Ours, for ST-11: a node that fails now and then.

// Risk levels, as they stand in OptimizationSuggestion::risk_level.
inline constexpr std::string_view kRiskLow = "LOW";
inline constexpr std::string_view kRiskMedium = "MEDIUM";
inline constexpr std::string_view kRiskHigh = "HIGH";

// What a suggestion needs before it is used, from least to most.
inline constexpr std::string_view kAfterValidation = "validation";  ///< The dry run is enough.
inline constexpr std::string_view kAfterApproval = "approval";
inline constexpr std::string_view kAfterExperiment = "experiment";  ///< Approval, and an A/B test.
inline constexpr std::string_view kAfterReview = "review";          ///< A person has to look at the change itself.

/// One change of a graph; what its type does not need is empty.
struct GraphChange {
  std::string type;
  std::vector<std::string> nodes;  ///< That it is about; of merge_nodes the one that stays is the first.
  std::string tool;
  /// That runs the tool; empty: that of the node, or, where the node has no tool, the tool itself.
  std::string activity;
  std::string model;
  std::optional<graph::CacheSettings> cache;
  std::optional<graph::RetrySettings> retry;
  int64_t batch_size = 0;

  friend bool operator==(const GraphChange&, const GraphChange&) = default;
};
WFE_RECORD(GraphChange, type, nodes, tool, activity, model, cache, retry, batch_size);
constexpr RecordRules RulesOf(const GraphChange*) {
  return {.refuses_unknown = true, .required = "type nodes", .seldom = "tool activity model cache retry batch_size"};
}

/// Reductions are shares of the whole workflow, 0 to 1 (ST-3); negative: it gets worse.
struct EstimatedImprovement {
  double duration_reduction = 0;
  double cost_reduction = 0;
  double quality_impact = 0;  ///< -1 to 1
  double confidence = 0;      ///< 0 to 1
  double speedup = 1;         ///< 1 / (1 - duration_reduction)
  std::optional<double> local_speedup;    ///< Of the part that is changed, on average.
  std::optional<double> speedup_of_hits;  ///< Of caching (ST-20).
  std::optional<double> hit_rate;
};
WFE_RECORD(EstimatedImprovement, duration_reduction, cost_reduction, quality_impact, confidence, speedup, local_speedup,
           speedup_of_hits, hit_rate);

struct OptimizationSuggestion {
  std::string suggestion_id;  ///< Of what it changes: the same change of the same graph has the same id.
  std::string strategy_type;
  std::string action;  ///< The type of its main change.
  std::string target;  ///< The node, the tool, or the nodes with commas between them.
  std::string description;
  std::vector<GraphChange> changes;
  std::string risk_level;
  EstimatedImprovement estimated_improvement;
  nlohmann::json evidence;  ///< What of the profile it rests on.
  std::string needs;        ///< kAfterValidation and so on.
  double rank = 0;          ///< RankOf, ST-4.
};
WFE_RECORD(OptimizationSuggestion, suggestion_id, strategy_type, action, target, description, changes, risk_level,
           estimated_improvement, evidence, needs, rank);

/// What was looked at and not proposed.
struct Refusal {
  std::string strategy_type;
  std::string target;
  std::string reason;
};
WFE_RECORD(Refusal, strategy_type, target, reason);

struct Suggestions {
  std::vector<OptimizationSuggestion> made;  ///< The best first.
  std::vector<Refusal> refused;
};
WFE_RECORD(Suggestions, made, refused);

}  // namespace wfe::optimizer
