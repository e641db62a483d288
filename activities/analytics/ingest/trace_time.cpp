#include "activities/analytics/ingest/trace_time.h"

#include <chrono>

#include "engine/base/time.h"

namespace wfe::analytics {
namespace {

/// The number that `count` digits from `at` make, or -1.
int Digits(std::string_view text, size_t at, size_t count) {
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<int64_t> ParseExact(std::string_view text) {
  if (text.size() != 24 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
      text[19] != '.' || text[23] != 'Z') {
    return std::nullopt;
  }
  const int year = Digits(text, 0, 4);
  const int month = Digits(text, 5, 2);
  const int day = Digits(text, 8, 2);
  const int hour = Digits(text, 11, 2);
  const int minute = Digits(text, 14, 2);
  const int second = Digits(text, 17, 2);
  const int ms = Digits(text, 20, 3);
  if (year < 0 || month < 0 || day < 0 || ms < 0) return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60'000 + second * 1000 + ms;
}

}  // namespace

std::optional<int64_t> ParseTimestampMs(std::string_view text, bool& exact) {
  const std::optional<int64_t> ms = ParseExact(text);
  exact = ms.has_value();
  if (ms) return ms;
  const std::optional<Instant> instant = ParseIso8601(text);
  if (!instant) return std::nullopt;
  return std::chrono::floor<std::chrono::milliseconds>(*instant).time_since_epoch().count();
}

}  // namespace wfe::analytics
