// VariantValidation: one version of a workflow against the one in service, on recorded inputs (VA-1 to VA-5), without a
// session around it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "activities/optimizer/steps/session_steps.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kVariantValidation = "VariantValidation";

struct ValidationInput {
  std::string workflow_id;
  nlohmann::json variant;  ///< The graph that is tried.
  int64_t executions = 10;
  int64_t trials = 5;
  optimizer::Catalog catalog;
  delivery::EquivalencePolicy equivalence;
  delivery::OptimizationConstraints constraints;
};
WFE_RECORD(ValidationInput, workflow_id, variant, executions, trials, catalog, equivalence, constraints);
constexpr RecordRules RulesOf(const ValidationInput*) {
  return {.refuses_unknown = true, .subject = "input", .required = "workflow_id variant"};
}

/// Fails with INVALID_INPUT, and with CANNOT_VALIDATE where there is nothing to try it on.
sdk::Task<delivery::ValidationResult> ValidateVariant(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterVariantValidation(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
