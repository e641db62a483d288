// Results that can be kept (ST-9, ST-18 to ST-20).
#include <algorithm>
#include <cmath>
#include <map>

#include "activities/optimizer/strategies/cache_replay.h"
#include "activities/optimizer/strategies/strategy_parts.h"

namespace wfe::optimizer {
namespace {

using graph::GraphNode;

/// The input of a tool that reads files says which files only where their hashes are in it.
bool HasHashes(const GraphNode& node) {
  const auto is_hash = [](const std::string& name) {
    return name.find("hash") != std::string::npos || name.find("sha256") != std::string::npos;
  };
  for (const auto& [place, pointer] : node.inputs) {
    if (is_hash(place) || is_hash(pointer)) return true;
  }
  for (const auto& [name, value] : node.parameters.items()) {
    if (is_hash(name)) return true;
  }
  return std::ranges::any_of(node.reads, is_hash);
}

class Caching final : public StrategyBase {
 public:
  Caching()
      : StrategyBase(kCaching, 0.9,
                     {kMissingCaching, kRedundantOperation, kExpensiveTool, kSlowNode, kDominantNode}) {}

  void GenerateSuggestions(const StrategyContext& context, Suggestions& suggestions) const override {
    std::map<std::string, std::vector<const GraphNode*>> by_tool;
    for (int n = 0; n < static_cast<int>(context.graph.nodes.size()); ++n) {
      const GraphNode& node = context.graph.nodes[static_cast<size_t>(n)];
      if (!IsCall(node) || node.cache || context.facts.is_batch_member(n)) continue;
      if (context.profile.Node(node.id) == nullptr) continue;
      by_tool[ToolOf(node)].push_back(&node);
    }
    for (const auto& [tool, nodes] : by_tool) OfTool(context, tool, nodes, suggestions);
  }

  std::string_view RiskLevel(const StrategyContext& context, const OptimizationSuggestion& suggestion) const override {
    for (const std::string& id : suggestion.changes.front().nodes) {
      const GraphNode* const node = graph::FindNode(context.graph, id);
      if (node == nullptr || !DeterminismOf(context, *node).certain) return kRiskMedium;
    }
    return kRiskLow;
  }

 private:
  /// Why a node's results must not be kept; empty: they may.
  static std::string WhyNotKept(const StrategyContext& context, const GraphNode& node, const Determinism& known) {
    if (node.side_effects) return "it has side effects";
    const ToolInfo* const info = context.catalog.Tool(ToolOf(node));
    if (context.native && (info == nullptr || !info->deterministic))
      return "nothing declares that it depends on its input alone";
    if (!known.certain && known.repeats == 0) return known.why;
    if (!known.certain && known.rate < context.options.rules.min_deterministic_rate) return known.why;
    const bool reads_files = info != nullptr && std::ranges::find(info->capabilities, "reads_files") !=
                                                    info->capabilities.end();
    if (reads_files && !HasHashes(node)) return "it reads files, and their hashes are not in its input";
    return "";
  }

  void OfTool(const StrategyContext& context, const std::string& tool, const std::vector<const GraphNode*>& nodes,
              Suggestions& suggestions) const {
    std::vector<const GraphNode*> good;
    std::set<uint32_t> numbers;
    bool certain = true;
    std::string why_known;
    for (const GraphNode* const node : nodes) {
      const Determinism known = DeterminismOf(context, *node);
      const std::string why = WhyNotKept(context, *node, known);
      if (!why.empty()) {
        const ToolPerformanceProfile* const measured = context.profile.Tool(tool);
        // Said only where there would have been something to gain.
        if (known.repeats > 0 || node->deterministic || (measured != nullptr && measured->repeats_in_run > 0))
          Refuse(context, node->id, why, suggestions);
        continue;
      }
      good.push_back(node);
      certain = certain && known.certain;
      why_known = known.why;
      numbers.insert(
          static_cast<uint32_t>(context.profile.Node(node->id) - context.profile.node_metrics.data()));
    }
    if (good.empty()) return;
    const auto calls = context.profile.calls.find(tool);
    if (calls == context.profile.calls.end() || calls->second.empty()) {
      Refuse(context, tool, "its calls were not recorded, so nobody knows how often they repeat", suggestions);
      return;
    }
    const StrategyRules& rules = context.options.rules;
    const CacheReplay replay = ReplayCache(calls->second, numbers, rules.cache_ttl_seconds, rules.cache_max_size);
    if (replay.hit_rate() < rules.min_hit_rate) {
      Refuse(context, tool,
             "a cache would have had the answer to only " + Percent(replay.hit_rate()) + " of its calls", suggestions);
      return;
    }
    Propose(context, tool, good, replay, certain && replay.wrong_hits == 0, why_known, suggestions);
  }

  void Propose(const StrategyContext& context, const std::string& tool, const std::vector<const GraphNode*>& nodes,
               const CacheReplay& replay, bool certain, const std::string& why, Suggestions& suggestions) const {
    OptimizationSuggestion made;
    made.target = tool;
    GraphChange change;
    change.type = kEnableCache;
    double time = 0;
    double runs = 0;
    for (const GraphNode* const node : nodes) {
      change.nodes.push_back(node->id);
      const auto figures = context.model.FiguresOf(*node);
      time += figures->runs * figures->duration;
      runs += figures->runs;
    }
    graph::CacheSettings settings;
    settings.ttl_seconds = context.options.rules.cache_ttl_seconds;
    settings.max_size = context.options.rules.cache_max_size;
    settings.expected_hit_rate = replay.hit_rate();
    change.cache = settings;
    made.changes.push_back(std::move(change));
    made.description = "Keep results of " + tool + ": " + Percent(replay.hit_rate()) + " of its calls had been made";
    made.evidence = {{"calls", replay.calls}, {"hits", replay.hits}, {"wrong_hits", replay.wrong_hits},
                     {"ttl_seconds", settings.ttl_seconds}, {"max_size", settings.max_size}, {"deterministic", why}};
    const double mean = runs > 0 ? time / runs : 0;
    const double hits = replay.hit_rate();
    if (mean > kCacheHitSeconds) {
      made.estimated_improvement.local_speedup = mean / (hits * kCacheHitSeconds + (1 - hits) * mean);
      made.estimated_improvement.speedup_of_hits = mean / kCacheHitSeconds;
    }
    made.estimated_improvement.hit_rate = hits;
    made.needs = certain ? kAfterValidation : kAfterApproval;
    if (context.native) made.needs = kAfterReview;  // there is no graph to change
    Add(context, std::move(made), suggestions);
  }
};

}  // namespace

std::unique_ptr<Strategy> MakeCaching() { return std::make_unique<Caching>(); }

}  // namespace wfe::optimizer
