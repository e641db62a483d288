#include "workflows/optimizer/training_workflow.h"

#include <chrono>

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;

constexpr sdk::ActivityOptions kTraining{
    .start_to_close = 10min, .retry = {.initial_interval = 5s, .maximum_interval = 1min, .maximum_attempts = 5}};

}  // namespace

std::string TrainingWorkflowId(const std::string& workflow_id) { return "train-" + workflow_id; }

sdk::Task<optimizer::TrainReport> TrainPredictorOf(sdk::WorkflowContext& ctx, TrainingInput input) {
  const optimizer::TrainPredictorInput train{.workflow_id = input.workflow_id, .now = FormatIso8601Millis(ctx.Now())};
  optimizer::TrainReport report = co_await ctx.Activity(optimizer::kTrainPredictor, train, kTraining);
  co_return report;
}

void RegisterPredictorTraining(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kPredictorTraining), &TrainPredictorOf);
}

}  // namespace wfe::workflows
