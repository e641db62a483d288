// What each node and edge shows by itself.
#include <algorithm>
#include <cmath>
#include <set>

#include "activities/graph/node_data.h"
#include "activities/graph/validation.h"
#include "engine/base/printable.h"
#include "engine/base/suggest.h"

namespace wfe::graph {
namespace {

std::string Shown(const std::string& text) { return "\"" + PrintableLine(text.substr(0, kMaxNameBytes)) + "\""; }

class NodeCheck {
 public:
  NodeCheck(Validation& validation, int node) : validation_(validation), i_(node), node_(validation.node(node)) {}

  void Run() {
    if (!IsName(node_.id)) {
      Wrong("/id", "an id must have 1 to " + std::to_string(kMaxNameBytes) +
                       " letters, digits, '-', '_' and '.', not " + Shown(node_.id));
    } else if (validation_.index.Find(node_.id) != i_) {
      Wrong("/id", "node " + std::to_string(validation_.index.Find(node_.id)) + " has the same id");
    }
    if (std::ranges::find(NodeKinds(), node_.kind) == NodeKinds().end()) {
      std::string kinds;
      for (const std::string& kind : NodeKinds()) kinds += (kinds.empty() ? "" : ", ") + kind;
      return Wrong("/kind",
                   "a kind is one of " + kinds + ", not " + Shown(node_.kind) + DidYouMean(node_.kind, NodeKinds()));
    }
    CheckType();
    CheckKeys();
    CheckData();
    CheckMembersOfKind();
    CheckNumbers();
    CheckCache();
  }

 private:
  void Wrong(const std::string& member, const std::string& sentence) { validation_.Wrong(i_, member, sentence); }

  bool calls() const { return node_.kind == kActivity || node_.kind == kAgent || node_.kind == kBatch; }
  bool acts() const { return calls() || node_.kind == kChild; }

  void CheckType() {
    if (!acts()) {
      if (!node_.activity.empty()) Wrong("/activity", "a " + node_.kind + " node has no activity");
      return;
    }
    const bool child = node_.kind == kChild;
    if (node_.activity.empty()) {
      return Wrong("/activity", child ? "activity must be the type of the workflow" : "activity is missing");
    }
    if (node_.activity.size() > kMaxNameBytes) {
      return Wrong("/activity", "the type has more than " + std::to_string(kMaxNameBytes) + " bytes");
    }
    const std::set<std::string>* const known = child ? validation_.known.workflows : validation_.known.activities;
    if (known == nullptr || known->contains(node_.activity)) return;
    Wrong("/activity", "there is no " + std::string(child ? "workflow" : "activity") + " " + Shown(node_.activity) +
                           DidYouMean(node_.activity, {known->begin(), known->end()}));
  }

  void CheckKeys() {
    std::set<std::string> seen;
    const auto check = [&](const std::vector<std::string>& keys, const std::string& member) {
      for (size_t k = 0; k < keys.size(); ++k) {
        const std::string at = "/" + member + "/" + std::to_string(k);
        if (!IsStateKey(keys[k])) {
          Wrong(at, member + ": " + Shown(keys[k]) + " is no key of a state");
        } else if (!seen.insert(keys[k]).second) {
          Wrong(at, member + ": " + keys[k] + " is named twice");
        }
      }
    };
    check(node_.reads, "reads");
    check(node_.optional_reads, "optional_reads");
    seen.clear();
    check(node_.writes, "writes");
    if (acts()) return;
    if (!node_.reads.empty() || !node_.optional_reads.empty())
      Wrong("/reads", "a " + node_.kind + " node reads nothing");
    if (!node_.writes.empty()) Wrong("/writes", "a " + node_.kind + " node writes nothing");
  }

  bool Reads(const std::string& key) const {
    return std::ranges::find(node_.reads, key) != node_.reads.end() ||
           std::ranges::find(node_.optional_reads, key) != node_.optional_reads.end();
  }

