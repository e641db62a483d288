// Variants of a graph on recorded inputs (VA-1, VA-5): each is run dry as children of the workflow that asks, and only
// what it does otherwise is really run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activities/optimizer/steps/session_steps.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

struct TrialPlan {
  optimizer::ProfileWindow window;  ///< Whose runs the trials are.
  int64_t trials = 5;
  optimizer::Catalog catalog;
  delivery::EquivalencePolicy equivalence;
  delivery::OptimizationConstraints constraints;
};

struct TriedVariant {
  std::optional<delivery::ValidationResult> validation;
  std::string why_not;  ///< Why it could not be tried.
};

/// Lives in the workflow function's frame.
class VariantTrials {
 public:
  VariantTrials(sdk::WorkflowContext& ctx, TrialPlan plan) : ctx_(ctx), plan_(std::move(plan)) {}

  /// The original with changes made to it.
  sdk::Task<TriedVariant> Try(std::vector<optimizer::GraphChange> changes);
  sdk::Task<TriedVariant> TryGraph(nlohmann::json variant);

  /// Once something was tried: there is a graph.
  bool has_graph() const { return prepared_ && !prepared_->graph.is_null(); }

 private:
  sdk::Task<void> Prepare();
  sdk::Task<std::vector<delivery::TrialRun>> Run(nlohmann::json graph);

  sdk::WorkflowContext& ctx_;
  const TrialPlan plan_;
  std::optional<optimizer::PrepareTrialsResult> prepared_;
  std::optional<std::vector<delivery::TrialRun>> original_;
};

}  // namespace wfe::workflows
