// Nodes that nobody needs, nodes that fail, and nodes that do what another one did (ST-5, ST-11).
#include <algorithm>
#include <map>
#include <set>

#include "activities/optimizer/strategies/apply_parts.h"
#include "activities/optimizer/strategies/strategy_parts.h"

namespace wfe::optimizer {
namespace {

using graph::GraphNode;

class Pruning final : public StrategyBase {
 public:
  Pruning() : StrategyBase(optimizer::kPruning, 0.9, {kUnreliableNode, kUnusedOutput, kRedundantOperation}) {}

  void GenerateSuggestions(const StrategyContext& context, Suggestions& suggestions) const override {
    RepeatFailing(context, suggestions);
    if (context.native) return;
    RemoveUnused(context, suggestions);
    RemoveFailing(context, suggestions);
    MergeDuplicates(context, suggestions);
  }

  std::string_view RiskLevel(const StrategyContext& context, const OptimizationSuggestion& suggestion) const override {
    const GraphChange& change = suggestion.changes.front();
    if (change.type == kSetRetry) return kRiskLow;
    if (change.type == kMergeNodes) return kRiskMedium;
    double worst = 1;
    for (const GraphChange& one : suggestion.changes) {
      const NodePerformanceProfile* const measured = context.profile.Node(one.nodes.front());
      if (measured != nullptr) worst = std::min(worst, measured->success_rate);
    }
    if (worst < context.options.rules.failing_rate) return kRiskHigh;
    return worst < 1 ? kRiskMedium : kRiskLow;  // where it failed, it also ended runs that should end
  }

 private:
  static bool MayGo(const StrategyContext& context, int node) {
    const GraphNode& what = context.facts.node(node);
    return (IsCall(what) || what.kind == graph::kBatch) && what.branches.empty() &&
           !context.facts.is_batch_member(node) && !what.side_effects;
  }

  static GraphChange Removal(const GraphNode& node) {
    GraphChange change;
    change.type = kRemoveNode;
    change.nodes = {node.id};
    return change;
  }

  /// Why what it writes is needed; empty: nobody reads it.
  static std::string WhyNeeded(const StrategyContext& context, int node) {
    std::string why;
    if (context.facts.IsNeededBeyondNodes(node, &why)) return why;
    for (const int user : context.facts.UsersOf(node)) return context.facts.node(user).id + " reads what it writes";
    return "";
  }

  /// In the order in which they can go: who reads comes before who writes.
  static std::vector<int> UnusedNodes(const StrategyContext& context, std::map<int, std::vector<int>>& users) {
    std::vector<int> unused;
    std::set<int> gone;
    const int size = static_cast<int>(context.graph.nodes.size());
    std::vector<int> open;
    for (int n = 0; n < size; ++n) {
      if (!MayGo(context, n) || context.facts.node(n).writes.empty() || context.facts.IsNeededBeyondNodes(n)) continue;
      users[n] = context.facts.UsersOf(n);
      open.push_back(n);
    }
    for (bool more = true; more;) {
      more = false;
      for (const int n : open) {
        if (gone.contains(n) || !std::ranges::all_of(users[n], [&](int user) { return gone.contains(user); })) continue;
        gone.insert(n);
        unused.push_back(n);
        more = true;
      }
    }
    return unused;
  }

  void RemoveUnused(const StrategyContext& context, Suggestions& suggestions) const {
    std::map<int, std::vector<int>> users;
    for (const int n : UnusedNodes(context, users)) {
      const GraphNode& node = context.facts.node(n);
      std::set<int> with;  // who reads it, and who reads that
      std::vector<int> open = users[n];
      while (!open.empty()) {
        const int user = open.back();
        open.pop_back();
        if (with.insert(user).second) open.insert(open.end(), users[user].begin(), users[user].end());
      }
      OptimizationSuggestion made;
      made.target = node.id;
      made.action = kRemoveNode;
      std::vector<std::string> others;
      for (const int user : with) {
        others.push_back(context.facts.node(user).id);
        made.changes.push_back(Removal(context.facts.node(user)));
      }
      made.changes.push_back(Removal(node));
      made.description = others.empty() ? "Leave out " + node.id + ": nothing reads what it writes"
                                        : "Leave out " + node.id + " and " + Joined(others, ", ") +
                                              ": what they write is read by each other alone";
      made.evidence = {{"writes", node.writes}, {"read_by", others}};
      const NodePerformanceProfile* const measured = context.profile.Node(node.id);
      made.needs = measured == nullptr || measured->success_rate >= 1 ? kAfterValidation : kAfterApproval;
      if (measured != nullptr && measured->success_rate < 1)
        made.evidence["success_rate"] = measured->success_rate;
      if (measured != nullptr && measured->success_rate < context.options.rules.failing_rate)
        made.needs = kAfterReview;
      Add(context, std::move(made), suggestions);
    }
    RefuseSideEffects(context, suggestions);
  }

  void RefuseSideEffects(const StrategyContext& context, Suggestions& suggestions) const {
    for (int n = 0; n < static_cast<int>(context.graph.nodes.size()); ++n) {
      const GraphNode& node = context.facts.node(n);
      if (!IsCall(node) && node.kind != graph::kChild) continue;
      if (node.writes.empty() && !node.side_effects && node.kind != graph::kChild) {
        Refuse(context, node.id, "it writes nothing, so it is there for something that the graph does not show",
               suggestions);
      } else if (context.facts.has_side_effects(n) && WhyNeeded(context, n).empty()) {
        Refuse(context, node.id,
               node.side_effects ? "nothing reads what it writes, but it has side effects"
                                 : "nothing reads what it writes, but it runs another workflow",
               suggestions);
      }
    }
  }

