// What a run will last and cost, and how likely it is to end well (LN-2, LN-3), learned from runs of the same workflow.
//
// For each of the three there are two ways to answer: boosted trees, and the mean of the past.  The trees answer only
// where they were better on later runs that they had not seen; a prediction says which of the two it is from, and why.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/optimizer/learning/boosted_trees.h"
#include "activities/optimizer/learning/examples.h"
#include "activities/optimizer/learning/features.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::optimizer {

inline constexpr int64_t kMinExamples = 50;
/// The newest are taken: a workflow of a year ago teaches little, and training takes time.
inline constexpr size_t kMaxExamples = 5'000;

// TargetModel::target, in their order.
inline constexpr std::string_view kDurationTarget = "duration";
inline constexpr std::string_view kCostTarget = "cost";
inline constexpr std::string_view kSuccessTarget = "success";

// PredictedValue::source.
inline constexpr std::string_view kFromModel = "model";
inline constexpr std::string_view kFromMean = "mean";

/// How one of the three is predicted.
struct TargetModel {
  std::string target;
  bool used = false;   ///< The trees answer.
  std::string reason;  ///< Why they do, or do not.
  int64_t examples = 0;
  double mean = 0;  ///< Of all examples.
  int64_t held_out = 0;  ///< The last of them, on which both were tried.
  /// Mean absolute error on those, in seconds, in dollars; of success the mean squared error of the probability.
  double error = 0;
  double baseline_error = 0;  ///< The same for the mean of all runs before.
  /// Of those: runs for which what would have been answered (by whoever answers) was within a quarter of what came; of
  /// success, 1 - the mean distance.
  double close_share = 0;
  double floor = 0;      ///< Duration and cost are learned as log(value + floor).
  double smear = 1;      ///< exp of a mean log is too low for a mean: what it is multiplied with.
  std::string sha256;    ///< The blob of the trees; empty: they are not used.
};
WFE_RECORD(TargetModel, target, used, reason, examples, mean, held_out, error, baseline_error, close_share, floor,
           smear, sha256);
constexpr RecordRules RulesOf(const TargetModel*) {
  return {.whole = true};
}

/// Where a feature was, among the examples that had it.
struct FeatureRange {
  double lo = 0;
  double hi = 0;
  int64_t known = 0;
};
WFE_RECORD(FeatureRange, lo, hi, known);
constexpr RecordRules RulesOf(const FeatureRange*) { return {.whole = true}; }

/// A trained predictor as it is stored; its trees are blobs.
struct PredictorRecord {
  std::string workflow_id;
  int64_t feature_version = 0;
  int64_t examples = 0;
  int64_t left_out = 0;  ///< Examples of another version of the features.
  int64_t seen = 0;      ///< All that there were, also the older ones beyond kMaxExamples.
  std::string trained_at;
  std::string from;  ///< When the first and the last of the examples ended.
  std::string to;
  TreeSettings settings;
  std::map<std::string, FeatureRange> ranges;  ///< By the feature's name.
  std::vector<TargetModel> targets;
  nlohmann::json extra = nlohmann::json::object();

  const TargetModel* Target(std::string_view target) const;
};
WFE_RECORD(PredictorRecord, workflow_id, feature_version, examples, left_out, seen, trained_at, from, to, settings,
           ranges, targets);
constexpr RecordRules RulesOf(const PredictorRecord*) { return {.whole = true}; }

struct PredictedValue {
  double value = 0;
  std::string source;     ///< "model" or "mean".
  std::string reason;     ///< Of the mean: why not the model.
  double confidence = 0;  ///< TargetModel::close_share, less outside of what was seen in training.
};
WFE_RECORD(PredictedValue, value, source, reason, confidence);

struct Prediction {
  PredictedValue duration_s;
  PredictedValue cost_usd;
  PredictedValue success_probability;
  /// The lower one of duration and cost: how often, as far as is known, such an answer is within a quarter of the
  /// truth.
  double confidence = 0;
  std::vector<std::string> outside;  ///< Features that are not as they were in any example.
  int64_t examples = 0;
  std::string trained_at;
};
WFE_RECORD(Prediction, duration_s, cost_usd, success_probability, confidence, outside, examples, trained_at);

/// Plain data; used by one thread at a time.
class Predictor {
 public:
  /// The record and the trees of the targets that are used, by target.
  Predictor(PredictorRecord record, std::map<std::string, BoostedTrees, std::less<>> trees)
      : record_(std::move(record)), trees_(std::move(trees)) {}

  /// INVALID_ARGUMENT: not as many features as there are names.
  Result<Prediction> Predict(const Features& features) const;

  const PredictorRecord& record() const { return record_; }
  PredictorRecord& record() { return record_; }
  const std::map<std::string, BoostedTrees, std::less<>>& trees() const { return trees_; }

 private:
  PredictorRecord record_;
  std::map<std::string, BoostedTrees, std::less<>> trees_;
};

/// Trains on the examples, of which those of another version of the features are left out.
///
/// The last two fifths of them, by when they ended, are held out: predicted in four blocks, each by trees of all runs
/// before it.  The trees of a target are used if they were better there than the mean of the past in the error that is
/// told, over all and over the later half, and, paired and beyond a chance of 1 in 200, in the squared error that they
/// were trained for.  They are then trained anew on all examples.  The same examples give the same predictor.
/// FAILED_PRECONDITION: fewer than kMinExamples.
Result<Predictor> TrainOn(const std::string& workflow_id, std::vector<TrainingExample> examples, Instant now,
                          const TreeSettings& settings = {});

}  // namespace wfe::optimizer
