#include "activities/delivery/rules/winner.h"

#include <cstdio>

namespace wfe::delivery {
namespace {

constexpr const char* kDuration = "duration_ms";
constexpr const char* kCost = "cost_usd";
constexpr const char* kSuccess = "success";
constexpr double kToleratedLoss = 0.05;

/// How much less; something where there was nothing is a whole more.
double RelativeGain(double control, double variant) {
  if (control > 0) return (control - variant) / control;
  return variant > 0 ? -1 : 0;
}

}  // namespace

std::vector<learning::ExperimentMetric> VersionMetrics() {
  return {{.name = kDuration},
          {.name = kCost},
          {.name = kSuccess,
           .kind = std::string(learning::kShareMetric),
           .higher_is_better = true,
           .tolerated_loss = kToleratedLoss}};
}

double WeightedDifference(const std::vector<learning::MetricTest>& tests, const ObjectiveWeights& weights) {
  double sum = 0;
  for (const learning::MetricTest& test : tests) {
    if (test.metric == kDuration) sum += weights.duration * RelativeGain(test.mean_control, test.mean_variant);
    if (test.metric == kCost) sum += weights.cost * RelativeGain(test.mean_control, test.mean_variant);
    if (test.metric == kSuccess) sum += weights.success * (test.mean_variant - test.mean_control);
  }
  return sum;
}

learning::ABTestResult JudgeVersions(const learning::Experiment& experiment, const learning::ArmSummaries& arms,
                                     const ObjectiveWeights& weights, Instant now) {
  learning::ABTestResult result = learning::Judge(experiment, arms, now);
  if (result.winner == learning::kWinnerTradeoff) {
    char text[60];
    std::snprintf(text, sizeof(text), "; weighted, the variant is %+.3f", WeightedDifference(result.tests, weights));
    result.reason += text;
  }
  return result;
}

}  // namespace wfe::delivery
