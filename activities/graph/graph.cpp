#include "activities/graph/graph.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/record_schema.h"

namespace wfe::graph {

const std::vector<std::string>& NodeKinds() {
  static const std::vector<std::string> kKinds = {std::string(kActivity), std::string(kAgent),
                                                  std::string(kParallel), std::string(kBatch),
                                                  std::string(kDecision), std::string(kChild)};
  return kKinds;
}

const GraphNode* FindNode(const Graph& graph, std::string_view id) {
  const auto found = std::ranges::find(graph.nodes, id, &GraphNode::id);
  return found == graph.nodes.end() ? nullptr : &*found;
}

std::string CanonicalJson(const Graph& graph) {
  Graph ordered = graph;
  std::ranges::stable_sort(ordered.nodes, {}, &GraphNode::id);
  std::ranges::stable_sort(ordered.edges, {}, &GraphEdge::source);
  for (GraphNode& node : ordered.nodes) {
    for (std::vector<std::string>* keys : {&node.reads, &node.optional_reads, &node.writes}) std::ranges::sort(*keys);
  }
  return nlohmann::json(ordered).dump();
}

std::string VersionOf(const Graph& graph) { return ToHex(Sha256(CanonicalJson(graph))); }

nlohmann::json GraphSchema() {
  nlohmann::json schema = RecordSchema<Graph>();
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "A graph that GraphWorkflow runs";
  schema["required"] = {"id", "start", "nodes"};
  schema["properties"]["nodes"]["maxItems"] = kMaxNodes;
  schema["properties"]["edges"]["maxItems"] = kMaxEdges;
  nlohmann::json& node = schema["properties"]["nodes"]["items"];
  node["required"] = {"id", "kind"};
  node["properties"]["kind"]["enum"] = NodeKinds();
  node["properties"]["parameters"] = {{"type", "object"}};
  for (const char* const member : {"inputs", "outputs"}) {
    node["properties"][member] = {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
  }
  schema["properties"]["edges"]["items"]["required"] = {"source", "target"};
  return schema;
}

}  // namespace wfe::graph
