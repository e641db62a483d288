// What comes after what in a graph, and which keys of the state are still wanted: for the critical path (PF-5) and for
// outputs that nobody reads (BN-9).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "activities/graph/graph.h"
#include "activities/graph/graph_index.h"

namespace wfe::optimizer {

/// Of a graph that is valid and outlives it.  A plain value; const methods may be called from any thread.
class GraphFlow {
 public:
  explicit GraphFlow(const graph::Graph& graph);

  /// graph::GraphIndex::kNone: there is no such node.
  int Find(const std::string& id) const { return index_.Find(id); }
  const graph::Graph& graph() const { return graph_; }

  /// Some walk comes to `to` after `from` (in a cycle a node precedes itself).  Branches of one parallel node do not
  /// precede each other.
  bool Precedes(int from, int to) const;

  /// After the node a walk may read `key` before it is written again; without outputs of the graph, all that is left at
  /// the end is read.
  bool IsReadAfter(int node, const std::string& key) const;

  /// Nodes that write the key.
  std::vector<int> WritersOf(const std::string& key) const;

 private:
  using Bits = std::vector<uint64_t>;

  void Connect();
  void FindWhoPrecedes();
  void FindWhatIsRead();
  size_t KeyNumber(const std::string& key) { return keys_.emplace(key, keys_.size()).first->second; }
  std::vector<std::string> ReadsOfConditions(int node) const;

  const graph::Graph& graph_;
  graph::GraphIndex index_;
  std::vector<std::vector<int>> next_;  // by node; GraphIndex::kNone: the graph's end
  std::vector<Bits> after_;             // by node: those that it precedes
  std::unordered_map<std::string, size_t> keys_;
  std::vector<Bits> read_after_;  // by node: keys
};

/// Keys that the node takes from the state, each once.
std::vector<std::string> KeysReadBy(const graph::GraphNode& node);

}  // namespace wfe::optimizer
