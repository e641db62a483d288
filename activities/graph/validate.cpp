#include "activities/graph/validate.h"

#include <algorithm>

#include "activities/graph/validation.h"
#include "engine/base/printable.h"

namespace wfe::graph {
namespace {

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/// What a graph says of itself.
void CheckGraph(Validation& validation) {
  const Graph& graph = validation.graph;
  Mistakes& mistakes = validation.mistakes;
  if (!IsName(graph.id)) {
    mistakes.Add("/id", "the graph's id must have 1 to " + std::to_string(kMaxNameBytes) +
                            " letters, digits, '-', '_' and '.', not \"" +
                            PrintableLine(graph.id.substr(0, kMaxNameBytes)) + "\"");
  }
  const auto check_keys = [&](const std::vector<std::string>& keys, const char* member) {
    for (size_t i = 0; i < keys.size(); ++i) {
      if (IsStateKey(keys[i])) continue;
      mistakes.Add(
          std::string("/") + member + "/" + std::to_string(i),
          std::string(member) + ": \"" + PrintableLine(keys[i].substr(0, kMaxNameBytes)) + "\" is no key of a state");
    }
  };
  check_keys(graph.inputs, "inputs");
  check_keys(graph.outputs, "outputs");
  if (graph.nodes.empty()) mistakes.Add("/nodes", "the graph has no nodes");
}

/// True: too large to be looked at.
bool RefuseSize(const Graph& graph, Mistakes& mistakes) {
  const auto refuse = [&](const char* what, size_t size, size_t limit) {
    if (size <= limit) return false;
    mistakes.Add(std::string("/") + what,
                 "the graph has " + std::to_string(size) + " " + what + "; the limit is " + std::to_string(limit));
    return true;
  };
  const bool nodes = refuse("nodes", graph.nodes.size(), kMaxNodes);
  return refuse("edges", graph.edges.size(), kMaxEdges) || nodes;
}

}  // namespace

bool IsName(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameBytes && std::ranges::all_of(name, IsNameChar);
}

bool IsStateKey(const std::string& name) {
  return IsName(name) && name[0] != '-' && name[0] != '.' && !(name[0] >= '0' && name[0] <= '9');
}

std::optional<std::string> KeyOfPointer(const std::string& pointer) {
  if (pointer.size() < 2 || pointer[0] != '/') return std::nullopt;
  try {
    const nlohmann::json::json_pointer checked(pointer);
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
  std::string key = pointer.substr(1, pointer.find('/', 1) - 1);
  if (!IsStateKey(key)) return std::nullopt;
  return key;
}

void Validation::Wrong(int node, const std::string& member, const std::string& sentence) {
  const std::string name = IsName(id(node)) ? id(node) : std::to_string(node);
  mistakes.Add({.pointer = "/nodes/" + std::to_string(node) + member,
                .node = name,
                .edge = -1,
                .message = "node " + name + ": " + sentence});
}

void Validation::WrongEdge(size_t edge, const std::string& member, const std::string& sentence) {
  const GraphEdge& told = graph.edges[edge];
  const auto shown = [](const std::string& id) { return PrintableLine(id.substr(0, kMaxNameBytes)); };
  mistakes.Add({.pointer = "/edges/" + std::to_string(edge) + member,
                .node = {},
                .edge = static_cast<int64_t>(edge),
                .message = "edge " + std::to_string(edge) + " (" + shown(told.source) + " -> " + shown(told.target) +
                           "): " + sentence});
}

void Validate(const Graph& graph, const KnownTypes& known, Mistakes& mistakes) {
  if (RefuseSize(graph, mistakes)) return;
  Validation validation(graph, known, mistakes);
  CheckGraph(validation);
  CheckNodes(validation);
  CheckEdges(validation);
  FindRegions(validation);
  if (validation.regions.empty()) return;
  CheckCycles(validation);
  if (validation.tangled) return;  // what is written before what would depend on which walk came first
  CheckReads(validation);
  CheckBranches(validation);
}

}  // namespace wfe::graph
