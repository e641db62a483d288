#include "activities/packaged/permits/calendar.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace wfe::packaged {
namespace {

using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12> kMonthNames = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kWeekdayNames = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                           "Thursday", "Friday", "Saturday"};

std::optional<Day> DayOf(int year, int month, int day) {
  if (year < 1900 || year > 2200) return std::nullopt;
  const year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return Day(date);
}

/// 1 to 12 by the first letters, in English or German; 0: none.
int MonthOf(std::string name) {
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name.starts_with("m\xC3\xA4r") || name.starts_with("maer")) return 3;
  if (name.starts_with("mai")) return 5;
  if (name.starts_with("okt")) return 10;
  if (name.starts_with("dez")) return 12;
  for (size_t i = 0; i < kMonthNames.size(); ++i) {
    std::string known(kMonthNames[i]);
    known.front() = static_cast<char>(known.front() + 32);
    if (name.starts_with(known)) return static_cast<int>(i) + 1;
  }
  return 0;
}

/// The names of months, whole or cut to three letters.
constexpr std::string_view kMonthPattern =
    R"((January|February|March|April|May|June|July|August|September|October|November|December|)"
    R"(Januar|Februar|M\x{e4}rz|Maerz|Mai|Juni|Juli|Oktober|Dezember|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?)";

struct DateMatch {
  size_t from = 0;
  size_t to = 0;
  FoundDate date;
};

void AddNumericDates(std::string_view text, std::vector<DateMatch>& found) {
  static const RE2 kIso(R"(\b(\d{4})-(\d{2})-(\d{2})\b)");
  static const RE2 kDotted(R"(\b(\d{1,2})([./])(\d{1,2})([./])(\d{4})\b)");
  re2::StringPiece rest(text.data(), text.size());
  re2::StringPiece year;
  re2::StringPiece month;
  re2::StringPiece day;
  const auto add = [&](const char* from, const char* to, std::optional<Day> date, bool ambiguous) {
    DateMatch match;
    match.from = static_cast<size_t>(from - text.data());
    match.to = static_cast<size_t>(to - text.data());
    match.date = {.day = date, .text = std::string(from, to), .offset = match.from, .ambiguous = ambiguous};
    found.push_back(std::move(match));
  };
  const auto number = [](re2::StringPiece digits) { return std::atoi(std::string(digits.data(), digits.size()).c_str()); };
  while (RE2::FindAndConsume(&rest, kIso, &year, &month, &day)) {
    add(year.data(), day.data() + day.size(), DayOf(number(year), number(month), number(day)), false);
  }
  rest = re2::StringPiece(text.data(), text.size());
  re2::StringPiece first;
  re2::StringPiece one;
  re2::StringPiece other;
  while (RE2::FindAndConsume(&rest, kDotted, &first, &one, &month, &other, &year)) {
    if (one[0] != other[0]) continue;
    int d = number(first);
    int m = number(month);
    const bool slash = one[0] == '/';
    // There is no month 30: somebody has written the month first.
    if (slash && m > 12 && d <= 12) std::swap(d, m);
    add(first.data(), year.data() + year.size(), DayOf(number(year), m, d), slash && d <= 12 && m <= 12 && d != m);
  }
}

void AddWordDates(std::string_view text, std::vector<DateMatch>& found) {
  static const RE2 kDayFirst("(?i)(\\b\\d{1,2})(?:st|nd|rd|th|\\.)?[ -](?:of )?" + std::string(kMonthPattern) +
                             ",?[ -](\\d{4})\\b");
  static const RE2 kMonthFirst("(?i)(\\b" + std::string(kMonthPattern.substr(1, kMonthPattern.size() - 1)) +
                               R"( (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})\b)");
  re2::StringPiece rest(text.data(), text.size());
  re2::StringPiece first;
  re2::StringPiece second;
  re2::StringPiece year;
  const auto number = [](re2::StringPiece digits) { return std::atoi(std::string(digits.data(), digits.size()).c_str()); };
  const auto add = [&](const char* from, const char* to, std::optional<Day> date) {
    DateMatch match;
    match.from = static_cast<size_t>(from - text.data());
    match.to = static_cast<size_t>(to - text.data());
    match.date = {.day = date, .text = std::string(from, to), .offset = match.from, .ambiguous = false};
    found.push_back(std::move(match));
  };
  while (RE2::FindAndConsume(&rest, kDayFirst, &first, &second, &year)) {
    const int month = MonthOf(std::string(second.data(), second.size()));
    add(first.data(), year.data() + year.size(), DayOf(number(year), month, number(first)));
  }
  rest = re2::StringPiece(text.data(), text.size());
  while (RE2::FindAndConsume(&rest, kMonthFirst, &first, &second, &year)) {
    const int month = MonthOf(std::string(first.data(), first.size()));
    add(first.data(), year.data() + year.size(), DayOf(number(year), month, number(second)));
  }
}

}  // namespace

