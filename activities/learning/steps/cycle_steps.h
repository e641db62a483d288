// The activities of PromptOptimizationWorkflow, in the order of a cycle (PO-2 to PO-8).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "activities/learning/cycle/deploy.h"
#include "activities/learning/cycle/measure.h"
#include "activities/learning/cycle/patterns.h"
#include "activities/learning/cycle/propose.h"
#include "activities/learning/cycle/trend.h"
#include "activities/learning/cycle/window.h"
#include "workers/sdk/activity.h"

namespace wfe::learning {

/// Of sentences about rows that could not be read; the first so many are told.
inline constexpr size_t kMaxProblems = 20;

struct ListPromptTemplatesInput {
  std::string prefix;  ///< Of template ids.
};
WFE_RECORD(ListPromptTemplatesInput, prefix);

struct ListPromptTemplatesResult {
  std::vector<std::string> template_ids;  ///< Sorted.
};
WFE_RECORD(ListPromptTemplatesResult, template_ids);
constexpr RecordRules RulesOf(const ListPromptTemplatesResult*) { return {.whole = true}; }

struct CollectGenerationsInput {
  std::string template_id;
  int64_t last_n = 100;
  std::string now;  ///< ISO 8601, of the workflow.
};
WFE_RECORD(CollectGenerationsInput, template_id, last_n, now);
constexpr RecordRules RulesOf(const CollectGenerationsInput*) { return {.whole = true}; }

struct CollectGenerationsResult {
  int active_version = 0;
  WindowSummary window;     ///< The last `last_n`.
  WindowSummary of_active;  ///< Those of them that the active version made since it is active.
  std::vector<std::string> problems;
};
WFE_RECORD(CollectGenerationsResult, active_version, window, of_active, problems);
constexpr RecordRules RulesOf(const CollectGenerationsResult*) { return {.whole = true}; }

struct MeasureTemplateInput {
  std::string template_id;
  std::string cycle_id;  ///< Of the run; another attempt finds by it what this one changed.
  CycleOptions options;
  std::string now;
};
WFE_RECORD(MeasureTemplateInput, template_id, cycle_id, options, now);
constexpr RecordRules RulesOf(const MeasureTemplateInput*) { return {.whole = true}; }

struct AnalyzePatternsInput {
  double min_score = 0.9;
  int64_t limit = 20;
};
WFE_RECORD(AnalyzePatternsInput, min_score, limit);
constexpr RecordRules RulesOf(const AnalyzePatternsInput*) { return {.whole = true}; }

struct AnalyzePatternsResult {
  int64_t examples = 0;
  std::vector<Pattern> patterns;
};
WFE_RECORD(AnalyzePatternsResult, examples, patterns);
constexpr RecordRules RulesOf(const AnalyzePatternsResult*) { return {.whole = true}; }

struct UpdateMemoryInput {
  std::vector<Pattern> patterns;
  std::string now;
  std::string source_run;
};
WFE_RECORD(UpdateMemoryInput, patterns, now, source_run);
constexpr RecordRules RulesOf(const UpdateMemoryInput*) { return {.whole = true}; }

struct UpdateMemoryResult {
  std::vector<std::string> stored;  ///< Ids of artifacts that are new or better known than before.
  int64_t unchanged = 0;
};
WFE_RECORD(UpdateMemoryResult, stored, unchanged);
constexpr RecordRules RulesOf(const UpdateMemoryResult*) { return {.whole = true}; }

struct ApplyPromptRulesInput {
  std::string template_id;
  WindowSummary of_active;
  CycleOptions options;
};
WFE_RECORD(ApplyPromptRulesInput, template_id, of_active, options);
constexpr RecordRules RulesOf(const ApplyPromptRulesInput*) { return {.whole = true}; }

struct DeployPromptInput {
  std::string template_id;
  int version = 0;
  int base_version = 0;
  std::string reason;
  CycleOptions options;
  std::string now;
};
WFE_RECORD(DeployPromptInput, template_id, version, base_version, reason, options, now);
constexpr RecordRules RulesOf(const DeployPromptInput*) { return {.whole = true}; }

struct AnalyzeTrendInput {
  std::string template_id;
  double alpha = 0.05;
  std::string now;
};
WFE_RECORD(AnalyzeTrendInput, template_id, alpha, now);
constexpr RecordRules RulesOf(const AnalyzeTrendInput*) { return {.whole = true}; }

struct RefreshBestPracticesInput {
  std::string template_id;
  double example_score = 0.9;
  int64_t limit = 20;
  std::string now;
};
WFE_RECORD(RefreshBestPracticesInput, template_id, example_score, limit, now);
constexpr RecordRules RulesOf(const RefreshBestPracticesInput*) { return {.whole = true}; }

struct RefreshBestPracticesResult {
  double example_score = 0;               ///< Estimated anew (PO-5).
  std::vector<std::string> best;          ///< The example pool: ids, best first.
  std::vector<std::string> newly_tagged;  ///< Those of them that got the tag best-practice now.
};
WFE_RECORD(RefreshBestPracticesResult, example_score, best, newly_tagged);
constexpr RecordRules RulesOf(const RefreshBestPracticesResult*) { return {.whole = true}; }

/// Table of the records service: one row for each template of a cycle, key time and `<run>.<template>`.
inline constexpr std::string_view kCyclesTable = "prompt_cycles";

/// What a cycle did with one template, and why.
struct CycleRow {
  std::string cycle_id;  ///< The run's id.
  std::string template_id;
  std::string at;
  int active_version = 0;  ///< After the cycle.
  WindowSummary window;
  Measurement measurement;
  PromptProposal proposal;
  Deployment deployment;
  std::vector<std::string> patterns_stored;
  double example_score = 0;
  QualityTrend trend;
  bool changed = false;  ///< The cycle changed what generations are told.
  std::string sentence;  ///< What it did, for people.
  std::string undo;      ///< The command that takes it back; empty when nothing was changed.
  std::vector<std::string> problems;
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(CycleRow, cycle_id, template_id, at, active_version, window, measurement, proposal, deployment,
           patterns_stored, example_score, trend, changed, sentence, undo, problems);
constexpr RecordRules RulesOf(const CycleRow*) {
  return {.required = "cycle_id template_id at", .seldom = "undo problems"};
}

/// Fills in active_version, changed, sentence and undo from the parts.
void Conclude(CycleRow& row);

inline constexpr sdk::ActivityType<ListPromptTemplatesInput, ListPromptTemplatesResult> kListPromptTemplates{
    "listPromptTemplates"};
inline constexpr sdk::ActivityType<CollectGenerationsInput, CollectGenerationsResult> kCollectGenerations{
    "collectGenerations"};
/// Judges experiments, and rolls a worse version back: the only step that takes anything away.
inline constexpr sdk::ActivityType<MeasureTemplateInput, Measurement> kMeasureTemplate{"measureTemplate"};
inline constexpr sdk::ActivityType<AnalyzePatternsInput, AnalyzePatternsResult> kAnalyzePatterns{"analyzePatterns"};
inline constexpr sdk::ActivityType<UpdateMemoryInput, UpdateMemoryResult> kUpdateMemory{"updateArtifactMemory"};
inline constexpr sdk::ActivityType<ApplyPromptRulesInput, PromptProposal> kApplyPromptRules{"applyPromptRules"};
inline constexpr sdk::ActivityType<DeployPromptInput, Deployment> kDeployPrompt{"deployPrompt"};
inline constexpr sdk::ActivityType<AnalyzeTrendInput, QualityTrend> kAnalyzeTrend{"analyzeQualityTrend"};
inline constexpr sdk::ActivityType<RefreshBestPracticesInput, RefreshBestPracticesResult> kRefreshBestPractices{
    "refreshBestPractices"};
inline constexpr sdk::ActivityType<CycleRow, sdk::Nothing> kRecordCycle{"recordOptimizationCycle"};

}  // namespace wfe::learning
