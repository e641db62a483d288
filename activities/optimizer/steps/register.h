// What a worker needs to serve the activities of optimizer sessions, and the call that registers them.
#pragma once

#include <functional>
#include <memory>

#include "activities/optimizer/profile/record_run.h"
#include "activities/optimizer/steps/session_steps.h"
#include "workers/client/records_client.h"

namespace wfe::optimizer {

struct OptimizerConfig {
  std::shared_ptr<client::RecordsClient> records;
  ReadHistory history;
};

void RegisterOptimizerActivities(sdk::ActivityRegistry& registry, OptimizerConfig config);

/// The activities as functions.
Result<BeginSessionResult> BeginSession(const OptimizerConfig& config, const BeginSessionInput& input);
Result<sdk::Nothing> RecordSession(const OptimizerConfig& config, const RecordSessionInput& input);
Result<BuildProfileResult> BuildProfile(const OptimizerConfig& config, const BuildProfileInput& input);
Result<Suggestions> GenerateSuggestions(const OptimizerConfig& config, const GenerateSuggestionsInput& input);
Result<PrepareTrialsResult> PrepareTrials(const OptimizerConfig& config, const PrepareTrialsInput& input);
Result<ChangeGraphResult> ChangeGraph(const OptimizerConfig& config, const ChangeGraphInput& input);
Result<delivery::ValidationResult> DryRunVariant(const OptimizerConfig& config, const DryRunVariantInput& input);
Result<MakeVersionResult> MakeVersion(const OptimizerConfig& config, const MakeVersionInput& input);
Result<BeginExperimentResult> BeginExperiment(const OptimizerConfig& config, const BeginExperimentInput& input);
Result<learning::ABTestResult> EvaluateExperiment(const OptimizerConfig& config, const EvaluateExperimentInput& input);
Result<ActivateVersionResult> ActivateVersion(const OptimizerConfig& config, const ActivateVersionInput& input);
Result<sdk::Nothing> LearnFromSession(const OptimizerConfig& config, const LearnFromSessionInput& input);
/// `cancelled` is asked during the search.
Result<SearchVariantResult> SearchVariant(const OptimizerConfig& config, const SearchVariantInput& input,
                                          const std::function<bool()>& cancelled);

}  // namespace wfe::optimizer
