#include "engine/schedules/calendar_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/excerpt.h"
#include "engine/schedules/calendar.h"

namespace wfe::schedules {

namespace {

namespace pb = temporal::api::schedule::v1;
using Ranges = google::protobuf::RepeatedPtrField<pb::Range>;

constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                      "may",       "june",     "july",     "august",
                                                      "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> kDays = {"sunday",   "monday", "tuesday", "wednesday",
                                                   "thursday", "friday", "saturday"};

/// What one field accepts.
struct Field {
  const char* name;
  int low;
  int high;
  std::span<const std::string_view> names = {};  ///< The first one means `low`.
  size_t shortest_name = 0;                      ///< So many letters of a name are enough (WIRE-F23).
};
constexpr Field kSecond{"second", 0, 59};
constexpr Field kMinute{"minute", 0, 59};
constexpr Field kHour{"hour", 0, 23};
constexpr Field kDayOfMonth{"day of month", 1, 31};
const Field kMonth{"month", 1, 12, kMonths, 3};
constexpr Field kYear{"year", 1970, kLastYear};
const Field kDayOfWeek{"day of week", 0, 7, kDays, 2};  // 0 and 7 are Sunday

constexpr std::string_view kSpaces = " \t\n\v\f\r";

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t at = text.find(separator); at != std::string_view::npos; at = text.find(separator)) {
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  parts.push_back(text);
  return parts;
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  for (text = Trim(text); !text.empty(); text = Trim(text)) {
    const size_t end = std::min(text.find_first_of(kSpaces), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

template <class Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || text.front() == '-') {
    return std::nullopt;
  }
  return number;
}

Result<int> ParseValue(const Field& field, std::string_view text) {
  if (const auto number = ParseNumber<int>(text)) {
    if (*number >= field.low && *number <= field.high) return *number;
    return InvalidArgument(std::string(field.name) + " must lie between " + std::to_string(field.low) + " and " +
                           std::to_string(field.high) + ", got \"" + Excerpt(text) + "\"");
  }
  const std::string name = Lower(text);
  for (size_t i = 0; name.size() >= field.shortest_name && i < field.names.size(); ++i) {
    if (field.names[i].starts_with(name)) return field.low + static_cast<int>(i);
  }
  return InvalidArgument(std::string(field.name) + ": \"" + Excerpt(text) + "\" is no value of it");
}

/// One of the parts between commas: "*", "5", "5/2", "5-9", "MON-FRI/2".
Result<pb::Range> ParseRange(const Field& field, std::string_view text) {
  const auto parts = Split(text, '/');
  pb::Range range;
  range.set_step(1);
  if (parts.size() > 2)
    return InvalidArgument(std::string(field.name) + ": \"" + Excerpt(text) + "\" has two steps");
  if (parts.size() == 2) {
    const auto step = ParseNumber<int>(parts[1]);
    if (!step || *step == 0) {
      return InvalidArgument(std::string(field.name) + ": the step of \"" + Excerpt(text) +
                             "\" is not a number from 1 on");
    }
    range.set_step(*step);
  }
  if (parts[0] == "*") {
    range.set_start(field.low);
    range.set_end(field.names.data() == kDays.data() ? 6 : field.high);
    return range;
  }
  const auto ends = Split(parts[0], '-');
  if (ends.size() > 2) return InvalidArgument(std::string(field.name) + ": \"" + Excerpt(text) + "\" is no range");
  WFE_ASSIGN_OR_RETURN(const int start, ParseValue(field, ends[0]));
  range.set_start(start);
  range.set_end(parts.size() == 2 ? field.high : start);
  if (ends.size() == 2) {
    WFE_ASSIGN_OR_RETURN(const int end, ParseValue(field, ends[1]));
    if (end < start)
      return InvalidArgument(std::string(field.name) + ": the range \"" + Excerpt(text) + "\" runs backwards");
    range.set_end(end);
  }
  return range;
}

Status ParseField(const Field& field, std::string_view text, std::string_view otherwise, Ranges* out) {
  text = Trim(text);
  if (text.empty()) text = otherwise;
  // All years is no range at all.
  if (field.names.empty() && field.low == kYear.low && text == "*") return Ok();
  for (const std::string_view part : Split(text, ',')) {
    WFE_ASSIGN_OR_RETURN(pb::Range range, ParseRange(field, Trim(part)));
    const bool sunday_as_7 = field.names.data() == kDays.data() && range.end() == 7;
    if (sunday_as_7) {
      // Stored days end with 6, so 7 becomes a range of its own where a step comes to it.
      if (range.start() > 0 && (7 - range.start()) % range.step() == 0) {
        pb::Range& sunday = *out->Add();
        sunday.set_step(1);
      }
      if (range.start() == 7) continue;
      range.set_end(6);
    }
    *out->Add() = range;
  }
  return Ok();
}

std::string_view Shorthand(std::string_view name) {
  if (name == "@yearly" || name == "@annually") return "0 0 1 1 *";
  if (name == "@monthly") return "0 0 1 * *";
  if (name == "@weekly") return "0 0 * * 0";
  if (name == "@daily" || name == "@midnight") return "0 0 * * *";
  if (name == "@hourly") return "0 * * * *";
  return {};
}

/// What one of the units of a span has nanoseconds; 0: there is no such unit.
double UnitOf(std::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us" || unit == "\u00b5s" || unit == "\u03bcs") return 1e3;
  if (unit == "ms") return 1e6;
  if (unit == "s") return 1e9;
  if (unit == "m") return 60e9;
  if (unit == "h") return 3600e9;
  if (unit == "d") return 86400e9;
  return 0;
}

/// "90s", "1h30m", "1.5h", "7d" in seconds; nothing smaller than a second is left over (WIRE-F23).
std::optional<int64_t> ParseSpan(std::string_view text) {
  constexpr double kMostSeconds = 100 * 366 * 86400.0;
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  double nanos = 0;
  while (!text.empty()) {
    const size_t number_end = std::min(text.find_first_not_of("0123456789."), text.size());
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + number_end, number);
    if (error != std::errc() || end != text.data() + number_end) return std::nullopt;
    text.remove_prefix(number_end);
    const size_t unit_end = std::min(text.find_first_of("0123456789."), text.size());
    const double unit = UnitOf(text.substr(0, unit_end));
    if (unit == 0) return std::nullopt;
    text.remove_prefix(unit_end);
    nanos += number * unit;
    if (!(nanos <= kMostSeconds * 1e9)) return std::nullopt;
  }
  const double seconds = std::round(nanos / 1e9);
  if (std::abs(seconds * 1e9 - nanos) > 1e3) return std::nullopt;
  return static_cast<int64_t>(seconds);
}

