#include "activities/learning/steps/generation_steps.h"

#include <charconv>

#include "activities/learning/cycle/deploy.h"
#include "activities/learning/records/experiment_store.h"
#include "activities/learning/records/generations.h"
#include "activities/learning/records/node_registry.h"
#include "activities/learning/steps/register.h"

namespace wfe::learning {
namespace {

constexpr double kExampleScore = 0.9;
constexpr double kGateScore = 0.5;  // SG-2

std::string TypeOf(double score) {
  return score >= kExampleScore ? "EXAMPLE" : score < kGateScore ? "FAILURE" : "REPORT";
}

/// One line for each finding.
nlohmann::json FindingsOf(const GenerationReport& report) {
  nlohmann::json findings = nlohmann::json::array();
  for (const CheckOutcome& check : report.checks) {
    if (!IsFinding(check)) continue;
    findings.push_back({{"class", check.name}, {"line", check.line}, {"message", check.message}});
  }
  return findings;
}

Artifact AsArtifact(const SaveGenerationInput& input) {
  const GenerationReport& report = input.report;
  Artifact artifact;
  artifact.artifact_id = "generation-" + report.report_id;
  artifact.artifact_type = TypeOf(report.overall_score);
  artifact.name = input.description.empty() ? report.node_id : input.description.substr(0, 200);
  artifact.content = input.source;
  artifact.quality_score = report.overall_score;
  artifact.tags = {std::string(kTagStaticAnalysis), ScoreTag(report.overall_score)};
  if (!input.task_type.empty()) artifact.tags.push_back("task-" + input.task_type);
  artifact.created_at = report.created_at;
  artifact.source_run = report.workflow_run_id;
  artifact.extra["node_id"] = report.node_id;
  artifact.extra["report_id"] = report.report_id;
  artifact.extra["findings"] = FindingsOf(report);
  return artifact;
}

}  // namespace

Result<ChooseTemplateResult> ChooseTemplate(const LearningConfig& config, const ChooseTemplateInput& input) {
  ExperimentStore experiments(*config.records);
  RowProblems problems;  // of experiments that cannot be read: they do not run
  WFE_ASSIGN_OR_RETURN(const std::optional<Experiment> running,
                       experiments.RunningOn(SubjectOf(input.template_id), problems));
  WFE_ASSIGN_OR_RETURN(const prompts::TemplateState state, config.templates->State(input.template_id));
  ChooseTemplateResult result{.template_id = input.template_id, .template_version = state.active};
  if (running) {
    WFE_ASSIGN_OR_RETURN(result.assignment, experiments.Assign(*running, input.run_id, input.now));
    const std::string& value = result.assignment.value;
    std::from_chars(value.data(), value.data() + value.size(), result.template_version);
  }
  if (state.Find(result.template_version) == nullptr) {
    return FailedPrecondition("template " + input.template_id + " has no version " +
                              std::to_string(result.template_version) + " to use");
  }
  return result;
}

Result<SaveGenerationResult> SaveGeneration(const LearningConfig& config, const SaveGenerationInput& input) {
  const GenerationReport& report = input.report;
  WFE_ASSIGN_OR_RETURN(const bool new_report, SaveReport(*config.records, report));
  NodeEvent version;
  version.at = report.created_at;
  version.description = input.description;
  version.task_type = input.task_type;
  version.content_hash = report.content_hash;
  version.report_id = report.report_id;
  NodeRegistry registry(*config.records);
  WFE_ASSIGN_OR_RETURN(const bool new_version, registry.AddVersion(report.node_id, version));
  Artifact artifact = AsArtifact(input);
  SaveGenerationResult result{
      .artifact_id = artifact.artifact_id, .artifact_type = artifact.artifact_type, .tags = artifact.tags};
  WFE_ASSIGN_OR_RETURN(const bool new_artifact, config.memory->Put(std::move(artifact)));
  result.is_new = new_report || new_version || new_artifact;
  return result;
}

Result<sdk::Nothing> SaveTestResult(const LearningConfig& config, const SaveTestResultInput& input) {
  NodeRegistry registry(*config.records);
  WFE_RETURN_IF_ERROR(registry.SetTestResult(input.node_id, input.report_id, input.test_result, input.now));
  return sdk::Nothing{};
}

Result<sdk::Nothing> RecordUsage(const LearningConfig& config, const UsageRow& usage) {
  WFE_RETURN_IF_ERROR(SaveUsage(*config.records, usage));
  if (config.usage_recorded) config.usage_recorded(usage);
  return sdk::Nothing{};
}

}  // namespace wfe::learning
