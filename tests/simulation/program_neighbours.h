// Steps of random programs that have to do with other workflows: children, and requests to those that others started.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "tests/simulation/program.h"
#include "workers/sdk/workflow.h"

namespace wfe::simulation {

/// Runs a step that AddNeighbourSteps made; what it adds to the result.
sdk::Task<int64_t> RunNeighbourStep(sdk::WorkflowContext& ctx, const nlohmann::json* step);

}  // namespace wfe::simulation
