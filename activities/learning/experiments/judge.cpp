#include "activities/learning/experiments/judge.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "activities/statistics/statistics.h"

namespace wfe::learning {
namespace {

stats::Sample AsSample(const ArmMetric& metric) {
  return {.n = metric.n, .mean = metric.mean, .variance = metric.stddev * metric.stddev};
}

stats::Share AsShare(const ArmMetric& metric) {
  return {.hits = std::llround(metric.mean * static_cast<double>(metric.n)), .n = metric.n};
}

ArmMetric MetricOf(const ArmSummary& arm, const std::string& name) {
  const auto found = arm.metrics.find(name);
  return found == arm.metrics.end() ? ArmMetric() : found->second;
}

MetricTest Compare(const ExperimentMetric& metric, const ArmSummaries& arms) {
  const ArmMetric control = MetricOf(arms.control, metric.name);
  const ArmMetric variant = MetricOf(arms.variant, metric.name);
  MetricTest test{.metric = metric.name,
                  .mean_control = control.mean,
                  .mean_variant = variant.mean,
                  .stddev_control = control.stddev,
                  .stddev_variant = variant.stddev};
  const auto comparison = metric.kind == kShareMetric ? stats::CompareShares(AsShare(control), AsShare(variant))
                                                      : stats::CompareMeans(AsSample(control), AsSample(variant));
  if (!comparison) return test;
  test.test = comparison->test;
  test.effect = comparison->effect;
  test.interval_lo = comparison->interval.lo;
  test.interval_hi = comparison->interval.hi;
  test.t_statistic = comparison->statistic;
  test.p_value = comparison->p_value;
  return test;
}

std::vector<MetricTest> CompareAll(const Experiment& experiment, const ArmSummaries& arms) {
  std::vector<MetricTest> tests;
  std::vector<double> p_values;
  for (const ExperimentMetric& metric : experiment.metrics) {
    tests.push_back(Compare(metric, arms));
    p_values.push_back(tests.back().p_value);
  }
  const std::vector<double> adjusted = stats::HolmAdjust(p_values);
  for (size_t i = 0; i < tests.size(); ++i) {
    const ExperimentMetric& metric = experiment.metrics[i];
    MetricTest& test = tests[i];
    test.p_adjusted = adjusted[i];
    test.significant = adjusted[i] < experiment.alpha;
    const double gain = metric.higher_is_better ? test.effect : -test.effect;
    test.better = test.significant && gain > 0;
    test.worse = (test.significant && gain < 0) || (metric.tolerated_loss > 0 && -gain > metric.tolerated_loss);
  }
  return tests;
}

std::string Names(const std::vector<MetricTest>& tests, bool MetricTest::* which) {
  std::string names;
  for (const MetricTest& test : tests) {
    if (test.*which) names += (names.empty() ? "" : ", ") + test.metric;
  }
  return names;
}

void Decide(ABTestResult& result, std::string_view winner, std::string recommendation, std::string reason) {
  result.winner = winner;
  result.recommendation = std::move(recommendation);
  result.reason = std::move(reason);
}

/// Both arms have their samples.
void DecideByTests(const Experiment& experiment, ABTestResult& result) {
  const std::string better = Names(result.tests, &MetricTest::better);
  const std::string worse = Names(result.tests, &MetricTest::worse);
  // A loss beyond what is tolerated cannot be outweighed.
  const auto intolerable = [&](const MetricTest& test) {
    const auto metric = std::ranges::find(experiment.metrics, test.metric, &ExperimentMetric::name);
    return test.worse && metric->tolerated_loss > 0;
  };
  if (!worse.empty() && (better.empty() || std::ranges::any_of(result.tests, intolerable))) {
    return Decide(result, kWinnerControl, "keep the control", "the variant is worse in " + worse);
  }
  if (!worse.empty()) {
    return Decide(result, kWinnerTradeoff, "a person decides",
                  "the variant is better in " + better + " and worse in " + worse);
  }
  if (!better.empty()) {
    return Decide(result, kWinnerVariant, "use the variant", "the variant is better in " + better);
  }
  Decide(result, kWinnerEqual, "keep the control", "no difference was shown in any metric");
}

int64_t MissingRequests(int64_t samples, int64_t wanted, double share) {
  return samples >= wanted ? 0 : static_cast<int64_t>(std::ceil(static_cast<double>(wanted - samples) / share));
}

}  // namespace

ABTestResult Judge(const Experiment& experiment, const ArmSummaries& arms, Instant now) {
  ABTestResult result{.experiment_id = experiment.experiment_id,
                      .evaluated_at = FormatIso8601Millis(now),
                      .control = arms.control,
                      .variant = arms.variant};
  result.harm = WatchForHarm(arms.control.errors, arms.variant.errors, experiment.variant_share, experiment.harm_alpha);
  const int64_t wanted = experiment.min_samples;
  result.expected_requests = std::max(MissingRequests(arms.control.samples, wanted, 1 - experiment.variant_share),
                                      MissingRequests(arms.variant.samples, wanted, experiment.variant_share));
  const Instant started = ParseIso8601(experiment.started_at).value_or(now);
  const double hours = std::chrono::duration<double, std::ratio<3600>>(now - started).count();
  const int64_t samples = arms.control.samples + arms.variant.samples;
  if (samples > 0 && hours > 0) {
    result.expected_hours = static_cast<double>(result.expected_requests) * hours / static_cast<double>(samples);
  }
  if (result.harm.harmful) {
    Decide(result, kWinnerControl, "keep the control",
           "stopped early: " + std::to_string(arms.variant.errors) + " of " +
               std::to_string(arms.variant.errors + arms.control.errors) + " errors are the variant's");
  } else if (result.expected_requests == 0) {
    result.tests = CompareAll(experiment, arms);
    DecideByTests(experiment, result);
  } else if (hours >= static_cast<double>(experiment.max_hours)) {
    Decide(result, kWinnerInconclusive, "keep the control",
           "after " + std::to_string(experiment.max_hours) + " hours the arms have " +
               std::to_string(arms.control.samples) + " and " + std::to_string(arms.variant.samples) + " of " +
               std::to_string(wanted) + " samples");
  } else {
    result.reason = "waits for " + std::to_string(result.expected_requests) + " more runs";
  }
  return result;
}

}  // namespace wfe::learning
