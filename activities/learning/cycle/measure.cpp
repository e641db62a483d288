#include "activities/learning/cycle/measure.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "activities/learning/cycle/deploy.h"
#include "activities/prompts/drafts.h"

namespace wfe::learning {
namespace {

/// Of the version before, generations up to this long before the change.
constexpr auto kBeforeTheChange = std::chrono::days(28);
/// A harmful version that was built upon after two looks stayed in 7 of 200 worlds: what came after it was compared with
/// it.  At the third, 80 generations, hardly one is missed.
constexpr int64_t kProbation = 4;
constexpr std::string_view kAuthor = prompts::kOptimizerAuthor;

int VersionOf(const std::string& text) {
  int version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  return version;
}

std::string WithCycle(const std::string& reason, const std::string& cycle_id) {
  return cycle_id.empty() ? reason : reason + " (cycle " + cycle_id + ")";
}

/// What the end of an experiment means for the template.  Safe to repeat.
Status Conclude(prompts::TemplateStore& store, const Experiment& experiment, const ABTestResult& result,
                const prompts::TemplateState& state, const std::string& cycle_id, Measurement& measurement) {
  const int variant = VersionOf(experiment.variant);
  const int control = VersionOf(experiment.control);
  const std::string author(kAuthor);
  const std::string reason = WithCycle("experiment " + experiment.experiment_id + ": " + result.reason, cycle_id);
  measurement.version = variant;
  measurement.reason = reason;
  if (result.winner == kWinnerVariant && (state.active == control || state.active == variant)) {
    WFE_RETURN_IF_ERROR(store.Activate(state.template_id, variant, author, reason, control));
    measurement.action = kMeasuredActivated;
    measurement.active_version = variant;
    return Ok();
  }
  // A winner over a control that is not active any more has won against nothing that is used.
  const bool open =
      result.winner == kWinnerInconclusive || result.winner == kWinnerTradeoff || result.winner == kWinnerVariant;
  measurement.action = open ? kMeasuredOpen : kMeasuredGivenUp;
  if (variant == state.active) return Ok();
  WFE_RETURN_IF_ERROR(store.Mark(open ? prompts::kTemplateUntried : prompts::kTemplateGivenUp, state.template_id,
                                 variant, author, reason));
  return Ok();
}

Status MeasureExperiment(prompts::TemplateStore& store, ExperimentStore& experiments, const MeasureScope& scope,
                         const prompts::TemplateState& state, const std::vector<Observation>& observed, Instant now,
                         Measurement& measurement) {
  const Experiment& experiment = *scope.experiment;
  ABTestResult result = Judge(experiment, Summarize(experiment, observed), now);
  measurement.version = VersionOf(experiment.variant);
  measurement.reason = result.reason;
  measurement.experiment_runs = !result.decided();
  if (result.decided()) {
    // The first decision counts, whoever made it; the template follows what was kept.
    WFE_RETURN_IF_ERROR(experiments.Decide(result));
    WFE_ASSIGN_OR_RETURN(const ExperimentState kept, experiments.Get(experiment.experiment_id));
    if (kept.result) result = *kept.result;
    WFE_RETURN_IF_ERROR(Conclude(store, experiment, result, state, scope.cycle_id, measurement));
  }
  measurement.experiment = std::move(result);
  return Ok();
}

Status MeasureActive(prompts::TemplateStore& store, const prompts::TemplateState& state,
                     const std::vector<Generation>& generations, const CycleOptions& options,
                     const std::string& cycle_id, Measurement& measurement) {
  const std::string since = ActiveSince(state);
  measurement.version = state.active;
  if (since.empty() || state.earlier.empty()) {
    measurement.reason = "the active version has none before it";
    return Ok();
  }
  const int before = state.earlier.back();
  std::vector<Generation> of_version;
  std::vector<Generation> of_parent;
  for (const Generation& generation : generations) {
    if (generation.template_version == state.active && generation.created_at >= since) of_version.push_back(generation);
    if (generation.template_version == before && generation.created_at < since) of_parent.push_back(generation);
  }
  CohortComparison cohorts = CompareCohorts(state.active, of_version, before, of_parent, options);
  measurement.reason = cohorts.sentence;
  measurement.probation = static_cast<int64_t>(of_version.size()) < kProbation * options.min_generations;
  if (cohorts.worse) {
    measurement.reason = WithCycle(cohorts.sentence, cycle_id);
    WFE_RETURN_IF_ERROR(
        store.RollBack(state.template_id, before, std::string(kAuthor), measurement.reason, state.active));
    measurement.action = kMeasuredRolledBack;
    measurement.active_version = before;
  }
  measurement.cohorts = std::move(cohorts);
  return Ok();
}

}  // namespace

std::vector<Observation> Observe(const std::vector<Generation>& generations,
                                 const std::map<std::string, std::string>& arm_of_run) {
  std::vector<Observation> observations;
  for (const Generation& generation : generations) {
    const auto arm = arm_of_run.find(generation.run_id);
    if (arm == arm_of_run.end() || !generation.success) continue;
    observations.push_back({.run_id = generation.run_id,
                            .arm = arm->second,
                            .error = !*generation.success,
                            .metrics = {{"quality", generation.score}, {"success", *generation.success ? 1.0 : 0.0}}});
  }
  return observations;
}

std::vector<Observation> Observe(const std::vector<UsageRow>& runs,
                                 const std::map<std::string, std::string>& arm_of_run) {
  std::vector<Observation> observations;
  for (const UsageRow& run : runs) {
    const auto arm = arm_of_run.find(run.workflow_run_id);
    // Whoever cancels a build says nothing about its instructions.
    if (arm == arm_of_run.end() || run.outcome == "cancelled") continue;
    Observation observation{.run_id = run.workflow_run_id,
                            .arm = arm->second,
                            .error = !run.success,
                            .metrics = {{"success", run.success ? 1.0 : 0.0},
                                        {"duration_ms", static_cast<double>(run.duration_ms)}}};
    if (run.unpriced_calls == 0 && !run.scripted) observation.metrics["cost_usd"] = run.cost_usd.usd();
    observations.push_back(std::move(observation));
  }
  return observations;
}

Result<std::vector<Observation>> LoadObservations(client::RecordsClient& records, const Experiment& experiment,
                                                  const std::map<std::string, std::string>& arm_of_run, Instant now,
                                                  RowProblems& problems) {
  const std::optional<Instant> since = ParseIso8601(experiment.started_at);
  if (std::ranges::any_of(experiment.metrics, [](const auto& metric) { return metric.name == "quality"; })) {
    WFE_ASSIGN_OR_RETURN(
        const auto generations,
        LoadGenerations(records, {.template_id = {}, .last_n = 0, .since = since, .now = now}, problems));
    return Observe(generations, arm_of_run);
  }
  // A row stands on the day on which its run began.
  WFE_ASSIGN_OR_RETURN(const auto runs, LoadUsage(records, since.value_or(now) - std::chrono::days(1), now, problems));
  return Observe(runs, arm_of_run);
}

std::string ActiveSince(const prompts::TemplateState& state) {
  std::string since;
  for (const prompts::TemplateEvent& event : state.events) {
    const bool switched = event.kind == prompts::kTemplateActivated || event.kind == prompts::kTemplateRolledBackEvent;
    if (switched && event.version == state.active) since = event.at;
  }
  return since;
}

std::optional<Measurement> MeasuredBefore(const prompts::TemplateState& state, const std::string& cycle_id) {
  if (cycle_id.empty() || state.events.empty()) return std::nullopt;
  const prompts::TemplateEvent& last = state.events.back();
  if (last.author != kAuthor || !last.reason.ends_with("(cycle " + cycle_id + ")")) return std::nullopt;
  Measurement measurement{.template_id = state.template_id, .version = last.version, .active_version = state.active};
  measurement.reason = last.reason;
  if (last.kind == prompts::kTemplateRolledBackEvent) {
    measurement.action = kMeasuredRolledBack;
    measurement.version = last.previous_version;
  } else if (last.kind == prompts::kTemplateActivated) {
    measurement.action = kMeasuredActivated;
  } else if (last.kind == prompts::kTemplateGivenUp) {
    measurement.action = kMeasuredGivenUp;
  } else if (last.kind == prompts::kTemplateUntried) {
    measurement.action = kMeasuredOpen;
  } else {
    return std::nullopt;
  }
  return measurement;
}

Result<MeasureScope> ScopeOfMeasuring(const prompts::TemplateState& state, ExperimentStore& experiments,
                                      RowProblems& problems) {
  MeasureScope scope;
  WFE_ASSIGN_OR_RETURN(scope.experiment, experiments.RunningOn(SubjectOf(state.template_id), problems));
  if (scope.experiment) {
    scope.since = ParseIso8601(scope.experiment->started_at);
    return scope;
  }
  const bool tried = std::ranges::any_of(
      state.versions, [](const auto& each) { return each.second.status == prompts::kTemplateExperiment; });
  if (tried) {
    // Its optimizer died between the decision and its consequence.
    WFE_ASSIGN_OR_RETURN(const std::vector<ExperimentState> all, experiments.List(problems));
    for (const ExperimentState& each : all) {
      const prompts::TemplateVersion* const variant = state.Find(VersionOf(each.experiment.variant));
      if (each.experiment.subject != SubjectOf(state.template_id) || each.running() || variant == nullptr ||
          variant->status != prompts::kTemplateExperiment) {
        continue;
      }
      if (!scope.unconcluded || scope.unconcluded->experiment.started_at < each.experiment.started_at) {
        scope.unconcluded = each;
      }
    }
    if (scope.unconcluded) return scope;
  }
  if (const auto since = ParseIso8601(ActiveSince(state)); since && !state.earlier.empty()) {
    scope.since = *since - kBeforeTheChange;
  }
  return scope;
}

Result<Measurement> Measure(prompts::TemplateStore& store, ExperimentStore& experiments,
                            const prompts::TemplateState& state, const MeasureScope& scope,
                            const std::vector<Generation>& generations, const std::vector<Observation>& observed,
                            const CycleOptions& options, Instant now) {
  Measurement measurement{.template_id = state.template_id, .active_version = state.active};
  if (scope.experiment) {
    WFE_RETURN_IF_ERROR(MeasureExperiment(store, experiments, scope, state, observed, now, measurement));
  } else if (scope.unconcluded) {
    WFE_RETURN_IF_ERROR(
        Conclude(store, scope.unconcluded->experiment, *scope.unconcluded->result, state, scope.cycle_id, measurement));
    measurement.experiment = scope.unconcluded->result;
  } else {
    WFE_RETURN_IF_ERROR(MeasureActive(store, state, generations, options, scope.cycle_id, measurement));
  }
  return measurement;
}

}  // namespace wfe::learning
