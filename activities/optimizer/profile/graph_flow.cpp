#include "activities/optimizer/profile/graph_flow.h"

#include <algorithm>
#include <set>

#include "activities/graph/condition.h"
#include "activities/graph/validation.h"

namespace wfe::optimizer {
namespace {

using graph::GraphIndex;
using graph::GraphNode;

void SetBit(std::vector<uint64_t>& bits, size_t i) { bits[i / 64] |= uint64_t{1} << (i % 64); }
void ClearBit(std::vector<uint64_t>& bits, size_t i) { bits[i / 64] &= ~(uint64_t{1} << (i % 64)); }
bool HasBit(const std::vector<uint64_t>& bits, size_t i) { return (bits[i / 64] >> (i % 64) & 1) != 0; }

/// True: something is new.
bool MergeBits(std::vector<uint64_t>& into, const std::vector<uint64_t>& from) {
  bool changed = false;
  for (size_t w = 0; w < into.size(); ++w) {
    const uint64_t merged = into[w] | from[w];
    changed = changed || merged != into[w];
    into[w] = merged;
  }
  return changed;
}

}  // namespace

std::vector<std::string> KeysReadBy(const GraphNode& node) {
  std::set<std::string> keys(node.reads.begin(), node.reads.end());
  keys.insert(node.optional_reads.begin(), node.optional_reads.end());
  for (const auto& [place, pointer] : node.inputs) {
    if (const auto key = graph::KeyOfPointer(pointer)) keys.insert(*key);
  }
  if (!node.items.empty()) {
    if (const auto key = graph::KeyOfPointer(node.items)) keys.insert(*key);
  }
  return {keys.begin(), keys.end()};
}

GraphFlow::GraphFlow(const graph::Graph& graph) : graph_(graph), index_(graph) {
  Connect();
  FindWhoPrecedes();
  FindWhatIsRead();
}

void GraphFlow::Connect() {
  graph::Mistakes ignored;
  const graph::KnownTypes any;
  graph::Validation parts(graph_, any, ignored);
  graph::FindRegions(parts);
  next_.assign(graph_.nodes.size(), {});
  // What follows the end of a walk: that of a branch goes on where its fork goes on.
  const auto after_region = [&](int region) {
    for (int r = region; r > 0; r = parts.regions[static_cast<size_t>(r)].parent) {
      const int fork = parts.regions[static_cast<size_t>(r)].fork;
      if (fork == GraphIndex::kNone) break;
      std::vector<int> targets;
      for (const int edge : index_.edges_of(fork)) targets.push_back(index_.target_of(edge));
      if (!targets.empty()) return targets;
    }
    return std::vector<int>{GraphIndex::kNone};
  };
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const int node = static_cast<int>(n);
    for (const int region : parts.branches_of[n]) {
      next_[n].push_back(parts.regions[static_cast<size_t>(region)].entry);
    }
    for (const int edge : index_.edges_of(node)) next_[n].push_back(index_.target_of(edge));
    if (index_.edges_of(node).empty()) {
      const std::vector<int> on = after_region(std::max(0, parts.region_of[n]));
      next_[n].insert(next_[n].end(), on.begin(), on.end());
    }
  }
}

void GraphFlow::FindWhoPrecedes() {
  const size_t count = graph_.nodes.size();
  after_.assign(count, Bits(count / 64 + 1));
  for (size_t n = 0; n < count; ++n) {
    std::vector<int> open = next_[n];
    while (!open.empty()) {
      const int node = open.back();
      open.pop_back();
      if (node == GraphIndex::kNone || HasBit(after_[n], static_cast<size_t>(node))) continue;
      SetBit(after_[n], static_cast<size_t>(node));
      const std::vector<int>& on = next_[static_cast<size_t>(node)];
      open.insert(open.end(), on.begin(), on.end());
    }
  }
}

bool GraphFlow::Precedes(int from, int to) const {
  return HasBit(after_[static_cast<size_t>(from)], static_cast<size_t>(to));
}

std::vector<std::string> GraphFlow::ReadsOfConditions(int node) const {
  std::vector<std::string> keys;
  for (const int edge : index_.edges_of(node)) {
    const std::string& text = graph_.edges[static_cast<size_t>(edge)].condition;
    if (text.empty()) continue;
    const Result<graph::Condition> condition = graph::Condition::Parse(text);
    if (!condition) continue;
    keys.insert(keys.end(), condition->keys().begin(), condition->keys().end());
    keys.insert(keys.end(), condition->guarded_keys().begin(), condition->guarded_keys().end());
  }
  return keys;
}

/// Liveness, backwards: wanted after a node is what its successors take, and what is wanted after them and they do not
/// write.
void GraphFlow::FindWhatIsRead() {
  const size_t count = graph_.nodes.size();
  std::vector<std::vector<std::string>> takes(count);
  std::vector<std::vector<std::string>> decides(count);
  for (size_t n = 0; n < count; ++n) {
    takes[n] = KeysReadBy(graph_.nodes[n]);
    decides[n] = ReadsOfConditions(static_cast<int>(n));
    for (const std::string& key : takes[n]) KeyNumber(key);
    for (const std::string& key : decides[n]) KeyNumber(key);
    for (const std::string& key : graph_.nodes[n].writes) KeyNumber(key);
  }
  for (const std::string& key : graph_.outputs) KeyNumber(key);
  const Bits none(keys_.size() / 64 + 1);
  Bits at_end = none;
  for (const std::string& key : graph_.outputs) SetBit(at_end, keys_.at(key));
  if (graph_.outputs.empty()) at_end.assign(at_end.size(), ~uint64_t{0});
  std::vector<Bits> wanted_before(count, none);
  read_after_.assign(count, none);
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t n = count; n-- > 0;) {
      Bits& after = read_after_[n];
      for (const std::string& key : decides[n]) SetBit(after, keys_.at(key));
      for (const int next : next_[n]) {
        MergeBits(after, next == GraphIndex::kNone ? at_end : wanted_before[static_cast<size_t>(next)]);
      }
      Bits before = after;
      for (const std::string& key : graph_.nodes[n].writes) ClearBit(before, keys_.at(key));
      for (const std::string& key : takes[n]) SetBit(before, keys_.at(key));
      changed = MergeBits(wanted_before[n], before) || changed;
    }
  }
}

bool GraphFlow::IsReadAfter(int node, const std::string& key) const {
  const auto number = keys_.find(key);
  return number != keys_.end() && HasBit(read_after_[static_cast<size_t>(node)], number->second);
}

std::vector<int> GraphFlow::WritersOf(const std::string& key) const {
  std::vector<int> writers;
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (std::ranges::find(graph_.nodes[n].writes, key) != graph_.nodes[n].writes.end()) {
      writers.push_back(static_cast<int>(n));
    }
  }
  return writers;
}

}  // namespace wfe::optimizer
