// Runs of workflows whose truth is known, for whoever learns from runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "activities/graph/graph.h"
#include "activities/optimizer/learning/examples.h"
#include "activities/optimizer/learning/features.h"

namespace wfe::optimizer {

enum class World {
  kStructured,  ///< Time and cost follow the input, the version's nodes and the load; success follows the input.
  kWeak,        ///< The same, under noise that is as large as all of it.
  kNoise,       ///< Nothing follows anything.
  kTurned,      ///< As structured, until run kTurnedFrom: from there on it is the other way round.
};

inline constexpr size_t kTurnedFrom = 240;

struct SimulatedRun {
  TrainingExample example;
  Features features;
  double expected_duration_s = 0;  ///< What nobody could predict better.
  double expected_cost_usd = 0;
  double success_probability = 0;
};

/// `count` runs, ten minutes apart, in the order in which they ended.  Two versions of a graph take turns.
std::vector<SimulatedRun> SimulateRuns(World world, uint64_t seed, size_t count,
                                       const std::string& workflow_id = "report");

std::vector<TrainingExample> ExamplesOf(const std::vector<SimulatedRun>& runs);

/// A chain of steps, each of which reads what the one before it wrote.
graph::Graph ChainOf(int steps);

}  // namespace wfe::optimizer
