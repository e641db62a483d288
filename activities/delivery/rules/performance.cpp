#include "activities/delivery/rules/performance.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace wfe::delivery {
namespace {

struct Moments {
  stats::Sample duration;
  stats::Sample cost;
  double success = 0;
};

Moments MomentsOf(const std::vector<const RunOutcome*>& runs) {
  std::vector<double> durations;
  std::vector<double> costs;
  Moments moments;
  for (const RunOutcome* run : runs) {
    durations.push_back(run->duration_ms);
    costs.push_back(run->cost_usd);
    moments.success += run->success ? 1.0 : 0.0;
  }
  moments.duration = stats::Describe(durations);
  moments.cost = stats::Describe(costs);
  if (!runs.empty()) moments.success /= static_cast<double>(runs.size());
  return moments;
}

void SetTimes(PerformanceWindow& window, const std::vector<RunOutcome>& runs) {
  if (runs.empty()) return;
  const auto [first, last] =
      std::ranges::minmax_element(runs, [](const RunOutcome& a, const RunOutcome& b) { return a.ended < b.ended; });
  window.from = FormatIso8601Millis(first->ended);
  window.to = FormatIso8601Millis(last->ended);
}

void SetLogs(PerformanceWindow& window, const std::vector<RunOutcome>& runs) {
  if (runs.empty()) return;
  std::vector<double> logs;
  for (const RunOutcome& run : runs) logs.push_back(LogDuration(run.duration_ms));
  window.log_duration_median = stats::Quantile(logs, 0.5);
  for (double& value : logs) value = std::abs(value - window.log_duration_median);
  window.log_duration_mad = stats::Quantile(logs, 0.5);
}

}  // namespace

double LogDuration(double duration_ms) { return std::log(std::max(duration_ms, 1.0)); }

stats::Sample PerformanceWindow::duration() const {
  return {.n = runs, .mean = mean_duration_ms, .variance = duration_stddev * duration_stddev};
}

stats::Sample PerformanceWindow::cost() const {
  return {.n = runs, .mean = mean_cost_usd, .variance = cost_stddev * cost_stddev};
}

stats::Share PerformanceWindow::success() const {
  return {.hits = std::llround(success_rate * static_cast<double>(runs)), .n = runs};
}

PerformanceWindow Describe(const std::vector<RunOutcome>& runs) {
  std::vector<const RunOutcome*> all;
  for (const RunOutcome& run : runs) all.push_back(&run);
  const Moments moments = MomentsOf(all);
  PerformanceWindow window{.runs = static_cast<int64_t>(runs.size()),
                           .mean_duration_ms = moments.duration.mean,
                           .duration_stddev = std::sqrt(moments.duration.variance),
                           .mean_cost_usd = moments.cost.mean,
                           .cost_stddev = std::sqrt(moments.cost.variance),
                           .success_rate = moments.success};
  SetTimes(window, runs);
  SetLogs(window, runs);
  return window;
}

PerformanceWindow DescribeAs(const std::vector<RunOutcome>& runs, const std::vector<RunOutcome>& like,
                             std::vector<RunOutcome>& common) {
  std::map<int, std::vector<const RunOutcome*>> strata;
  for (const RunOutcome& run : runs) strata[run.stratum].push_back(&run);
  std::erase_if(strata, [](const auto& stratum) { return stratum.second.size() < 2; });
  std::map<int, double> weights;
  common.clear();
  for (const RunOutcome& run : like) {
    if (!strata.contains(run.stratum)) continue;
    common.push_back(run);
    weights[run.stratum] += 1;
  }
  PerformanceWindow window;
  std::vector<RunOutcome> used;
  double inverse_runs = 0;
  double duration_error = 0;  // squared standard errors of the weighted means
  double cost_error = 0;
  for (const auto& [stratum, count] : weights) {
    const double weight = count / static_cast<double>(common.size());
    const std::vector<const RunOutcome*>& of_stratum = strata.at(stratum);
    const Moments moments = MomentsOf(of_stratum);
    const auto n = static_cast<double>(of_stratum.size());
    window.mean_duration_ms += weight * moments.duration.mean;
    window.mean_cost_usd += weight * moments.cost.mean;
    window.success_rate += weight * moments.success;
    inverse_runs += weight * weight / n;
    duration_error += weight * weight * moments.duration.variance / n;
    cost_error += weight * weight * moments.cost.variance / n;
    for (const RunOutcome* run : of_stratum) used.push_back(*run);
  }
  if (!(inverse_runs > 0)) return window;
  window.runs = static_cast<int64_t>(1 / inverse_runs + 1e-9);
  window.duration_stddev = std::sqrt(duration_error * static_cast<double>(window.runs));
  window.cost_stddev = std::sqrt(cost_error * static_cast<double>(window.runs));
  SetTimes(window, used);
  SetLogs(window, used);
  return window;
}

}  // namespace wfe::delivery
