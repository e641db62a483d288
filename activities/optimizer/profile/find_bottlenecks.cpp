#include "activities/optimizer/profile/find_bottlenecks.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <tuple>

#include "activities/optimizer/profile/graph_flow.h"
#include "activities/optimizer/profile/same_results.h"
#include "activities/statistics/statistics.h"

namespace wfe::optimizer {
namespace {

using graph::GraphNode;

constexpr const char* kHigh = "HIGH";
constexpr const char* kMedium = "MEDIUM";
constexpr const char* kLow = "LOW";

std::string WithUnit(double value, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}
std::string InSeconds(double seconds) { return WithUnit(seconds, seconds < 0.1 ? "%.4f s" : "%.2f s"); }
std::string InPercent(double share) { return WithUnit(100 * share, "%.1f %%"); }
std::string InDollars(double usd) { return WithUnit(usd, "$%.6f"); }

class BottleneckSearch {
 public:
  BottleneckSearch(PerformanceProfile& profile, const graph::Graph* graph, const Catalog& catalog,
                   const BottleneckRules& rules)
      : profile_(profile), graph_(graph), catalog_(catalog), rules_(rules) {
    if (graph != nullptr) flow_.emplace(*graph);
  }

  void Run() {
    profile_.bottlenecks.clear();
    if (profile_.executions < rules_.min_executions) {
      profile_.skipped.push_back("BN-1 to BN-9: " + std::to_string(profile_.executions) + " executions; " +
                                 std::to_string(rules_.min_executions) + " are needed");
      return;
    }
    FindEnoughRuns();
    SlowNodes();
    DominantNodes();
    UnreliableNodes();
    RisingErrors();
    ExpensiveTools();
    MissingCaches();
    RedundantOperations();
    UnusedOutputs();
    const auto weight = [](const Bottleneck& b) { return b.severity == kHigh ? 0 : b.severity == kMedium ? 1 : 2; };
    std::ranges::stable_sort(profile_.bottlenecks, {}, [&](const Bottleneck& b) {
      return std::tuple(weight(b), std::string_view(b.rule), -b.value);
    });
  }

 private:
  Bottleneck& Tell(std::string_view rule, std::string_view type, const char* severity) {
    Bottleneck& told = profile_.bottlenecks.emplace_back();
    told.rule = rule;
    told.type = type;
    told.severity = severity;
    return told;
  }
  Bottleneck& TellNode(std::string_view rule, std::string_view type, const char* severity,
                       const NodePerformanceProfile& node) {
    Bottleneck& told = Tell(rule, type, severity);
    told.node_id = node.node_id;
    return told;
  }
  /// Names the node, too, where only one calls the tool.
  Bottleneck& TellTool(std::string_view rule, std::string_view type, const char* severity, const std::string& tool) {
    Bottleneck& told = Tell(rule, type, severity);
    told.tool_id = tool;
    const std::vector<const NodePerformanceProfile*> nodes = NodesOf(tool);
    if (nodes.size() == 1) told.node_id = nodes.front()->node_id;
    return told;
  }
  static void Set(Bottleneck& told, std::string_view metric, double value, double threshold) {
    told.metric = metric;
    told.value = value;
    told.threshold = threshold;
  }
  void Skip(const std::string& sentence) { profile_.skipped.push_back(sentence); }

  std::vector<const NodePerformanceProfile*> NodesOf(const std::string& tool) const {
    std::vector<const NodePerformanceProfile*> nodes;
    for (const NodePerformanceProfile& node : profile_.node_metrics) {
      if ((node.tool.empty() ? node.activity : node.tool) == tool) nodes.push_back(&node);
    }
    return nodes;
  }
  bool HasSideEffects(const std::string& node_id) const {
    const GraphNode* node = graph_ == nullptr ? nullptr : graph::FindNode(*graph_, node_id);
    return node != nullptr && node->side_effects;
  }
  bool AnyChangesSomething(const std::string& tool) const {
    const auto nodes = NodesOf(tool);
    return std::ranges::any_of(nodes, [&](const auto* node) { return HasSideEffects(node->node_id); });
  }

  /// The nodes that can be judged by what their runs were like.
  void FindEnoughRuns() {
    std::string few;
    for (const NodePerformanceProfile& node : profile_.node_metrics) {
      if (node.runs > 0) means_.push_back(node.avg_duration);
      if (node.runs >= rules_.min_executions) {
        judged_.push_back(&node);
      } else {
        few += (few.empty() ? "" : ", ") + node.node_id + " (" + std::to_string(node.runs) + ")";
      }
    }
    if (few.empty()) return;
    Skip("BN-1, BN-2, BN-4, BN-5: nodes with fewer than " + std::to_string(rules_.min_executions) + " runs: " + few);
  }

