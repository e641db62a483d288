// Graphs made from a seed in which it is known what can be made better, and what looks so and is not: with the profile
// that runs of them would leave, and a catalog.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "activities/graph/graph.h"
#include "activities/optimizer/profile/catalog.h"
#include "activities/optimizer/profile/performance_profile.h"
#include "activities/optimizer/strategies/suggestion.h"

namespace wfe::optimizer {

/// What has to be proposed: a change of that type of exactly those nodes.
struct Plant {
  std::string name;
  std::string type;
  std::vector<std::string> nodes;
  std::string becomes;  ///< Tool or model; empty: none.
  std::string needs;    ///< OptimizationSuggestion::needs; empty: whatever.
};

/// What must not be proposed: a change of that type that has all of those nodes.
struct Trap {
  std::string name;
  std::string type;
  std::vector<std::string> nodes;
  std::string becomes;  ///< Only to this tool or model; empty: to whatever.
  bool with_approval = false;  ///< It may be proposed, but not to be used after a validation alone.
};

struct PlantedGraph {
  graph::Graph graph;  ///< Takes "seed"; what it gives is its last result.
  PerformanceProfile profile;
  Catalog catalog;
  std::vector<Plant> plants;
  std::vector<Trap> traps;
};

struct PlantedOptions {
  int nodes = 25;  ///< About so many.
  int64_t executions = 60;
};

PlantedGraph PlantGraph(uint64_t seed, PlantedOptions options = {});

/// One of the suggestions is that plant.
bool Finds(const std::vector<OptimizationSuggestion>& made, const Plant& plant);
/// One of the suggestions falls into the trap.
bool FallsInto(const std::vector<OptimizationSuggestion>& made, const Trap& trap);

}  // namespace wfe::optimizer
