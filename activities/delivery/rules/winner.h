// Which of two versions of a workflow an experiment prefers (XB-3).  The judge is that of all experiments
// (activities/learning/experiments/judge.h); here stand what is measured and how a trade-off is weighed for a person.
#pragma once

#include <vector>

#include "activities/learning/experiments/experiment.h"
#include "activities/learning/experiments/judge.h"
#include "engine/base/time.h"

namespace wfe::delivery {

/// duration_ms and cost_usd, lower is better; success, whose loss of 5 points is a loss whatever the rest says.
std::vector<learning::ExperimentMetric> VersionMetrics();

/// What a gain of one part of a metric is worth; they need not add up to 1.
struct ObjectiveWeights {
  double duration = 1;
  double cost = 1;
  double success = 1;
};
WFE_RECORD(ObjectiveWeights, duration, cost, success);
constexpr RecordRules RulesOf(const ObjectiveWeights*) { return {.refuses_unknown = true, .subject = "weights"}; }

/// The variant's gain over the control: relative for duration and cost, in shares for success, weighed.  Positive:
/// better.
double WeightedDifference(const std::vector<learning::MetricTest>& tests, const ObjectiveWeights& weights);

/// Judge; a trade-off names the weighted difference and is left to a person.
learning::ABTestResult JudgeVersions(const learning::Experiment& experiment, const learning::ArmSummaries& arms,
                                     const ObjectiveWeights& weights, Instant now);

}  // namespace wfe::delivery
