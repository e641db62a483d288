// Six ways to make a workflow better (ST-1 to ST-22).  All are pure: from a graph, a profile and a catalog to
// suggestions, and to a sentence for each thing that was looked at and is not proposed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "activities/graph/graph.h"
#include "activities/optimizer/profile/catalog.h"
#include "activities/optimizer/profile/performance_profile.h"
#include "activities/optimizer/strategies/run_model.h"
#include "activities/optimizer/strategies/suggestion.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"

namespace wfe::optimizer {

/// Thresholds of the strategies; those that the source of a rule leaves open are ours.
struct StrategyRules {
  double failing_rate = 0.5;            ///< ST-5: below, a node may go.
  double retry_rate = 0.8;              ///< ST-11: from failing_rate to here a node gets a retry.
  int64_t retry_attempts = 5;           ///< That a node gets which fails now and then.
  double min_tool_success = 0.8;        ///< ST-14
  double max_success_loss = 0.05;       ///< ST-14: a tool that fails more often by more than this is not offered.
  double min_model_success = 0.8;       ///< ST-17, of recent runs.
  double raises_class_below = 0.9;      ///< ST-16: success rate that raises the complexity by one.
  double raises_class_calls = 1.5;      ///< ST-16: tool calls of one run that do.
  std::string optimize_for = "cost";    ///< ST-16: cost, speed or quality.
  double min_hit_rate = 0.3;            ///< ST-9
  double min_deterministic_rate = 0.8;  ///< ST-20
  int64_t min_repeats = 20;             ///< ST-20: never contradicted in so many is as good as declared.
  int64_t cache_ttl_seconds = 3600;     ///< ST-18
  int64_t cache_max_size = 1000;        ///< ST-18
  double linear_search_items = 1000;    ///< ST-15: a search over more than that is for an index.
  int64_t min_executions = 5;           ///< BN-10: with fewer nothing is proposed.
};
WFE_RECORD(StrategyRules, failing_rate, retry_rate, retry_attempts, min_tool_success, max_success_loss,
           min_model_success, raises_class_below, raises_class_calls, optimize_for, min_hit_rate,
           min_deterministic_rate, min_repeats, cache_ttl_seconds, cache_max_size, linear_search_items, min_executions);
constexpr RecordRules RulesOf(const StrategyRules*) { return {.refuses_unknown = true, .subject = "rules"}; }
/// Rates are from 0 to 1, counts are positive.
void CheckRecord(const StrategyRules& rules);

struct SuggestOptions {
  StrategyRules rules;
  /// Without it only what a bottleneck of the profile is about; with it every node and tool, as a search wants it.
  bool everywhere = false;
  /// Every tool and model that is allowed, instead of the best for each node.
  bool all_alternatives = false;
  size_t max_refusals = 1'000;
};

class GraphFacts;

/// What strategies look at; it outlives them.
struct StrategyContext {
  const graph::Graph& graph;
  const PerformanceProfile& profile;
  const Catalog& catalog;
  const SuggestOptions& options;
  const GraphFacts& facts;
  const RunModel& model;
  RunEstimate before;
  double overhead = 0;  ///< OverheadOf
  bool native = false;  ///< There is no graph to edit (GW-3): `graph` only lists the nodes.
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual std::string_view type() const = 0;
  /// Whether a bottleneck is one that this strategy does something about.
  virtual bool CanApply(const Bottleneck& bottleneck, const PerformanceProfile& profile) const = 0;
  /// Everything that it would change; `refused` gets what it would not, with the reason.
  virtual void GenerateSuggestions(const StrategyContext& context, Suggestions& suggestions) const = 0;
  /// Of a suggestion of its own: differences of two EstimateRun, with the confidence of the strategy (ST-5 to ST-10).
  /// Zero where the change cannot be applied.
  virtual EstimatedImprovement EstimateImprovement(const StrategyContext& context,
                                                   const OptimizationSuggestion& suggestion) const = 0;
  virtual std::string_view RiskLevel(const StrategyContext& context,
                                     const OptimizationSuggestion& suggestion) const = 0;
  /// A new graph.
  Result<graph::Graph> Apply(const graph::Graph& graph, const OptimizationSuggestion& suggestion) const;
};

/// One of each, in the order in which the type constants stand in suggestion.h.
const std::vector<std::unique_ptr<Strategy>>& AllStrategies();

/// The best first (RankOf).  `graph` nullptr: a workflow in C++, for which only what needs no graph is proposed (GW-3).
/// A graph that does not validate, and a profile of too few executions, get one refusal and nothing else.
Suggestions Suggest(const graph::Graph* graph, const PerformanceProfile& profile, const Catalog& catalog,
                    const SuggestOptions& options = {});

/// ST-4.
double RankOf(const OptimizationSuggestion& suggestion);
/// Two suggestions that change the same have the same: 16 hexadecimal digits.
std::string SuggestionId(const std::string& workflow_id, const std::vector<GraphChange>& changes);

}  // namespace wfe::optimizer
