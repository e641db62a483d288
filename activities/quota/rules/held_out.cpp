#include "activities/quota/rules/held_out.h"

#include <cmath>
#include <numeric>

#include "activities/statistics/statistics.h"

namespace wfe::quota {
namespace {

constexpr size_t kWeek = 7;
constexpr int kPathsOfWeek = 500;

struct Missed {
  double used = 0;
  double daily = 0;
  double weekly = 0;
  double naive_daily = 0;
  double naive_weekly = 0;
};

/// One week; whether its sum was in the band.
bool TestWeek(const DailySeries& before, const DailySeries& week, const ForecastOptions& options, Missed& missed) {
  const UsageModel model = UsageModel::Fit(before.Last(std::max(options.window_days, kLeastDays)));
  Chance chance(options.seed);
  std::vector<double> mean(kWeek, 0.0);
  std::vector<double> sums;
  for (int i = 0; i < kPathsOfWeek; ++i) {
    const std::vector<double> path = model.Path(kWeek, chance);
    for (size_t day = 0; day < kWeek; ++day) mean[day] += path[day] / kPathsOfWeek;
    sums.push_back(std::accumulate(path.begin(), path.end(), 0.0));
  }
  double came = 0;
  double forecast = 0;
  double naive = 0;
  const DailySeries week_before = before.Last(kWeek);
  for (size_t day = 0; day < kWeek; ++day) {
    const auto tokens = static_cast<double>(week.tokens[day]);
    const auto a_week_before = static_cast<double>(week_before.tokens[day]);
    missed.daily += std::abs(mean[day] - tokens);
    missed.naive_daily += std::abs(a_week_before - tokens);
    came += tokens;
    forecast += mean[day];
    naive += a_week_before;
  }
  missed.used += came;
  missed.weekly += std::abs(forecast - came);
  missed.naive_weekly += std::abs(naive - came);
  const double tail = (1 - options.band) / 2;
  // The rounding of sums is no error of the band.
  const double grain = 1e-9 * came;
  return came >= stats::Quantile(sums, tail) - grain && came <= stats::Quantile(sums, 1 - tail) + grain;
}

}  // namespace

std::optional<HeldOut> TestOnHeldOut(const DailySeries& series, const ForecastOptions& options, int64_t most_weeks) {
  HeldOut result;
  Missed missed;
  for (size_t back = kWeek; result.weeks < most_weeks; back += kWeek) {
    if (series.tokens.size() < back + kWeekdaysFrom) break;
    const DailySeries before = series.Without(back);
    const DailySeries week = series.Without(back - kWeek).Last(kWeek);
    if (TestWeek(before, week, options, missed)) ++result.weeks_in_band;
    ++result.weeks;
  }
  if (result.weeks == 0 || missed.used <= 0) return std::nullopt;
  result.daily_error = missed.daily / missed.used;
  result.weekly_error = missed.weekly / missed.used;
  result.naive_daily = missed.naive_daily / missed.used;
  result.naive_weekly = missed.naive_weekly / missed.used;
  return result;
}

}  // namespace wfe::quota
