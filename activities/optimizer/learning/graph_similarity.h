// How alike two graphs are (LN-6), and which node of the one is which of the other.  Pure; time grows with nodes and
// edges.
#pragma once

#include <vector>

#include "activities/graph/graph.h"
#include "engine/base/record_json.h"

namespace wfe::optimizer {

/// How well a pair fits: the first is the best.
enum class NodeMatch {
  kSame,         ///< Kind, activity, tool and model.
  kSameActivity, ///< Kind and activity.
  kSameKind,
  kNone,         ///< It has no partner.
};

struct NodePair {
  int partner = -1;  ///< The number of the node in the other graph.
  NodeMatch match = NodeMatch::kNone;
};

/// For each node of `from` its partner in `to`; no node is the partner of two.  Pairs are made from the best match
/// down; among equal ones those go first whose neighbours are alike too, then those of the same id, then in order.
std::vector<NodePair> MatchNodes(const graph::Graph& from, const graph::Graph& to);

struct GraphSimilarity {
  double graph = 0;  ///< 1 - edit distance / (nodes and edges of both)
  /// Mean over types, tools and models of what both have in common, as a share of what either has; what neither has (a
  /// graph need not name models) does not count.
  double node = 0;
  double similarity = 0;  ///< Half of each.
};
WFE_RECORD(GraphSimilarity, graph, node, similarity);

/// The edit distance counts nodes and edges that are in one only, half a node where tool or model differ, three
/// quarters where only the kind is the same.  It is that of MatchNodes: the least distance is not looked for, which
/// would take exponential time, so it is never under it; equal graphs have 0.
GraphSimilarity CompareGraphs(const graph::Graph& first, const graph::Graph& second);

}  // namespace wfe::optimizer
