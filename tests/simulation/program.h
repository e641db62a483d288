// Random workflow programs whose results can be told beforehand, and the workflow that runs them.
//
// A program is JSON: {"ops": [{"op": "work", "value": 5}, …], "end": "complete", …}.  Every operation adds a number to
// the result that does not depend on faults: an activity its input, an expected failure 1.
#pragma once

#include <nlohmann/json.hpp>

#include "tests/simulation/random.h"
#include "workers/sdk/workflow_registry.h"

namespace wfe::simulation {

inline constexpr const char* kProgramWorkflow = "program";
inline constexpr const char* kSignalName = "add";      // carries {"number": n, "value": v}
inline constexpr const char* kQueryName = "progress";  // answers the sum so far

struct ProgramShape {
  int operations = 6;
  int signals = 0;        ///< Numbers 0 … n-1; the program waits for all of them.
  bool poison = false;    ///< One operation throws until the world is healed.
  bool continues = true;  ///< May continue as new.
};

struct Program {
  nlohmann::json input;
  int64_t value = 0;       ///< Its result, without the signals' values.
  bool continues = false;  ///< It continues as new at least once.
};

Program RandomProgram(Random& random, const ProgramShape& shape);

/// Adds children and requests to other workflows, somewhere between the other steps.
void AddNeighbourSteps(Program& program, Random& random);

/// What workflow code may look at beside its history; only to be wrong before the world is healed.
struct Flags {
  bool healed = false;
  int64_t side_effects = 0;
};

/// `flags` outlives the registry.
void RegisterWorkflows(sdk::WorkflowRegistry& registry, Flags& flags);

}  // namespace wfe::simulation