  void SlowNodes() {
    if (means_.empty()) return;
    const double median = stats::Quantile(means_, 0.5);
    const double limit = rules_.slow_factor * median;
    for (const NodePerformanceProfile* node : judged_) {
      if (node->avg_duration <= limit) continue;
      Bottleneck& told = TellNode("BN-1", kSlowNode, kHigh, *node);
      Set(told, "avg_duration", node->avg_duration, limit);
      told.description = node->node_id + " takes " + InSeconds(node->avg_duration) + " on average; the median of the " +
                         std::to_string(means_.size()) + " nodes is " + InSeconds(median);
      told.suggestion = "let it run beside others, or do its work with a faster tool or model";
    }
    const auto count = static_cast<int64_t>(means_.size());
    if (count < rules_.slow_min_nodes) {
      return Skip("BN-2: " + std::to_string(count) + " nodes; " + std::to_string(rules_.slow_min_nodes) +
                  " are needed, since of a few one is always the slowest");
    }
    const double quantile = stats::Quantile(means_, rules_.slow_quantile);
    for (const NodePerformanceProfile* node : judged_) {
      if (node->avg_duration <= quantile) continue;
      Bottleneck& told = TellNode("BN-2", kSlowNode, kMedium, *node);
      Set(told, "avg_duration", node->avg_duration, quantile);
      told.description = node->node_id + " takes " + InSeconds(node->avg_duration) + " on average, and " +
                         InPercent(rules_.slow_quantile) + " of the nodes at most " + InSeconds(quantile);
      told.suggestion = "let it run beside others, or do its work with a faster tool or model";
    }
  }

  void DominantNodes() {
    for (const NodePerformanceProfile& node : profile_.node_metrics) {
      if (node.time_contribution <= rules_.dominant_share) continue;
      Bottleneck& told = TellNode("BN-3", kDominantNode, kMedium, node);
      Set(told, "time_contribution", node.time_contribution, rules_.dominant_share);
      told.description = "runs wait for " + node.node_id + " " + InPercent(node.time_contribution) + " of their time";
      told.suggestion = "what makes it faster makes the whole workflow faster";
    }
  }

  void UnreliableNodes() {
    for (const NodePerformanceProfile* node : judged_) {
      if (node->success_rate >= rules_.min_success_rate) continue;
      Bottleneck& told = TellNode("BN-4", kUnreliableNode, kHigh, *node);
      Set(told, "success_rate", node->success_rate, rules_.min_success_rate);
      told.description = node->node_id + " ends well in " + InPercent(node->success_rate) + " of " +
                         std::to_string(node->runs) + " runs" + MostOften(node->error_types);
      told.suggestion = "repair it, repeat it on failure, or ask whether it is needed";
    }
  }
  static std::string MostOften(const std::map<std::string, int64_t>& errors) {
    const auto most = std::ranges::max_element(errors, {}, [](const auto& error) { return error.second; });
    return most == errors.end() ? "" : "; most often it ends with " + most->first;
  }

  void RisingErrors() {
    std::vector<double> p_values;
    for (const NodePerformanceProfile* node : judged_) p_values.push_back(node->error_trend.p_value);
    const std::vector<double> adjusted = stats::HolmAdjust(p_values);
    for (size_t i = 0; i < judged_.size(); ++i) {
      const Trend& trend = judged_[i]->error_trend;
      if (trend.per_execution <= 0 || adjusted[i] >= rules_.trend_significance) continue;
      Bottleneck& told = TellNode("BN-5", kUnreliableNode, kMedium, *judged_[i]);
      Set(told, "error_trend", adjusted[i], rules_.trend_significance);
      const double rise = trend.per_execution * static_cast<double>(profile_.executions);
      told.description = judged_[i]->node_id +
                         " fails more and more often: over these executions its rate of errors rose by " +
                         InPercent(rise) + " (p = " + WithUnit(adjusted[i], "%.4f") + ")";
      told.suggestion = "look for what has changed in what it depends on";
    }
  }

  void ExpensiveTools() {
    for (const ToolPerformanceProfile& tool : profile_.tool_metrics) {
      const double mean = tool.call_count > 0 ? tool.total_cost / static_cast<double>(tool.call_count) : 0;
      const ToolInfo* cheaper = Cheaper(tool.tool_id, mean);
      const bool dear = tool.cost_share > rules_.expensive_share;
      if (!dear && cheaper == nullptr) continue;
      Bottleneck& told = TellTool("BN-6", kExpensiveTool, kMedium, tool.tool_id);
      if (dear) {
        Set(told, "cost_share", tool.cost_share, rules_.expensive_share);
        told.description = tool.tool_id + " takes " + InPercent(tool.cost_share) + " of the workflow's cost, " +
                           InDollars(mean) + " a call";
      } else {
        Set(told, "avg_cost", mean, *cheaper->avg_cost);
        told.description = tool.tool_id + " costs " + InDollars(mean) + " a call";
      }
      told.suggestion = "a cheaper tool or model, or fewer calls";
      if (cheaper != nullptr) {
        told.suggestion = cheaper->tool_id + " can do the same for " + InDollars(*cheaper->avg_cost) + " a call";
      }
    }
    if (!catalog_.tools.empty()) return;
    Skip("BN-6: whether a cheaper tool can do the same is not known without a catalog of tools");
  }
  /// The cheapest that can all that this one can; nullptr: none is known to be cheaper.
  const ToolInfo* Cheaper(const std::string& id, double mean) const {
    const ToolInfo* current = catalog_.Tool(id);
    if (current == nullptr || current->capabilities.empty()) return nullptr;
    const ToolInfo* best = nullptr;
    for (const ToolInfo& other : catalog_.tools) {
      if (other.tool_id == id || other.status != "active" || !other.avg_cost || *other.avg_cost >= mean) continue;
      const bool can = std::ranges::all_of(current->capabilities, [&](const std::string& capability) {
        return std::ranges::find(other.capabilities, capability) != other.capabilities.end();
      });
      if (can && (best == nullptr || *other.avg_cost < *best->avg_cost)) best = &other;
    }
    return best;
  }

