#include "activities/graph/graph_index.h"

namespace wfe::graph {

GraphIndex::GraphIndex(const Graph& graph)
    : edges_of_(graph.nodes.size()), source_of_(graph.edges.size(), kNone), target_of_(graph.edges.size(), kNone) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) by_id_.try_emplace(graph.nodes[i].id, static_cast<int>(i));
  for (size_t i = 0; i < graph.edges.size(); ++i) {
    const int source = Find(graph.edges[i].source);
    const int target = Find(graph.edges[i].target);
    if (source == kNone || target == kNone) continue;
    source_of_[i] = source;
    target_of_[i] = target;
    edges_of_[static_cast<size_t>(source)].push_back(static_cast<int>(i));
  }
}

}  // namespace wfe::graph
