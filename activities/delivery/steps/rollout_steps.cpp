#include "activities/delivery/steps/rollout_steps.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "activities/delivery/steps/register.h"
#include "engine/base/read_time.h"

namespace wfe::delivery {
namespace {

/// Where a rollout has too few runs of the version before, those of the week before it count.
constexpr auto kBeforeTheRollout = std::chrono::days(7);

/// The runs of a rollout, by arm; their stratum is the step under which they began, from 0.
struct RolloutRuns {
  std::vector<TrafficSplit> steps;
  std::vector<RunOutcome> control;
  std::vector<RunOutcome> variant;
};

Result<RolloutRuns> LoadRuns(client::RecordsClient& records, const VersionState& state, const std::string& rollout_id,
                             Instant now, learning::RowProblems& problems) {
  RolloutRuns runs;
  for (const TrafficSplit& split : state.splits) {
    if (split.rollout_id == rollout_id) runs.steps.push_back(split);
  }
  if (runs.steps.empty()) return runs;
  std::vector<Instant> begins;
  for (const TrafficSplit& step : runs.steps) {
    WFE_ASSIGN_OR_RETURN(const Instant at, ReadIso8601(step.at));
    begins.push_back(at);
  }
  learning::ExperimentStore experiments(records);
  WFE_ASSIGN_OR_RETURN(const auto arms, experiments.Assignments(rollout_id, problems));
  WFE_ASSIGN_OR_RETURN(const auto executions, LoadExecutions(records, state.workflow_id, begins.front(),
                                                             now + std::chrono::milliseconds(1), problems));
  for (const ExecutionRecord& execution : executions) {
    const auto arm = arms.find(execution.workflow_run_id);
    if (arm == arms.end()) continue;
    RunOutcome outcome = OutcomeOf(execution);
    const Instant start = StartOf(execution);
    outcome.stratum = static_cast<int>(std::ranges::count_if(begins, [&](Instant at) { return at <= start; })) - 1;
    (arm->second == learning::kVariantArm ? runs.variant : runs.control).push_back(outcome);
  }
  return runs;
}

/// How the version before performed: in this rollout, or where it has too few runs there, in the week before.
Result<PerformanceWindow> BaselineOf(client::RecordsClient& records, const VersionState& state, const RolloutRuns& runs,
                                     int control, int64_t wanted, learning::RowProblems& problems) {
  std::vector<RunOutcome> outcomes = runs.control;
  if (static_cast<int64_t>(outcomes.size()) < wanted && !runs.steps.empty()) {
    WFE_ASSIGN_OR_RETURN(const Instant began, ReadIso8601(runs.steps.front().at));
    WFE_ASSIGN_OR_RETURN(const auto earlier,
                         LoadExecutions(records, state.workflow_id, began - kBeforeTheRollout, began, problems));
    for (const ExecutionRecord& execution : earlier) {
      if (execution.version_id == VersionId(state.workflow_id, control)) outcomes.push_back(OutcomeOf(execution));
    }
  }
  PerformanceWindow baseline = Describe(outcomes);
  baseline.version_id = VersionId(state.workflow_id, control);
  return baseline;
}

std::vector<RunOutcome> OfStratum(const std::vector<RunOutcome>& runs, int stratum) {
  std::vector<RunOutcome> chosen;
  std::ranges::copy_if(runs, std::back_inserter(chosen), [&](const RunOutcome& run) { return run.stratum == stratum; });
  return chosen;
}

/// While both versions have traffic: all stages so far together, and this stage alone, since harm that grows with the
/// share would be lost among the runs of the stages before.  Each way of looking has half of alpha.
RegressionCheck CheckDivided(const RolloutRuns& runs, const std::vector<RunOutcome>& of_stage, int stage,
                             const CheckRegressionInput& input) {
  RegressionRule half = input.regression;
  half.alpha /= 2;
  RegressionCheck all = CheckRegression(runs.control, runs.variant, half);
  if (all.regression || stage == 0) return all;
  half.alpha /= static_cast<double>(std::max<int64_t>(input.stages, 1));
  RegressionCheck alone = CheckRegression(OfStratum(runs.control, stage), of_stage, half);
  return alone.regression ? alone : all;
}

/// Failures of the stages in which the traffic was divided.
std::vector<HarmStage> StagesOf(const RolloutRuns& runs) {
  std::vector<HarmStage> stages;
  for (const TrafficSplit& step : runs.steps) stages.push_back({.share = step.share});
  const auto count = [&](const std::vector<RunOutcome>& outcomes, int64_t HarmStage::* errors) {
    for (const RunOutcome& outcome : outcomes) {
      if (outcome.success || outcome.stratum < 0) continue;
      ++(stages[static_cast<size_t>(outcome.stratum)].*errors);
    }
  };
  count(runs.control, &HarmStage::errors_control);
  count(runs.variant, &HarmStage::errors_variant);
  return stages;
}

Status StoreBaseline(client::RecordsClient& records, const SetTrafficSplitInput& input, const std::string& at) {
  VersionStore versions(records);
  WFE_ASSIGN_OR_RETURN(const VersionState state, versions.Get(input.workflow_id));
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(at));
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const RolloutRuns runs, LoadRuns(records, state, input.rollout_id, now, problems));
  WFE_ASSIGN_OR_RETURN(const PerformanceWindow baseline,
                       BaselineOf(records, state, runs, input.control, input.regression.min_samples, problems));
  WFE_RETURN_IF_ERROR(versions.SetBaseline(input.workflow_id, input.version, input.rollout_id, baseline, at));
  return Ok();
}

}  // namespace

