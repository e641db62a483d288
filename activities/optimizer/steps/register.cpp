#include "activities/optimizer/steps/register.h"

namespace wfe::optimizer {

void RegisterOptimizerActivities(sdk::ActivityRegistry& registry, OptimizerConfig config) {
  const auto shared = std::make_shared<const OptimizerConfig>(std::move(config));
  const auto serve = [&]<class Input, class Output>(sdk::ActivityType<Input, Output> type,
                                                    Result<Output> (*function)(const OptimizerConfig&, const Input&)) {
    registry.Register(type, [shared, function](sdk::ActivityContext&, const Input& input) {
      Result<Output> result = function(*shared, input);
      if (result) return sdk::ActivityResult<Output>(*std::move(result));
      return sdk::ActivityResult<Output>(std::move(result).error());
    });
  };
  serve(kBeginSession, &BeginSession);
  serve(kRecordSession, &RecordSession);
  serve(kBuildProfile, &BuildProfile);
  serve(kGenerateSuggestions, &GenerateSuggestions);
  serve(kPrepareTrials, &PrepareTrials);
  serve(kChangeGraph, &ChangeGraph);
  serve(kDryRunVariant, &DryRunVariant);
  serve(kMakeVersion, &MakeVersion);
  serve(kBeginExperiment, &BeginExperiment);
  serve(kEvaluateExperiment, &EvaluateExperiment);
  serve(kActivateVersion, &ActivateVersion);
  serve(kLearnFromSession, &LearnFromSession);
  registry.Register(kSearchVariant, [shared](sdk::ActivityContext& context, const SearchVariantInput& input) {
    const auto cancelled = [&context] {
      context.Heartbeat(nullptr);
      return context.IsCancelled();
    };
    Result<SearchVariantResult> result = SearchVariant(*shared, input, cancelled);
    if (result) return sdk::ActivityResult<SearchVariantResult>(*std::move(result));
    return sdk::ActivityResult<SearchVariantResult>(std::move(result).error());
  });
}

}  // namespace wfe::optimizer
