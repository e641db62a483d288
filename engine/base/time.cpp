#include "engine/base/time.h"

#include <cstdio>

namespace wfe {

std::string FormatIso8601Millis(Instant instant) {
  using namespace std::chrono;
  const auto day = floor<days>(instant);
  const year_month_day date(day);
  const hh_mm_ss<milliseconds> time(floor<milliseconds>(instant - day));
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return text;
}

std::optional<Instant> ParseIso8601(std::string_view text) {
  using namespace std::chrono;
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, used = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &s, &used) != 6 || used != 19) {
    return std::nullopt;
  }
  size_t at = 19;
  int64_t nanos = 0;
  if (at < copy.size() && copy[at] == '.') {
    int64_t scale = 100'000'000;
    size_t digits = 0;
    for (++at; at < copy.size() && copy[at] >= '0' && copy[at] <= '9'; ++at, ++digits) {
      nanos += (copy[at] - '0') * scale;
      scale /= 10;
    }
    if (digits == 0 || digits > 9) return std::nullopt;
  }
  if (at + 1 != copy.size() || copy[at] != 'Z') return std::nullopt;
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
  // What an Instant of nanoseconds can hold, in whole years.
  if (y < 1678 || y > 2261) return std::nullopt;
  if (!date.ok() || h > 23 || mi > 59 || s > 60 || h < 0 || mi < 0 || s < 0) return std::nullopt;
  return Instant(sys_days(date)) + hours(h) + minutes(mi) + seconds(s) + nanoseconds(nanos);
}

}  // namespace wfe
