#include <algorithm>
#include <cmath>
#include <set>

#include "activities/graph/validate.h"
#include "activities/optimizer/strategies/apply_parts.h"
#include "activities/optimizer/strategies/strategy_parts.h"
#include "engine/base/fnv.h"

namespace wfe::optimizer {
namespace {

using graph::Graph;
using graph::GraphNode;

/// The nodes of a workflow in C++, one after the other, so that strategies have something to look at.
Graph NodesOf(const PerformanceProfile& profile) {
  Graph nodes;
  nodes.id = profile.workflow_id;
  for (const NodePerformanceProfile& measured : profile.node_metrics) {
    GraphNode node;
    node.id = measured.node_id;
    node.kind = measured.model.empty() ? graph::kActivity : graph::kAgent;
    node.activity = measured.activity;
    node.tool = measured.tool;
    node.model = measured.model;
    if (!nodes.nodes.empty()) nodes.edges.push_back({nodes.nodes.back().id, node.id, ""});
    nodes.nodes.push_back(std::move(node));
  }
  if (!nodes.nodes.empty()) nodes.start = nodes.nodes.front().id;
  return nodes;
}

Suggestions OneRefusal(std::string reason) {
  Suggestions suggestions;
  suggestions.refused.push_back({.strategy_type = "", .target = "", .reason = std::move(reason)});
  return suggestions;
}

bool IsAbout(const StrategyContext& context, const Bottleneck& bottleneck, const OptimizationSuggestion& suggestion) {
  for (const GraphChange& change : suggestion.changes) {
    for (const std::string& id : change.nodes) {
      if (!bottleneck.node_id.empty() && id == bottleneck.node_id) return true;
      if (!bottleneck.other_node.empty() && id == bottleneck.other_node) return true;
      const GraphNode* const node = graph::FindNode(context.graph, id);
      if (!bottleneck.tool_id.empty() && node != nullptr && ToolOf(*node) == bottleneck.tool_id) return true;
    }
  }
  return false;
}

bool IsWanted(const StrategyContext& context, const Strategy& strategy, const OptimizationSuggestion& suggestion) {
  if (context.options.everywhere) return true;
  return std::ranges::any_of(context.profile.bottlenecks, [&](const Bottleneck& bottleneck) {
    return strategy.CanApply(bottleneck, context.profile) && IsAbout(context, bottleneck, suggestion);
  });
}

size_t SizeOf(const OptimizationSuggestion& suggestion) {
  size_t nodes = 0;
  for (const GraphChange& change : suggestion.changes) nodes += change.nodes.size();
  return nodes;
}

/// Only a change of what is connected with what can make a graph wrong.
graph::Mistakes WhatIsWrong(const StrategyContext& context, const Graph& changed,
                            const OptimizationSuggestion& suggestion) {
  const bool connects = std::ranges::any_of(suggestion.changes, [](const GraphChange& change) {
    return change.type == kRemoveNode || change.type == kMergeNodes || change.type == kCreateParallelNode ||
           change.type == kCreateBatchNode;
  });
  return connects && !context.native ? graph::Validate(changed) : graph::Mistakes{};
}

void FromStrategy(const StrategyContext& context, const Strategy& strategy, Suggestions& all) {
  Suggestions found;
  strategy.GenerateSuggestions(context, found);
  for (OptimizationSuggestion& one : found.made) {
    if (!IsWanted(context, strategy, one)) continue;
    const Result<Graph> changed = ApplyUnchecked(context.graph, one.changes, &context.facts);
    if (!changed) {
      all.refused.push_back({one.strategy_type, one.target, changed.error().message});
      continue;
    }
    // What comes out must be a graph that can be run; of a workflow in C++ there is none.
    if (const graph::Mistakes mistakes = WhatIsWrong(context, *changed, one); !mistakes.empty()) {
      all.refused.push_back({one.strategy_type, one.target, "it would be wrong: " + mistakes.told[0].message});
      continue;
    }
    EstimateFrom(context, *changed, one.estimated_improvement);
    one.rank = RankOf(one);
    all.made.push_back(std::move(one));
  }
  for (Refusal& refusal : found.refused) {
    if (all.refused.size() < context.options.max_refusals) all.refused.push_back(std::move(refusal));
  }
}

}  // namespace

void CheckRecord(const StrategyRules& rules) {
  const auto share = [](double value, const char* name) {
    RequireOfRecord(value >= 0 && value <= 1, std::string(name) + " must be from 0 to 1");
  };
  share(rules.failing_rate, "failing_rate");
  share(rules.retry_rate, "retry_rate");
  share(rules.min_tool_success, "min_tool_success");
  share(rules.max_success_loss, "max_success_loss");
  share(rules.min_model_success, "min_model_success");
  share(rules.raises_class_below, "raises_class_below");
  share(rules.min_hit_rate, "min_hit_rate");
  share(rules.min_deterministic_rate, "min_deterministic_rate");
  RequireOfRecord(rules.retry_attempts > 0, "retry_attempts must be positive");
  RequireOfRecord(rules.min_repeats > 0, "min_repeats must be positive");
  RequireOfRecord(rules.cache_ttl_seconds > 0, "cache_ttl_seconds must be positive");
  RequireOfRecord(rules.cache_max_size > 0, "cache_max_size must be positive");
  RequireOfRecord(rules.optimize_for == "cost" || rules.optimize_for == "speed" || rules.optimize_for == "quality",
                  "optimize_for must be cost, speed or quality");
}

Suggestions Suggest(const Graph* graph, const PerformanceProfile& profile, const Catalog& catalog,
                    const SuggestOptions& options) {
  if (profile.executions < options.rules.min_executions) {
    return OneRefusal("the profile is of " + std::to_string(profile.executions) + " executions; " +
                      std::to_string(options.rules.min_executions) + " are needed");
  }
  if (graph != nullptr) {
    const graph::Mistakes mistakes = graph::Validate(*graph);
    if (!mistakes.empty()) return OneRefusal("the graph is not valid: " + mistakes.told[0].message);
  }
  const Graph nodes = graph == nullptr ? NodesOf(profile) : Graph{};
  const Graph& looked_at = graph == nullptr ? nodes : *graph;
  const GraphFacts facts(looked_at);
  const RunModel model(profile, catalog, &looked_at);
  StrategyContext context{.graph = looked_at,
                          .profile = profile,
                          .catalog = catalog,
                          .options = options,
                          .facts = facts,
                          .model = model,
                          .before = model.Estimate(looked_at),
                          .native = graph == nullptr};
  context.overhead = OverheadOf(context.before, profile);
  Suggestions all;
  for (const auto& strategy : AllStrategies()) FromStrategy(context, *strategy, all);
  std::ranges::stable_sort(all.made, [](const OptimizationSuggestion& a, const OptimizationSuggestion& b) {
    return a.rank != b.rank ? a.rank > b.rank : SizeOf(a) < SizeOf(b);
  });
  return all;
}

double RankOf(const OptimizationSuggestion& suggestion) {
  const EstimatedImprovement& improvement = suggestion.estimated_improvement;
  const double risk = suggestion.risk_level == kRiskLow ? 1 : suggestion.risk_level == kRiskMedium ? 0.8 : 0.5;
  return improvement.confidence * risk *
         (0.4 * improvement.duration_reduction + 0.4 * improvement.cost_reduction +
          0.2 * std::min(0.0, improvement.quality_impact));
}

std::string SuggestionId(const std::string& workflow_id, const std::vector<GraphChange>& changes) {
  Fnv1a hash;
  hash.Add(workflow_id);
  hash.Add(nlohmann::json(changes).dump());
  const char* const digits = "0123456789abcdef";
  std::string id;
  for (int shift = 60; shift >= 0; shift -= 4) id += digits[hash.value() >> shift & 15];
  return id;
}

}  // namespace wfe::optimizer