  void CheckData() {
    if (!node_.parameters.is_object()) return Wrong("/parameters", "parameters must be an object");
    for (const auto& [place, pointer] : node_.inputs) {
      const std::string at = "/inputs/" + PrintableLine(place);
      const auto key = KeyOfPointer(pointer);
      if (!key) {
        Wrong(at, "inputs: " + Shown(pointer) + " is no JSON pointer that begins with a key of the state");
      } else if (!Reads(*key)) {
        Wrong(at, "inputs: " + *key + " is neither in reads nor in optional_reads");
      }
    }
    if (const Status placed = CheckInputPlaces(node_); !placed) Wrong("/inputs", placed.error().message);
    for (const auto& [key, pointer] : node_.outputs) {
      const std::string at = "/outputs/" + PrintableLine(key);
      if (std::ranges::find(node_.writes, key) == node_.writes.end()) {
        Wrong(at, "outputs: " + Shown(key) + " is not in writes");
      } else if (!IsPointer(pointer)) {
        Wrong(at, "outputs: " + Shown(pointer) + " is no JSON pointer");
      }
    }
  }

  void CheckMembersOfKind() {
    const bool forks = node_.kind == kParallel || node_.kind == kBatch;
    if (!forks && !node_.branches.empty()) Wrong("/branches", "only parallel and batch nodes have branches");
    if (node_.kind != kBatch && !node_.items.empty()) Wrong("/items", "only batch nodes have items");
    if (node_.kind == kParallel && node_.branches.size() < 2)
      Wrong("/branches", "a parallel node has two branches or more");
    if (node_.kind == kBatch) CheckBatch();
    for (size_t b = 0; forks && b < node_.branches.size(); ++b) CheckBranch(b);
  }

  void CheckBatch() {
    if (node_.branches.empty() == node_.items.empty()) {
      return Wrong("", "a batch has either items (a list in the state) or branches (nodes of one call)");
    }
    if (!node_.branches.empty()) {
      if (!node_.writes.empty()) Wrong("/writes", "the nodes of a batch write, not the batch itself");
      return;
    }
    const auto key = KeyOfPointer(node_.items);
    if (!key) {
      Wrong("/items", "items: " + Shown(node_.items) + " is no JSON pointer that begins with a key of the state");
    } else if (std::ranges::find(node_.reads, *key) == node_.reads.end()) {
      Wrong("/items", "items: " + *key + " is not in reads");
    }
    if (node_.writes.size() > 1) Wrong("/writes", "a batch over items writes its list of results to one key");
    if (!node_.outputs.empty()) Wrong("/outputs", "a batch over items writes its list of results as a whole");
  }

  void CheckBranch(size_t b) {
    const std::string at = "/branches/" + std::to_string(b);
    const int entry = validation_.index.Find(node_.branches[b]);
    if (entry == GraphIndex::kNone) return Wrong(at, "there is no node " + Shown(node_.branches[b]));
    if (node_.kind != kBatch) return;
    const GraphNode& member = validation_.node(entry);
    if (member.kind != kActivity && member.kind != kAgent) {
      Wrong(at, "the nodes of a batch are activities, and " + member.id + " is of kind " + Shown(member.kind));
    }
    if (!validation_.index.edges_of(entry).empty())
      Wrong(at, "no edge leaves a node of a batch, and one leaves " + member.id);
  }

  void CheckRange(const std::string& member, double value, double least, double most) {
    if (std::isfinite(value) && value >= least && value <= most) return;
    const auto whole = [](double number) { return nlohmann::json(static_cast<int64_t>(number)).dump(); };
    Wrong("/" + member, member + " must be from " + whole(least) + " to " + whole(most));
  }