Result<BeginRolloutResult> BeginRollout(const DeliveryConfig& config, const BeginRolloutInput& input) {
  client::RecordsClient& records = *config.records;
  BeginRolloutResult result;
  WFE_ASSIGN_OR_RETURN(const int version, ParseVersion(input.workflow_id, input.version));
  const Result<VersionState> state = VersionStore(records).Get(input.workflow_id);
  const auto permanent = [](const Error& error) {
    return error.code == StatusCode::kNotFound || error.code == StatusCode::kFailedPrecondition;
  };
  if (!state && !permanent(state.error())) return state.error();
  result.header = {.rollout_id = input.rollout_id,
                   .workflow_id = input.workflow_id,
                   .version = version,
                   .control = state ? state->in_service : 0,
                   .plan = input.plan,
                   .author = input.author,
                   .reason = input.reason,
                   .started_at = input.now};
  RolloutLog log(records);
  const Result<StoredRollout> before = log.Get(input.rollout_id);
  if (before) {  // another attempt of the same, or an id that is taken
    result.header = before->header;
    const RolloutHeader& header = before->header;
    if (header.workflow_id != input.workflow_id || header.version != version || header.started_at != input.now) {
      result.refused = "there is a rollout \"" + input.rollout_id + "\" already";
    }
    return result;
  }
  if (!permanent(before.error())) return before.error();
  if (!state) {
    result.refused = state.error().message;
  } else if (const auto usable = state->Usable(version); !usable) {
    result.refused = usable.error().message;
  } else if (version == state->in_service) {
    result.refused = VersionId(input.workflow_id, version) + " is in service already";
  } else if (state->split) {
    result.refused = "rollout " + state->split->rollout_id + " of " +
                     VersionId(input.workflow_id, state->split->version) + " divides the traffic; it has to end first";
  } else {
    learning::RowProblems problems;
    learning::ExperimentStore experiments(records);
    WFE_ASSIGN_OR_RETURN(const auto running, experiments.RunningOn(SubjectOf(input.workflow_id), problems));
    if (running) result.refused = "experiment " + running->experiment_id + " divides the traffic; it has to end first";
  }
  if (!result.refused.empty()) return result;
  WFE_ASSIGN_OR_RETURN(result.header, log.Begin(result.header));
  return result;
}

Result<SetTrafficSplitResult> SetTrafficSplit(const DeliveryConfig& config, const SetTrafficSplitInput& input) {
  client::RecordsClient& records = *config.records;
  VersionStore versions(records);
  RolloutLog log(records);
  SetTrafficSplitResult result;
  for (const RolloutEvent& event : input.events) {
    const int64_t number = input.first + result.carried_out;
    SplitRequest request{.rollout_id = input.rollout_id,
                         .version = input.version,
                         .control = input.control,
                         .share = event.share,
                         .step = number,
                         .change = {event.author, event.reason, event.at}};
    const bool stops = event.kind == kRegressed || event.kind == kAborted;
    if (event.kind == kStageEntered || stops) {
      WFE_ASSIGN_OR_RETURN(const SplitAnswer answer, versions.Split(input.workflow_id, request));
      // What is to end may have ended already.
      if (!stops) result.overtaken = answer.overtaken;
    } else if (event.kind == kSucceeded) {
      WFE_ASSIGN_OR_RETURN(const SplitAnswer answer, versions.Finish(input.workflow_id, request));
      result.overtaken = answer.overtaken;
    }
    if (!result.overtaken.empty()) return result;
    if (event.kind == kStageEntered && event.share >= 1) WFE_RETURN_IF_ERROR(StoreBaseline(records, input, event.at));
    WFE_RETURN_IF_ERROR(log.Append(input.rollout_id, number, event));
    ++result.carried_out;
  }
  return result;
}

Result<CheckRegressionResult> CheckRegression(const DeliveryConfig& config, const CheckRegressionInput& input) {
  client::RecordsClient& records = *config.records;
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  WFE_ASSIGN_OR_RETURN(const VersionState state, VersionStore(records).Get(input.workflow_id));
  CheckRegressionResult result;
  result.overtaken = WhyOvertaken(state, input.rollout_id);
  if (!result.overtaken.empty()) return result;
  WFE_ASSIGN_OR_RETURN(const RolloutRuns runs, LoadRuns(records, state, input.rollout_id, now, result.problems));
  const int stage = static_cast<int>(runs.steps.size()) - 1;
  const std::vector<RunOutcome> of_stage = OfStratum(runs.variant, stage);
  result.samples = static_cast<int64_t>(of_stage.size());
  if (state.split->share < 1) {
    result.check = CheckDivided(runs, of_stage, stage, input);
    AddHarm(result.check, WatchStages(StagesOf(runs), input.harm_alpha));
  } else {
    result.check = CheckAgainst(state.rollout_baseline.value_or(PerformanceWindow()), of_stage, input.regression);
  }
  if (result.problems.size() > kMaxProblems) result.problems.resize(kMaxProblems);
  return result;
}

}  // namespace wfe::delivery
