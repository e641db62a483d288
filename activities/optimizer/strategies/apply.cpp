#include "activities/optimizer/strategies/apply.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "activities/graph/validate.h"
#include "activities/optimizer/strategies/apply_parts.h"
#include "activities/optimizer/strategies/graph_facts.h"

namespace wfe::optimizer {
namespace {

using graph::Graph;
using graph::GraphEdge;
using graph::GraphNode;

GraphNode* NodeOf(Graph& graph, const std::string& id) {
  const auto found = std::ranges::find(graph.nodes, id, &GraphNode::id);
  return found == graph.nodes.end() ? nullptr : &*found;
}

Result<GraphNode*> Known(Graph& graph, const std::string& id) {
  GraphNode* const node = NodeOf(graph, id);
  if (node == nullptr) return NotFound("there is no node " + id);
  return node;
}

bool Calls(const GraphNode& node) { return node.kind == graph::kActivity || node.kind == graph::kAgent; }

/// A free id that begins so.
std::string NewId(const Graph& graph, std::string id) {
  id.resize(std::min(id.size(), graph::kMaxNameBytes - 4));
  if (graph::FindNode(graph, id) == nullptr) return id;
  for (int n = 2;; ++n) {
    const std::string numbered = id + "-" + std::to_string(n);
    if (graph::FindNode(graph, numbered) == nullptr) return numbered;
  }
}

void EraseNode(Graph& graph, const std::string& id) {
  std::erase_if(graph.nodes, [&](const GraphNode& node) { return node.id == id; });
}

/// Start, branches and edges that lead to one node lead to another one.
void LeadTo(Graph& graph, const std::string& from, const std::string& to) {
  if (graph.start == from) graph.start = to;
  for (GraphNode& node : graph.nodes) std::ranges::replace(node.branches, from, to);
  for (GraphEdge& edge : graph.edges) {
    if (edge.target == from) edge.target = to;
  }
}

/// The node that a walk comes to after `id` in any case, which may take its place; empty: there is none.
std::string OnlyNext(const Graph& graph, const GraphNode& node) {
  std::string next;
  for (const GraphEdge& edge : graph.edges) {
    if (edge.source != node.id) continue;
    if (!next.empty() || !edge.condition.empty()) return "";
    next = edge.target;
  }
  const GraphNode* const target = graph::FindNode(graph, next);
  // A limit counts how often an edge to it was taken, and the node itself may be what bounds a cycle.
  if (target == nullptr || target->max_iterations > 0 || node.max_iterations > 0 || next == node.id) return "";
  return next;
}

Status Remove(Graph& graph, const std::string& id) {
  WFE_ASSIGN_OR_RETURN(GraphNode* const node, Known(graph, id));
  if (node->kind == graph::kDecision || !node->branches.empty())
    return FailedPrecondition(id + " is a " + node->kind + " node: what hangs on it would be lost");
  for (const GraphNode& fork : graph.nodes) {
    if (fork.kind == graph::kBatch && std::ranges::find(fork.branches, id) != fork.branches.end())
      return FailedPrecondition(id + " is one of the nodes of batch " + fork.id);
  }
  const std::string next = OnlyNext(graph, *node);
  if (next.empty()) {
    GraphNode decision;
    decision.id = id;
    decision.kind = graph::kDecision;
    decision.max_iterations = node->max_iterations;
    *node = std::move(decision);
    return Ok();
  }
  LeadTo(graph, id, next);
  std::erase_if(graph.edges, [&](const GraphEdge& edge) { return edge.source == id; });
  EraseNode(graph, id);
  return Ok();
}

Status SubstituteTool(Graph& graph, const GraphChange& change) {
  if (change.tool.empty()) return FailedPrecondition("it names no tool");
  for (const std::string& id : change.nodes) {
    WFE_ASSIGN_OR_RETURN(GraphNode* const node, Known(graph, id));
    if (!Calls(*node) && node->kind != graph::kBatch)
      return FailedPrecondition(id + " is a " + node->kind + " node and has no tool");
    if (change.activity.empty()) {
      (node->tool.empty() ? node->activity : node->tool) = change.tool;
    } else {
      node->activity = change.activity;
      node->tool = change.tool == change.activity ? "" : change.tool;
    }
  }
  return Ok();
}

Status SetMembers(Graph& graph, const GraphChange& change) {
  for (const std::string& id : change.nodes) {
    WFE_ASSIGN_OR_RETURN(GraphNode* const node, Known(graph, id));
    if (change.type == kSubstituteModel) {
      if (change.model.empty()) return FailedPrecondition("it names no model");
      if (!Calls(*node)) return FailedPrecondition(id + " is a " + node->kind + " node and has no model");
      node->model = change.model;
    } else if (change.type == kEnableCache) {
      if (!change.cache) return FailedPrecondition("it has no settings of a cache");
      if (node->side_effects) return FailedPrecondition(id + " has side effects");
      if (!Calls(*node)) return FailedPrecondition(id + " is a " + node->kind + " node and is not cached");
      node->cache = change.cache;
    } else {
      if (!change.retry) return FailedPrecondition("it does not say how to repeat");
      node->retry = change.retry;
    }
  }
  return Ok();
}

/// The nodes of a group, all of one row and none dependent on another one; in the order of the row.
Result<std::vector<int>> GroupOf(const GraphFacts& facts, const std::vector<std::string>& ids) {
  std::vector<int> group;
  for (const std::string& id : ids) {
    const int node = facts.Find(id);
    if (node == GraphFacts::kNone) return NotFound("there is no node " + id);
    if (facts.row_of(node) == GraphFacts::kNone) return FailedPrecondition(id + " stands in no row with others");
    group.push_back(node);
  }
  if (std::set(group.begin(), group.end()).size() < std::max<size_t>(ids.size(), 2))
    return FailedPrecondition("a group has two nodes or more, each once");
  for (size_t i = 0; i < group.size(); ++i) {
    for (size_t j = i + 1; j < group.size(); ++j) {
      const std::string why = facts.WhyDependent(group[i], group[j]);
      if (!why.empty()) return FailedPrecondition(ids[i] + " and " + ids[j] + ": " + why);
    }
  }
  return group;
}

/// The row in its new order, -1 for the new node: first what the group needs, as it was, and then the rest.
std::vector<int> NewRow(const GraphFacts& facts, const GraphFacts::Row& row, const std::vector<int>& group) {
  const auto in_group = [&](int node) { return std::ranges::find(group, node) != group.end(); };
  size_t first = row.size();
  size_t last = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    if (!in_group(row[i])) continue;
    first = std::min(first, i);
    last = i;
  }
  std::vector<int> before(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(first));
  std::vector<int> after;
  for (size_t i = first; i < row.size(); ++i) {
    if (in_group(row[i])) continue;
    const bool needed = i < last && std::ranges::any_of(group, [&](int member) {
      return facts.DependsOn(member, row[i]);
    });
    (needed ? before : after).push_back(row[i]);
  }
  before.push_back(-1);
  before.insert(before.end(), after.begin(), after.end());
  return before;
}

/// Edges of a row, anew.
void Rewire(Graph& graph, const std::vector<std::string>& old_row, const std::vector<std::string>& row) {
  const std::set<std::string> inner(old_row.begin(), old_row.end() - 1);
  std::erase_if(graph.edges, [&](const GraphEdge& edge) { return inner.contains(edge.source); });
  for (GraphEdge& edge : graph.edges) {
    if (edge.source == old_row.back()) edge.source = row.back();
  }
  LeadTo(graph, old_row.front(), row.front());
  for (size_t i = 0; i + 1 < row.size(); ++i) graph.edges.push_back({row[i], row[i + 1], ""});
}

/// Gives the group one new node in the row.
Status Gather(Graph& graph, const GraphChange& change, const GraphFacts* known,
              const std::function<Status(GraphNode&)>& fill) {
  std::optional<GraphFacts> looked;
  const GraphFacts& facts = known != nullptr ? *known : looked.emplace(graph, GraphFacts::Look::kRows);
  WFE_ASSIGN_OR_RETURN(const std::vector<int> group, GroupOf(facts, change.nodes));
  const GraphFacts::Row& row = facts.rows()[static_cast<size_t>(facts.row_of(group[0]))];
  GraphNode made;
  made.id = NewId(graph, (change.type == kCreateBatchNode ? "batch_" : "parallel_") + change.nodes[0]);
  made.branches = change.nodes;
  WFE_RETURN_IF_ERROR(fill(made));
  std::vector<std::string> old_row;
  for (const int node : row) old_row.push_back(facts.node(node).id);
  std::vector<std::string> new_row;
  for (const int node : NewRow(facts, row, group)) new_row.push_back(node < 0 ? made.id : facts.node(node).id);
  Rewire(graph, old_row, new_row);
  // A parallel node that joins another one brings its branches.
  for (const std::string& id : change.nodes) {
    const GraphNode* const member = graph::FindNode(graph, id);
    if (change.type != kCreateParallelNode || member->kind != graph::kParallel) continue;
    const std::vector<std::string> inner = member->branches;
    const auto at = made.branches.erase(std::ranges::find(made.branches, id));
    made.branches.insert(at, inner.begin(), inner.end());
    EraseNode(graph, id);
  }
  graph.nodes.push_back(std::move(made));
  return Ok();
}

Status GatherParallel(Graph& graph, const GraphChange& change, const GraphFacts* known) {
  return Gather(graph, change, known, [](GraphNode& made) {
    made.kind = graph::kParallel;
    made.description = "Waits for all; the first failure cancels the others";
    return Ok();
  });
}

Status GatherBatch(Graph& graph, const GraphChange& change, const GraphFacts* known) {
  return Gather(graph, change, known, [&](GraphNode& made) -> Status {
    const GraphNode* const first = graph::FindNode(graph, change.nodes[0]);
    made.kind = graph::kBatch;
    made.activity = first->activity;
    made.tool = first->tool;
    made.retry = first->retry;
    for (const std::string& id : change.nodes) {
      const GraphNode* const member = graph::FindNode(graph, id);
      if (!Calls(*member)) return FailedPrecondition(id + " is a " + member->kind + " node");
      if (member->activity != made.activity || member->tool != made.tool)
        return FailedPrecondition(id + " calls something else than " + first->id);
      if (member->cache) return FailedPrecondition(id + " is cached, and calls of a batch are not");
      made.timeout_s = std::max(made.timeout_s, member->timeout_s);
      made.heartbeat_s = std::max(made.heartbeat_s, member->heartbeat_s);
    }
    return Ok();
  });
}

/// `known` are the facts of this graph, if somebody has them.
Status ApplyOne(Graph& graph, const GraphChange& change, const GraphFacts* known) {
  if (change.nodes.empty()) return FailedPrecondition("it names no node");
  if (change.type == kRemoveNode) {
    for (const std::string& id : change.nodes) WFE_RETURN_IF_ERROR(Remove(graph, id));
    return Ok();
  }
  if (change.type == kMergeNodes) {
    if (change.nodes.size() < 2) return FailedPrecondition("merging takes two nodes");
    for (size_t i = 1; i < change.nodes.size(); ++i) {
      WFE_RETURN_IF_ERROR(ReadTheOther(graph, change.nodes[0], change.nodes[i], i == 1 ? known : nullptr));
      WFE_RETURN_IF_ERROR(Remove(graph, change.nodes[i]));
    }
    return Ok();
  }
  if (change.type == kCreateParallelNode) return GatherParallel(graph, change, known);
  if (change.type == kCreateBatchNode) return GatherBatch(graph, change, known);
  if (change.type == kSubstituteTool) return SubstituteTool(graph, change);
  if (change.type == kSubstituteModel || change.type == kEnableCache || change.type == kSetRetry)
    return SetMembers(graph, change);
  return FailedPrecondition("there is no such change");
}

}  // namespace

Result<Graph> ApplyUnchecked(const Graph& graph, const std::vector<GraphChange>& changes, const GraphFacts* known) {
  Graph changed = graph;
  for (size_t i = 0; i < changes.size(); ++i) {
    Status applied = ApplyOne(changed, changes[i], i == 0 ? known : nullptr);
    if (applied) continue;
    Error error = applied.error();
    error.message = "change " + std::to_string(i + 1) + " (" + changes[i].type + "): " + error.message;
    return error;
  }
  return changed;
}

Result<Graph> ApplyChanges(const Graph& graph, const std::vector<GraphChange>& changes) {
  WFE_ASSIGN_OR_RETURN(Graph changed, ApplyUnchecked(graph, changes));
  const graph::Mistakes mistakes = graph::Validate(changed);
  if (!mistakes.empty()) return FailedPrecondition("the changed graph would be wrong: " + mistakes.told[0].message);
  return changed;
}

}  // namespace wfe::optimizer
