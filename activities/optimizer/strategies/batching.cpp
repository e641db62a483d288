// Several calls that can be one (ST-10, ST-22).
#include <algorithm>
#include <map>

#include "activities/optimizer/strategies/strategy_parts.h"

namespace wfe::optimizer {
namespace {

using graph::GraphNode;

/// More calls than that are worth one for all.
size_t WorthMoreThan(const ToolInfo& tool) {
  if (tool.batch_kind == "embedding") return 3;
  if (tool.batch_kind == "search") return 5;
  if (tool.batch_kind == "analysis") return 10;
  return 1;
}

class Batching final : public StrategyBase {
 public:
  Batching() : StrategyBase(kBatching, 0.8, {kSlowNode, kDominantNode, kExpensiveTool, kRedundantOperation}) {}

  void GenerateSuggestions(const StrategyContext& context, Suggestions& suggestions) const override {
    if (context.native) return;
    for (const GraphFacts::Row& row : context.facts.rows()) {
      std::map<std::pair<int, std::string>, std::vector<int>> groups;  // by level: none of them needs another one
      for (const int n : row) {
        const GraphNode& node = context.facts.node(n);
        const ToolInfo* const tool = context.catalog.Tool(ToolOf(node));
        if (!IsCall(node) || tool == nullptr || !tool->supports_batch || context.profile.Node(node.id) == nullptr)
          continue;
        if (node.side_effects) {
          Refuse(context, node.id, "it has side effects", suggestions);
        } else if (node.cache) {
          Refuse(context, node.id, "it is cached, and calls of a batch are not", suggestions);
        } else {
          groups[{context.facts.level_of(n), node.activity + '\n' + node.tool}].push_back(n);
        }
      }
      for (const auto& [call, group] : groups) Consider(context, group, suggestions);
    }
  }

  std::string_view RiskLevel(const StrategyContext&, const OptimizationSuggestion&) const override { return kRiskLow; }

 private:
  void Consider(const StrategyContext& context, const std::vector<int>& group, Suggestions& suggestions) const {
    if (group.size() < 2) return;
    const std::string& tool = ToolOf(context.facts.node(group[0]));
    std::vector<std::string> ids;
    double one_by_one = 0;
    double longest = 0;
    double least_runs = -1;
    for (const int n : group) {
      ids.push_back(context.facts.node(n).id);
      const auto figures = context.model.FiguresOf(context.facts.node(n));
      one_by_one += figures->runs * figures->duration;
      longest = std::max(longest, figures->runs * figures->duration);
      if (least_runs < 0 || figures->runs < least_runs) least_runs = figures->runs;
    }
    const size_t least = WorthMoreThan(*context.catalog.Tool(tool));
    if (group.size() <= least) {
      Refuse(context, Joined(ids),
             std::to_string(group.size()) + " calls of " + tool + "; one for all is worth it for more than " +
                 std::to_string(least),
             suggestions);
      return;
    }
    OptimizationSuggestion made;
    made.target = Joined(ids);
    GraphChange change;
    change.type = kCreateBatchNode;
    change.nodes = ids;
    change.batch_size = static_cast<int64_t>(ids.size());
    made.changes.push_back(std::move(change));
    made.description = "One call of " + tool + " for " + Joined(ids, ", ");
    made.evidence = {{"calls", ids.size()},
                     {"count", std::llround(least_runs * static_cast<double>(context.profile.executions))},
                     {"one_by_one", one_by_one},
                     {"in_one", kBatchTime * longest}};
    if (longest > 0) made.estimated_improvement.local_speedup = one_by_one / (kBatchTime * longest);
    made.needs = kAfterApproval;
    Add(context, std::move(made), suggestions);
  }
};

}  // namespace

std::unique_ptr<Strategy> MakeBatching() { return std::make_unique<Batching>(); }

}  // namespace wfe::optimizer
