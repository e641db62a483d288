#include "activities/graph/node_data.h"

#include <algorithm>
#include <set>

#include "engine/base/parse_json.h"

namespace wfe::graph {
namespace {

using nlohmann::json;

/// A name, or a pointer.
json::json_pointer PlaceOf(const std::string& place) {
  if (place.starts_with('/')) return json::json_pointer(place);
  return json::json_pointer() / place;
}

/// The key of the state that a checked pointer begins with.
std::string KeyOf(const std::string& pointer) { return pointer.substr(1, pointer.find('/', 1) - 1); }

json Fixed(const GraphNode& node) {
  json input = node.parameters.is_object() ? node.parameters : json::object();
  if (!node.tool.empty()) input["tool"] = node.tool;
  if (!node.model.empty()) input["model"] = node.model;
  return input;
}

}  // namespace

bool IsPointer(const std::string& text) {
  if (!text.empty() && text[0] != '/') return false;
  try {
    const json::json_pointer pointer(text);
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

Status CheckInputPlaces(const GraphNode& node) {
  json input = Fixed(node);
  for (const auto& [place, pointer] : node.inputs) {
    try {
      input[PlaceOf(place)] = nullptr;
    } catch (const json::exception&) {
      return InvalidArgument("inputs: the parameters have no place " + place);
    }
  }
  return Ok();
}

Result<json> InputOf(const GraphNode& node, const json& state) {
  json input = Fixed(node);
  std::set<std::string> placed;
  const auto optional = [&](const std::string& key) {
    return std::ranges::find(node.optional_reads, key) != node.optional_reads.end();
  };
  for (const auto& [place, pointer] : node.inputs) {
    const std::string key = KeyOf(pointer);
    placed.insert(key);
    try {
      const json::json_pointer from(pointer);
      if (state.contains(from)) {
        input[PlaceOf(place)] = state.at(from);
      } else if (!optional(key)) {
        return NotFound("the state has nothing at " + pointer);
      }
    } catch (const json::exception& e) {
      return NotFound("inputs: " + place + " from " + pointer + ": " + JsonErrorText(e));
    }
  }
  for (const std::string& key : node.reads) {
    const auto found = state.find(key);
    if (found == state.end()) return NotFound("the state has no " + key);
    if (!placed.contains(key)) input[key] = *found;
  }
  for (const std::string& key : node.optional_reads) {
    const auto found = state.find(key);
    if (found != state.end() && !placed.contains(key)) input[key] = *found;
  }
  return input;
}

Result<std::vector<json>> InputsOfBatch(const GraphNode& node, const json& state) {
  WFE_ASSIGN_OR_RETURN(const json common, InputOf(node, state));
  const json::json_pointer at(node.items);
  if (!state.contains(at)) return NotFound("the state has nothing at " + node.items);
  const json& list = state.at(at);
  if (!list.is_array()) return FailedPrecondition("what is at " + node.items + " is no list");
  const auto size = static_cast<size_t>(std::max<int64_t>(node.batch_size, 1));
  std::vector<json> inputs;
  for (size_t begin = 0; begin < list.size(); begin += size) {
    json& input = inputs.emplace_back(common);
    input.erase(KeyOf(node.items));
    if (size == 1) {
      input["item"] = list[begin];
    } else {
      const auto end = static_cast<std::ptrdiff_t>(std::min(list.size(), begin + size));
      input["items"] = json(json::array_t(list.begin() + static_cast<std::ptrdiff_t>(begin), list.begin() + end));
    }
  }
  return inputs;
}

Result<json> ResultsOfBatch(const GraphNode& node, const std::vector<json>& inputs, const std::vector<json>& results) {
  json all = json::array();
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (node.batch_size <= 1) {
      all.push_back(results[i]);
      continue;
    }
    const size_t expected = inputs[i].at("items").size();
    if (!results[i].is_array() || results[i].size() != expected) {
      return FailedPrecondition("call " + std::to_string(i + 1) + " got " + std::to_string(expected) +
                                " items and did not give a list of as many results");
    }
    for (const json& one : results[i]) all.push_back(one);
  }
  return all;
}

Result<json> WritesOf(const GraphNode& node, const json& result) {
  json writes = json::object();
  for (const std::string& key : node.writes) {
    const auto chosen = node.outputs.find(key);
    if (chosen != node.outputs.end()) {
      const json::json_pointer from(chosen->second);
      if (!result.contains(from))
        return FailedPrecondition("its result has nothing at " + chosen->second + " for " + key);
      writes[key] = result.at(from);
    } else if (node.writes.size() == 1) {
      writes[key] = result;
    } else {
      if (!result.is_object() || !result.contains(key)) return FailedPrecondition("its result has no member " + key);
      writes[key] = result.at(key);
    }
  }
  return writes;
}

size_t StateBytes(const json& state) { return state.dump(-1, ' ', false, json::error_handler_t::replace).size(); }

}  // namespace wfe::graph