  void MissingCaches() {
    std::string unknown;
    for (const ToolPerformanceProfile& tool : profile_.tool_metrics) {
      if (AnyChangesSomething(tool.tool_id)) continue;
      if (!tool.deterministic_rate) {
        if (tool.cache_hits == 0) unknown += (unknown.empty() ? "" : ", ") + tool.tool_id;
        continue;
      }
      if (*tool.deterministic_rate <= rules_.deterministic_rate || tool.cache_hits > 0) continue;
      Bottleneck& told = TellTool("BN-7", kMissingCaching, kLow, tool.tool_id);
      Set(told, "deterministic_rate", *tool.deterministic_rate, rules_.deterministic_rate);
      told.description = std::to_string(tool.repeats) + " of " + std::to_string(tool.call_count) + " calls of " +
                         tool.tool_id + " had an input that had been there before, and " +
                         std::to_string(tool.repeats - tool.contradictions) + " of these gave the same again";
      told.suggestion = "keep its results";
    }
    if (!unknown.empty()) Skip("BN-7: no input came twice of " + unknown);
  }

  void RedundantOperations() {
    std::map<std::string, int64_t> explained;
    for (const SameResult& same : FindSameResults(profile_, flow_ ? &*flow_ : nullptr, rules_.min_executions)) {
      explained[same.tool_id] += same.calls;
      Bottleneck& told = Tell("BN-8", kRedundantOperation, kLow);
      told.node_id = same.second;
      told.other_node = same.first;
      told.tool_id = same.tool_id;
      Set(told, "same_results", static_cast<double>(same.executions), 0);
      told.description = same.second + " gives what " + same.first + " has given before, " +
                         (same.executions == 0 ? std::string("as the graph says")
                                               : "in all " + std::to_string(same.executions) +
                                                     " executions that were looked at");
      told.suggestion = "use the result of " + same.first;
    }
    for (const ToolPerformanceProfile& tool : profile_.tool_metrics) {
      const int64_t left = tool.repeats_in_run - explained[tool.tool_id];
      if (left <= 0 || AnyChangesSomething(tool.tool_id)) continue;
      Bottleneck& told = TellTool("BN-8", kRedundantOperation, kLow, tool.tool_id);
      Set(told, "repeats_in_run", static_cast<double>(left), 0);
      told.description = std::to_string(left) + " of " + std::to_string(tool.call_count) + " calls of " + tool.tool_id +
                         " had an input that it had been given in the same run before";
      told.suggestion = "ask once and keep the answer";
    }
  }

  void UnusedOutputs() {
    if (!flow_) return Skip("BN-9: a workflow without a graph does not tell who reads which result");
    for (size_t n = 0; n < graph_->nodes.size(); ++n) {
      const GraphNode& node = graph_->nodes[n];
      if (node.writes.empty() || node.side_effects) continue;
      const bool read = std::ranges::any_of(
          node.writes, [&](const std::string& key) { return flow_->IsReadAfter(static_cast<int>(n), key); });
      if (read) continue;
      Bottleneck& told = Tell("BN-9", kUnusedOutput, kLow);
      told.node_id = node.id;
      Set(told, "readers", 0, 1);
      std::string keys;
      for (const std::string& key : node.writes) keys += (keys.empty() ? "" : ", ") + key;
      told.description = "nothing reads what " + node.id + " writes (" + keys + "), and it declares no side effect";
      told.suggestion = "leave it out";
    }
  }

  PerformanceProfile& profile_;
  const graph::Graph* graph_;
  const Catalog& catalog_;
  const BottleneckRules& rules_;
  std::optional<GraphFlow> flow_;
  std::vector<double> means_;
  std::vector<const NodePerformanceProfile*> judged_;
};

}  // namespace

void FindBottlenecks(PerformanceProfile& profile, const graph::Graph* graph, const Catalog& catalog,
                     const BottleneckRules& rules) {
  BottleneckSearch(profile, graph, catalog, rules).Run();
}

}  // namespace wfe::optimizer
