#include "activities/optimizer/learning/graph_similarity.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "activities/graph/graph_index.h"

namespace wfe::optimizer {
namespace {

constexpr char kApart = '\x1f';  // stands in no name

std::string ActivityKey(const graph::GraphNode& node) { return node.kind + kApart + node.activity; }

std::string WholeKey(const graph::GraphNode& node) {
  return ActivityKey(node) + kApart + node.tool + kApart + node.model;
}

/// Edges and ways into branches, by the numbers of nodes.
std::vector<std::pair<int, int>> ArcsOf(const graph::Graph& graph) {
  const graph::GraphIndex index(graph);
  std::vector<std::pair<int, int>> arcs;
  for (size_t n = 0; n < index.size(); ++n) {
    const int node = static_cast<int>(n);
    for (const int edge : index.edges_of(node)) arcs.emplace_back(node, index.target_of(edge));
    for (const std::string& branch : graph.nodes[n].branches) {
      const int entry = index.Find(branch);
      if (entry != graph::GraphIndex::kNone) arcs.emplace_back(node, entry);
    }
  }
  return arcs;
}

/// A node's key with those of the nodes before and after it.
std::vector<std::string> KeysWithNeighbours(const graph::Graph& graph) {
  std::vector<std::vector<std::string>> before(graph.nodes.size());
  std::vector<std::vector<std::string>> after(graph.nodes.size());
  for (const auto& [source, target] : ArcsOf(graph)) {
    after[static_cast<size_t>(source)].push_back(ActivityKey(graph.nodes[static_cast<size_t>(target)]));
    before[static_cast<size_t>(target)].push_back(ActivityKey(graph.nodes[static_cast<size_t>(source)]));
  }
  std::vector<std::string> keys;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    std::string key = WholeKey(graph.nodes[n]);
    for (auto* neighbours : {&before[n], &after[n]}) {
      std::ranges::sort(*neighbours);
      key += '\x1e';
      for (const std::string& neighbour : *neighbours) key += neighbour + '\x1d';
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

class Matching {
 public:
  Matching(const graph::Graph& from, const graph::Graph& to)
      : from_(from), to_(to), pairs_(from.nodes.size()), taken_(to.nodes.size()) {}

  /// Pairs nodes that are still alone and have the same key.
  void Pass(const std::vector<std::string>& from_keys, const std::vector<std::string>& to_keys, NodeMatch match) {
    std::unordered_map<std::string_view, std::deque<int>> open;
    std::unordered_map<std::string, int> by_id;
    for (size_t n = 0; n < to_keys.size(); ++n) {
      if (taken_[n]) continue;
      open[to_keys[n]].push_back(static_cast<int>(n));
      by_id.emplace(to_.nodes[n].id, static_cast<int>(n));
    }
    for (size_t n = 0; n < from_keys.size(); ++n) {
      if (pairs_[n].match != NodeMatch::kNone) continue;
      const auto same = by_id.find(from_.nodes[n].id);
      if (same != by_id.end() && to_keys[static_cast<size_t>(same->second)] == from_keys[n]) {
        Take(n, same->second, match);
      }
    }
    for (size_t n = 0; n < from_keys.size(); ++n) {
      if (pairs_[n].match != NodeMatch::kNone) continue;
      const auto found = open.find(from_keys[n]);
      if (found == open.end()) continue;
      std::deque<int>& nodes = found->second;
      while (!nodes.empty() && taken_[static_cast<size_t>(nodes.front())]) nodes.pop_front();
      if (!nodes.empty()) Take(n, nodes.front(), match);
    }
  }

  std::vector<NodePair> pairs() && { return std::move(pairs_); }

 private:
  void Take(size_t from, int to, NodeMatch match) {
    pairs_[from] = {.partner = to, .match = match};
    taken_[static_cast<size_t>(to)] = true;
  }

  const graph::Graph& from_;
  const graph::Graph& to_;
  std::vector<NodePair> pairs_;
  std::vector<bool> taken_;
};

template <class KeyOf>
std::vector<std::string> KeysBy(const graph::Graph& graph, const KeyOf& key_of) {
  std::vector<std::string> keys;
  for (const graph::GraphNode& node : graph.nodes) keys.push_back(key_of(node));
  return keys;
}

double CostOf(NodeMatch match) {
  switch (match) {
    case NodeMatch::kSame: return 0;
    case NodeMatch::kSameActivity: return 0.5;
    case NodeMatch::kSameKind: return 0.75;
    case NodeMatch::kNone: break;
  }
  return 1;
}

/// By multisets of what `key_of` says; empty texts are nothing.  nullopt: neither has anything.
template <class KeyOf>
std::optional<double> InCommon(const graph::Graph& first, const graph::Graph& second, const KeyOf& key_of) {
  std::map<std::string, std::pair<int64_t, int64_t>> counts;
  for (const graph::GraphNode& node : first.nodes) ++counts[key_of(node)].first;
  for (const graph::GraphNode& node : second.nodes) ++counts[key_of(node)].second;
  counts.erase("");
  double both = 0;
  double either = 0;
  for (const auto& [key, count] : counts) {
    both += static_cast<double>(std::min(count.first, count.second));
    either += static_cast<double>(std::max(count.first, count.second));
  }
  return either == 0 ? std::optional<double>() : both / either;
}

}  // namespace

std::vector<NodePair> MatchNodes(const graph::Graph& from, const graph::Graph& to) {
  Matching matching(from, to);
  matching.Pass(KeysWithNeighbours(from), KeysWithNeighbours(to), NodeMatch::kSame);
  matching.Pass(KeysBy(from, WholeKey), KeysBy(to, WholeKey), NodeMatch::kSame);
  matching.Pass(KeysBy(from, ActivityKey), KeysBy(to, ActivityKey), NodeMatch::kSameActivity);
  const auto kind = [](const graph::GraphNode& node) { return node.kind; };
  matching.Pass(KeysBy(from, kind), KeysBy(to, kind), NodeMatch::kSameKind);
  return std::move(matching).pairs();
}

GraphSimilarity CompareGraphs(const graph::Graph& first, const graph::Graph& second) {
  const std::vector<NodePair> pairs = MatchNodes(first, second);
  double distance = 0;
  size_t paired = 0;
  for (const NodePair& pair : pairs) {
    distance += CostOf(pair.match);
    paired += pair.match == NodeMatch::kNone ? 0 : 1;
  }
  distance += static_cast<double>(second.nodes.size() - paired);
  const std::vector<std::pair<int, int>> first_arcs = ArcsOf(first);
  const std::vector<std::pair<int, int>> second_arcs = ArcsOf(second);
  std::multiset<std::pair<int, int>> left(second_arcs.begin(), second_arcs.end());
  for (const auto& [source, target] : first_arcs) {
    const auto found =
        left.find({pairs[static_cast<size_t>(source)].partner, pairs[static_cast<size_t>(target)].partner});
    if (found == left.end()) {
      ++distance;
    } else {
      left.erase(found);
    }
  }
  distance += static_cast<double>(left.size());
  const auto all =
      static_cast<double>(first.nodes.size() + second.nodes.size() + first_arcs.size() + second_arcs.size());
  GraphSimilarity similarity{.graph = all == 0 ? 1 : 1 - distance / all};
  double sum = 0;
  int parts = 0;
  for (const auto& part : {InCommon(first, second, ActivityKey),
                           InCommon(first, second, [](const graph::GraphNode& node) { return node.tool; }),
                           InCommon(first, second, [](const graph::GraphNode& node) { return node.model; })}) {
    if (!part) continue;
    sum += *part;
    ++parts;
  }
  similarity.node = parts == 0 ? 1 : sum / parts;
  similarity.similarity = 0.5 * similarity.graph + 0.5 * similarity.node;
  return similarity;
}

}  // namespace wfe::optimizer
