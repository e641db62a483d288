// Who can be reached, in which walk, and whether the branches of a node keep out of each other's way.
#include <algorithm>
#include <unordered_map>

#include "activities/graph/validation.h"
#include "engine/base/printable.h"

namespace wfe::graph {
namespace {

class RegionSearch {
 public:
  explicit RegionSearch(Validation& validation) : v_(validation) {}

  void Run() {
    const int start = v_.index.Find(v_.graph.start);
    if (start == GraphIndex::kNone) {
      const std::string shown = PrintableLine(v_.graph.start.substr(0, kMaxNameBytes));
      v_.mistakes.Add("/start", v_.graph.start.empty() ? "start must be the id of the first node"
                                                       : "start: there is no node \"" + shown + "\"");
      return;
    }
    v_.regions.push_back({.entry = start});
    for (size_t r = 0; r < v_.regions.size(); ++r) Explore(r);
    for (size_t n = 0; n < v_.graph.nodes.size(); ++n) {
      const int node = static_cast<int>(n);
      // A second node of an id has been told already.
      if (v_.region_of[n] != -1 || v_.index.Find(v_.id(node)) != node) continue;
      v_.Wrong(node, "", "it is never reached from " + v_.graph.start);
    }
  }

 private:
  void Explore(size_t r) {
    const int entry = v_.regions[r].entry;
    if (!Claim(entry, r)) return;
    for (size_t next = 0; next < v_.regions[r].nodes.size(); ++next) {
      const int node = v_.regions[r].nodes[next];
      if (v_.node(node).kind == kParallel || v_.node(node).kind == kBatch) Fork(node, r);
      for (const int edge : v_.index.edges_of(node)) {
        const int target = v_.index.target_of(edge);
        if (v_.region_of[static_cast<size_t>(target)] == static_cast<int>(r)) continue;
        Claim(target, r);
      }
    }
  }

  bool Claim(int node, size_t r) {
    int& region = v_.region_of[static_cast<size_t>(node)];
    if (region == -1) {
      region = static_cast<int>(r);
      v_.regions[r].nodes.push_back(node);
      return true;
    }
    v_.tangled = true;
    v_.Wrong(node, "",
             "it is reached in " + NameOf(static_cast<size_t>(region)) + " and in " + NameOf(r) +
                 "; a walk must not go on in another one's nodes");
    return false;
  }

  std::string NameOf(size_t r) const {
    const Region& region = v_.regions[r];
    if (region.fork == GraphIndex::kNone) return "the walk from " + v_.graph.start;
    return "branch " + v_.id(region.entry) + " of " + v_.id(region.fork);
  }

  void Fork(int node, size_t r) {
    const size_t nesting = v_.regions[r].nesting + 1;
    if (nesting > kMaxNesting) {
      return v_.Wrong(node, "/branches", "branches are nested more than " + std::to_string(kMaxNesting) + " deep");
    }
    for (const std::string& branch : v_.node(node).branches) {
      const int entry = v_.index.Find(branch);
      if (entry == GraphIndex::kNone) continue;  // told by the node itself
      v_.branches_of[static_cast<size_t>(node)].push_back(static_cast<int>(v_.regions.size()));
      v_.regions.push_back(
          {.entry = entry, .fork = node, .parent = static_cast<int>(r), .nesting = nesting, .nodes = {}});
    }
  }

  Validation& v_;
};

/// By key, the branch that does something with it first.
using Uses = std::unordered_map<std::string, int>;

/// What a region and all regions in it read and write.
struct RegionKeys {
  Uses reads;  // the values are not used
  Uses writes;
};

void AddKeys(const Validation& v, int node, RegionKeys& keys) {
  for (const auto* list : {&v.node(node).reads, &v.node(node).optional_reads}) {
    for (const std::string& key : *list) keys.reads.emplace(key, 0);
  }
  for (const std::string& key : v.node(node).writes) keys.writes.emplace(key, 0);
  for (const int edge : v.index.edges_of(node)) {
    const auto& condition = v.conditions[static_cast<size_t>(edge)];
    if (!condition) continue;
    for (const auto* list : {&condition->keys(), &condition->guarded_keys()}) {
      for (const std::string& key : *list) keys.reads.emplace(key, 0);
    }
  }
}

void CheckFork(Validation& v, int fork, const std::vector<RegionKeys>& keys) {
  Uses writer;
  const std::vector<int>& branches = v.branches_of[static_cast<size_t>(fork)];
  const auto name = [&](int region) { return v.id(v.regions[static_cast<size_t>(region)].entry); };
  for (const int branch : branches) {
    std::vector<std::string> written;
    for (const auto& [key, unused] : keys[static_cast<size_t>(branch)].writes) written.push_back(key);
    std::ranges::sort(written);
    for (const std::string& key : written) {
      const auto [first, is_new] = writer.emplace(key, branch);
      if (is_new) continue;
      v.Wrong(fork, "/branches", "branches " + name(first->second) + " and " + name(branch) + " both write " + key);
    }
  }
  for (const int branch : branches) {
    std::vector<std::string> read;
    for (const auto& [key, unused] : keys[static_cast<size_t>(branch)].reads) read.push_back(key);
    std::ranges::sort(read);
    for (const std::string& key : read) {
      const auto first = writer.find(key);
      if (first == writer.end() || first->second == branch) continue;
      v.Wrong(fork, "/branches",
              "branch " + name(branch) + " reads " + key + ", which branch " + name(first->second) +
                  " writes at the same time");
    }
  }
}

}  // namespace

void FindRegions(Validation& validation) { RegionSearch(validation).Run(); }

void CheckBranches(Validation& validation) {
  std::vector<RegionKeys> keys(validation.regions.size());
  for (size_t r = validation.regions.size(); r-- > 0;) {  // children before parents
    for (const int node : validation.regions[r].nodes) AddKeys(validation, node, keys[r]);
    const int parent = validation.regions[r].parent;
    if (parent < 0) continue;
    for (const auto& [key, unused] : keys[r].reads) keys[static_cast<size_t>(parent)].reads.emplace(key, 0);
    for (const auto& [key, unused] : keys[r].writes) keys[static_cast<size_t>(parent)].writes.emplace(key, 0);
  }
  for (size_t n = 0; n < validation.graph.nodes.size(); ++n) CheckFork(validation, static_cast<int>(n), keys);
}

}  // namespace wfe::graph
