// Another tool that can do the same (ST-7, ST-14, ST-15).
#include <algorithm>
#include <cmath>

#include "activities/optimizer/strategies/strategy_parts.h"

namespace wfe::optimizer {
namespace {

using graph::GraphNode;

/// A tool with what is known of it.
struct Contender {
  const ToolInfo* info = nullptr;
  double cost = 0;
  double duration = 0;
  double success_rate = 1;
  double score = 0;
};

/// 0.4 cost + 0.3 speed + 0.3 success, cost and speed from 0 (the worst of them) to 1.
void ScoreContenders(std::vector<Contender>& contenders) {
  const auto part = [&](double Contender::* figure, const Contender& one) {
    const auto [least, most] = std::ranges::minmax_element(contenders, {}, figure);
    const double range = *most.*figure - *least.*figure;
    return range <= 0 ? 1 : 1 - (one.*figure - *least.*figure) / range;
  };
  for (Contender& one : contenders) {
    one.score = 0.4 * part(&Contender::cost, one) + 0.3 * part(&Contender::duration, one) + 0.3 * one.success_rate;
  }
}

bool CanAllOf(const ToolInfo& other, const ToolInfo& now) {
  return std::ranges::all_of(now.capabilities, [&](const std::string& capability) {
    return std::ranges::find(other.capabilities, capability) != other.capabilities.end();
  });
}

bool SameInterface(const ToolInfo& a, const ToolInfo& b) {
  const auto fits = [](const nlohmann::json& x, const nlohmann::json& y) {
    return x.is_null() || y.is_null() || x.empty() || y.empty() || x == y;
  };
  return fits(a.input_schema, b.input_schema) && fits(a.output_schema, b.output_schema);
}

class ToolSelection final : public StrategyBase {
 public:
  ToolSelection()
      : StrategyBase(kToolSelection, 0.7, {kExpensiveTool, kSlowNode, kDominantNode, kUnreliableNode}) {}

  void GenerateSuggestions(const StrategyContext& context, Suggestions& suggestions) const override {
    if (context.native) return;
    for (int n = 0; n < static_cast<int>(context.graph.nodes.size()); ++n) {
      const GraphNode& node = context.facts.node(n);
      if (!IsCall(node) || context.facts.is_batch_member(n) || context.profile.Node(node.id) == nullptr) continue;
      const ToolInfo* const info = context.catalog.Tool(ToolOf(node));
      if (info != nullptr && !info->capabilities.empty()) Choose(context, node, *info, suggestions);
    }
  }

  std::string_view RiskLevel(const StrategyContext& context, const OptimizationSuggestion& suggestion) const override {
    const std::string& tool = suggestion.changes.front().tool;
    const ToolInfo* const info = context.catalog.Tool(tool);
    const bool other_results = (info != nullptr && info->approximate) || context.catalog.Model(tool) != nullptr;
    return other_results ? kRiskMedium : kRiskLow;
  }

 private:
  void Choose(const StrategyContext& context, const GraphNode& node, const ToolInfo& now,
              Suggestions& suggestions) const {
    const ToolFigures measured = FiguresOfTool(now.tool_id, context.profile, context.catalog);
    const auto figures = context.model.FiguresOf(node);
    std::vector<Contender> contenders = {{.info = &now,
                                          .cost = measured.cost.value_or(figures->cost),
                                          .duration = measured.duration.value_or(figures->duration),
                                          .success_rate = measured.success_rate.value_or(figures->success_rate)}};
    for (const ToolInfo& other : context.catalog.tools) {
      if (other.tool_id == now.tool_id || !CanAllOf(other, now)) continue;
      const ToolFigures known = FiguresOfTool(other.tool_id, context.profile, context.catalog);
      const std::string why = WhyNot(context, node, now, other, known, contenders[0]);
      if (!why.empty()) {
        Refuse(context, node.id, "not " + other.tool_id + ": " + why, suggestions);
        continue;
      }
      contenders.push_back(
          {.info = &other, .cost = *known.cost, .duration = *known.duration, .success_rate = *known.success_rate});
    }
    if (contenders.size() < 2) return;
    ScoreContenders(contenders);
    const Contender& current = contenders[0];
    const Contender* best = &current;
    for (const Contender& one : contenders) {
      if (one.score > best->score + 1e-9) best = &one;
    }
    for (const Contender& one : contenders) {
      if (one.info == &now) continue;
      const bool all = context.options.all_alternatives && one.score > current.score + 1e-9;
      if (&one == best || all) {
        Propose(context, node, current, one, suggestions);
      } else {
        Refuse(context, node.id, "not " + one.info->tool_id + ": its score is not the best", suggestions);
      }
    }
  }

  static std::string WhyNot(const StrategyContext& context, const GraphNode& node, const ToolInfo& now,
                            const ToolInfo& other, const ToolFigures& known, const Contender& current) {
    const StrategyRules& rules = context.options.rules;
    if (other.status != "active") return "it is " + other.status;
    if (!SameInterface(now, other)) return "its input or output has another form";
    if (!known.cost || !known.duration || !known.success_rate) return "its cost, time or success was never measured";
    if (*known.success_rate < rules.min_tool_success)
      return "it succeeds in only " + Percent(*known.success_rate) + " of its calls";
    if (*known.success_rate < current.success_rate - rules.max_success_loss)
      return "it succeeds in " + Percent(*known.success_rate) + " of its calls, and " + now.tool_id + " in " +
             Percent(current.success_rate);
    if (node.tool.empty() && other.activity_type.empty() && node.activity != now.tool_id)
      return "it is not known which activity runs it";
    // An index is worth its upkeep only above a size (ST-15).
    const bool indexed = std::ranges::find(other.capabilities, "index") != other.capabilities.end();
    const auto items = node.parameters.find("items");
    if (indexed && items != node.parameters.end() && items->is_number() &&
        items->get<double>() <= rules.linear_search_items)
      return "an index is for more than " + std::to_string(std::lround(rules.linear_search_items)) + " items";
    return "";
  }

  void Propose(const StrategyContext& context, const GraphNode& node, const Contender& current, const Contender& other,
               Suggestions& suggestions) const {
    OptimizationSuggestion made;
    made.target = node.id;
    GraphChange change;
    change.type = kSubstituteTool;
    change.nodes = {node.id};
    change.tool = other.info->tool_id;
    if (other.info->activity_type != node.activity) change.activity = other.info->activity_type;
    made.changes.push_back(std::move(change));
    made.description = "Use " + other.info->tool_id + " instead of " + current.info->tool_id + " for " + node.id +
                       ": it can do the same";
    const auto told = [](const Contender& one) {
      return nlohmann::json{{"tool", one.info->tool_id}, {"cost", one.cost}, {"duration", one.duration},
                            {"success_rate", one.success_rate}, {"score", one.score}};
    };
    made.evidence = {{"current", told(current)}, {"proposed", told(other)}};
    if (other.duration > 0) made.estimated_improvement.local_speedup = current.duration / other.duration;
    made.needs = RiskLevel(context, made) == kRiskLow ? kAfterApproval : kAfterExperiment;
    Add(context, std::move(made), suggestions);
  }
};

}  // namespace

std::unique_ptr<Strategy> MakeToolSelection() { return std::make_unique<ToolSelection>(); }

}  // namespace wfe::optimizer
