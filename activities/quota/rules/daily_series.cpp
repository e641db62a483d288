#include "activities/quota/rules/daily_series.h"

#include <algorithm>
#include <numeric>

namespace wfe::quota {

std::string DayText(Day day) { return FormatIso8601Millis(Instant(day)).substr(0, 10); }

std::optional<Day> ParseDay(std::string_view text) {
  const std::optional<Instant> midnight = ParseIso8601(std::string(text) + "T00:00:00.000Z");
  if (!midnight || text.size() != 10 || text < "1970" || text >= "2200") return std::nullopt;
  return std::chrono::floor<std::chrono::days>(*midnight);
}

Day MonthStart(Day day) {
  const std::chrono::year_month_day date(day);
  return Day(date.year() / date.month() / 1);
}

Day NextMonth(Day day) {
  const std::chrono::year_month_day date(day);
  return Day((std::chrono::year_month(date.year(), date.month()) + std::chrono::months(1)) / 1);
}

int WeekdayOf(Day day) { return static_cast<int>(std::chrono::weekday(day).c_encoding()); }

DailySeries DailySeries::Last(size_t n) const {
  const size_t left_out = tokens.size() - std::min(n, tokens.size());
  return {.first = first + std::chrono::days(left_out),
          .tokens = {tokens.begin() + static_cast<std::ptrdiff_t>(left_out), tokens.end()}};
}

DailySeries DailySeries::Without(size_t n) const {
  const size_t kept = tokens.size() - std::min(n, tokens.size());
  return {.first = first, .tokens = {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(kept)}};
}

int64_t DailySeries::SumFrom(Day from) const {
  const auto skipped = std::clamp<int64_t>((from - first).count(), 0, static_cast<int64_t>(tokens.size()));
  return std::accumulate(tokens.begin() + skipped, tokens.end(), int64_t{0});
}

Usage UsageUntil(const std::map<Day, int64_t>& by_day, Instant now) {
  const Day today = std::chrono::floor<std::chrono::days>(now);
  Usage usage{.days = {.first = today, .tokens = {}}, .today = 0};
  for (const auto& [day, tokens] : by_day) {
    if (day > today) break;
    if (day == today) {
      usage.today = std::clamp<int64_t>(tokens, 0, kMostTokensOfDay);
      break;
    }
    if (usage.days.tokens.empty()) {
      usage.days.first = day;
      usage.days.tokens.resize(static_cast<size_t>((today - day).count()));
    }
    usage.days.tokens[static_cast<size_t>((day - usage.days.first).count())] =
        std::clamp<int64_t>(tokens, 0, kMostTokensOfDay);
  }
  return usage;
}

}  // namespace wfe::quota
