#include "activities/learning/cycle/trend.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "activities/statistics/statistics.h"

namespace wfe::learning {

QualityTrend AnalyzeTrend(const std::vector<Generation>& generations, Instant now, double alpha) {
  QualityTrend trend;
  std::vector<double> scores[kTrendWeeks];
  int64_t finished[kTrendWeeks] = {};
  int64_t succeeded[kTrendWeeks] = {};
  for (const Generation& generation : generations) {
    const auto at = ParseIso8601(generation.created_at);
    if (!at) continue;
    const auto weeks_ago = std::max<int64_t>(0, (now - *at) / std::chrono::days(7));
    if (weeks_ago >= kTrendWeeks) continue;
    const auto week = static_cast<size_t>(kTrendWeeks - 1 - weeks_ago);
    scores[week].push_back(generation.score);
    if (generation.success) ++finished[week];
    if (generation.success == true) ++succeeded[week];
  }
  stats::Sample samples[kTrendWeeks];
  for (int week = 0; week < kTrendWeeks; ++week) {
    const auto w = static_cast<size_t>(week);
    samples[w] = stats::Describe(scores[w]);
    WeekOfQuality row{.from = FormatIso8601Millis(now - (kTrendWeeks - week) * std::chrono::days(7)),
                      .generations = samples[w].n,
                      .mean_quality = samples[w].mean};
    if (finished[w] > 0) row.success_rate = static_cast<double>(succeeded[w]) / static_cast<double>(finished[w]);
    trend.weeks.push_back(std::move(row));
  }
  const stats::Sample& before = samples[kTrendWeeks - 2];
  const stats::Sample& last = samples[kTrendWeeks - 1];
  trend.direction = "unknown";
  if (before.n < kMinTrendRows || last.n < kMinTrendRows) return trend;
  const auto test = stats::CompareMeans(before, last);
  trend.change = last.mean - before.mean;
  if (test) trend.p_value = test->p_value;
  trend.direction = trend.p_value >= alpha ? "steady" : trend.change > 0 ? "rising" : "falling";
  return trend;
}

double EstimateExampleScore(const std::vector<Generation>& generations, double floor) {
  if (generations.size() < 20) return floor;
  std::vector<double> scores;
  for (const Generation& generation : generations) scores.push_back(generation.score);
  return std::clamp(stats::Quantile(std::move(scores), 0.75), floor, std::max(floor, 0.99));
}

}  // namespace wfe::learning
