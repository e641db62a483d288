#include "activities/optimizer/strategies/strategy_parts.h"

#include <algorithm>
#include <cmath>

#include "activities/optimizer/strategies/apply.h"
#include "activities/optimizer/strategies/apply_parts.h"

namespace wfe::optimizer {

using graph::GraphNode;

bool StrategyBase::CanApply(const Bottleneck& bottleneck, const PerformanceProfile&) const {
  return std::ranges::find(against_, bottleneck.type) != against_.end();
}

namespace {

/// Of a workflow in C++ it is not known what waits for what; its profile knows how much of the time was each node's.
double NativeReduction(const StrategyContext& context, const graph::Graph& changed) {
  double reduction = 0;
  for (size_t n = 0; n < changed.nodes.size(); ++n) {
    const auto before = context.model.FiguresOf(context.graph.nodes[n]);
    const auto after = context.model.FiguresOf(changed.nodes[n]);
    const NodePerformanceProfile* const node = context.profile.Node(changed.nodes[n].id);
    if (!before || !after || node == nullptr || before->duration <= 0) continue;
    reduction += (1 - after->duration / before->duration) * node->time_contribution;
  }
  return reduction;
}

double ShareSaved(double before, double after, double whole) { return whole <= 0 ? 0 : (before - after) / whole; }

}  // namespace

void EstimateFrom(const StrategyContext& context, const graph::Graph& changed, EstimatedImprovement& improvement) {
  const RunEstimate& before = context.before;
  const RunEstimate after = context.model.Estimate(changed);
  improvement.duration_reduction =
      context.native ? NativeReduction(context, changed)
                     : ShareSaved(before.duration, after.duration, before.duration + context.overhead);
  improvement.cost_reduction = ShareSaved(before.cost, after.cost, before.cost);
  const double quality = before.quality * before.success_rate;
  if (quality > 0)
    improvement.quality_impact = std::clamp(after.quality * after.success_rate / quality - 1, -1.0, 1.0);
  improvement.speedup = 1 / std::max(1 - improvement.duration_reduction, 1e-6);
}

EstimatedImprovement StrategyBase::EstimateImprovement(const StrategyContext& context,
                                                       const OptimizationSuggestion& suggestion) const {
  EstimatedImprovement improvement = suggestion.estimated_improvement;
  improvement.confidence = confidence_;
  const Result<graph::Graph> changed = ApplyUnchecked(context.graph, suggestion.changes, &context.facts);
  if (!changed) return {};
  EstimateFrom(context, *changed, improvement);
  return improvement;
}

void StrategyBase::Add(const StrategyContext& context, OptimizationSuggestion suggestion,
                       Suggestions& suggestions) const {
  suggestion.strategy_type = type_;
  if (suggestion.action.empty()) suggestion.action = suggestion.changes.front().type;
  suggestion.risk_level = RiskLevel(context, suggestion);
  suggestion.estimated_improvement.confidence = confidence_;
  suggestion.suggestion_id = SuggestionId(context.profile.workflow_id, suggestion.changes);
  suggestions.made.push_back(std::move(suggestion));
}

void StrategyBase::Refuse(const StrategyContext& context, const std::string& target, const std::string& reason,
                          Suggestions& suggestions) const {
  if (suggestions.refused.size() >= context.options.max_refusals) return;
  suggestions.refused.push_back({.strategy_type = std::string(type_), .target = target, .reason = reason});
}

bool IsCall(const GraphNode& node) { return node.kind == graph::kActivity || node.kind == graph::kAgent; }

std::string Percent(double share) { return std::to_string(std::lround(share * 100)) + " %"; }

std::string Joined(const std::vector<std::string>& names, std::string_view between) {
  std::string joined;
  for (const std::string& name : names) joined.append(joined.empty() ? "" : between).append(name);
  return joined;
}

Determinism DeterminismOf(const StrategyContext& context, const GraphNode& node) {
  const std::string& tool = ToolOf(node);
  const ToolInfo* const info = context.catalog.Tool(tool);
  const ToolPerformanceProfile* const measured = context.profile.Tool(tool);
  const bool declared = node.deterministic || (info != nullptr && info->deterministic);
  Determinism known{.rate = declared ? 1.0 : 0.0, .why = "nothing says that equal inputs give equal results"};
  if (measured != nullptr && measured->repeats > 0) {
    known.repeats = measured->repeats;
    known.contradictions = measured->contradictions;
    known.rate = measured->deterministic_rate.value_or(
        1 - static_cast<double>(known.contradictions) / static_cast<double>(known.repeats));
  }
  const std::string of = std::to_string(known.contradictions) + " of " + std::to_string(known.repeats);
  if (known.contradictions > 0) {
    known.why = of + " repeats gave another result" + (declared ? ", although it is declared deterministic" : "");
  } else if (declared) {
    known.certain = true;
    known.why = "it is declared deterministic";
  } else if (known.repeats > 0) {
    known.certain = known.repeats >= context.options.rules.min_repeats;
    known.why = of + " repeats gave another result";
  }
  return known;
}

Result<graph::Graph> Strategy::Apply(const graph::Graph& graph, const OptimizationSuggestion& suggestion) const {
  return ApplyChanges(graph, suggestion.changes);
}

const std::vector<std::unique_ptr<Strategy>>& AllStrategies() {
  static const std::vector<std::unique_ptr<Strategy>>* const kAll = [] {
    auto* const all = new std::vector<std::unique_ptr<Strategy>>();
    all->push_back(MakePruning());
    all->push_back(MakeParallelization());
    all->push_back(MakeToolSelection());
    all->push_back(MakeModelSelection());
    all->push_back(MakeCaching());
    all->push_back(MakeBatching());
    return all;
  }();
  return *kAll;
}

}  // namespace wfe::optimizer
