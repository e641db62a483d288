// What every run of a managed workflow teaches (LN-5): an example for the predictor, a reward for the selector.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "activities/delivery/records/executions.h"
#include "activities/optimizer/learning/predictor_store.h"
#include "temporal/api/history/v1/message.pb.h"
#include "workers/client/records_client.h"
#include "workers/sdk/activity.h"

namespace wfe::optimizer {

struct TrainPredictorInput {
  std::string workflow_id;
  std::string now;
};
WFE_RECORD(TrainPredictorInput, workflow_id, now);
constexpr RecordRules RulesOf(const TrainPredictorInput*) { return {.whole = true}; }

inline constexpr sdk::ActivityType<TrainPredictorInput, TrainReport> kTrainPredictor{"trainPredictor"};

struct RunLearnerConfig {
  std::shared_ptr<client::RecordsClient> records;
  /// Has the predictor of a workflow trained, beside everything else; called when enough runs were added.  `queue` is
  /// that of the run.
  std::function<void(const std::string& workflow_id, const std::string& queue)> start_training;
  std::function<void(const std::string& sentence)> log;
};

/// For RecordRunConfig::recorded.  Errors are logged: a run is as good without having taught anything.
std::function<void(const delivery::ExecutionRecord&, const temporal::api::history::v1::History&)> RunLearner(
    RunLearnerConfig config);

void RegisterTrainPredictor(sdk::ActivityRegistry& registry, std::shared_ptr<client::RecordsClient> records);

}  // namespace wfe::optimizer
