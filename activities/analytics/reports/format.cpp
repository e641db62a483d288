#include "activities/analytics/reports/format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace wfe::analytics::reports {
namespace {

constexpr std::string_view kMinus = "\u2212";
constexpr std::string_view kEllipsis = "\u2026";

struct Date {
  int year, month, day, hour, minute;
};

std::optional<Date> ReadDate(std::string_view iso) {
  const std::optional<Instant> instant = ParseTime(iso);
  if (!instant) return std::nullopt;
  const auto days = std::chrono::floor<std::chrono::days>(*instant);
  const std::chrono::year_month_day ymd(days);
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(*instant - days).count();
  return Date{static_cast<int>(ymd.year()), static_cast<int>(static_cast<unsigned>(ymd.month())),
              static_cast<int>(static_cast<unsigned>(ymd.day())), static_cast<int>(minutes / 60),
              static_cast<int>(minutes % 60)};
}

std::string MonthName(int month) {
  static constexpr std::array<std::string_view, 12> kNames = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return std::string(kNames[static_cast<size_t>(month - 1)]);
}

std::string DayMonth(const Date& date) { return std::to_string(date.day) + " " + MonthName(date.month); }

std::string TwoDigits(int n) { return (n < 10 ? "0" : "") + std::to_string(n); }

/// Decimals that show three digits of a small amount of money and two of a large one.
int MoneyDecimals(double value) {
  const double size = std::fabs(value);
  if (size == 0 || size >= 1) return 2;
  return size >= 0.01 ? 4 : 6;
}

/// Whole numbers have no decimals, others as many as they need for about three digits.
int PlainDecimals(double value) {
  if (value == std::floor(value)) return 0;
  const double size = std::fabs(value);
  return size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4;
}

std::string FormatDuration(double ms) {
  if (ms < 0) return std::string(kMinus) + FormatDuration(-ms);
  if (ms < 999.5) return FormatFixed(ms, 0) + " ms";
  const double seconds = ms / 1000;
  if (seconds < 59.95) return FormatFixed(seconds, 1) + " s";
  const double whole = std::round(seconds);
  const double minutes = std::floor(whole / 60);
  if (minutes < 60) return FormatFixed(minutes, 0) + " min " + FormatFixed(whole - minutes * 60, 0) + " s";
  const double hours = std::floor(minutes / 60);
  return FormatFixed(hours, 0) + " h " + FormatFixed(minutes - hours * 60, 0) + " min";
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace

std::string FormatPlain(double value) {
  std::array<char, 64> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), written.ptr};
}

std::string FormatFixed(double value, int decimals) {
  if (!std::isfinite(value)) return "\u2013";
  std::array<char, 400> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(value), std::chars_format::fixed, decimals);
  std::string digits(buffer.data(), written.ptr);
  const bool is_zero = digits.find_first_not_of("0.") == std::string::npos;
  const size_t point = std::min(digits.find('.'), digits.size());
  for (size_t at = point; at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return (value < 0 && !is_zero ? std::string(kMinus) : std::string()) + digits;
}

std::string FormatValue(double value, std::string_view unit) {
  if (unit == "share") return FormatFixed(value * 100, 1) + "%";
  if (unit == "usd") {
    return (value < 0 ? std::string(kMinus) : std::string()) + "$" +
           FormatFixed(std::fabs(value), MoneyDecimals(value));
  }
  if (unit == "ms") return FormatDuration(value);
  if (unit == "ratio") return FormatFixed(value, 2);
  if (unit == "tokens") return FormatFixed(value, std::fabs(value) < 10 ? PlainDecimals(value) : 0);
  return FormatFixed(value, PlainDecimals(value));
}

