#include "activities/optimizer/steps/run_learner.h"

#include "activities/delivery/records/version_store.h"
#include "activities/delivery/steps/register.h"
#include "activities/optimizer/learning/learn_from_run.h"
#include "activities/optimizer/steps/profiled_workflow.h"
#include "activities/optimizer/steps/trial_state.h"
#include "engine/base/read_time.h"

namespace wfe::optimizer {
namespace {

Result<AppendedExample> Learn(client::RecordsClient& records, const delivery::ExecutionRecord& execution,
                              const temporal::api::history::v1::History& history) {
  const delivery::VersionStore store(records);
  WFE_ASSIGN_OR_RETURN(const auto state, store.Get(execution.workflow_id));
  WFE_ASSIGN_OR_RETURN(const int version, delivery::ParseVersion(execution.workflow_id, execution.version_id));
  WFE_ASSIGN_OR_RETURN(const std::string content, store.Content(state, version));
  WFE_ASSIGN_OR_RETURN(const auto graph, GraphOf(content));
  const RunContext context{.at = execution.started_at, .recent_load = {}, .resource_availability = {}};
  const CompletedRun run{.execution = execution,
                         .features = FeaturesOf(graph ? &*graph : nullptr, StateOf(history), context, {}),
                         .active = {}};
  return LearnFromRun(records, run);
}

}  // namespace

std::function<void(const delivery::ExecutionRecord&, const temporal::api::history::v1::History&)> RunLearner(
    RunLearnerConfig config) {
  return [config = std::move(config)](const delivery::ExecutionRecord& execution,
                                      const temporal::api::history::v1::History& history) {
    const Result<AppendedExample> learned = Learn(*config.records, execution, history);
    if (!learned) {
      return config.log("run " + execution.workflow_run_id + " teaches nothing: " + learned.error().message);
    }
    if (!learned->training_due || !config.start_training) return;
    const auto& began = history.events(0).workflow_execution_started_event_attributes();
    config.start_training(execution.workflow_id, began.task_queue().name());
  };
}

void RegisterTrainPredictor(sdk::ActivityRegistry& registry, std::shared_ptr<client::RecordsClient> records) {
  registry.Register(kTrainPredictor, [records](sdk::ActivityContext&, const TrainPredictorInput& input) {
    const Result<Instant> now = ReadIso8601(input.now);
    if (!now) return sdk::ActivityResult<TrainReport>(now.error());
    learning::RowProblems problems;
    Result<TrainReport> report = TrainPredictor(*records, input.workflow_id, *now, problems);
    if (report) return sdk::ActivityResult<TrainReport>(*std::move(report));
    return sdk::ActivityResult<TrainReport>(std::move(report).error());
  });
}

}  // namespace wfe::optimizer
