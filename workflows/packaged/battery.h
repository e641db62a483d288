// BatteryDesignWorkflow (CW-3): from a cell's datasheet and a pack's description to a monitor that is tested, with its
// firmware, test plan, safety report and bill of materials.
#pragma once

#include <string_view>

#include "workers/sdk/workflow.h"
#include "workflows/packaged/packaged.h"

namespace wfe::workflows {

inline constexpr std::string_view kBatteryDesignWorkflow = "BatteryDesignWorkflow";

/// Its part of PackagedInput::parameters.
struct BatteryParameters {
  int64_t candidates = 1;  ///< Descriptions of the architecture that are compared; the best is kept (debate.h).
};
WFE_RECORD(BatteryParameters, candidates);
constexpr RecordRules RulesOf(const BatteryParameters*) {
  return {.refuses_unknown = true, .subject = "input.parameters"};
}
void CheckRecord(const BatteryParameters& parameters);
/// From PackagedInput::parameters; the workflow and those who start it read them alike.  INVALID_ARGUMENT.
Result<BatteryParameters> ReadBatteryParameters(const nlohmann::json& parameters);

/// A datasheet or a pack that cannot be used fails the run with INVALID_INPUT; any other step that fails is a gap.
sdk::Task<PackagedResult> DesignCompleteSystem(sdk::WorkflowContext& ctx, nlohmann::json input);
void RegisterBatteryDesign(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
