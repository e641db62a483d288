// The parts of Validate, in the order in which they run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activities/graph/condition.h"
#include "activities/graph/graph_index.h"
#include "activities/graph/mistake.h"
#include "activities/graph/validate.h"

namespace wfe::graph {

/// A walk's nodes: those of the whole graph, or those of one branch of a parallel or batch node.
struct Region {
  int entry = GraphIndex::kNone;
  int fork = GraphIndex::kNone;  ///< The node whose branch it is; kNone: the graph's own walk.
  int parent = -1;               ///< The region that the fork is in.
  size_t nesting = 0;
  std::vector<int> nodes;  ///< In the order in which they are reached.
};

/// What the parts share.
struct Validation {
  const Graph& graph;
  const KnownTypes& known;
  Mistakes& mistakes;
  GraphIndex index;
  std::vector<std::optional<Condition>> conditions;  ///< By edge; absent: none, or none that can be read.
  std::vector<Region> regions;                ///< The first is the graph's own; a parent stands before its children.
  std::vector<int> region_of;                 ///< By node; -1: not reached.
  std::vector<std::vector<int>> branches_of;  ///< Regions by fork.
  bool tangled = false;                       ///< Walks go on in each other's nodes.

  Validation(const Graph& graph_, const KnownTypes& known_, Mistakes& mistakes_)
      : graph(graph_),
        known(known_),
        mistakes(mistakes_),
        index(graph_),
        conditions(graph_.edges.size()),
        region_of(graph_.nodes.size(), -1),
        branches_of(graph_.nodes.size()) {}

  const GraphNode& node(int i) const { return graph.nodes[static_cast<size_t>(i)]; }
  const std::string& id(int i) const { return node(i).id; }
  void Wrong(int node, const std::string& member, const std::string& sentence);
  void WrongEdge(size_t edge, const std::string& member, const std::string& sentence);
};

/// Ids, kinds, types, numbers, names and pointers: what each node and edge shows by itself.
void CheckNodes(Validation& validation);
void CheckEdges(Validation& validation);
/// Who can be reached, and in which walk.  Fills `regions`.
void FindRegions(Validation& validation);
/// Every cycle has a node with max_iterations; every node leads to an end.
void CheckCycles(Validation& validation);
/// Every read is preceded by a write on all paths (graph.inputs are written before the start).
void CheckReads(Validation& validation);
/// Branches of one node write different keys, and none reads what another one writes.
void CheckBranches(Validation& validation);

bool IsName(const std::string& name);      ///< Of a node or graph: letters, digits, '-', '_' and '.'.
bool IsStateKey(const std::string& name);  ///< The same, and begins with a letter or '_'.
/// The key that a JSON pointer into the state begins with; nullopt: it is no such pointer.
std::optional<std::string> KeyOfPointer(const std::string& pointer);

}  // namespace wfe::graph
