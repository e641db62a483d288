#include "activities/delivery/rules/monitor_rules.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace wfe::delivery {
namespace {

using stats::Tail;

/// A normal distribution's standard deviation in median distances.
constexpr double kMadToSigma = 1.4826;
/// Durations that hardly vary make every one an outlier; 5 % is no news.
constexpr double kLeastSigma = 0.05;

bool Unlikely(double p_value, const MonitorRules& rules) {
  return rules.significance >= 1 || p_value < rules.significance;
}

Condition OfMean(std::string_view type, std::string_view severity, const char* name, const char* unit,
                 const stats::Sample& before, const stats::Sample& now, double threshold, const MonitorRules& rules) {
  Condition condition{.type = std::string(type), .severity = std::string(severity)};
  const double increase = before.mean > 0 ? (now.mean - before.mean) / before.mean : now.mean > 0 ? 1 : 0;
  const auto test = stats::CompareMeans(before, now, stats::kConfidence, Tail::kHigher);
  condition.p_value = test ? test->p_value : 1;
  condition.holds = increase > threshold && Unlikely(condition.p_value, rules);
  condition.gone = increase <= threshold / 2;
  char text[200];
  std::snprintf(text, sizeof(text), "mean %s %.6g %s in %lld runs, %+.1f %% of %.6g %s (p = %.2g)", name, now.mean,
                unit, static_cast<long long>(now.n), 100 * increase, before.mean, unit, condition.p_value);
  condition.description = text;
  condition.metrics = {{"baseline", before.mean}, {"now", now.mean}, {"increase", increase}, {"runs", now.n}};
  return condition;
}

Condition OfSuccess(const PerformanceWindow& before, const PerformanceWindow& now, double p_value,
                    const MonitorRules& rules) {
  Condition condition{.type = std::string(kQualityRegression), .severity = std::string(kCritical), .p_value = p_value};
  const double drop = before.success_rate - now.success_rate;
  condition.holds = drop > rules.success_drop && Unlikely(p_value, rules);
  condition.gone = drop <= rules.success_drop / 2;
  char text[200];
  std::snprintf(text, sizeof(text), "success rate %.1f %% in %lld runs, %.1f points below %.1f %% (p = %.2g)",
                100 * now.success_rate, static_cast<long long>(now.runs), 100 * drop, 100 * before.success_rate,
                p_value);
  condition.description = text;
  condition.metrics = {
      {"baseline", before.success_rate}, {"now", now.success_rate}, {"drop", drop}, {"runs", now.runs}};
  return condition;
}

Condition OfErrors(const PerformanceWindow& before, const PerformanceWindow& now, double p_value,
                   const MonitorRules& rules) {
  Condition condition{.type = std::string(kErrorSpike), .severity = std::string(kCritical), .p_value = p_value};
  const double rate_before = 1 - before.success_rate;
  const double rate = 1 - now.success_rate;
  const int64_t errors = now.runs - now.success().hits;
  condition.holds = errors >= rules.min_errors && rate > rules.error_factor * rate_before && Unlikely(p_value, rules);
  condition.gone = errors < rules.min_errors || rate <= rate_before * (1 + (rules.error_factor - 1) / 2);
  char text[200];
  std::snprintf(text, sizeof(text), "%lld of %lld runs fail (%.1f %%); before it were %.1f %% (p = %.2g)",
                static_cast<long long>(errors), static_cast<long long>(now.runs), 100 * rate, 100 * rate_before,
                p_value);
  condition.description = text;
  condition.metrics = {{"baseline", rate_before}, {"now", rate}, {"errors", errors}, {"runs", now.runs}};
  return condition;
}

/// A run that is quicker than the baseline is only strange where the version is not quicker as a whole: after a change
/// for the better every run would be.
Condition OfOutliers(const PerformanceWindow& baseline, const std::vector<RunOutcome>& window,
                     const MonitorRules& rules) {
  Condition condition{.type = std::string(kAnomaly), .severity = std::string(kLow)};
  const double sigma = std::max(kMadToSigma * baseline.log_duration_mad, kLeastSigma);
  const double quick = std::min(baseline.log_duration_median, Describe(window).log_duration_median);
  const auto z = [&](const RunOutcome& run) {
    const double log = LogDuration(run.duration_ms);
    return log < quick ? (log - quick) / sigma : std::max(0.0, log - baseline.log_duration_median) / sigma;
  };
  const auto most = std::ranges::max_element(window, {}, [&](const RunOutcome& run) { return std::abs(z(run)); });
  const double largest = z(*most);
  condition.holds = std::abs(largest) > rules.anomaly_z;
  condition.gone = !condition.holds;
  char text[160];
  std::snprintf(text, sizeof(text), " took %.6g ms, usual are %.6g ms (robust z = %.1f)", most->duration_ms,
                std::exp(baseline.log_duration_median), largest);
  condition.description = "run " + most->run_id + text;
  condition.metrics = {{"run_id", most->run_id}, {"duration_ms", most->duration_ms}, {"z", largest}};
  return condition;
}

}  // namespace

void CheckRecord(const MonitorRules& rules) {
  const auto level = [](double value, const char* name) {
    RequireOfRecord(value > 0 && value <= 1, std::string(name) + " must be more than 0 and at most 1");
  };
  RequireOfRecord(rules.duration_increase >= 0 && rules.cost_increase >= 0 && rules.success_drop >= 0,
                  "duration_increase, cost_increase and success_drop must not be negative");
  RequireOfRecord(rules.error_factor >= 1, "error_factor must be at least 1");
  RequireOfRecord(rules.min_errors >= 1, "min_errors must be at least 1");
  RequireOfRecord(rules.anomaly_z > 0, "anomaly_z must be more than 0");
  RequireOfRecord(rules.min_runs >= 2, "min_runs must be at least 2");
  level(rules.significance, "significance");
  level(rules.rollback_significance, "rollback_significance");
}

std::vector<Condition> Assess(const PerformanceWindow& baseline, const std::vector<RunOutcome>& window,
                              const MonitorRules& rules) {
  if (baseline.runs < rules.min_runs || static_cast<int64_t>(window.size()) < rules.min_runs) return {};
  const PerformanceWindow now = Describe(window);
  const auto success = stats::CompareShares(baseline.success(), now.success(), stats::kConfidence, Tail::kLower);
  const double p_success = success ? success->p_value : 1;
  return {OfMean(kPerformanceRegression, kHigh, "duration", "ms", baseline.duration(), now.duration(),
                 rules.duration_increase, rules),
          OfMean(kCostRegression, kMedium, "cost", "dollars", baseline.cost(), now.cost(), rules.cost_increase, rules),
          OfSuccess(baseline, now, p_success, rules), OfErrors(baseline, now, p_success, rules),
          OfOutliers(baseline, window, rules)};
}

}  // namespace wfe::delivery
