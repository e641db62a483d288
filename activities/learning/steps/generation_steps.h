// The activities by which a generation leaves its records (RC-1, RC-2, RC-3, RC-14, SG-5) and learns which prompt it
// uses (AB-10, XB-1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/learning/experiments/assignment.h"
#include "activities/learning/records/reports.h"
#include "workers/sdk/activity.h"

namespace wfe::learning {

struct ChooseTemplateInput {
  std::string template_id;
  std::string run_id;  ///< Of the workflow: the arm is a hash of it.
  std::string now;     ///< ISO 8601, of the workflow.
};
WFE_RECORD(ChooseTemplateInput, template_id, run_id, now);
constexpr RecordRules RulesOf(const ChooseTemplateInput*) { return {.whole = true}; }

struct ChooseTemplateResult {
  std::string template_id;
  int template_version = 0;
  Assignment assignment;  ///< For the trace's `ext.experiment_arm`; without experiment_id where no experiment runs.
};
WFE_RECORD(ChooseTemplateResult, template_id, template_version, assignment);
constexpr RecordRules RulesOf(const ChooseTemplateResult*) { return {.whole = true}; }

struct SaveGenerationInput {
  GenerationReport report;  ///< Without created_at the activity's own first attempt would decide: it is required.
  std::string source;       ///< The node's text, as examined.
  std::string description;  ///< The task in the person's words, or the plan's summary.
  std::string task_type;
};
WFE_RECORD(SaveGenerationInput, report, source, description, task_type);
constexpr RecordRules RulesOf(const SaveGenerationInput*) { return {.required = "report source"}; }

struct SaveGenerationResult {
  std::string artifact_id;
  std::string artifact_type;  ///< EXAMPLE from 0.9, FAILURE below the gate's 0.5, REPORT between.
  std::vector<std::string> tags;
  bool is_new = false;  ///< False: an attempt before this one had saved all of it.
};
WFE_RECORD(SaveGenerationResult, artifact_id, artifact_type, tags, is_new);
constexpr RecordRules RulesOf(const SaveGenerationResult*) { return {.whole = true}; }

struct SaveTestResultInput {
  std::string node_id;
  std::string report_id;
  std::string test_result;  ///< "passed" or "failed"
  std::string now;
};
WFE_RECORD(SaveTestResultInput, node_id, report_id, test_result, now);
constexpr RecordRules RulesOf(const SaveTestResultInput*) { return {.whole = true}; }

/// The version of a template that a run uses: the active one, or its arm's while an experiment runs.
inline constexpr sdk::ActivityType<ChooseTemplateInput, ChooseTemplateResult> kChooseTemplate{"chooseTemplate"};
/// Before the gate: report, registry and memory, each once however often it is tried.
inline constexpr sdk::ActivityType<SaveGenerationInput, SaveGenerationResult> kSaveGeneration{"saveGeneration"};
inline constexpr sdk::ActivityType<SaveTestResultInput, sdk::Nothing> kSaveTestResult{"saveTestResult"};
/// At the end of a run, whatever its end is.
inline constexpr sdk::ActivityType<UsageRow, sdk::Nothing> kRecordUsage{"recordUsage"};

}  // namespace wfe::learning
