// What a run of a graph gives, by a plain interpreter: recursion over the graph, one node after the other.  Branches of
// a parallel node run in the order that is asked for, so that a graph whose branches get in each other's way shows it.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "activities/graph/graph.h"

namespace wfe::optimizer {

struct PlainRun {
  nlohmann::json outputs;               ///< The graph's outputs; null: the walk was stuck at a node.
  std::map<std::string, int64_t> runs;  ///< By node.
};

/// `call` is what every node does: activity and input → result.
using PlainCall = std::function<nlohmann::json(const std::string& activity, const nlohmann::json& input)>;

/// A result out of the input alone, without its tool and model: as if all of them gave the same.
nlohmann::json SameOfAllTools(const std::string& activity, const nlohmann::json& input);

PlainRun RunPlainly(const graph::Graph& graph, nlohmann::json state, bool last_branch_first = false,
                    const PlainCall& call = SameOfAllTools);

}  // namespace wfe::optimizer
