// What a month will have used by its end, and when its quota is gone (QF-3, QF-6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "activities/quota/rules/daily_series.h"
#include "activities/quota/rules/usage_model.h"
#include "engine/base/record_json.h"

namespace wfe::quota {

struct ForecastOptions {
  std::optional<int64_t> monthly_tokens;  ///< The quota; nullopt: none.
  size_t window_days = 56;                ///< So many days are looked at: eight of each weekday.
  int paths = 2000;
  double band = 0.90;  ///< The share of paths in it.
  uint64_t seed = 1;
};

/// A day that is still to come, or today.
struct DayForecast {
  std::string day;
  int64_t expected = 0;
  int64_t lo = 0;
  int64_t hi = 0;
  /// What to use, so that the quota lasts: as expected where that fits, else in proportion to it.  Without a quota 0.
  int64_t plan = 0;
};
WFE_RECORD(DayForecast, day, expected, lo, hi, plan);

struct UsedDay {
  std::string day;
  int64_t tokens = 0;
};
WFE_RECORD(UsedDay, day, tokens);
constexpr RecordRules RulesOf(const UsedDay*) { return {.whole = true}; }

struct OddDay {
  std::string day;
  int64_t tokens = 0;
  int64_t usual = 0;  ///< For that day of the week, then.
};
WFE_RECORD(OddDay, day, tokens, usual);

/// When the quota is gone: the day on which the month's sum reaches it.  Empty days: not in this month.
struct Exhaustion {
  std::string day;       ///< Of the expected course; with `past`, when it was.
  std::string earliest;  ///< Bounds of the band.
  std::string latest;
  double probability = 0;  ///< That it is gone before the month's end.
  bool past = false;
};
WFE_RECORD(Exhaustion, day, earliest, latest, probability, past);

struct QuotaForecast {
  std::string as_of;  ///< ISO 8601.
  std::string month;  ///< "2026-11"
  std::optional<int64_t> quota;
  int64_t used = 0;   ///< This month, today included.
  int64_t today = 0;
  int64_t days_of_data = 0;
  bool forecast = false;  ///< False: `why` says why there is none, and all below is empty.
  std::string why;
  std::string method;
  int64_t expected = 0;  ///< By the month's end, what is used included.
  int64_t lo = 0;
  int64_t hi = 0;
  double trend_percent_a_week = 0;  ///< Of the mean day.
  std::vector<UsedDay> month_days;  ///< That are over.
  std::vector<DayForecast> days;    ///< Today and those that are left.
  std::optional<Exhaustion> exhaustion;  ///< With a quota.
  std::vector<OddDay> odd_days;          ///< In the window.
};
WFE_RECORD(QuotaForecast, as_of, month, quota, used, today, days_of_data, forecast, why, method, expected, lo, hi,
           trend_percent_a_week, month_days, days, exhaustion, odd_days);

/// `usage` is that until `now`.  The same data, options and time give the same forecast.
QuotaForecast MakeForecast(const Usage& usage, Instant now, const ForecastOptions& options);

}  // namespace wfe::quota
