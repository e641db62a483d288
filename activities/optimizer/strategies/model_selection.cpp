// A smaller model where the work is simple (ST-8, ST-16, ST-17).
#include <algorithm>

#include "activities/optimizer/strategies/strategy_parts.h"

namespace wfe::optimizer {
namespace {

using graph::GraphNode;

const char* const kComplexity[] = {"simple", "medium", "complex"};

/// 0 simple, 1 medium, 2 complex.
size_t ComplexityOf(const NodePerformanceProfile& node, const StrategyRules& rules, nlohmann::json& evidence) {
  const double in = node.avg_input_tokens;
  const double out = node.avg_output_tokens;
  size_t complexity = 1;
  if (in > 2000 || out > 1000) complexity = 2;
  if (in < 500 && out < 200) complexity = 0;
  const bool fails = node.success_rate < rules.raises_class_below;
  const bool calls_often =
      node.runs > 0 && static_cast<double>(node.tool_calls) / static_cast<double>(node.runs) > rules.raises_class_calls;
  evidence["class_by_tokens"] = kComplexity[complexity];
  if (fails || calls_often) {
    evidence["raised_by"] = fails ? "error rate" : "tool calls";
    complexity = std::min<size_t>(complexity + 1, 2);
  }
  evidence["class"] = kComplexity[complexity];
  return complexity;
}

class ModelSelection final : public StrategyBase {
 public:
  ModelSelection() : StrategyBase(kModelSelection, 0.6, {kSlowNode, kDominantNode, kExpensiveTool}) {}

  void GenerateSuggestions(const StrategyContext& context, Suggestions& suggestions) const override {
    for (int n = 0; n < static_cast<int>(context.graph.nodes.size()); ++n) {
      const GraphNode& node = context.graph.nodes[static_cast<size_t>(n)];
      if (!IsCall(node) || node.model.empty() || context.facts.is_batch_member(n)) continue;
      const NodePerformanceProfile* const measured = context.profile.Node(node.id);
      const ModelTier* const now = context.catalog.Model(node.model);
      if (measured == nullptr) continue;
      if (now == nullptr) {
        Refuse(context, node.id, "the catalog has no model " + node.model, suggestions);
        continue;
      }
      Choose(context, node, *measured, *now, suggestions);
    }
  }

  std::string_view RiskLevel(const StrategyContext&, const OptimizationSuggestion&) const override {
    return kRiskMedium;
  }

 private:
  void Choose(const StrategyContext& context, const GraphNode& node, const NodePerformanceProfile& measured,
              const ModelTier& now, Suggestions& suggestions) const {
    const StrategyRules& rules = context.options.rules;
    const std::vector<ModelTier>& models = context.catalog.models;
    const auto current = static_cast<size_t>(&now - models.data());
    if (rules.optimize_for == "quality") return;
    if (measured.avg_input_tokens + measured.avg_output_tokens <= 0) {
      Refuse(context, node.id, "its tokens were not measured", suggestions);
      return;
    }
    nlohmann::json evidence = {{"avg_input_tokens", measured.avg_input_tokens},
                               {"avg_output_tokens", measured.avg_output_tokens},
                               {"recent_success_rate", measured.recent_success_rate},
                               {"model", now.model}};
    // As many tiers as there are: of two the smaller one does for simple and medium work.
    const size_t complexity = ComplexityOf(measured, rules, evidence);
    const size_t needed = models.size() >= 3 ? std::min(complexity + models.size() - 3, models.size() - 1)
                                             : (complexity == 2 ? models.size() - 1 : 0);
    if (needed >= current) {
      if (current > 0)
        Refuse(context, node.id, "its work is " + evidence["class"].get<std::string>() + " and needs " + now.model,
               suggestions);
      return;
    }
    if (measured.recent_success_rate < rules.min_model_success) {
      Refuse(context, node.id,
             "a smaller model would do for its work, but only " + Percent(measured.recent_success_rate) +
                 " of its last runs succeeded",
             suggestions);
      return;
    }
    std::vector<size_t> good;
    for (size_t m = needed; m < current; ++m) good.push_back(m);
    const auto value = [&](size_t m) {
      return rules.optimize_for == "speed"
                 ? models[m].relative_time
                 : PriceOf(models[m], measured.avg_input_tokens, measured.avg_output_tokens);
    };
    const size_t best = *std::ranges::min_element(good, {}, value);
    for (const size_t m : good) {
      if (m != best && !context.options.all_alternatives) continue;
      Propose(context, node, now, models[m], evidence, suggestions);
    }
  }

  void Propose(const StrategyContext& context, const GraphNode& node, const ModelTier& now, const ModelTier& model,
               const nlohmann::json& evidence, Suggestions& suggestions) const {
    OptimizationSuggestion made;
    made.target = node.id;
    GraphChange change;
    change.type = kSubstituteModel;
    change.nodes = {node.id};
    // As the node says it: by the name of the tier or by that of the model.
    change.model = node.model == now.tier ? model.tier : model.model;
    made.description = "Let " + model.model + " do " + node.id + " instead of " + now.model + ": its work is " +
                       evidence["class"].get<std::string>();
    made.changes.push_back(std::move(change));
    made.evidence = evidence;
    made.evidence["proposed"] = model.model;
    if (now.relative_time > 0 && model.relative_time > 0)
      made.estimated_improvement.local_speedup = now.relative_time / model.relative_time;
    made.needs = kAfterExperiment;
    Add(context, std::move(made), suggestions);
  }
};

}  // namespace

std::unique_ptr<Strategy> MakeModelSelection() { return std::make_unique<ModelSelection>(); }

}  // namespace wfe::optimizer
