#include "activities/graph/read_graph.h"

#include "engine/base/printable.h"
#include "engine/base/suggest.h"

namespace wfe::graph {
namespace {

using nlohmann::json;

template <Record T>
std::vector<std::string> MemberNames() {
  std::vector<std::string> names;
  for (const auto& member : record_internal::FormOfRecord<T>::kMembers) names.emplace_back(member.name);
  return names;
}

std::string Key(const std::string& key) { return PrintableLine(key.substr(0, kMaxNameBytes)); }

/// Member by member, so that each wrong one is told.  `subject`: "node lint", "edge 3".
template <Record T>
void ReadMembers(const json& from, T& to, const std::string& subject, const Mistake& place, Mistakes& mistakes) {
  const auto wrong = [&](const std::string& pointer, const std::string& sentence) {
    Mistake mistake = place;
    mistake.pointer += pointer;
    mistake.message = subject + (subject.empty() ? "" : ": ") + sentence;
    mistakes.Add(std::move(mistake));
  };
  if (!from.is_object()) return wrong("", "must be a JSON object");
  for (const auto& [key, value] : from.items()) {
    const std::string pointer = "/" + Key(key);
    if (!record_internal::Knows<T>(key)) {
      wrong(pointer, Key(key) + " is not known" + DidYouMean(key, MemberNames<T>()));
      continue;
    }
    try {
      ReadRecord(json{{key, value}}, to);
    } catch (const json::exception& e) {
      wrong(pointer, PrintableLine(JsonErrorText(e)));
    }
  }
}

std::string NameOfNode(const json& node, size_t index) {
  if (node.is_object()) {
    const auto id = node.find("id");
    if (id != node.end() && id->is_string() && !id->get_ref<const std::string&>().empty())
      return Key(id->get<std::string>());
  }
  return std::to_string(index);
}

/// The elements of a list that must be one, and at most `limit` long; `nothing` when it is not there, nullptr when it
/// is wrong.
const json* ListOf(const json& from, const char* key, size_t limit, const json& nothing, Mistakes& mistakes) {
  const auto found = from.find(key);
  if (found == from.end() || found->is_null()) return &nothing;
  if (found->is_array() && found->size() <= limit) return &*found;
  const std::string name(key);
  mistakes.Add("/" + name, found->is_array() ? "the graph has " + std::to_string(found->size()) + " " + name +
                                                   "; the limit is " + std::to_string(limit)
                                             : name + " must be a list");
  return nullptr;
}

}  // namespace

std::optional<Graph> ReadGraph(const json& from, Mistakes& mistakes) {
  if (!from.is_object()) {
    mistakes.Add("", "a graph must be a JSON object");
    return std::nullopt;
  }
  Graph graph;
  json plain = json::object();
  for (const auto& [key, value] : from.items()) {
    if (key != "nodes" && key != "edges") plain[key] = value;
  }
  ReadMembers(plain, graph, "", {}, mistakes);
  const json nothing = json::array();
  const json* const nodes = ListOf(from, "nodes", kMaxNodes, nothing, mistakes);
  const json* const edges = ListOf(from, "edges", kMaxEdges, nothing, mistakes);
  if (nodes == nullptr || edges == nullptr) return std::nullopt;
  for (size_t i = 0; i < nodes->size(); ++i) {
    const std::string name = NameOfNode((*nodes)[i], i);
    const Mistake place{.pointer = "/nodes/" + std::to_string(i), .node = name, .edge = -1, .message = {}};
    ReadMembers((*nodes)[i], graph.nodes.emplace_back(), "node " + name, place, mistakes);
  }
  for (size_t i = 0; i < edges->size(); ++i) {
    const Mistake place{
        .pointer = "/edges/" + std::to_string(i), .node = {}, .edge = static_cast<int64_t>(i), .message = {}};
    ReadMembers((*edges)[i], graph.edges.emplace_back(), "edge " + std::to_string(i), place, mistakes);
  }
  return graph;
}

std::optional<Graph> CheckGraph(const json& from, const KnownTypes& known, Mistakes& mistakes) {
  std::optional<Graph> graph = ReadGraph(from, mistakes);
  if (graph) Validate(*graph, known, mistakes);
  return mistakes.empty() ? std::move(graph) : std::nullopt;
}

std::optional<Graph> CheckGraphText(std::string_view text, const KnownTypes& known, Mistakes& mistakes) {
  if (text.size() > kMaxGraphBytes) {
    mistakes.Add(
        "", "the graph has " + std::to_string(text.size()) + " bytes; the limit is " + std::to_string(kMaxGraphBytes));
    return std::nullopt;
  }
  const json read = ParseJson(text);
  if (read.is_discarded()) {
    mistakes.Add("", "the graph " + WhyNotJson(text));
    return std::nullopt;
  }
  return CheckGraph(read, known, mistakes);
}

}  // namespace wfe::graph
