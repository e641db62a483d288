// What strategies must know of a graph before they change it: which nodes stand in a row, which of them depend on each
// other, and whose results somebody needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "activities/graph/graph.h"
#include "activities/graph/graph_index.h"
#include "activities/optimizer/profile/graph_flow.h"

namespace wfe::optimizer {

/// Of a graph that is valid and outlives it.  A plain value; const methods may be called from any thread.
class GraphFacts {
 public:
  static constexpr int kNone = -1;

  /// One walk's nodes, as graph::Region.
  struct Walk {
    int entry = kNone;
    int fork = kNone;
    int parent = kNone;
    std::vector<int> nodes;
  };
  /// Nodes that always run one after the other: no condition, no limit and nobody else's edge between them.  What
  /// matters of their order is only who needs whom.
  using Row = std::vector<int>;

  /// Rows alone are known much faster, and are all that a group needs.
  enum class Look { kRows, kAll };

  explicit GraphFacts(const graph::Graph& graph, Look look = Look::kAll);

  const graph::Graph& graph() const { return graph_; }
  /// Only with Look::kAll; so are UsersOf and IsNeededBeyondNodes.
  const GraphFlow& flow() const { return *flow_; }
  const graph::GraphNode& node(int i) const { return graph_.nodes[static_cast<size_t>(i)]; }
  int Find(const std::string& id) const { return index_.Find(id); }

  const std::vector<Walk>& walks() const { return walks_; }
  int walk_of(int node) const { return walk_of_[static_cast<size_t>(node)]; }
  /// The walks of a parallel or batch node's branches.
  const std::vector<int>& branches_of(int node) const { return branches_of_[static_cast<size_t>(node)]; }
  /// It is one of the nodes of a batch: nothing can be done with it alone.
  bool is_batch_member(int node) const;

  const std::vector<Row>& rows() const { return rows_; }
  int row_of(int node) const { return row_of_[static_cast<size_t>(node)]; }  ///< kNone: a decision, or it has a limit.
  /// How many nodes of its row must have run before it, one after the other.
  int level_of(int node) const { return level_of_[static_cast<size_t>(node)]; }
  /// By way of however many others of their row (ST-12); `later` stands behind `earlier`.  Two nodes with side effects
  /// depend on each other, and everything on the side effects before it: they are to happen when all went well.
  bool DependsOn(int later, int earlier) const;
  /// Why two nodes of a row must not run at once, in a sentence; empty: they may.
  std::string WhyDependent(int a, int b) const;

  /// Of the node and all in its branches.
  bool MayRead(int node, const std::string& key) const { return Uses(reads_, node, key); }
  bool MayWrite(int node, const std::string& key) const { return Uses(writes_, node, key); }
  /// The same: it changes something outside, or runs another workflow.
  bool has_side_effects(int node) const { return side_effects_[static_cast<size_t>(node)]; }

  /// Nodes other than itself that may read what it writes.
  std::vector<int> UsersOf(int node) const;
  /// A condition or the graph's output may be what it writes; `which` gets a sentence.
  bool IsNeededBeyondNodes(int node, std::string* which = nullptr) const;

 private:
  using Keys = std::vector<uint32_t>;  // sorted

  void FindWalks();
  void FindKeys();
  void FindRows();
  void OrderRow(const Row& row);
  bool Uses(const std::vector<Keys>& of, int node, const std::string& key) const;
  uint32_t KeyNumber(const std::string& key);
  std::string Conflict(int earlier, int later) const;

  const graph::Graph& graph_;
  graph::GraphIndex index_;
  std::optional<GraphFlow> flow_;
  std::vector<Walk> walks_;
  std::vector<int> walk_of_;
  std::vector<std::vector<int>> branches_of_;
  std::vector<Row> rows_;
  std::vector<int> row_of_;
  std::vector<int> place_in_row_;
  std::vector<int> level_of_;
  std::vector<std::vector<uint64_t>> needs_;  // by node: places in its row that must come before it
  std::unordered_map<std::string, uint32_t> keys_;
  std::vector<std::string> key_names_;
  std::vector<Keys> reads_;  // by node, with its branches
  std::vector<Keys> writes_;
  std::vector<bool> side_effects_;
  std::unordered_map<std::string, std::vector<int>> readers_;    // by key: nodes
  std::unordered_map<std::string, std::vector<int>> condition_;  // by key: sources of edges whose condition reads it
};

}  // namespace wfe::optimizer
