// Nodes that wait for each other without need (ST-6, ST-12, ST-13).
#include <algorithm>
#include <map>

#include "activities/optimizer/strategies/strategy_parts.h"

namespace wfe::optimizer {
namespace {

using graph::GraphNode;

class Parallelization final : public StrategyBase {
 public:
  Parallelization() : StrategyBase(kParallelization, 0.8, {kSlowNode, kDominantNode}) {}

  void GenerateSuggestions(const StrategyContext& context, Suggestions& suggestions) const override {
    if (context.native) {
      Refuse(context, "", "a workflow in C++ is not rebuilt; what could run at once is for its author", suggestions);
      return;
    }
    for (const GraphFacts::Row& row : context.facts.rows()) {
      std::map<int, std::vector<int>> levels;
      for (const int n : row) {
        if (TimeOf(context, n) > 0) levels[context.facts.level_of(n)].push_back(n);
      }
      for (const auto& [level, group] : levels) {
        if (group.size() > 1) Propose(context, group, suggestions);
      }
      RefusePairs(context, row, suggestions);
    }
    RefuseSpeculation(context, suggestions);
  }

  std::string_view RiskLevel(const StrategyContext& context, const OptimizationSuggestion& suggestion) const override {
    // Independent analyses: each depends on its input alone.
    for (const std::string& id : suggestion.changes.front().nodes) {
      const GraphNode* const node = graph::FindNode(context.graph, id);
      if (node == nullptr || !IsCall(*node)) return kRiskMedium;
      const ToolInfo* const tool = context.catalog.Tool(ToolOf(*node));
      const bool analyses = tool != nullptr && std::ranges::find(tool->capabilities, "analysis") !=
                                                   tool->capabilities.end();
      if (!analyses && !node->deterministic) return kRiskMedium;
    }
    return kRiskLow;
  }

 private:
  /// What it adds to its walk; of a parallel node what its longest branch does.
  static double TimeOf(const StrategyContext& context, int n) {
    const GraphNode& node = context.facts.node(n);
    if (node.kind == graph::kParallel) {
      double longest = 0;
      for (const int walk : context.facts.branches_of(n)) {
        double time = 0;
        for (const int inner : context.facts.walks()[static_cast<size_t>(walk)].nodes) time += TimeOf(context, inner);
        longest = std::max(longest, time);
      }
      return longest;
    }
    const auto figures = context.model.FiguresOf(node);
    return figures ? TimeOfRuns(node, *figures) : 0;
  }

  void Propose(const StrategyContext& context, const std::vector<int>& group, Suggestions& suggestions) const {
    OptimizationSuggestion made;
    GraphChange change;
    change.type = kCreateParallelNode;
    double sequential = 0;
    double longest = 0;
    for (const int n : group) {
      change.nodes.push_back(context.facts.node(n).id);
      sequential += TimeOf(context, n);
      longest = std::max(longest, TimeOf(context, n));
    }
    made.target = Joined(change.nodes);
    made.description = "Run " + Joined(change.nodes, ", ") + " at once: none needs what another one does";
    made.evidence = {{"node_ids", change.nodes},
                     {"sequential_duration", sequential},
                     {"parallel_duration", longest},
                     {"estimated_speedup", sequential / longest},
                     {"join_strategy", "all_complete"},
                     {"error_strategy", "fail_fast"}};
    made.estimated_improvement.local_speedup = sequential / longest;
    made.changes.push_back(std::move(change));
    made.needs = kAfterApproval;
    Add(context, std::move(made), suggestions);
  }

  /// Neighbours that cannot run at once for another reason than that one reads what the other one gives, and nodes two
  /// steps apart that look as if they could.
  void RefusePairs(const StrategyContext& context, const GraphFacts::Row& row, Suggestions& suggestions) const {
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      const std::string& first = context.facts.node(row[i]).id;
      const std::string why = context.facts.WhyDependent(row[i], row[i + 1]);
      const std::string& second = context.facts.node(row[i + 1]).id;
      if (!why.empty() && !why.starts_with(second + " reads ")) Refuse(context, first + "," + second, why, suggestions);
      if (i + 2 >= row.size()) continue;
      const std::string far = context.facts.WhyDependent(row[i], row[i + 2]);
      if (far.find(", which needs ") != std::string::npos)
        Refuse(context, first + "," + context.facts.node(row[i + 2]).id, far, suggestions);
    }
  }

  /// ST-13.  To run both ways of a condition before it is known would leave in the state what the other way wrote.
  void RefuseSpeculation(const StrategyContext& context, Suggestions& suggestions) const {
    std::map<std::string, int> conditions;
    for (const graph::GraphEdge& edge : context.graph.edges) conditions[edge.source] += edge.condition.empty() ? 0 : 1;
    for (const auto& [source, count] : conditions) {
      if (count == 0) continue;
      Refuse(context, source,
             "running both ways of its condition at once is not automated: what the way not taken writes would stay in "
             "the state",
             suggestions);
    }
  }
};

}  // namespace

std::unique_ptr<Strategy> MakeParallelization() { return std::make_unique<Parallelization>(); }

}  // namespace wfe::optimizer
