// Gradient-boosted trees through XGBoost's C API (LN-2), which only the source of this header includes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"
#include "engine/base/result.h"

namespace wfe::optimizer {

/// One row for each example, NaN where something is not known; all rows are as long as the first.
using FeatureRows = std::vector<std::vector<double>>;

struct TreeSettings {
  int64_t trees = 100;
  int64_t depth = 5;
  double learning_rate = 0.1;
  /// Examples in a leaf, so that one odd run makes no leaf of its own (ours).  Of a probability an example weighs
  /// p (1 - p), a quarter at most, so that it takes four times as many.
  int64_t min_child = 5;
  int64_t seed = 1;
};
WFE_RECORD(TreeSettings, trees, depth, learning_rate, min_child, seed);

/// Trained on one thread: the same rows, labels and settings give the same bytes.  An object is used by one thread at a
/// time.
class BoostedTrees {
 public:
  enum class Kind { kRegression, kProbability };

  /// INVALID_ARGUMENT: no rows, rows of different lengths, not one finite label for each row, or, of a probability,
  /// labels that are not 0 or 1.
  static Result<BoostedTrees> Train(Kind kind, const FeatureRows& rows, const std::vector<double>& labels,
                                    const TreeSettings& settings);

  /// From what Bytes gave.  The library trusts them, so whoever keeps them checks their hash first; what it refuses by
  /// itself is DATA_LOSS.
  static Result<BoostedTrees> Load(std::string_view bytes);

  /// One value for each row.  INVALID_ARGUMENT: rows are not as long as those of the training.
  Result<std::vector<double>> Predict(const FeatureRows& rows) const;

  Result<std::string> Bytes() const;

 private:
  struct Booster;
  explicit BoostedTrees(std::shared_ptr<Booster> booster) : booster_(std::move(booster)) {}
  std::shared_ptr<Booster> booster_;  // shared so that a predictor with its models can be copied
};

}  // namespace wfe::optimizer
