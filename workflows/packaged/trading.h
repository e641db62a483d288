// TradingVerificationWorkflow (CW-4): an algorithm's folder, as a report of its flaws, its figures and its risk, with
// test cases that anybody can run.
#pragma once

#include <string_view>

#include "workers/sdk/workflow.h"
#include "workflows/packaged/packaged.h"

namespace wfe::workflows {

inline constexpr std::string_view kTradingVerificationWorkflow = "TradingVerificationWorkflow";

/// Takes no parameters of its own.  The examining steps run side by side, then the model's review and the assessment; a
/// step that fails for good is a gap, and the report says so.  Fails where the folder holds nothing that can be
/// examined.
sdk::Task<PackagedResult> TradingVerification(sdk::WorkflowContext& ctx, nlohmann::json input);
void RegisterTradingVerification(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
