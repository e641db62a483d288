// Two nodes that do the same become one (ST-5).
#include <algorithm>
#include <optional>

#include "activities/optimizer/strategies/apply_parts.h"

namespace wfe::optimizer {
namespace {

using graph::GraphNode;

bool WritesKey(const GraphNode& node, const std::string& key) {
  return std::ranges::find(node.writes, key) != node.writes.end();
}

bool ReadsKey(const GraphNode& node, const std::string& key) {
  const std::vector<std::string> keys = KeysReadBy(node);
  return std::ranges::find(keys, key) != keys.end();
}

/// "/files/0" of files as a place in another key.
std::string Moved(const std::string& pointer, const std::string& from, const std::string& to) {
  const std::string root = "/" + from;
  if (pointer == root) return "/" + to;
  if (pointer.starts_with(root + "/")) return "/" + to + pointer.substr(root.size());
  return pointer;
}

void ReadInstead(GraphNode& node, const std::string& from, const std::string& to) {
  const bool read_both = ReadsKey(node, to);
  const auto is_placed = [&](const std::string& key) {
    return std::ranges::any_of(node.inputs, [&](const auto& entry) {
      return entry.second == "/" + key || entry.second.starts_with("/" + key + "/");
    });
  };
  // A key goes under its own name unless it is placed: now it stands for two names.
  if (read_both && !is_placed(to)) node.inputs[to] = "/" + to;
  if (!is_placed(from)) node.inputs[from] = "/" + from;
  for (auto& [place, pointer] : node.inputs) pointer = Moved(pointer, from, to);
  for (auto* list : {&node.reads, &node.optional_reads}) {
    const auto found = std::ranges::find(*list, from);
    if (found == list->end()) continue;
    if (!read_both) {
      *found = to;
    } else {
      list->erase(found);
    }
  }
}

/// The key of `keep` that has what `gone` writes to `key`.
std::string Counterpart(const GraphNode& keep, const GraphNode& gone, const std::string& key) {
  const auto at = std::ranges::find(gone.writes, key) - gone.writes.begin();
  return keep.writes[static_cast<size_t>(at)];
}

/// Both take the same of each result: one key as a whole, or keys with places that are named.
bool WriteAlike(const GraphNode& keep, const GraphNode& gone) {
  if (keep.writes.size() != gone.writes.size()) return false;
  for (size_t k = 0; k < keep.writes.size(); ++k) {
    const auto a = keep.outputs.find(keep.writes[k]);
    const auto b = gone.outputs.find(gone.writes[k]);
    if ((a == keep.outputs.end()) != (b == gone.outputs.end())) return false;
    if (a == keep.outputs.end() ? keep.writes.size() > 1 : a->second != b->second) return false;
  }
  return true;
}

std::string WhyNotTheSame(const GraphNode& keep, const GraphNode& gone) {
  if (keep.kind != gone.kind || (keep.kind != graph::kActivity && keep.kind != graph::kAgent))
    return "only two activities can be one";
  if (keep.activity != gone.activity || keep.tool != gone.tool || keep.model != gone.model)
    return "they call different things";
  const auto sorted = [](std::vector<std::string> keys) {
    std::ranges::sort(keys);
    return keys;
  };
  if (keep.parameters != gone.parameters || keep.inputs != gone.inputs || sorted(keep.reads) != sorted(gone.reads) ||
      sorted(keep.optional_reads) != sorted(gone.optional_reads)) {
    return "their inputs are not the same";
  }
  if (!WriteAlike(keep, gone)) return "they take different parts of the result";
  return "";
}

std::string WhyKeysMatter(const GraphFacts& facts, int keep, int gone) {
  for (const int which : {keep, gone}) {
    for (const std::string& key : facts.node(which).writes) {
      for (const GraphNode& other : facts.graph().nodes) {
        if (other.id != facts.node(which).id && WritesKey(other, key)) return other.id + " writes " + key + ", too";
        // The place of what is worked through goes by the key's name.
        if (which == gone && !other.items.empty() && ReadsKey(other, key)) return other.id + " works through " + key;
        if (which == gone && ReadsKey(other, key) && !facts.flow().Precedes(gone, facts.Find(other.id)))
          return other.id + " reads " + key + " before it is written";
      }
      if (which == gone && ReadsKey(facts.node(gone), key)) return "it reads what it wrote before";
      if (which == keep && ReadsKey(facts.node(keep), key)) return "it reads what it wrote before";
    }
  }
  std::string needed;
  if (facts.IsNeededBeyondNodes(gone, &needed)) return needed;
  return "";
}

}  // namespace

std::string WhyNotMerge(const GraphFacts& facts, int keep, int gone) {
  const GraphNode& first = facts.node(keep);
  const GraphNode& second = facts.node(gone);
  if (std::string why = WhyNotTheSame(first, second); !why.empty()) return why;
  if (first.side_effects || second.side_effects) return "they have side effects";
  if (facts.row_of(keep) == GraphFacts::kNone || facts.row_of(keep) != facts.row_of(gone))
    return "they do not always run one after the other";
  const GraphFacts::Row& row = facts.rows()[static_cast<size_t>(facts.row_of(keep))];
  const auto a = std::ranges::find(row, keep);
  const auto b = std::ranges::find(row, gone);
  if (a > b) return second.id + " runs before " + first.id;
  for (auto at = a + 1; at < b; ++at) {
    for (const std::string& key : KeysReadBy(first)) {
      if (facts.MayWrite(*at, key)) return facts.node(*at).id + " writes " + key + " between them";
    }
    for (const std::string& key : second.writes) {
      if (facts.MayRead(*at, key)) return facts.node(*at).id + " reads what " + second.id + " wrote before";
    }
  }
  return WhyKeysMatter(facts, keep, gone);
}

Status ReadTheOther(graph::Graph& graph, const std::string& keep, const std::string& gone, const GraphFacts* known) {
  std::optional<GraphFacts> looked;
  const GraphFacts& facts = known != nullptr ? *known : looked.emplace(graph);
  const int first = facts.Find(keep);
  const int second = facts.Find(gone);
  if (first == GraphFacts::kNone || second == GraphFacts::kNone)
    return NotFound("there is no node " + (first == GraphFacts::kNone ? keep : gone));
  if (std::string why = WhyNotMerge(facts, first, second); !why.empty()) return FailedPrecondition(gone + ": " + why);
  const GraphNode kept = facts.node(first);
  const GraphNode merged = facts.node(second);
  for (GraphNode& node : graph.nodes) {
    for (const std::string& key : merged.writes) {
      if (ReadsKey(node, key)) ReadInstead(node, key, Counterpart(kept, merged, key));
    }
  }
  return Ok();
}

}  // namespace wfe::optimizer