Status AddEvery(std::string_view text, pb::ScheduleSpec* spec) {
  const auto parts = Split(Trim(text), '/');
  const auto interval = ParseSpan(parts[0]);
  const auto phase = parts.size() > 1 ? ParseSpan(parts[1]) : std::optional<int64_t>(0);
  if (!interval || !phase || parts.size() > 2) {
    return InvalidArgument("\"@every " + Excerpt(text) +
                           "\": expected a span of whole seconds such as 90s, 1h30m or 7d, and a phase behind \"/\" if any");
  }
  pb::IntervalSpec& added = *spec->add_interval();
  added.mutable_interval()->set_seconds(*interval);
  if (*phase > 0) added.mutable_phase()->set_seconds(*phase);
  return Ok();
}

}  // namespace

Result<pb::StructuredCalendarSpec> ParseCalendar(const pb::CalendarSpec& calendar) {
  pb::StructuredCalendarSpec spec;
  WFE_RETURN_IF_ERROR(ParseField(kSecond, calendar.second(), "0", spec.mutable_second()));
  WFE_RETURN_IF_ERROR(ParseField(kMinute, calendar.minute(), "0", spec.mutable_minute()));
  WFE_RETURN_IF_ERROR(ParseField(kHour, calendar.hour(), "0", spec.mutable_hour()));
  WFE_RETURN_IF_ERROR(ParseField(kDayOfMonth, calendar.day_of_month(), "*", spec.mutable_day_of_month()));
  WFE_RETURN_IF_ERROR(ParseField(kMonth, calendar.month(), "*", spec.mutable_month()));
  WFE_RETURN_IF_ERROR(ParseField(kYear, calendar.year(), "*", spec.mutable_year()));
  WFE_RETURN_IF_ERROR(ParseField(kDayOfWeek, calendar.day_of_week(), "*", spec.mutable_day_of_week()));
  spec.set_comment(calendar.comment());
  return spec;
}

Status AddCron(const std::string& text, pb::ScheduleSpec* spec) {
  std::string_view rest = Trim(text);
  std::string comment;
  if (const size_t hash = rest.find('#'); hash != std::string_view::npos) {
    comment = Trim(rest.substr(hash + 1));
    rest = Trim(rest.substr(0, hash));
  }
  for (const std::string_view prefix : {"CRON_TZ=", "TZ="}) {
    if (!rest.starts_with(prefix)) continue;
    const size_t end = std::min(rest.find_first_of(kSpaces), rest.size());
    const std::string zone(rest.substr(prefix.size(), end - prefix.size()));
    if (!spec->timezone_name().empty() && spec->timezone_name() != zone) {
      return InvalidArgument("\"" + Excerpt(text) + "\" names the time zone " + Excerpt(zone) + ", but the schedule has " +
                             Excerpt(spec->timezone_name()));
    }
    spec->set_timezone_name(zone);
    rest = Trim(rest.substr(end));
    break;
  }
  if (const auto words = Words(rest); !words.empty() && words[0] == "@every") return AddEvery(rest.substr(6), spec);
  if (rest.starts_with('@')) {
    const std::string_view meaning = Shorthand(rest);
    if (meaning.empty()) return InvalidArgument("\"" + Excerpt(rest) + "\" is no cron shorthand");
    rest = meaning;
  }
  std::vector<std::string_view> fields = Words(rest);
  if (fields.size() < 5 || fields.size() > 7) {
    return InvalidArgument("\"" + Excerpt(text) + "\" has " + std::to_string(fields.size()) +
                           " fields, a cron expression has 5, 6 or 7");
  }
  pb::CalendarSpec calendar;
  if (fields.size() == 7) {
    calendar.set_second(std::string(fields[0]));
    fields.erase(fields.begin());
  }
  calendar.set_minute(std::string(fields[0]));
  calendar.set_hour(std::string(fields[1]));
  calendar.set_day_of_month(std::string(fields[2]));
  calendar.set_month(std::string(fields[3]));
  calendar.set_day_of_week(std::string(fields[4]));
  if (fields.size() == 6) calendar.set_year(std::string(fields[5]));
  calendar.set_comment(comment);
  Result<pb::StructuredCalendarSpec> parsed = ParseCalendar(calendar);
  if (!parsed) return InvalidArgument("\"" + Excerpt(text) + "\": " + parsed.error().message);
  *spec->add_structured_calendar() = *std::move(parsed);
  return Ok();
}

}  // namespace wfe::schedules
