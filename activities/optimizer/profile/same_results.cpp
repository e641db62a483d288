#include "activities/optimizer/profile/same_results.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "activities/optimizer/profile/profile_builder.h"

namespace wfe::optimizer {
namespace {

using graph::GraphNode;

bool ChangesSomething(const GraphFlow* flow, const std::string& id) {
  const GraphNode* node = flow == nullptr ? nullptr : graph::FindNode(flow->graph(), id);
  return node != nullptr && node->side_effects;
}

/// What a tool's nodes did, execution by execution.
class CallPairs {
 public:
  void AddExecution(std::vector<const ToolCall*> calls) {
    std::map<uint32_t, std::set<uint32_t>> before;  // by node: those that had done all that it did
    std::map<uint32_t, int64_t> count;
    for (const ToolCall* second : calls) {
      std::set<uint32_t> same;
      for (const ToolCall* first : calls) {
        if (first->node == second->node || first->input != second->input || first->output != second->output) continue;
        if (std::tuple(first->at_ms, first->node) < std::tuple(second->at_ms, second->node)) same.insert(first->node);
      }
      if (++count[second->node] == 1) {
        before[second->node] = std::move(same);
      } else {
        std::erase_if(before[second->node], [&](uint32_t node) { return !same.contains(node); });
      }
    }
    for (const auto& [node, calls_of_node] : count) {
      ++ran_[node];
      for (const uint32_t first : before[node]) {
        ++pairs_[{node, first}].executions;
        pairs_[{node, first}].calls += calls_of_node;
      }
    }
  }

  struct Pair {
    int64_t executions = 0;
    int64_t calls = 0;
  };
  /// By (second, first); only those that held in all executions in which the second ran.
  std::map<std::pair<uint32_t, uint32_t>, Pair> Found(int64_t min_executions) const {
    std::map<std::pair<uint32_t, uint32_t>, Pair> found;
    for (const auto& [nodes, pair] : pairs_) {
      if (pair.executions >= min_executions && pair.executions == ran_.at(nodes.first)) found.emplace(nodes, pair);
    }
    return found;
  }

 private:
  std::map<uint32_t, int64_t> ran_;
  std::map<std::pair<uint32_t, uint32_t>, Pair> pairs_;
};

CallPairs PairsOf(const std::vector<ToolCall>& all) {
  std::map<uint32_t, std::vector<const ToolCall*>> by_execution;
  for (const ToolCall& call : all) {
    if (call.output != 0 && call.input != 0) by_execution[call.execution].push_back(&call);
  }
  // Of the first one some calls may have been dropped.
  if (all.size() >= kMaxCallsPerTool && !by_execution.empty()) by_execution.erase(by_execution.begin());
  CallPairs pairs;
  for (auto& [execution, calls] : by_execution) pairs.AddExecution(std::move(calls));
  return pairs;
}

bool AskTheSame(const GraphNode& a, const GraphNode& b) {
  return a.kind == b.kind && a.activity == b.activity && a.tool == b.tool && a.model == b.model &&
         a.parameters == b.parameters && a.reads == b.reads && a.optional_reads == b.optional_reads &&
         a.inputs == b.inputs && a.items == b.items && a.batch_size == b.batch_size && a.branches.empty() &&
         b.branches.empty() && !a.activity.empty();
}

/// Nothing that runs after `first` and before `second` writes what they read.
bool ReadTheSame(const GraphFlow& flow, int first, int second) {
  for (const std::string& key : KeysReadBy(flow.graph().nodes[static_cast<size_t>(first)])) {
    for (const int writer : flow.WritersOf(key)) {
      if (writer == first || (flow.Precedes(first, writer) && flow.Precedes(writer, second))) return false;
    }
  }
  return true;
}

void FindInGraph(const PerformanceProfile& profile, const GraphFlow& flow, std::vector<SameResult>& found) {
  const std::vector<GraphNode>& nodes = flow.graph().nodes;
  for (size_t b = 0; b < nodes.size(); ++b) {
    const std::string& tool = nodes[b].tool.empty() ? nodes[b].activity : nodes[b].tool;
    const auto calls = profile.calls.find(tool);
    if (!nodes[b].deterministic || nodes[b].side_effects) continue;
    if (calls != profile.calls.end() && !calls->second.empty()) continue;
    for (size_t a = 0; a < nodes.size(); ++a) {
      const auto first = static_cast<int>(a);
      const auto second = static_cast<int>(b);
      if (a == b || !nodes[a].deterministic || !AskTheSame(nodes[a], nodes[b])) continue;
      if (!flow.Precedes(first, second) || flow.Precedes(second, first) || !ReadTheSame(flow, first, second)) continue;
      found.push_back({.first = nodes[a].id, .second = nodes[b].id, .tool_id = tool});
      break;
    }
  }
}

}  // namespace

std::vector<SameResult> FindSameResults(const PerformanceProfile& profile, const GraphFlow* flow,
                                        int64_t min_executions) {
  std::vector<SameResult> found;
  const auto id_of = [&](uint32_t node) { return profile.node_metrics[node].node_id; };
  for (const auto& [tool, calls] : profile.calls) {
    std::set<uint32_t> told;
    for (const auto& [nodes, pair] : PairsOf(calls).Found(min_executions)) {
      const auto [second, first] = nodes;
      if (ChangesSomething(flow, id_of(first)) || ChangesSomething(flow, id_of(second))) continue;
      if (!told.insert(second).second) continue;  // of three that do the same, each is told once
      found.push_back({.first = id_of(first),
                       .second = id_of(second),
                       .tool_id = tool,
                       .executions = pair.executions,
                       .calls = pair.calls});
    }
  }
  if (flow != nullptr) FindInGraph(profile, *flow, found);
  return found;
}

}  // namespace wfe::optimizer
