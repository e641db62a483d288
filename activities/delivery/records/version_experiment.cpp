#include "activities/delivery/records/version_experiment.h"

#include <chrono>

#include "activities/delivery/records/version_choice.h"
#include "activities/delivery/records/version_store.h"

namespace wfe::delivery {
namespace {

using learning::ABTestResult;
using learning::Experiment;
using learning::ExperimentStore;

constexpr std::string_view kOfWorkflows = "workflow:";

/// Why the experiment has nothing to compare any more; empty while it has.
std::string WhyVoid(const VersionState& state, const Experiment& experiment) {
  const Result<int> variant = ParseVersion(state.workflow_id, experiment.variant);
  if (!variant) return variant.error().message;
  if (const auto usable = state.Usable(*variant); !usable) return usable.error().message;
  const std::string in_service = VersionId(state.workflow_id, state.in_service);
  if (in_service == experiment.control) return "";
  return in_service + " was put in service by " + state.changed_by + " at " + state.changed_at + " (" +
         state.changed_reason + ")";
}

Result<std::vector<learning::Observation>> Observe(client::RecordsClient& records, const std::string& workflow_id,
                                                   const Experiment& experiment, Instant now,
                                                   learning::RowProblems& problems) {
  WFE_ASSIGN_OR_RETURN(const auto arms, ExperimentStore(records).Assignments(experiment.experiment_id, problems));
  const Instant since = ParseIso8601(experiment.started_at).value_or(now);
  WFE_ASSIGN_OR_RETURN(const auto executions,
                       LoadExecutions(records, workflow_id, since, now + std::chrono::milliseconds(1), problems));
  std::vector<learning::Observation> observations;
  for (const ExecutionRecord& execution : executions) {
    const auto arm = arms.find(execution.workflow_run_id);
    if (arm == arms.end()) continue;
    observations.push_back({.run_id = execution.workflow_run_id,
                            .arm = arm->second,
                            .error = !execution.success,
                            .metrics = {{"duration_ms", static_cast<double>(execution.duration_ms)},
                                        {"cost_usd", execution.cost_usd},
                                        {"success", execution.success ? 1.0 : 0.0}}});
  }
  return observations;
}

}  // namespace

Result<bool> StartVersionExperiment(client::RecordsClient& records, const std::string& workflow_id,
                                    Experiment experiment) {
  ExperimentStore experiments(records);
  const Result<learning::ExperimentState> before = experiments.Get(experiment.experiment_id);
  if (before) return false;
  WFE_ASSIGN_OR_RETURN(const VersionState state, VersionStore(records).Get(workflow_id));
  WFE_ASSIGN_OR_RETURN(const int variant, ParseVersion(workflow_id, experiment.variant));
  WFE_RETURN_IF_ERROR(state.Usable(variant));
  if (variant == state.in_service)
    return FailedPrecondition(VersionId(workflow_id, variant) + " is in service already");
  if (state.split)
    return FailedPrecondition("rollout " + state.split->rollout_id + " divides the traffic; it has to end first");
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const auto running, experiments.RunningOn(SubjectOf(workflow_id), problems));
  if (running) {
    return FailedPrecondition("experiment " + running->experiment_id + " divides the traffic; it has to end first");
  }
  experiment.subject = SubjectOf(workflow_id);
  experiment.control = VersionId(workflow_id, state.in_service);
  experiment.variant = VersionId(workflow_id, variant);
  if (experiment.metrics.empty()) experiment.metrics = VersionMetrics();
  return experiments.Start(experiment);
}

Result<ABTestResult> JudgeVersionExperiment(client::RecordsClient& records, const std::string& experiment_id,
                                            const ObjectiveWeights& weights, Instant now,
                                            learning::RowProblems& problems) {
  ExperimentStore experiments(records);
  WFE_ASSIGN_OR_RETURN(const learning::ExperimentState stored, experiments.Get(experiment_id));
  if (stored.result) return *stored.result;
  const Experiment& experiment = stored.experiment;
  if (!experiment.subject.starts_with(kOfWorkflows)) {
    return InvalidArgument("experiment " + experiment_id + " is about " + experiment.subject +
                           ", not about a workflow");
  }
  const std::string workflow_id = experiment.subject.substr(kOfWorkflows.size());
  WFE_ASSIGN_OR_RETURN(const VersionState state, VersionStore(records).Get(workflow_id));
  WFE_ASSIGN_OR_RETURN(const auto observations, Observe(records, workflow_id, experiment, now, problems));
  ABTestResult result = JudgeVersions(experiment, learning::Summarize(experiment, observations), weights, now);
  if (const std::string why = WhyVoid(state, experiment); !why.empty()) {
    result.winner = learning::kWinnerInconclusive;
    result.recommendation = "keep the version in service";
    result.reason = "it has nothing to compare any more: " + why;
  }
  if (!result.decided()) return result;
  // The first decision counts, whoever made it.
  WFE_RETURN_IF_ERROR(experiments.Decide(result));
  WFE_ASSIGN_OR_RETURN(const learning::ExperimentState kept, experiments.Get(experiment_id));
  return kept.result.value_or(result);
}

}  // namespace wfe::delivery
