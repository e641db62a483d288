// BatteryDesignWorkflow (CW-3): from a cell's datasheet and a pack's description to a monitor that is tested, with its
// firmware, test plan, safety report and bill of materials.
#pragma once

#include <string_view>

#include "workers/sdk/workflow.h"
#include "workflows/packaged/packaged.h"

namespace wfe::workflows {

inline constexpr std::string_view kBatteryDesignWorkflow = "BatteryDesignWorkflow";

/// A datasheet or a pack that cannot be used fails the run with INVALID_INPUT; any other step that fails is a gap.
sdk::Task<PackagedResult> DesignCompleteSystem(sdk::WorkflowContext& ctx, nlohmann::json input);
void RegisterBatteryDesign(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
