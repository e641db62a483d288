// The profile that runs of a planted graph would leave: durations, failures and results are drawn, and then measured.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/activities/optimizer/planted_graph.h"
#include "tests/simulation/random.h"

namespace wfe::optimizer {

/// How a node behaves.
struct Habit {
  double duration = 1;  ///< Seconds; a run takes up to 10 % more or less.
  double cost = 0;
  double success = 1;
  double input_tokens = 0;
  double output_tokens = 0;
  double taken = 1;        ///< Share of the executions that come by it.
  int inputs = 0;          ///< Of so many inputs each call has one; 0: each its own.
  double contradicts = 0;  ///< Share of calls whose result is another one than usual.
};

/// Fills in the profile.
void LiveThrough(const std::map<std::string, Habit>& habits, int64_t executions, simulation::Random random,
                 PlantedGraph& planted);

}  // namespace wfe::optimizer
