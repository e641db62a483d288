// Predictors as they are kept (LN-2, LN-5): table optimizer_predictors, key `<workflow_id>/<number>`, the last one
// counts; the trees are blobs.  Here are the bodies of the activities `trainPredictor` and `predict`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "activities/learning/records/rows.h"
#include "activities/optimizer/learning/predictor.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/records_client.h"

namespace wfe::optimizer {

inline constexpr std::string_view kPredictorsTable = "optimizer_predictors";

/// NOT_FOUND: there is none.  FAILED_PRECONDITION: of another version of the features.  DATA_LOSS: it, or a blob of it,
/// cannot be read.
Result<Predictor> LoadPredictor(client::RecordsClient& records, const std::string& workflow_id);

struct TrainReport {
  std::string workflow_id;
  bool trained = false;
  std::string reason;  ///< Why it was trained, or not.
  int64_t examples = 0;
  int64_t left_out = 0;
  std::string trained_at;            ///< Of the predictor that counts now; empty: there is none.
  std::vector<TargetModel> targets;  ///< Of that one.
};
WFE_RECORD(TrainReport, workflow_id, trained, reason, examples, left_out, trained_at, targets);

/// Trains when there is no predictor that could be used, or there are kRetrainAfter examples more than at its training.
/// May be repeated at any time, by anyone: what is not
/// due is told and not done.  Too few examples, and rows that cannot be read, are no error; they are told.
Result<TrainReport> TrainPredictor(client::RecordsClient& records, const std::string& workflow_id, Instant now,
                                   learning::RowProblems& problems);

struct PredictInput {
  std::string workflow_id;
  nlohmann::json graph;  ///< Null: a workflow in C++.
  nlohmann::json input;  ///< Null: not known.
  RunContext context;
  SimilarRuns similar;
};
WFE_RECORD(PredictInput, workflow_id, graph, input, context, similar);
constexpr RecordRules RulesOf(const PredictInput*) {
  return {.refuses_unknown = true, .subject = "input", .required = "workflow_id"};
}

/// The errors of LoadPredictor; INVALID_ARGUMENT: the graph is none.  FAILED_PRECONDITION also while a workflow has too
/// few examples.
Result<Prediction> Predict(client::RecordsClient& records, const PredictInput& input);

}  // namespace wfe::optimizer
