#include "activities/delivery/steps/monitor_steps.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "activities/delivery/records/executions.h"
#include "activities/delivery/steps/register.h"
#include "engine/base/read_time.h"

namespace wfe::delivery {
namespace {

using std::chrono::days;
using std::chrono::seconds;

/// A baseline comes from runs of the last days before the change.
constexpr auto kBaselineSpan = days(28);
constexpr size_t kMostBaselineRuns = 1000;

Result<std::vector<RunOutcome>> RunsOf(client::RecordsClient& records, const std::string& workflow_id, int version,
                                       Instant from, Instant to, learning::RowProblems& problems) {
  WFE_ASSIGN_OR_RETURN(const auto executions, LoadExecutions(records, workflow_id, from, to, problems));
  std::vector<RunOutcome> runs;
  for (const ExecutionRecord& execution : executions) {
    if (execution.version_id == VersionId(workflow_id, version)) runs.push_back(OutcomeOf(execution));
  }
  return runs;
}

/// The stored one; else that of the version before, from before the change; else what the version itself did earlier.
/// One with enough runs is stored (MO-3).
Result<PerformanceWindow> BaselineFor(client::RecordsClient& records, const VersionState& state, Instant window_begins,
                                      int64_t min_runs, const std::string& now, learning::RowProblems& problems) {
  if (state.baseline) return *state.baseline;
  WFE_ASSIGN_OR_RETURN(const Instant changed, ReadIso8601(state.changed_at));
  const std::string& id = state.workflow_id;
  int of = state.in_service;
  std::vector<RunOutcome> runs;
  if (state.changed_kind == kVersionActivated && !state.earlier.empty()) {
    of = state.earlier.back();
    WFE_ASSIGN_OR_RETURN(runs, RunsOf(records, id, of, changed - kBaselineSpan, changed, problems));
  }
  bool keep = static_cast<int64_t>(runs.size()) >= min_runs;
  if (!keep) {
    of = state.in_service;
    WFE_ASSIGN_OR_RETURN(runs, RunsOf(records, id, of, changed - kBaselineSpan, window_begins, problems));
    keep = static_cast<int64_t>(runs.size()) >= kBaselineRuns;
  }
  if (runs.size() > kMostBaselineRuns) runs.erase(runs.begin(), runs.end() - static_cast<long>(kMostBaselineRuns));
  PerformanceWindow baseline = Describe(runs);
  baseline.version_id = VersionId(id, of);
  if (keep) WFE_RETURN_IF_ERROR(VersionStore(records).SetBaseline(id, state.in_service, "", baseline, now));
  return baseline;
}

MonitoringEvent EventOf(const Condition& condition, const VersionState& state, const std::string& now) {
  MonitoringEvent event;
  event.type = condition.type;
  event.workflow_id = state.workflow_id;
  event.version_id = VersionId(state.workflow_id, state.in_service);
  event.severity = condition.severity;
  event.description = condition.description;
  event.metrics = condition.metrics;
  event.time = now;
  return event;
}

/// Stores what is new.  An attempt whose answer was lost finds its events by their time, so that they are passed on.
Result<std::vector<MonitoringEvent>> Tell(client::RecordsClient& records, const VersionState& state,
                                          const std::vector<Condition>& conditions, const std::string& now) {
  MonitorLog log(records);
  WFE_ASSIGN_OR_RETURN(const auto before, log.Events(state.workflow_id));
  for (const auto& [type, lasting] : Lasting(before)) {
    if (lasting.version_id == VersionId(state.workflow_id, state.in_service)) continue;
    MonitoringEvent over = lasting;
    over.state = kEventCleared;
    over.time = now;
    over.description = VersionId(state.workflow_id, state.in_service) + " is in service now";
    WFE_RETURN_IF_ERROR(log.Add(over));
  }
  for (const Condition& condition : conditions) {
    if (!condition.holds && !condition.gone) continue;
    MonitoringEvent event = EventOf(condition, state, now);
    event.state = condition.holds ? kEventRaised : kEventCleared;
    WFE_RETURN_IF_ERROR(log.Add(event));
  }
  WFE_ASSIGN_OR_RETURN(std::vector<MonitoringEvent> events, log.Events(state.workflow_id));
  std::erase_if(events, [&](const MonitoringEvent& event) { return event.time != now; });
  return events;
}

/// Only a version that was put in service after another is taken back: one that a rollback restored is compared with
/// nothing better, and an outage would lead from version to version down to the original.
bool CanBeTakenBack(const VersionState& state) {
  return state.changed_kind == kVersionActivated && state.Previous().has_value();
}

/// All runs since the change, by looks; and those of the window alone, which are asked about again and again and must
/// be beyond chance by more: what begins to hurt after a day would be lost among the runs of that day.
RegressionCheck CheckOnProbation(const PerformanceWindow& baseline, const std::vector<RunOutcome>& since,
                                 Instant window_begins, const WatchWorkflowInput& input) {
  RegressionCheck all = CheckAgainst(baseline, since, input.regression);
  std::vector<RunOutcome> lately;
  std::ranges::copy_if(since, std::back_inserter(lately),
                       [&](const RunOutcome& run) { return run.ended >= window_begins; });
  const auto enough = [&](int64_t runs) { return runs >= input.regression.min_samples; };
  if (all.regression || !enough(static_cast<int64_t>(lately.size())) || !enough(baseline.runs)) return all;
  RegressionCheck recent = Compare(baseline, Describe(lately), input.regression, input.rules.rollback_significance);
  return recent.regression ? recent : all;
}

}  // namespace

Result<WatchWorkflowResult> WatchWorkflow(const DeliveryConfig& config, const WatchWorkflowInput& input) {
  client::RecordsClient& records = *config.records;
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  WatchWorkflowResult result;
  const Result<VersionState> found = VersionStore(records).Get(input.workflow_id);
  if (!found && found.error().code != StatusCode::kNotFound) return found.error();
  if (!found) {
    result.why = found.error().message;
    return result;
  }
  const VersionState& state = *found;
  result.version = state.in_service;
  result.version_id = VersionId(state.workflow_id, state.in_service);
  const Instant begins = now - seconds(input.window_s);
  WFE_ASSIGN_OR_RETURN(const std::vector<RunOutcome> window,
                       RunsOf(records, state.workflow_id, state.in_service, begins, now, result.problems));
  result.runs = static_cast<int64_t>(window.size());
  WFE_ASSIGN_OR_RETURN(const PerformanceWindow baseline,
                       BaselineFor(records, state, begins, input.rules.min_runs, input.now, result.problems));
  std::vector<Condition> conditions;
  if (input.assess) {
    conditions = Assess(baseline, window, input.rules);
    WFE_ASSIGN_OR_RETURN(result.events, Tell(records, state, conditions, input.now));
  }
  WFE_ASSIGN_OR_RETURN(const Instant changed, ReadIso8601(state.changed_at));
  if (CanBeTakenBack(state) && now - changed < days(kProbationDays)) {
    WFE_ASSIGN_OR_RETURN(std::vector<RunOutcome> since,
                         RunsOf(records, state.workflow_id, state.in_service, changed, now, result.problems));
    result.check = CheckOnProbation(baseline, since, begins, input);
    if (result.check->regression) result.why = "regression: " + result.check->sentence;
  }
  for (const Condition& condition : conditions) {
    if (!result.why.empty() || condition.severity != kCritical || !condition.holds) continue;
    if (condition.p_value < input.rules.rollback_significance)
      result.why = condition.type + ": " + condition.description;
  }
  if (!result.why.empty() && input.auto_rollback && CanBeTakenBack(state)) result.roll_back_to = *state.Previous();
  if (result.problems.size() > kMaxProblems) result.problems.resize(kMaxProblems);
  return result;
}

Result<RollBackVersionResult> RollBackVersion(const DeliveryConfig& config, const RollBackVersionInput& input) {
  client::RecordsClient& records = *config.records;
  RollBackVersionResult result;
  const Change change{.author = "monitor", .reason = input.reason, .at = input.now};
  const Result<VersionChange> changed = VersionStore(records).RollBack(input.workflow_id, input.to, change, input.from);
  if (!changed && changed.error().code != StatusCode::kAborted &&
      changed.error().code != StatusCode::kFailedPrecondition) {
    return changed.error();
  }
  if (!changed) return result;
  result.version_id = changed->version_id;
  // A repetition finds the version back in service, by its own event.
  WFE_ASSIGN_OR_RETURN(const VersionState state, VersionStore(records).Get(input.workflow_id));
  result.changed = changed->changed || (state.changed_at == input.now && state.changed_by == change.author);
  if (!result.changed) return result;
  MonitoringEvent event;
  event.type = kAutomaticRollback;
  event.workflow_id = input.workflow_id;
  event.version_id = VersionId(input.workflow_id, input.from);
  event.severity = kCritical;
  event.description = "back to " + changed->version_id + ": " + input.reason;
  event.time = input.now;
  event.state = kEventTold;
  WFE_RETURN_IF_ERROR(MonitorLog(records).Add(event));
  result.event = event;
  return result;
}

Result<NotifyHookResult> NotifyHook(const DeliveryConfig& config, const MonitoringEvent& event) {
  if (!config.hook) return NotifyHookResult{};
  WFE_RETURN_IF_ERROR(config.hook(event));
  return NotifyHookResult{.sent = true};
}

}  // namespace wfe::delivery
