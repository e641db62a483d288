#include "workflows/optimizer/validation_workflow.h"

#include <chrono>

#include "engine/base/parse_json.h"
#include "workflows/optimizer/variant_trials.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;

constexpr sdk::ActivityOptions kProfileForTrials{
    .start_to_close = 10min, .retry = {.initial_interval = 1s, .maximum_interval = 1min, .maximum_attempts = 5}};

}  // namespace

sdk::Task<delivery::ValidationResult> ValidateVariant(sdk::WorkflowContext& ctx, nlohmann::json from) {
  ValidationInput input;
  try {
    input = from.get<ValidationInput>();
  } catch (const nlohmann::json::exception& e) {
    throw sdk::WorkflowFailure(
        "the input of " + std::string(kVariantValidation) + " is not valid: " + JsonErrorText(e), "INVALID_INPUT", true);
  }
  const optimizer::BuildProfileInput build{.workflow_id = input.workflow_id,
                                           .executions = input.executions,
                                           .rules = {},
                                           .catalog = input.catalog,
                                           .now = FormatIso8601Millis(ctx.Now())};
  const optimizer::BuildProfileResult built = co_await ctx.Activity(optimizer::kBuildProfile, build, kProfileForTrials);
  if (!built.cannot.empty()) throw sdk::WorkflowFailure(built.cannot, "CANNOT_VALIDATE", true);
  VariantTrials trials(ctx, {.window = built.window,
                             .trials = input.trials,
                             .catalog = input.catalog,
                             .equivalence = input.equivalence,
                             .constraints = input.constraints});
  TriedVariant tried = co_await trials.TryGraph(input.variant);
  if (!tried.validation) throw sdk::WorkflowFailure(tried.why_not, "CANNOT_VALIDATE", true);
  co_return *tried.validation;
}

void RegisterVariantValidation(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kVariantValidation), &ValidateVariant);
}

}  // namespace wfe::workflows
