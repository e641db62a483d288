// Tokens by day: what forecasts of a quota are made from (QF-3).  Days and months are those of UTC.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"

namespace wfe::quota {

using Day = std::chrono::sys_days;

/// "2026-11-26".
std::string DayText(Day day);
/// From 1970 to 2199, which instants reach.  nullopt: not a day that there is, written so.
std::optional<Day> ParseDay(std::string_view text);
/// The first day of the month that `day` is in, and of the one after.
Day MonthStart(Day day);
Day NextMonth(Day day);
/// 0 is Sunday.
int WeekdayOf(Day day);

/// Whole days in a row, all of them over.  A day without any call is a day of 0 tokens.
struct DailySeries {
  Day first{};
  std::vector<int64_t> tokens;

  Day end() const { return first + std::chrono::days(tokens.size()); }
  /// The last `n` days, or all there are.
  DailySeries Last(size_t n) const;
  /// Without the last `n` days.
  DailySeries Without(size_t n) const;
  int64_t SumFrom(Day from) const;
};

/// More than anybody uses, and little enough that sums of many days fit.
inline constexpr int64_t kMostTokensOfDay = 1'000'000'000'000'000;

/// Usage up to a moment: the days that are over, and the one that is not.
struct Usage {
  DailySeries days;
  int64_t today = 0;
};

/// Days from the first that `by_day` knows up to the one before `now`'s; what lies after `now` is left out.
Usage UsageUntil(const std::map<Day, int64_t>& by_day, Instant now);

}  // namespace wfe::quota