std::string IsoDay(Day day) {
  const year_month_day date(day);
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

std::optional<Day> ParseIsoDay(std::string_view text) {
  if (text.size() != 10) return std::nullopt;
  const std::vector<FoundDate> dates = FindDates(text);
  if (dates.size() != 1 || !dates[0].day || IsoDay(*dates[0].day) != text) return std::nullopt;
  return dates[0].day;
}

std::string LongDay(Day day) {
  const year_month_day date(day);
  const std::chrono::weekday weekday(day);
  return std::string(kWeekdayNames[weekday.c_encoding()].substr(0, 3)) + " " +
         std::to_string(static_cast<unsigned>(date.day())) + " " +
         std::string(kMonthNames[static_cast<unsigned>(date.month()) - 1]) + " " +
         std::to_string(static_cast<int>(date.year()));
}

std::vector<FoundDate> FindDates(std::string_view text) {
  std::vector<DateMatch> matches;
  AddNumericDates(text, matches);
  AddWordDates(text, matches);
  std::ranges::stable_sort(matches, {}, &DateMatch::from);
  std::vector<FoundDate> dates;
  size_t end = 0;
  for (DateMatch& match : matches) {
    if (match.from < end) continue;
    end = match.to;
    dates.push_back(std::move(match.date));
  }
  return dates;
}

Result<WorkCalendar> WorkCalendar::Parse(std::string_view lines) {
  WorkCalendar calendar;
  size_t number = 0;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const std::optional<Day> day = ParseIsoDay(line.substr(0, 10));
    if (!day) {
      return InvalidArgument("line " + std::to_string(number) + " does not begin with a day such as 2026-12-25: \"" +
                             std::string(line.substr(0, 60)) + "\"");
    }
    const size_t name = line.find_first_not_of(" \t-:", 10);
    calendar.AddHoliday(*day, name == std::string_view::npos ? "a holiday" : std::string(line.substr(name)));
  }
  return calendar;
}

bool WorkCalendar::IsWorkingDay(Day day) const { return WhyFree(day).empty(); }

std::string WorkCalendar::WhyFree(Day day) const {
  const auto holiday = holidays_.find(day);
  if (holiday != holidays_.end()) return holiday->second;
  const unsigned weekday = std::chrono::weekday(day).c_encoding();
  return weekday == 0 || weekday == 6 ? std::string(kWeekdayNames[weekday]) : std::string();
}

Day WorkCalendar::NextWorkingDay(Day day) const {
  while (!IsWorkingDay(day)) day += std::chrono::days(1);
  return day;
}

Day WorkCalendar::WorkingDayBefore(Day day) const {
  while (!IsWorkingDay(day)) day -= std::chrono::days(1);
  return day;
}

Day WorkCalendar::End(Day event, int count, PeriodUnit unit) const {
  switch (unit) {
    case PeriodUnit::kDays: return event + std::chrono::days(count);
    case PeriodUnit::kWeeks: return event + std::chrono::days(7 * count);
    case PeriodUnit::kMonths:
    case PeriodUnit::kYears: {
      const int months = unit == PeriodUnit::kYears ? 12 * count : count;
      year_month_day date = year_month_day(event) + std::chrono::months(months);
      if (!date.ok()) date = date.year() / date.month() / std::chrono::last;
      return Day(date);
    }
    case PeriodUnit::kWorkingDays: break;
  }
  const int step = count < 0 ? -1 : 1;
  Day day = event;
  for (int left = std::abs(count); left > 0;) {
    day += std::chrono::days(step);
    if (IsWorkingDay(day)) --left;
  }
  return day;
}

}  // namespace wfe::packaged
