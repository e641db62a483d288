// Workflows whose steps are told by their input, to try children and requests to others on any server: what a parent saw
// comes out as a list of words.
#pragma once

#include "workers/sdk/workflow_registry.h"

namespace wfe::testing {

/// "parent": {"steps": [{"op": "start", "child": "a", "do": "echo", …}, {"op": "result", "child": "a"}, …]}.
/// "kid": {"do": "echo", "value": …}: echo, fail, sleep, stubborn, wait, continue.
void RegisterChildScenarios(sdk::WorkflowRegistry& registry);

}  // namespace wfe::testing
