#include "tests/activities/optimizer/plain_run.h"

#include <algorithm>

#include "activities/graph/condition.h"
#include "activities/graph/node_data.h"
#include "engine/base/fnv.h"

namespace wfe::optimizer {
namespace {

using graph::Graph;
using graph::GraphNode;
using nlohmann::json;

class Interpreter {
 public:
  Interpreter(const Graph& graph, json state, bool last_first, const PlainCall& call)
      : graph_(graph), state_(std::move(state)), last_first_(last_first), call_(call) {}

  PlainRun Run() {
    Walk(graph_.start);
    PlainRun done;
    done.runs = runs_;
    if (stuck_) return done;
    done.outputs = json::object();
    for (const std::string& key : graph_.outputs) done.outputs[key] = state_.at(key);
    if (graph_.outputs.empty()) done.outputs = state_;
    return done;
  }

 private:
  void Walk(std::string id) {
    std::map<std::string, int64_t> runs_of_walk;
    while (!id.empty() && !stuck_) {
      ++runs_of_walk[id];
      Do(*graph::FindNode(graph_, id));
      if (!stuck_) id = Next(id, runs_of_walk);
    }
  }

  void Do(const GraphNode& node) {
    ++runs_[node.id];
    if (node.kind == graph::kDecision) return;
    if (node.kind == graph::kParallel) {
      std::vector<std::string> branches = node.branches;
      if (last_first_) std::ranges::reverse(branches);
      for (const std::string& branch : branches) Walk(branch);
    } else if (node.kind == graph::kBatch) {
      json input = graph::InputOf(node, state_).value();
      input["items"] = json::array();
      for (const std::string& member : node.branches)
        input["items"].push_back(graph::InputOf(*graph::FindNode(graph_, member), state_).value());
      json results = json::array();  // as an activity that takes batches gives them
      for (const json& item : input["items"]) results.push_back(call_(node.activity, item));
      for (size_t k = 0; k < node.branches.size(); ++k) {
        ++runs_[node.branches[k]];
        Write(*graph::FindNode(graph_, node.branches[k]), results[k]);
      }
    } else {
      Write(node, call_(node.activity, graph::InputOf(node, state_).value()));
    }
  }

  void Write(const GraphNode& node, const json& result) { state_.update(graph::WritesOf(node, result).value()); }

  std::string Next(const std::string& id, std::map<std::string, int64_t>& runs) {
    bool any = false;
    for (const graph::GraphEdge& edge : graph_.edges) {
      if (edge.source != id) continue;
      any = true;
      const int64_t limit = graph::FindNode(graph_, edge.target)->max_iterations;
      if (limit > 0 && runs[edge.target] >= limit) continue;
      if (edge.condition.empty() || graph::Condition::Parse(edge.condition).value().Holds(state_).value())
        return edge.target;
    }
    stuck_ = any;
    return "";
  }

  const Graph& graph_;
  json state_;
  const bool last_first_;
  const PlainCall& call_;
  std::map<std::string, int64_t> runs_;
  bool stuck_ = false;
};

}  // namespace

json SameOfAllTools(const std::string& activity, const json& input) {
  json kept = input;
  kept.erase("tool");
  kept.erase("model");
  Fnv1a hash(7);
  hash.Add(activity);
  hash.Add(kept.dump());
  return {{"n", static_cast<int64_t>(hash.value() >> 17) % 100}, {"of", hash.value() >> 13}};
}

PlainRun RunPlainly(const Graph& graph, json state, bool last_branch_first, const PlainCall& call) {
  return Interpreter(graph, std::move(state), last_branch_first, call).Run();
}

}  // namespace wfe::optimizer
