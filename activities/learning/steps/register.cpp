#include "activities/learning/steps/register.h"

namespace wfe::learning {

void RegisterLearningActivities(sdk::ActivityRegistry& registry, LearningConfig config) {
  if (!config.memory) config.memory = std::make_shared<ArtifactMemory>(config.records);
  const auto shared = std::make_shared<const LearningConfig>(std::move(config));
  const auto serve = [&]<class Input, class Output>(sdk::ActivityType<Input, Output> type,
                                                    Result<Output> (*function)(const LearningConfig&, const Input&)) {
    registry.Register(type, [shared, function](sdk::ActivityContext&, const Input& input) {
      Result<Output> result = function(*shared, input);
      if (result) return sdk::ActivityResult<Output>(*std::move(result));
      return sdk::ActivityResult<Output>(std::move(result).error());
    });
  };
  serve(kListPromptTemplates, &ListPromptTemplates);
  serve(kCollectGenerations, &CollectGenerations);
  serve(kMeasureTemplate, &MeasureTemplate);
  serve(kAnalyzePatterns, &AnalyzePatterns);
  serve(kUpdateMemory, &UpdateMemory);
  serve(kApplyPromptRules, &ApplyPromptRules);
  serve(kDeployPrompt, &DeployPrompt);
  serve(kAnalyzeTrend, &AnalyzeQualityTrend);
  serve(kRefreshBestPractices, &RefreshBestPractices);
  serve(kRecordCycle, &RecordCycle);
  serve(kChooseTemplate, &ChooseTemplate);
  serve(kSaveGeneration, &SaveGeneration);
  serve(kSaveTestResult, &SaveTestResult);
  serve(kRecordUsage, &RecordUsage);
}

}  // namespace wfe::learning