  void CheckNumbers() {
    CheckRange("timeout_s", node_.timeout_s, 0, kMaxTimeoutSeconds);
    CheckRange("heartbeat_s", node_.heartbeat_s, 0, kMaxTimeoutSeconds);
    CheckRange("max_iterations", static_cast<double>(node_.max_iterations), 0, kMaxIterations);
    CheckRange("batch_size", static_cast<double>(node_.batch_size), 1, 10'000);
    CheckRange("max_concurrent", static_cast<double>(node_.max_concurrent), 1, 100);
    if (!node_.retry) return;
    if (!acts()) Wrong("/retry", "a " + node_.kind + " node is not repeated");
    CheckRange("retry/maximum_attempts", static_cast<double>(node_.retry->maximum_attempts), 0, 1'000'000);
    CheckRange("retry/initial_interval_s", node_.retry->initial_interval_s, 0, kMaxTimeoutSeconds);
    CheckRange("retry/maximum_interval_s", node_.retry->maximum_interval_s, 0, kMaxTimeoutSeconds);
    CheckRange("retry/backoff", node_.retry->backoff, 1, 100);
  }

  void CheckCache() {
    if (!node_.cache) return;
    if (node_.kind != kActivity && node_.kind != kAgent) Wrong("/cache", "a " + node_.kind + " node is not cached");
    if (node_.side_effects) Wrong("/cache", "a node with side effects must not be cached");
    if (node_.cache->key_strategy != "hash_inputs") Wrong("/cache/key_strategy", "key_strategy is hash_inputs");
    if (node_.cache->eviction != "lru") Wrong("/cache/eviction", "eviction is lru");
    CheckRange("cache/ttl_seconds", static_cast<double>(node_.cache->ttl_seconds), 1, kMaxTimeoutSeconds);
    CheckRange("cache/max_size", static_cast<double>(node_.cache->max_size), 1, 1'000'000);
  }

  Validation& validation_;
  const int i_;
  const GraphNode& node_;
};

}  // namespace

void CheckNodes(Validation& validation) {
  std::set<std::string> keys(validation.graph.inputs.begin(), validation.graph.inputs.end());
  for (size_t i = 0; i < validation.graph.nodes.size(); ++i) {
    NodeCheck(validation, static_cast<int>(i)).Run();
    const GraphNode& node = validation.graph.nodes[i];
    for (const auto* list : {&node.reads, &node.optional_reads, &node.writes}) keys.insert(list->begin(), list->end());
  }
  if (keys.size() > kMaxStateKeys) {
    validation.mistakes.Add("/nodes", "the graph's state has " + std::to_string(keys.size()) + " keys; the limit is " +
                                          std::to_string(kMaxStateKeys));
  }
}

void CheckEdges(Validation& validation) {
  const Graph& graph = validation.graph;
  for (size_t e = 0; e < graph.edges.size(); ++e) {
    const GraphEdge& edge = graph.edges[e];
    for (const auto& [id, member] : {std::pair(edge.source, "/source"), std::pair(edge.target, "/target")}) {
      if (validation.index.Find(id) != GraphIndex::kNone) continue;
      validation.WrongEdge(e, member, "there is no node " + Shown(id));
    }
    if (edge.condition.empty()) continue;
    Result<Condition> condition = Condition::Parse(edge.condition);
    if (condition) {
      validation.conditions[e] = *std::move(condition);
    } else {
      validation.WrongEdge(e, "/condition", "condition " + Shown(edge.condition) + ", " + condition.error().message);
    }
  }
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    int always = GraphIndex::kNone;
    for (const int edge : validation.index.edges_of(static_cast<int>(n))) {
      if (always != GraphIndex::kNone) {
        validation.WrongEdge(static_cast<size_t>(edge), "",
                             "it is never taken, since edge " + std::to_string(always) +
                                 " before it has no condition; a parallel node runs both");
      } else if (graph.edges[static_cast<size_t>(edge)].condition.empty()) {
        always = edge;
      }
    }
  }
}

}  // namespace wfe::graph
