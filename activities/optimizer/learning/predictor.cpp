#include "activities/optimizer/learning/predictor.h"

#include <algorithm>
#include <cmath>

namespace wfe::optimizer {
namespace {

/// How far a feature is from what was seen, in widths of that; 1: a value where there was always the same, or none
/// where there always was one.
double DistanceOutside(double value, const FeatureRange& range, int64_t examples) {
  if (!std::isfinite(value)) return range.known == examples ? 1 : 0;
  if (range.known == 0) return 0;  // no tree asks for it
  if (value >= range.lo && value <= range.hi) return 0;
  const double width = range.hi - range.lo;
  if (width <= 0) return 1;
  return std::max(range.lo - value, value - range.hi) / width;
}

PredictedValue ByTheMean(const TargetModel& target) {
  return {.value = target.mean,
          .source = std::string(kFromMean),
          .reason = target.reason,
          .confidence = target.close_share};
}

}  // namespace

const TargetModel* PredictorRecord::Target(std::string_view target) const {
  const auto found = std::ranges::find(targets, target, &TargetModel::target);
  return found == targets.end() ? nullptr : &*found;
}

Result<Prediction> Predictor::Predict(const Features& features) const {
  const std::vector<std::string_view>& names = FeatureNames();
  if (features.size() != names.size()) {
    return InvalidArgument("there are " + std::to_string(features.size()) + " features instead of " +
                           std::to_string(names.size()));
  }
  Prediction prediction{.examples = record_.examples, .trained_at = record_.trained_at};
  double outside = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto range = record_.ranges.find(std::string(names[i]));
    if (range == record_.ranges.end()) continue;
    const double distance = DistanceOutside(features[i], range->second, record_.examples);
    if (distance > 0) prediction.outside.emplace_back(names[i]);
    outside += distance;
  }
  for (const TargetModel& target : record_.targets) {
    PredictedValue value = ByTheMean(target);
    if (target.used) {
      const auto trees = trees_.find(target.target);
      if (trees == trees_.end()) return Internal("the trees of " + target.target + " were not loaded");
      WFE_ASSIGN_OR_RETURN(const std::vector<double> said, trees->second.Predict({features}));
      value.value = target.target == kSuccessTarget ? std::clamp(said[0], 0.0, 1.0)
                                              : std::max(0.0, std::exp(said[0]) * target.smear - target.floor);
      value.source = std::string(kFromModel);
      value.reason.clear();
    }
    value.confidence /= 1 + outside;
    if (target.target == kDurationTarget) prediction.duration_s = std::move(value);
    if (target.target == kCostTarget) prediction.cost_usd = std::move(value);
    if (target.target == kSuccessTarget) prediction.success_probability = std::move(value);
  }
  prediction.confidence = std::min(prediction.duration_s.confidence, prediction.cost_usd.confidence);
  return prediction;
}

}  // namespace wfe::optimizer