std::string FormatShort(double value, std::string_view unit) {
  if (unit != "tokens" && unit != "count" && !unit.empty()) return FormatValue(value, unit);
  const double size = std::fabs(value);
  if (size >= 999'500) return FormatFixed(value / 1e6, size >= 1e7 ? 1 : 2) + "M";
  if (size >= 10'000) return FormatFixed(value / 1e3, size >= 99'950 ? 0 : 1) + "k";
  return FormatValue(value, unit);
}

std::string FormatRound(double value, std::string_view unit) {
  const double percent = value * 100;
  if (unit == "share" && std::fabs(percent - std::round(percent)) < 0.05) return FormatFixed(percent, 0) + "%";
  return FormatShort(value, unit);
}

std::string FormatDifference(double value, std::string_view unit) {
  const std::string plus = value > 0 ? "+" : "";
  if (unit == "share") return plus + FormatFixed(value * 100, 1) + "\u00A0pts";
  return plus + FormatValue(value, unit);
}

std::string FormatInterval(const Interval& interval, std::string_view unit, bool signed_ends) {
  if (!signed_ends) return FormatValue(interval.low, unit) + " to " + FormatValue(interval.high, unit);
  if (unit != "share") return FormatDifference(interval.low, unit) + " to " + FormatDifference(interval.high, unit);
  const std::string low = (interval.low > 0 ? "+" : "") + FormatFixed(interval.low * 100, 1);
  return low + " to " + FormatDifference(interval.high, unit);
}

std::string FormatP(double p) {
  if (p < 0.001) return "<0.001";
  return FormatFixed(p, p < 0.1 ? 3 : 2);
}

std::optional<Instant> ParseTime(std::string_view text) {
  return ParseIso8601(text.size() == 10 ? std::string(text) + "T00:00:00Z" : std::string(text));
}

std::string FormatInstant(std::string_view iso) {
  const std::optional<Date> date = ReadDate(iso);
  if (!date) return std::string(iso);
  if (iso.size() == 10) return FormatDay(iso);
  return FormatDay(iso) + ", " + TwoDigits(date->hour) + ":" + TwoDigits(date->minute) + " UTC";
}

std::string FormatDay(std::string_view iso) {
  const std::optional<Date> date = ReadDate(iso);
  return date ? DayMonth(*date) + " " + std::to_string(date->year) : std::string(iso);
}

std::string FormatDayShort(std::string_view iso) {
  const std::optional<Date> date = ReadDate(iso);
  return date ? DayMonth(*date) : std::string(iso);
}

std::string FormatWindow(const OptionalText& from, const OptionalText& to) {
  if (!from && !to) return "all time";
  if (!from) return "until " + FormatDay(*to);
  if (!to) return "since " + FormatDay(*from);
  const std::optional<Date> first = ReadDate(*from);
  const std::optional<Date> last = ReadDate(*to);
  if (!first || !last || first->year != last->year) return FormatDay(*from) + " to " + FormatDay(*to);
  if (first->month != last->month) return DayMonth(*first) + " to " + FormatDay(*to);
  if (first->day != last->day) return std::to_string(first->day) + " to " + FormatDay(*to);
  return FormatDay(*to);
}

std::string FormatExactWindow(const OptionalText& from, const OptionalText& to) {
  if (from && to) return FormatInstant(*from) + " to " + FormatInstant(*to);
  if (!from && !to) return "all time";
  return from ? "since " + FormatInstant(*from) : "until " + FormatInstant(*to);
}

bool IsDigest(std::string_view text) {
  if (text.starts_with("sha256:")) text.remove_prefix(7);
  return text.size() >= 32 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string ShortId(std::string_view id) {
  if (IsDigest(id)) {
    if (id.starts_with("sha256:")) id.remove_prefix(7);
    return std::string(id.substr(0, 8)) + std::string(kEllipsis);
  }
  if (Characters(id) <= 20) return std::string(id);
  // The first digits of a time-ordered id are those of its neighbours, so the last ones tell it apart.
  size_t begin = id.size();
  for (size_t taken = 0; taken < 6; ++taken) {
    do {
      --begin;
    } while (begin > 0 && IsContinuation(id[begin]));
  }
  return std::string(kEllipsis) + std::string(id.substr(begin));
}

std::string ShortDigest(std::string_view text) {
  if (IsDigest(text)) return ShortId(text);
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || !IsDigest(text.substr(colon + 1))) return std::string(text);
  return std::string(text.substr(0, colon + 1)) + ShortId(text.substr(colon + 1));
}

std::string Count(double n, std::string_view singular, std::string_view plural) {
  return FormatFixed(n, 0) + " " + std::string(n == 1 ? singular : plural);
}

bool IsNumericUnit(std::string_view unit) {
  return unit == "share" || unit == "count" || unit == "tokens" || unit == "usd" || unit == "ms" || unit == "ratio";
}

size_t Characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

std::string Clip(std::string_view text, size_t max) {
  if (Characters(text) <= max) return std::string(text);
  size_t end = 0;
  for (size_t taken = 0; taken + 1 < max && end < text.size(); ++taken) {
    do {
      ++end;
    } while (end < text.size() && IsContinuation(text[end]));
  }
  return std::string(text.substr(0, end)) + std::string(kEllipsis);
}

}  // namespace wfe::analytics::reports
