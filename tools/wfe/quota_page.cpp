#include "tools/wfe/quota_page.h"

#include <fmt/core.h>

#include <algorithm>

#include "tools/wfe/page_lines.h"

namespace wfe::cli {
namespace {

using quota::DayForecast;
using quota::Exhaustion;
using quota::QuotaForecast;
using quota::QuotaReport;

constexpr size_t kDayBar = 28;

std::string OfQuota(int64_t tokens, const std::optional<int64_t>& limit) {
  if (!limit || *limit <= 0) return "";
  return fmt::format("{:.1f} %", 100 * static_cast<double>(tokens) / static_cast<double>(*limit));
}

/// "Thu 26 Nov"
std::string DayName(const std::string& text) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  const std::optional<quota::Day> day = quota::ParseDay(text);
  return day ? std::string(kDays[quota::WeekdayOf(*day)]) + " " + text.substr(5) : text;
}

std::string GoneText(const Exhaustion& gone, const QuotaForecast& forecast) {
  if (forecast.quota == 0) return "a quota of 0 buys nothing";
  if (gone.past) return "the quota was gone on " + gone.day;
  const std::string chance = fmt::format("{:.0f} % sure", 100 * gone.probability);
  if (gone.day.empty() && gone.probability <= 0) return "the quota lasts to the end of the month";
  if (gone.day.empty()) {
    return "the quota is expected to last; gone by the month's end with a chance of " +
           fmt::format("{:.1f} %", 100 * gone.probability) +
           (gone.earliest.empty() ? "" : ", not before " + DayName(gone.earliest));
  }
  return "the quota is gone on " + gone.day + " (" + chance + " this month; from " + DayName(gone.earliest) + " to " +
         (gone.latest.empty() ? "after the month's end" : DayName(gone.latest)) + ")";
}

/// What is used as full blocks, what is expected besides as light ones.
std::string DayBar(int64_t used, int64_t expected, int64_t most) {
  const auto blocks = [most](int64_t tokens) {
    if (most <= 0) return size_t{0};
    return static_cast<size_t>(static_cast<double>(tokens) / static_cast<double>(most) * kDayBar + 0.5);
  };
  std::string bar;
  const size_t full = std::min(kDayBar, blocks(used));
  const size_t all = std::max(full, std::min(kDayBar, blocks(expected)));
  for (size_t i = 0; i < all; ++i) bar += i < full ? "█" : "░";
  for (size_t i = all; i < kDayBar; ++i) bar += " ";
  return bar;
}

void AddStatus(PageLines& lines, const QuotaForecast& forecast) {
  lines.Add(fmt::format("QUOTA OF {}  {}   as of {} UTC", forecast.month,
                        forecast.quota ? TokensText(*forecast.quota) + " tokens" : "none",
                        forecast.as_of.substr(0, 10) + " " + forecast.as_of.substr(11, 5)));
  const auto line = [&](const char* name, int64_t tokens, const std::string& note) {
    const double share = forecast.quota && *forecast.quota > 0
                             ? static_cast<double>(tokens) / static_cast<double>(*forecast.quota)
                             : 0;
    const std::string bar = forecast.quota && *forecast.quota > 0 ? ShareBar(share, 20) + " " : "";
    lines.Add(fmt::format("  {:<9} {:>8} {:>8}  {}{}", name, TokensText(tokens), OfQuota(tokens, forecast.quota), bar,
                          note));
  };
  line("used", forecast.used, "today " + TokensText(forecast.today));
  if (forecast.forecast) {
    line("expected", forecast.expected, TokensText(forecast.lo) + " to " + TokensText(forecast.hi));
  } else {
    lines.Wrap("  ", "no forecast: " + forecast.why);
  }
  if (forecast.exhaustion) lines.Wrap("  ", GoneText(*forecast.exhaustion, forecast));
}

void AddDays(PageLines& lines, const QuotaForecast& forecast) {
  int64_t most = 0;
  for (const quota::UsedDay& day : forecast.month_days) most = std::max(most, day.tokens);
  for (const DayForecast& day : forecast.days) most = std::max(most, day.expected);
  lines.Head(fmt::format("{:<10}{:>9}  {}  {:>17}{:>9}", "DAY", "TOKENS", fmt::format("{:<28}", "█ used, ░ expected"),
                         "90 % BAND", forecast.quota ? "PLAN" : ""));
  for (const quota::UsedDay& day : forecast.month_days) {
    const bool odd = std::ranges::any_of(forecast.odd_days, [&](const auto& other) { return other.day == day.day; });
    lines.Add(fmt::format("{:<10}{:>9}  {}  {}", DayName(day.day), TokensText(day.tokens),
                          DayBar(day.tokens, day.tokens, most), odd ? "odd" : ""));
  }
  for (size_t i = 0; i < forecast.days.size(); ++i) {
    const DayForecast& day = forecast.days[i];
    lines.Add(fmt::format("{:<10}{:>9}  {}  {:>17}{:>9}", DayName(day.day), TokensText(day.expected),
                          DayBar(i == 0 ? forecast.today : 0, day.expected, most),
                          TokensText(day.lo) + " to " + TokensText(day.hi),
                          forecast.quota ? TokensText(day.plan) : ""));
  }
}

void AddMethod(PageLines& lines, const QuotaReport& report) {
  const QuotaForecast& forecast = report.forecast;
  lines.Head("METHOD");
  lines.Wrap("  ", forecast.method + fmt::format("; the trend is {:+.1f} % a week", forecast.trend_percent_a_week));
  if (report.held_out) {
    const quota::HeldOut& held_out = *report.held_out;
    lines.Wrap("  ", fmt::format("error on {} weeks that it had not seen: {:.1f} % of a week, {:.1f} % of a day "
                                 "(\"as a week before\": {:.1f} % and {:.1f} %); {} of them in the band",
                                 held_out.weeks, 100 * held_out.weekly_error, 100 * held_out.daily_error,
                                 100 * held_out.naive_weekly, 100 * held_out.naive_daily, held_out.weeks_in_band));
  }
  if (forecast.odd_days.empty()) return;
  lines.Head("ODD DAYS");
  for (const quota::OddDay& day : forecast.odd_days) {
    lines.Add(fmt::format("  {}  {:>9}, where {} is usual", day.day, TokensText(day.tokens), TokensText(day.usual)));
  }
}

void AddTypes(PageLines& lines, const QuotaReport& report) {
  if (report.types.empty()) return;
  lines.Head(fmt::format("{:<32}{:>6}{:>9}{:>9}{:>9}{:>9}", "TOKENS OF A RUN", "RUNS", "MEDIAN", "P90", "BUDGET",
                         "WITHIN"));
  for (const quota::TypeBudget& type : report.types) {
    const std::string name = type.type.empty() ? "(not named)" : type.type;
    lines.Add(fmt::format("{:<32}{:>6}{:>9}{:>9}{:>9}{:>9}", CutName(name, 31), type.runs, TokensText(type.median),
                          TokensText(type.p90), type.budget > 0 ? TokensText(type.budget) : "-",
                          type.checked > 0 ? fmt::format("{:.0f} %", 100 * type.within) : "-"));
  }
}

}  // namespace

std::string TokensText(int64_t tokens) {
  const auto number = static_cast<double>(tokens);
  if (tokens < 1000) return std::to_string(tokens);
  if (tokens < 999'500) return fmt::format("{:.{}f}k", number / 1e3, tokens < 99'950 ? 1 : 0);
  if (tokens < 999'950'000) return fmt::format("{:.1f}M", number / 1e6);
  if (tokens < 999'950'000'000) return fmt::format("{:.1f}G", number / 1e9);
  return fmt::format("{:.1f}T", number / 1e12);
}

std::string QuotaStatusText(const QuotaReport& report, size_t width) {
  PageLines lines(width);
  AddStatus(lines, report.forecast);
  return lines.Take();
}

std::string QuotaForecastText(const QuotaReport& report, size_t width) {
  PageLines lines(width);
  AddStatus(lines, report.forecast);
  if (report.forecast.forecast) {
    AddDays(lines, report.forecast);
    AddMethod(lines, report);
  }
  AddTypes(lines, report);
  return lines.Take();
}

}  // namespace wfe::cli