  void RemoveFailing(const StrategyContext& context, Suggestions& suggestions) const {
    for (int n = 0; n < static_cast<int>(context.graph.nodes.size()); ++n) {
      const GraphNode& node = context.facts.node(n);
      const NodePerformanceProfile* const measured = context.profile.Node(node.id);
      if (measured == nullptr || measured->success_rate >= context.options.rules.failing_rate) continue;
      const std::string rate = "it fails in " + Percent(1 - measured->success_rate) + " of its runs";
      if (!MayGo(context, n)) {
        Refuse(context, node.id, rate + ", but it has side effects or does more than one call", suggestions);
        continue;
      }
      if (std::string why = WhyNeeded(context, n); !why.empty()) {
        Refuse(context, node.id, rate + ", but " + why, suggestions);
        continue;
      }
      if (!node.writes.empty()) continue;  // unused, and so told above
      OptimizationSuggestion made;
      made.target = node.id;
      made.changes.push_back(Removal(node));
      made.description = "Leave out " + node.id + ": " + rate + ", and nothing reads what it gives";
      made.evidence = {{"success_rate", measured->success_rate}, {"runs", measured->runs}};
      made.needs = kAfterReview;
      Add(context, std::move(made), suggestions);
    }
  }

  void RepeatFailing(const StrategyContext& context, Suggestions& suggestions) const {
    const StrategyRules& rules = context.options.rules;
    for (const GraphNode& node : context.graph.nodes) {
      const NodePerformanceProfile* const measured = context.profile.Node(node.id);
      if (measured == nullptr || measured->success_rate < rules.failing_rate ||
          measured->success_rate >= rules.retry_rate || !IsCall(node)) {
        continue;
      }
      const std::string rate = "it fails in " + Percent(1 - measured->success_rate) + " of its runs";
      if (node.side_effects) {
        Refuse(context, node.id, rate + ", but each attempt may have side effects", suggestions);
        continue;
      }
      const bool unlimited = node.retry ? node.retry->maximum_attempts <= 0 : node.kind == graph::kAgent;
      const int64_t attempts = node.retry ? node.retry->maximum_attempts : 3;
      if (unlimited || attempts >= rules.retry_attempts) {
        Refuse(context, node.id, rate + " and is repeated already: it has to be repaired", suggestions);
        continue;
      }
      OptimizationSuggestion made;
      made.target = node.id;
      GraphChange change;
      change.type = kSetRetry;
      change.nodes = {node.id};
      change.retry = node.retry.value_or(graph::RetrySettings{});
      change.retry->maximum_attempts = rules.retry_attempts;
      made.changes.push_back(std::move(change));
      made.description = "Repeat " + node.id + " up to " + std::to_string(rules.retry_attempts) + " times: " + rate;
      made.evidence = {{"success_rate", measured->success_rate}, {"runs", measured->runs}, {"attempts", attempts}};
      made.needs = kAfterApproval;
      Add(context, std::move(made), suggestions);
    }
  }

  void MergeDuplicates(const StrategyContext& context, Suggestions& suggestions) const {
    for (const GraphFacts::Row& row : context.facts.rows()) {
      std::map<std::string, std::vector<int>> alike;
      for (const int n : row) {
        const GraphNode& node = context.facts.node(n);
        if (!IsCall(node) || node.writes.empty()) continue;
        alike[node.activity + '\n' + node.tool + '\n' + node.model + '\n' + node.parameters.dump()].push_back(n);
      }
      for (const auto& [call, nodes] : alike) {
        for (size_t i = 1; i < nodes.size(); ++i) Merge(context, nodes, i, suggestions);
      }
    }
  }

  /// The one that runs first of those that do the same stays.
  void Merge(const StrategyContext& context, const std::vector<int>& nodes, size_t i, Suggestions& suggestions) const {
    const GraphNode& gone = context.facts.node(nodes[i]);
    const auto reads = [](const GraphNode& node) { return std::pair(node.reads, node.inputs); };
    for (size_t k = 0; k < i; ++k) {
      const GraphNode& keep = context.facts.node(nodes[k]);
      if (reads(keep) != reads(gone)) continue;  // only looks alike
      const std::string why = WhyNotMerge(context.facts, nodes[k], nodes[i]);
      if (!why.empty()) {
        Refuse(context, gone.id, "it calls the same as " + keep.id + ", but " + why, suggestions);
        continue;
      }
      const Determinism known = DeterminismOf(context, gone);
      if (!known.certain) {
        Refuse(context, gone.id, "it calls the same as " + keep.id + ", but " + known.why, suggestions);
        return;
      }
      OptimizationSuggestion made;
      made.target = gone.id;
      GraphChange change;
      change.type = kMergeNodes;
      change.nodes = {keep.id, gone.id};
      made.changes.push_back(std::move(change));
      made.description = "Take the result of " + keep.id + " for " + gone.id + ": the same call with the same input";
      made.evidence = {{"keep", keep.id}, {"repeats", known.repeats}, {"contradictions", known.contradictions},
                       {"deterministic", known.why}};
      made.needs = kAfterExperiment;
      Add(context, std::move(made), suggestions);
      return;
    }
  }
};

}  // namespace

std::unique_ptr<Strategy> MakePruning() { return std::make_unique<Pruning>(); }

}  // namespace wfe::optimizer
