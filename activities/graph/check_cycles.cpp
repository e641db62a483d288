// Every cycle has a node with max_iterations, and every node leads to an end.
#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/strong_components.hpp>
#include <deque>

#include "activities/graph/validation.h"

namespace wfe::graph {
namespace {

using Unbounded = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;

bool IsBounded(const Validation& v, int node) { return v.node(node).max_iterations > 0; }

/// "a -> b -> a": the shortest way from a node back to itself within its component.
std::string CycleThrough(const Validation& v, int first, const std::vector<int>& component) {
  const auto same = [&](int node) {
    return component[static_cast<size_t>(node)] == component[static_cast<size_t>(first)];
  };
  std::vector<int> before(v.graph.nodes.size(), GraphIndex::kNone);
  std::deque<int> open = {first};
  while (!open.empty()) {
    const int node = open.front();
    open.pop_front();
    for (const int edge : v.index.edges_of(node)) {
      const int target = v.index.target_of(edge);
      if (IsBounded(v, target) || !same(target)) continue;
      if (target == first) {
        std::vector<int> way = {first};
        for (int at = node; at != GraphIndex::kNone && at != first; at = before[static_cast<size_t>(at)])
          way.push_back(at);
        std::string text;
        for (auto at = way.rbegin(); at != way.rend(); ++at) text += v.id(*at) + " -> ";
        // `way` is first, then backwards from the end: turned round, `first` comes last.
        return v.id(first) + " -> " + text.substr(0, text.size() - 4);
      }
      if (before[static_cast<size_t>(target)] != GraphIndex::kNone || target == first) continue;
      before[static_cast<size_t>(target)] = node;
      open.push_back(target);
    }
  }
  return v.id(first);
}

void CheckUnboundedCycles(Validation& v) {
  Unbounded unbounded(v.graph.nodes.size());
  std::vector<bool> loops(v.graph.nodes.size());
  for (size_t n = 0; n < v.graph.nodes.size(); ++n) {
    const int node = static_cast<int>(n);
    if (IsBounded(v, node)) continue;
    for (const int edge : v.index.edges_of(node)) {
      const int target = v.index.target_of(edge);
      if (target == node) loops[n] = true;
      if (!IsBounded(v, target)) boost::add_edge(n, static_cast<size_t>(target), unbounded);
    }
  }
  std::vector<int> component(v.graph.nodes.size());
  const int count = boost::strong_components(
      unbounded, boost::make_iterator_property_map(component.begin(), boost::get(boost::vertex_index, unbounded)));
  std::vector<int> size(static_cast<size_t>(count));
  for (const int c : component) ++size[static_cast<size_t>(c)];
  std::vector<bool> told(static_cast<size_t>(count));
  for (size_t n = 0; n < v.graph.nodes.size(); ++n) {
    const auto c = static_cast<size_t>(component[n]);
    if (told[c] || (size[c] == 1 && !loops[n])) continue;
    told[c] = true;
    const std::string cycle = v.mistakes.has_room() ? CycleThrough(v, static_cast<int>(n), component) : "";
    v.Wrong(static_cast<int>(n), "/max_iterations", "the cycle " + cycle + " has no node with max_iterations");
  }
}

/// Of each region, backwards from its ends.
void CheckEnds(Validation& v) {
  std::vector<std::vector<int>> sources(v.graph.nodes.size());
  std::deque<int> open;
  std::vector<bool> ends(v.graph.nodes.size());
  for (size_t n = 0; n < v.graph.nodes.size(); ++n) {
    const std::vector<int>& edges = v.index.edges_of(static_cast<int>(n));
    for (const int edge : edges) sources[static_cast<size_t>(v.index.target_of(edge))].push_back(static_cast<int>(n));
    if (!edges.empty()) continue;
    ends[n] = true;
    open.push_back(static_cast<int>(n));
  }
  // An edge to a node that is not there has been told; it may have led to an end.
  for (const GraphEdge& edge : v.graph.edges) {
    const int source = v.index.Find(edge.source);
    if (source == GraphIndex::kNone || v.index.Find(edge.target) != GraphIndex::kNone) continue;
    ends[static_cast<size_t>(source)] = true;
    open.push_back(source);
  }
  while (!open.empty()) {
    for (const int source : sources[static_cast<size_t>(open.front())]) {
      if (ends[static_cast<size_t>(source)]) continue;
      ends[static_cast<size_t>(source)] = true;
      open.push_back(source);
    }
    open.pop_front();
  }
  for (size_t n = 0; n < v.graph.nodes.size(); ++n) {
    if (!ends[n]) v.Wrong(static_cast<int>(n), "", "no way leads from it to an end (a node that no edge leaves)");
  }
}

}  // namespace

void CheckCycles(Validation& validation) {
  CheckUnboundedCycles(validation);
  CheckEnds(validation);
}

}  // namespace wfe::graph
