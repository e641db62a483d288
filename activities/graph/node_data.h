// What goes into a node and where its result goes: pure functions of a node and a state, for whoever runs graphs and
// for whoever predicts what a run would do.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "activities/graph/graph.h"
#include "engine/base/result.h"

namespace wfe::graph {

bool IsPointer(const std::string& text);

/// The places of `inputs` fit the parameters: INVALID_ARGUMENT names the first that does not.
Status CheckInputPlaces(const GraphNode& node);

/// The input of a node: its parameters, "tool" and "model", and what it reads.  `state` is an object.  NOT_FOUND when a
/// key that it must read is not there, or a pointer leads nowhere in it; an optional one is left out then.
Result<nlohmann::json> InputOf(const GraphNode& node, const nlohmann::json& state);

/// The inputs of a batch over items, one for each call, in the order of the items: each is as InputOf, with the list's
/// part as "items", or, for a batch_size of 1, the item as "item".  FAILED_PRECONDITION: what it leads to is no list.
Result<std::vector<nlohmann::json>> InputsOfBatch(const GraphNode& node, const nlohmann::json& state);
/// The list of results, one for each item.  FAILED_PRECONDITION: a call gave no list, or not as many as it got items.
Result<nlohmann::json> ResultsOfBatch(const GraphNode& node, const std::vector<nlohmann::json>& inputs,
                                      const std::vector<nlohmann::json>& results);

/// What the result writes: an object of keys and values.  FAILED_PRECONDITION when the result has not what is to be
/// written.
Result<nlohmann::json> WritesOf(const GraphNode& node, const nlohmann::json& result);

/// The bytes of the JSON of a state, from which limits are counted.
size_t StateBytes(const nlohmann::json& state);

}  // namespace wfe::graph
