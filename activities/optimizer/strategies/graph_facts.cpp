#include "activities/optimizer/strategies/graph_facts.h"

#include <algorithm>

#include "activities/graph/condition.h"
#include "activities/graph/validation.h"

namespace wfe::optimizer {
namespace {

using graph::GraphNode;

bool Share(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b, uint32_t* which) {
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) {
      *which = a[i];
      return true;
    }
    (a[i] < b[j] ? i : j)++;
  }
  return false;
}

void SortOnce(std::vector<uint32_t>& keys) {
  std::ranges::sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
}

bool Has(const std::vector<uint64_t>& bits, int i) {
  const auto at = static_cast<size_t>(i);
  return (bits[at / 64] >> (at % 64) & 1) != 0;
}

}  // namespace

GraphFacts::GraphFacts(const graph::Graph& graph, Look look)
    : graph_(graph),
      index_(graph),
      walk_of_(graph.nodes.size(), kNone),
      branches_of_(graph.nodes.size()),
      row_of_(graph.nodes.size(), kNone),
      place_in_row_(graph.nodes.size(), 0),
      level_of_(graph.nodes.size(), 0),
      needs_(graph.nodes.size()),
      reads_(graph.nodes.size()),
      writes_(graph.nodes.size()),
      side_effects_(graph.nodes.size()) {
  if (look == Look::kAll) flow_.emplace(graph);
  FindWalks();
  FindKeys();
  FindRows();
}

void GraphFacts::FindWalks() {
  graph::Mistakes ignored;
  const graph::KnownTypes any;
  graph::Validation parts(graph_, any, ignored);
  graph::FindRegions(parts);
  for (const graph::Region& region : parts.regions) {
    walks_.push_back({.entry = region.entry, .fork = region.fork, .parent = region.parent, .nodes = region.nodes});
  }
  walk_of_ = parts.region_of;
  branches_of_ = parts.branches_of;
}

uint32_t GraphFacts::KeyNumber(const std::string& key) {
  const auto [found, is_new] = keys_.emplace(key, static_cast<uint32_t>(key_names_.size()));
  if (is_new) key_names_.push_back(key);
  return found->second;
}

void GraphFacts::FindKeys() {
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const GraphNode& node = graph_.nodes[n];
    for (const std::string& key : KeysReadBy(node)) {
      reads_[n].push_back(KeyNumber(key));
      readers_[key].push_back(static_cast<int>(n));
    }
    for (const std::string& key : node.writes) writes_[n].push_back(KeyNumber(key));
    side_effects_[n] = node.side_effects || node.kind == graph::kChild;
  }
  std::vector<std::vector<uint32_t>> of_conditions(graph_.nodes.size());
  for (const graph::GraphEdge& edge : graph_.edges) {
    if (edge.condition.empty()) continue;
    const Result<graph::Condition> condition = graph::Condition::Parse(edge.condition);
    const int source = Find(edge.source);
    if (!condition || source == kNone) continue;
    for (const auto* list : {&condition->keys(), &condition->guarded_keys()}) {
      for (const std::string& key : *list) {
        condition_[key].push_back(source);
        of_conditions[static_cast<size_t>(source)].push_back(KeyNumber(key));
      }
    }
  }
  // A fork does what its branches do; children stand behind their parents.
  for (size_t w = walks_.size(); w-- > 0;) {
    const int fork = walks_[w].fork;
    if (fork == kNone) continue;
    const auto f = static_cast<size_t>(fork);
    for (const int inner : walks_[w].nodes) {
      const auto i = static_cast<size_t>(inner);
      reads_[f].insert(reads_[f].end(), reads_[i].begin(), reads_[i].end());
      reads_[f].insert(reads_[f].end(), of_conditions[i].begin(), of_conditions[i].end());
      writes_[f].insert(writes_[f].end(), writes_[i].begin(), writes_[i].end());
      if (side_effects_[i]) side_effects_[f] = true;
    }
  }
  for (auto& keys : reads_) SortOnce(keys);
  for (auto& keys : writes_) SortOnce(keys);
}

bool GraphFacts::Uses(const std::vector<Keys>& of, int node, const std::string& key) const {
  const auto number = keys_.find(key);
  return number != keys_.end() && std::ranges::binary_search(of[static_cast<size_t>(node)], number->second);
}

bool GraphFacts::is_batch_member(int node) const {
  const int walk = walk_of(node);
  if (walk == kNone) return false;
  const int fork = walks_[static_cast<size_t>(walk)].fork;
  return fork != kNone && this->node(fork).kind == graph::kBatch;
}

