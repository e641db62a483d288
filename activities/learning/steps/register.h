// What a worker needs to serve the activities of learning, and the call that registers them.
#pragma once

#include <functional>
#include <memory>

#include "activities/learning/cycle/prompt_rules.h"
#include "activities/learning/records/artifact_memory.h"
#include "activities/learning/steps/cycle_steps.h"
#include "activities/learning/steps/generation_steps.h"
#include "activities/prompts/template_store.h"
#include "workers/client/records_client.h"

namespace wfe::learning {

struct LearningConfig {
  std::shared_ptr<client::RecordsClient> records;
  std::shared_ptr<prompts::TemplateStore> templates;
  /// Told of a run whose usage was recorded; may be told again.  Empty: nobody is.
  std::function<void(const UsageRow&)> usage_recorded = nullptr;
  std::shared_ptr<ArtifactMemory> memory;  ///< Of this process; nullptr: one is made.
  const PromptRules* rules = &PromptRules::BuiltIn();
};

void RegisterLearningActivities(sdk::ActivityRegistry& registry, LearningConfig config);

/// The activities as functions.
Result<ListPromptTemplatesResult> ListPromptTemplates(const LearningConfig& config,
                                                      const ListPromptTemplatesInput& input);
Result<CollectGenerationsResult> CollectGenerations(const LearningConfig& config, const CollectGenerationsInput& input);
Result<Measurement> MeasureTemplate(const LearningConfig& config, const MeasureTemplateInput& input);
Result<AnalyzePatternsResult> AnalyzePatterns(const LearningConfig& config, const AnalyzePatternsInput& input);
Result<UpdateMemoryResult> UpdateMemory(const LearningConfig& config, const UpdateMemoryInput& input);
Result<PromptProposal> ApplyPromptRules(const LearningConfig& config, const ApplyPromptRulesInput& input);
Result<Deployment> DeployPrompt(const LearningConfig& config, const DeployPromptInput& input);
Result<QualityTrend> AnalyzeQualityTrend(const LearningConfig& config, const AnalyzeTrendInput& input);
Result<RefreshBestPracticesResult> RefreshBestPractices(const LearningConfig& config,
                                                        const RefreshBestPracticesInput& input);
Result<sdk::Nothing> RecordCycle(const LearningConfig& config, const CycleRow& row);

Result<ChooseTemplateResult> ChooseTemplate(const LearningConfig& config, const ChooseTemplateInput& input);
Result<SaveGenerationResult> SaveGeneration(const LearningConfig& config, const SaveGenerationInput& input);
Result<sdk::Nothing> SaveTestResult(const LearningConfig& config, const SaveTestResultInput& input);
Result<sdk::Nothing> RecordUsage(const LearningConfig& config, const UsageRow& usage);

}  // namespace wfe::learning
