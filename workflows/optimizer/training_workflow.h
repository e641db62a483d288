// PredictorTraining: has the predictor of a workflow trained (LN-5), away from the runs that it learns from.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "activities/optimizer/steps/run_learner.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kPredictorTraining = "PredictorTraining";

struct TrainingInput {
  std::string workflow_id;
};
WFE_RECORD(TrainingInput, workflow_id);
constexpr RecordRules RulesOf(const TrainingInput*) { return {.refuses_unknown = true, .required = "workflow_id"}; }

/// "train-report": one training of a workflow at a time.
std::string TrainingWorkflowId(const std::string& workflow_id);

sdk::Task<optimizer::TrainReport> TrainPredictorOf(sdk::WorkflowContext& ctx, TrainingInput input);

void RegisterPredictorTraining(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