void GraphFacts::FindRows() {
  std::vector<int> incoming(graph_.nodes.size());
  for (const Walk& walk : walks_) ++incoming[static_cast<size_t>(walk.entry)];
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    for (const int edge : index_.edges_of(static_cast<int>(n))) ++incoming[static_cast<size_t>(index_.target_of(edge))];
  }
  const auto may = [&](int n) {
    return node(n).kind != graph::kDecision && node(n).max_iterations == 0 && !is_batch_member(n);
  };
  /// The node that always follows and follows nothing else; kNone.
  const auto follower = [&](int n) {
    const std::vector<int>& edges = index_.edges_of(n);
    if (edges.size() != 1 || !graph_.edges[static_cast<size_t>(edges[0])].condition.empty()) return kNone;
    const int target = index_.target_of(edges[0]);
    return incoming[static_cast<size_t>(target)] == 1 && may(target) ? target : kNone;
  };
  std::vector<bool> follows(graph_.nodes.size());
  for (const Walk& walk : walks_) {
    for (const int n : walk.nodes) {
      if (!may(n)) continue;
      if (const int next = follower(n); next != kNone && next != n) follows[static_cast<size_t>(next)] = true;
    }
  }
  for (const Walk& walk : walks_) {
    for (const int n : walk.nodes) {
      if (!may(n) || follows[static_cast<size_t>(n)]) continue;
      Row row;
      for (int at = n; at != kNone; at = follower(at)) {
        row_of_[static_cast<size_t>(at)] = static_cast<int>(rows_.size());
        place_in_row_[static_cast<size_t>(at)] = static_cast<int>(row.size());
        row.push_back(at);
      }
      OrderRow(row);
      rows_.push_back(std::move(row));
    }
  }
}

void GraphFacts::OrderRow(const Row& row) {
  const size_t words = row.size() / 64 + 1;
  for (size_t j = 0; j < row.size(); ++j) {
    const auto later = static_cast<size_t>(row[j]);
    needs_[later].assign(words, 0);
    for (size_t i = j; i-- > 0;) {
      if (Has(needs_[later], static_cast<int>(i))) continue;  // by way of another one already
      const auto earlier = static_cast<size_t>(row[i]);
      uint32_t ignored = 0;
      const bool needed = side_effects_[earlier] || side_effects_[later] ||
                          Share(writes_[earlier], reads_[later], &ignored) ||
                          Share(reads_[earlier], writes_[later], &ignored) ||
                          Share(writes_[earlier], writes_[later], &ignored);
      if (!needed) continue;
      for (size_t w = 0; w < words; ++w) needs_[later][w] |= needs_[earlier][w];
      needs_[later][i / 64] |= uint64_t{1} << (i % 64);
      level_of_[later] = std::max(level_of_[later], level_of_[earlier] + 1);
    }
  }
}

bool GraphFacts::DependsOn(int later, int earlier) const {
  if (row_of(later) == kNone || row_of(later) != row_of(earlier)) return false;
  return Has(needs_[static_cast<size_t>(later)], place_in_row_[static_cast<size_t>(earlier)]);
}

std::string GraphFacts::Conflict(int earlier, int later) const {
  const auto a = static_cast<size_t>(earlier);
  const auto b = static_cast<size_t>(later);
  uint32_t key = 0;
  if (Share(writes_[a], writes_[b], &key)) return "both write " + key_names_[key];
  if (Share(writes_[a], reads_[b], &key))
    return node(later).id + " reads " + key_names_[key] + " of " + node(earlier).id;
  if (Share(reads_[a], writes_[b], &key))
    return node(later).id + " writes " + key_names_[key] + ", which " + node(earlier).id + " reads before";
  if (side_effects_[a]) return node(earlier).id + " has side effects, which come before what follows";
  if (side_effects_[b]) return node(later).id + " has side effects, which come when all before it went well";
  return "";
}

std::string GraphFacts::WhyDependent(int a, int b) const {
  if (row_of(a) == kNone || row_of(a) != row_of(b)) return "they do not always run one after the other";
  if (place_in_row_[static_cast<size_t>(a)] > place_in_row_[static_cast<size_t>(b)]) std::swap(a, b);
  if (!DependsOn(b, a)) return "";
  if (std::string direct = Conflict(a, b); !direct.empty()) return direct;
  for (const int between : rows_[static_cast<size_t>(row_of(a))]) {
    if (between != a && between != b && DependsOn(between, a) && DependsOn(b, between)) {
      return node(b).id + " needs " + node(between).id + ", which needs " + node(a).id;
    }
  }
  return "they depend on each other";
}

std::vector<int> GraphFacts::UsersOf(int node) const {
  std::vector<int> users;
  for (const std::string& key : this->node(node).writes) {
    const auto found = readers_.find(key);
    if (found == readers_.end()) continue;
    for (const int reader : found->second) {
      if (reader != node && flow_->Precedes(node, reader)) users.push_back(reader);
    }
  }
  std::ranges::sort(users);
  users.erase(std::ranges::unique(users).begin(), users.end());
  return users;
}

bool GraphFacts::IsNeededBeyondNodes(int node, std::string* which) const {
  const auto say = [&](const std::string& sentence) {
    if (which != nullptr) *which = sentence;
    return true;
  };
  for (const std::string& key : this->node(node).writes) {
    if (graph_.outputs.empty()) return say("the graph gives its whole state, and so " + key);
    if (std::ranges::find(graph_.outputs, key) != graph_.outputs.end()) return say(key + " is what the graph gives");
    const auto found = condition_.find(key);
    if (found == condition_.end()) continue;
    for (const int source : found->second) {
      if (source == node || flow_->Precedes(node, source))
        return say("a condition after " + this->node(source).id + " reads " + key);
    }
  }
  return false;
}

}  // namespace wfe::optimizer
