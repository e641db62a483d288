// A graph by the numbers of its nodes and edges: who follows whom.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "activities/graph/graph.h"

namespace wfe::graph {

/// Of a graph that outlives it.  An id that stands for several nodes is the first of them; an edge from or to a node
/// that is not there is left out.
class GraphIndex {
 public:
  static constexpr int kNone = -1;

  explicit GraphIndex(const Graph& graph);

  /// kNone: there is no such node.
  int Find(const std::string& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? kNone : found->second;
  }
  /// Edges that leave a node, in their order.
  const std::vector<int>& edges_of(int node) const { return edges_of_[static_cast<size_t>(node)]; }
  int target_of(int edge) const { return target_of_[static_cast<size_t>(edge)]; }
  int source_of(int edge) const { return source_of_[static_cast<size_t>(edge)]; }
  size_t size() const { return edges_of_.size(); }

 private:
  std::unordered_map<std::string, int> by_id_;
  std::vector<std::vector<int>> edges_of_;
  std::vector<int> source_of_;  // kNone: the edge is left out
  std::vector<int> target_of_;
};

}  // namespace wfe::graph
