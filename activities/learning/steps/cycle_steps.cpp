#include "activities/learning/steps/cycle_steps.h"

#include <algorithm>
#include <chrono>

#include "activities/learning/records/experiment_store.h"
#include "activities/learning/records/timed_rows.h"
#include "activities/learning/steps/register.h"
#include "activities/prompts/drafts.h"
#include "engine/base/read_time.h"

namespace wfe::learning {
namespace {

std::vector<std::string> First(RowProblems problems) {
  if (problems.size() > kMaxProblems) problems.resize(kMaxProblems);
  return problems;
}

}  // namespace

Result<ListPromptTemplatesResult> ListPromptTemplates(const LearningConfig& config,
                                                      const ListPromptTemplatesInput& input) {
  WFE_ASSIGN_OR_RETURN(std::vector<std::string> ids, config.templates->TemplateIds());
  ExperimentStore experiments(*config.records);
  RowProblems problems;  // of experiments that cannot be read: they do not run
  WFE_ASSIGN_OR_RETURN(const std::vector<ExperimentState> all, experiments.List(problems));
  // Another template's experiment, such as one of builds, is judged here as well.
  const auto is_tried = [&](const std::string& id) {
    return std::ranges::any_of(all, [&](const ExperimentState& each) {
      return each.running() && each.experiment.subject == SubjectOf(id);
    });
  };
  std::erase_if(ids, [&](const std::string& id) { return !id.starts_with(input.prefix) && !is_tried(id); });
  return ListPromptTemplatesResult{.template_ids = std::move(ids)};
}

Result<CollectGenerationsResult> CollectGenerations(const LearningConfig& config,
                                                    const CollectGenerationsInput& input) {
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  WFE_ASSIGN_OR_RETURN(const prompts::TemplateState state, config.templates->State(input.template_id));
  RowProblems problems;
  const GenerationQuery query{.template_id = input.template_id, .last_n = input.last_n, .since = {}, .now = now};
  WFE_ASSIGN_OR_RETURN(const std::vector<Generation> generations, LoadGenerations(*config.records, query, problems));
  return CollectGenerationsResult{.active_version = state.active,
                                  .window = Summarize(generations),
                                  .of_active = Summarize(OfVersion(generations, state.active, ActiveSince(state))),
                                  .problems = First(std::move(problems))};
}

Result<Measurement> MeasureTemplate(const LearningConfig& config, const MeasureTemplateInput& input) {
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  WFE_ASSIGN_OR_RETURN(const prompts::TemplateState state, config.templates->State(input.template_id));
  if (const auto before = MeasuredBefore(state, input.cycle_id)) return *before;
  ExperimentStore experiments(*config.records);
  RowProblems problems;
  WFE_ASSIGN_OR_RETURN(MeasureScope scope, ScopeOfMeasuring(state, experiments, problems));
  scope.cycle_id = input.cycle_id;
  std::vector<Generation> generations;
  if (scope.since && !scope.experiment) {
    const GenerationQuery query{.template_id = input.template_id, .last_n = 0, .since = scope.since, .now = now};
    WFE_ASSIGN_OR_RETURN(generations, LoadGenerations(*config.records, query, problems));
  }
  std::vector<Observation> observed;
  if (scope.experiment) {
    WFE_ASSIGN_OR_RETURN(const auto arms, experiments.Assignments(scope.experiment->experiment_id, problems));
    WFE_ASSIGN_OR_RETURN(observed, LoadObservations(*config.records, *scope.experiment, arms, now, problems));
  }
  Result<Measurement> measured =
      Measure(*config.templates, experiments, state, scope, generations, observed, input.options, now);
  if (measured || measured.error().code != StatusCode::kAborted) return measured;
  // Another changed the template between the look and the change: the next cycle sees what it left.
  return Measurement{
      .template_id = input.template_id, .active_version = state.active, .reason = measured.error().message};
}

Result<PromptProposal> ApplyPromptRules(const LearningConfig& config, const ApplyPromptRulesInput& input) {
  return ProposeChange(*config.templates, input.template_id, input.of_active, *config.rules, input.options);
}

Result<Deployment> DeployPrompt(const LearningConfig& config, const DeployPromptInput& input) {
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  ExperimentStore experiments(*config.records);
  RowProblems problems;
  Result<Deployment> deployed = Deploy(*config.templates, experiments, input.template_id, input.version,
                                       input.base_version, std::string(prompts::kOptimizerAuthor), input.reason,
                                       input.options, now, problems);
  if (deployed || deployed.error().code != StatusCode::kAborted) return deployed;
  return Deployment{.template_id = input.template_id, .version = input.version, .note = deployed.error().message};
}

Result<QualityTrend> AnalyzeQualityTrend(const LearningConfig& config, const AnalyzeTrendInput& input) {
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  RowProblems problems;
  const GenerationQuery query{
      .template_id = input.template_id, .last_n = 0, .since = now - kTrendWeeks * std::chrono::days(7), .now = now};
  WFE_ASSIGN_OR_RETURN(const std::vector<Generation> generations, LoadGenerations(*config.records, query, problems));
  return AnalyzeTrend(generations, now, input.alpha);
}

Result<sdk::Nothing> RecordCycle(const LearningConfig& config, const CycleRow& row) {
  WFE_ASSIGN_OR_RETURN(const std::string key, TimedKey(row.at, row.cycle_id + "." + row.template_id));
  WFE_RETURN_IF_ERROR(config.records->AppendRow(std::string(kCyclesTable), key, RowText(row)));
  return sdk::Nothing{};
}

void Conclude(CycleRow& row) {
  const std::string version = std::to_string(row.measurement.version);
  row.active_version = row.measurement.active_version;
  if (row.measurement.action == kMeasuredRolledBack) {
    row.changed = true;
    row.sentence = "rolled back to version " + std::to_string(row.active_version) + ": " + row.measurement.reason;
    row.undo = "wfe prompts activate " + row.template_id + " " + version + " --reason …";
  } else if (row.measurement.action == kMeasuredActivated) {
    row.changed = true;
    row.sentence = "version " + version + " is active now: " + row.measurement.reason;
    row.undo = "wfe prompts rollback " + row.template_id + " --reason …";
  } else if (row.measurement.action == kMeasuredGivenUp || row.measurement.action == kMeasuredOpen) {
    row.sentence = "version " + version + " does not become active: " + row.measurement.reason;
    row.undo = "wfe prompts activate " + row.template_id + " " + version + " --reason …";
  } else if (row.deployment.mode == kDeployedActive) {
    row.changed = true;
    row.active_version = row.deployment.version;
    row.sentence = "version " + std::to_string(row.deployment.version) + " is active now: " + row.proposal.reason;
    row.undo = "wfe prompts rollback " + row.template_id + " --reason …";
  } else if (row.deployment.mode == kDeployedExperiment) {
    row.changed = true;
    row.sentence = "version " + std::to_string(row.deployment.version) + " is tried in experiment " +
                   row.deployment.experiment_id + ": " + row.proposal.reason;
    row.undo = "wfe prompts stop-experiment " + row.deployment.experiment_id + " --reason …";
  } else if (!row.deployment.note.empty()) {
    row.sentence = "nothing changed: " + row.deployment.note;
  } else if (row.measurement.experiment_runs) {
    row.sentence =
        "nothing changed: experiment " + row.measurement.experiment->experiment_id + " " + row.measurement.reason;
  } else {
    row.sentence =
        "nothing changed: " + (row.proposal.notes.empty() ? row.measurement.reason : row.proposal.notes.front());
  }
}

}  // namespace wfe::learning
