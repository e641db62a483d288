// Graphs made from a seed, and what a run of one does by a plain interpreter of its own: recursion over the graph's
// JSON, without coroutines, engine or validator.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace wfe::graph {

/// Every activity of such a graph is this function of its input: {"n": 0 … 99, "duration_ms": …}.
nlohmann::json StepOf(const nlohmann::json& input);
/// The same for calls of a batch: a list for {"items": […]}.
nlohmann::json StepsOf(const nlohmann::json& input);

struct RandomGraphOptions {
  int nodes = 25;  ///< About so many.
};

/// Valid: chains, decisions, loops, parallel nodes in each other, batches of both kinds.  Its activities are "step", or
/// "steps" of a batch; it takes "seed" and gives its whole state.
nlohmann::json RandomGraph(uint64_t seed, RandomGraphOptions options = {});

/// What a run of it comes to.
struct Expected {
  std::map<std::string, int64_t> runs;   ///< By node.
  std::map<std::string, int64_t> calls;  ///< Of activities, by node.
  nlohmann::json state;
  std::string stuck_at;  ///< The node none of whose edges could be taken; empty: it came to its end.
  bool stuck_in_branch =
      false;  ///< Other branches run beside it: how far they come, and which is stuck first, is open.
};
Expected Interpret(const nlohmann::json& graph, const nlohmann::json& state);

}  // namespace wfe::graph
