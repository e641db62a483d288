// Why a run that is open does not move: the last failure of its workflow code, and queues that nobody polls.
#pragma once

#include <nlohmann/json.hpp>

#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"

namespace wfe::cli {

/// Adds `workflow_task_failure` and `waiting_for` to what `wfe show` prints, where there is something to say.
void AddWhyItWaits(Globals& globals, const ws::DescribeWorkflowExecutionResponse& description,
                   nlohmann::ordered_json& object);

}  // namespace wfe::cli
