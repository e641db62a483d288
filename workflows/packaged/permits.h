// PermitReviewWorkflow (CW-2): permit documents in a directory, as a report of what they require, until when, what is
// missing in them and where they contradict each other.
#pragma once

#include <string_view>

#include "workers/sdk/workflow.h"
#include "workflows/packaged/packaged.h"

namespace wfe::workflows {

inline constexpr std::string_view kPermitReviewWorkflow = "PermitReviewWorkflow";

/// Its part of PackagedInput::parameters.
struct PermitParameters {
  std::string as_of;    ///< A day, 2026-06-01; empty: the day on which the run begins (UTC).
  int soon_days = 30;   ///< A deadline within so many days is due soon.
};
WFE_RECORD(PermitParameters, as_of, soon_days);
constexpr RecordRules RulesOf(const PermitParameters*) {
  return {.refuses_unknown = true, .subject = "input.parameters"};
}
void CheckRecord(const PermitParameters& parameters);
/// From PackagedInput::parameters; the workflow and those who start it read them alike.  INVALID_ARGUMENT.
Result<PermitParameters> ReadPermitParameters(const nlohmann::json& parameters);

sdk::Task<PackagedResult> PermitReview(sdk::WorkflowContext& ctx, nlohmann::json input);
void RegisterPermitReview(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
