#include "activities/quota/rules/forecast.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "activities/statistics/statistics.h"

namespace wfe::quota {
namespace {

using Paths = std::vector<std::vector<double>>;

constexpr size_t kNever = std::numeric_limits<size_t>::max();

/// Sums of many tokens, or what a hostile ledger makes of them, stay numbers.
int64_t Whole(double tokens) { return static_cast<int64_t>(std::llround(std::clamp(tokens, 0.0, 9e18))); }

/// Today and the days that are left of the month.  Of today only the part that is left is simulated; `Usage::today` is
/// added by whoever sums.
Paths Simulate(const UsageModel& model, size_t horizon, double left_of_today, const ForecastOptions& options) {
  Chance chance(options.seed);
  Paths paths(static_cast<size_t>(options.paths));
  for (std::vector<double>& path : paths) {
    path = model.Path(horizon, chance);
    path.front() *= left_of_today;
  }
  return paths;
}

/// Where the sum reaches the quota, as an index of a day; kNever: not in this path.
size_t ReachedAt(const std::vector<double>& path, double used, double quota) {
  // Twenty times 0.05 is 1: what rounding does to a sum must not move a day.
  const double reached = quota * (1 - 1e-9);
  for (size_t day = 0; day < path.size(); ++day) {
    used += path[day];
    if (used >= reached) return day;
  }
  return kNever;
}

/// The day in the month on which it was reached already; nullopt: it was not.
std::optional<Day> ReachedBefore(const Usage& usage, Day month, int64_t quota) {
  const auto from = std::max<int64_t>(0, (month - usage.days.first).count());
  int64_t sum = 0;
  if (quota <= 0) return month;
  for (auto i = static_cast<size_t>(from); i < usage.days.tokens.size(); ++i) {
    sum += usage.days.tokens[i];
    if (sum >= quota) return usage.days.first + std::chrono::days(i);
  }
  if (sum + usage.today >= quota) return usage.days.end();
  return std::nullopt;
}

Exhaustion GoneOn(Day past) {
  const std::string day = DayText(past);
  return {.day = day, .earliest = day, .latest = day, .probability = 1, .past = true};
}

Exhaustion WhenGone(const Usage& usage, Day today, int64_t used, int64_t quota, const Paths& paths,
                    const std::vector<double>& mean, double band) {
  if (const std::optional<Day> past = ReachedBefore(usage, MonthStart(today), quota)) {
    return GoneOn(*past);
  }
  Exhaustion gone;
  std::vector<size_t> reached;
  for (const std::vector<double>& path : paths) {
    reached.push_back(ReachedAt(path, static_cast<double>(used), static_cast<double>(quota)));
  }
  std::sort(reached.begin(), reached.end());
  const auto never = std::count(reached.begin(), reached.end(), kNever);
  gone.probability = 1 - static_cast<double>(never) / static_cast<double>(reached.size());
  const auto text = [&](size_t index) { return index == kNever ? "" : DayText(today + std::chrono::days(index)); };
  const double tail = (1 - band) / 2;
  const auto last = static_cast<double>(reached.size() - 1);
  gone.earliest = text(reached[static_cast<size_t>(std::floor(tail * last))]);
  gone.latest = text(reached[static_cast<size_t>(std::ceil((1 - tail) * last))]);
  gone.day = text(ReachedAt(mean, static_cast<double>(used), static_cast<double>(quota)));
  return gone;
}

/// What is left of the quota, given to days in proportion to what is expected of them.
void PlanDays(std::vector<DayForecast>& days, int64_t left) {
  const double wanted = std::accumulate(days.begin(), days.end(), 0.0, [](double sum, const DayForecast& day) {
    return sum + static_cast<double>(day.expected);
  });
  const double share = wanted <= 0 ? 0 : std::min(1.0, static_cast<double>(std::max<int64_t>(0, left)) / wanted);
  for (DayForecast& day : days) {
    day.plan = share >= 1 ? day.expected : static_cast<int64_t>(static_cast<double>(day.expected) * share);
  }
}

std::string MethodOf(const UsageModel& model, size_t days) {
  const char* what = model.has_trend()      ? "a trend and a level for each weekday"
                     : model.has_weekdays() ? "a level for each weekday; a trend from 21 days on"
                                            : "one level for all days; weekdays from 14 days on";
  return std::string(what) + ", from " + std::to_string(days) + " days";
}

void DescribeMonth(QuotaForecast& made, const Usage& usage, Day today) {
  const Day month = MonthStart(today);
  made.used = usage.days.SumFrom(month) + usage.today;
  for (size_t i = 0; i < usage.days.tokens.size(); ++i) {
    const Day day = usage.days.first + std::chrono::days(i);
    if (day >= month) made.month_days.push_back({.day = DayText(day), .tokens = usage.days.tokens[i]});
  }
}

}  // namespace

QuotaForecast MakeForecast(const Usage& usage, Instant now, const ForecastOptions& options) {
  const Day today = std::chrono::floor<std::chrono::days>(now);
  QuotaForecast made;
  made.as_of = FormatIso8601Millis(now);
  made.month = DayText(today).substr(0, 7);
  made.quota = options.monthly_tokens;
  made.today = usage.today;
  made.days_of_data = static_cast<int64_t>(usage.days.tokens.size());
  DescribeMonth(made, usage, today);
  if (usage.days.tokens.size() < kLeastDays) {
    made.why = "a forecast needs " + std::to_string(kLeastDays) + " whole days, and there " +
               (made.days_of_data == 1 ? "is 1" : "are " + std::to_string(made.days_of_data));
    if (made.quota) {
      if (const auto past = ReachedBefore(usage, MonthStart(today), *made.quota)) {
        made.exhaustion = GoneOn(*past);
      }
    }
    return made;
  }
  const DailySeries window = usage.days.Last(std::max(options.window_days, kLeastDays));
  const UsageModel model = UsageModel::Fit(window);
  made.forecast = true;
  made.method = MethodOf(model, window.tokens.size());
  const double left_of_today = 1 - std::chrono::duration<double, std::ratio<86'400>>(now - Instant(today)).count();
  const auto horizon = static_cast<size_t>((NextMonth(today) - today).count());
  const Paths paths = Simulate(model, horizon, left_of_today, options);
  std::vector<double> sums(paths.size(), static_cast<double>(made.used));
  std::vector<double> mean(horizon, 0.0);
  const double tail = (1 - options.band) / 2;
  for (size_t day = 0; day < horizon; ++day) {
    std::vector<double> of_day;
    for (size_t i = 0; i < paths.size(); ++i) {
      of_day.push_back(paths[i][day]);
      sums[i] += paths[i][day];
    }
    mean[day] = std::accumulate(of_day.begin(), of_day.end(), 0.0) / static_cast<double>(of_day.size());
    const double already = day == 0 ? static_cast<double>(usage.today) : 0;
    made.days.push_back({.day = DayText(today + std::chrono::days(day)),
                         .expected = Whole(already + mean[day]),
                         .lo = Whole(already + stats::Quantile(of_day, tail)),
                         .hi = Whole(already + stats::Quantile(of_day, 1 - tail))});
  }
  made.expected = Whole(std::accumulate(mean.begin(), mean.end(), static_cast<double>(made.used)));
  made.lo = Whole(stats::Quantile(sums, tail));
  made.hi = Whole(stats::Quantile(sums, 1 - tail));
  const double mean_day = static_cast<double>(window.SumFrom(window.first)) / static_cast<double>(window.tokens.size());
  made.trend_percent_a_week = mean_day > 0 ? 700 * model.slope() / mean_day : 0;
  for (size_t i = 0; i < window.tokens.size(); ++i) {
    if (!model.odd()[i]) continue;
    made.odd_days.push_back({.day = DayText(window.first + std::chrono::days(i)),
                             .tokens = window.tokens[i],
                             .usual = Whole(model.usual()[i])});
  }
  if (made.quota) {
    made.exhaustion = WhenGone(usage, today, made.used, *made.quota, paths, mean, options.band);
    PlanDays(made.days, *made.quota - (made.used - usage.today));
  }
  return made;
}

}  // namespace wfe::quota
