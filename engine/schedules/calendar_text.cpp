#include "engine/schedules/calendar_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

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
};
constexpr Field kSecond{"second", 0, 59};
constexpr Field kMinute{"minute", 0, 59};
constexpr Field kHour{"hour", 0, 23};
constexpr Field kDayOfMonth{"day of month", 1, 31};
const Field kMonth{"month", 1, 12, kMonths};
constexpr Field kYear{"year", 1970, kLastYear};
const Field kDayOfWeek{"day of week", 0, 7, kDays};  // 0 and 7 are Sunday

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
  for (std::string_view word : Split(text, ' ')) {
    if (word = Trim(word); !word.empty()) words.push_back(word);
  }
  return words;
}

template <class Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number = 0;
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
                           std::to_string(field.high) + ", got \"" + std::string(text) + "\"");
  }
  const std::string name = Lower(text);
  for (size_t i = 0; name.size() >= 3 && i < field.names.size(); ++i) {
    if (field.names[i] == name || field.names[i].substr(0, 3) == name) return field.low + static_cast<int>(i);
  }
  return InvalidArgument(std::string(field.name) + ": \"" + std::string(text) + "\" is no value of it");
}

/// One of the parts between commas: "*", "5", "5/2", "5-9", "MON-FRI/2".
Result<pb::Range> ParseRange(const Field& field, std::string_view text) {
  const auto parts = Split(text, '/');
  pb::Range range;
  range.set_step(1);
  if (parts.size() > 2)
    return InvalidArgument(std::string(field.name) + ": \"" + std::string(text) + "\" has two steps");
  if (parts.size() == 2) {
    const auto step = ParseNumber<int>(parts[1]);
    if (!step || *step == 0) {
      return InvalidArgument(std::string(field.name) + ": the step of \"" + std::string(text) +
                             "\" is not a number from 1 on");
    }
    range.set_step(*step);
  }
  const int highest = field.names.data() == kDays.data() ? 6 : field.high;
  if (parts[0] == "*") {
    range.set_start(field.low);
    range.set_end(highest);
    return range;
  }
  const auto ends = Split(parts[0], '-');
  if (ends.size() > 2) return InvalidArgument(std::string(field.name) + ": \"" + std::string(text) + "\" is no range");
  WFE_ASSIGN_OR_RETURN(const int start, ParseValue(field, ends[0]));
  range.set_start(start);
  range.set_end(parts.size() == 2 ? std::max(start, highest) : start);
  if (ends.size() == 2) {
    WFE_ASSIGN_OR_RETURN(const int end, ParseValue(field, ends[1]));
    if (end < start)
      return InvalidArgument(std::string(field.name) + ": the range \"" + std::string(text) + "\" runs backwards");
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
    WFE_ASSIGN_OR_RETURN(const pb::Range range, ParseRange(field, Trim(part)));
    const bool sunday_as_7 = field.names.data() == kDays.data() && range.end() == 7;
    if (!sunday_as_7) {
      *out->Add() = range;
      continue;
    }
    for (int day = range.start(); day <= 7; day += range.step()) {
      pb::Range& single = *out->Add();
      single.set_start(day % 7);
      single.set_end(day % 7);
      single.set_step(1);
    }
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

/// "90s", "5h", "7d" in seconds.
std::optional<int64_t> ParseSpan(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int64_t unit = 0;
  switch (text.back()) {
    case 's':
      unit = 1;
      break;
    case 'm':
      unit = 60;
      break;
    case 'h':
      unit = 3600;
      break;
    case 'd':
      unit = 86400;
      break;
    default:
      return std::nullopt;
  }
  const auto number = ParseNumber<int64_t>(text.substr(0, text.size() - 1));
  if (!number || *number > 100 * 366 * 86400LL / unit) return std::nullopt;
  return *number * unit;
}

Status AddEvery(std::string_view text, pb::ScheduleSpec* spec) {
  const auto parts = Split(Trim(text), '/');
  const auto interval = ParseSpan(parts[0]);
  const auto phase = parts.size() > 1 ? ParseSpan(parts[1]) : std::optional<int64_t>(0);
  if (!interval || !phase || parts.size() > 2) {
    return InvalidArgument("\"@every " + std::string(text) +
                           "\": expected a number with one of s, m, h, d, and a phase behind \"/\" if any");
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
    const size_t end = std::min(rest.find(' '), rest.size());
    const std::string zone(rest.substr(prefix.size(), end - prefix.size()));
    if (!spec->timezone_name().empty() && spec->timezone_name() != zone) {
      return InvalidArgument("\"" + text + "\" names the time zone " + zone + ", but the schedule has " +
                             spec->timezone_name());
    }
    spec->set_timezone_name(zone);
    rest = Trim(rest.substr(end));
    break;
  }
  if (rest.starts_with("@every ")) return AddEvery(rest.substr(7), spec);
  if (rest.starts_with('@')) {
    const std::string_view meaning = Shorthand(rest);
    if (meaning.empty()) return InvalidArgument("\"" + std::string(rest) + "\" is no cron shorthand");
    rest = meaning;
  }
  std::vector<std::string_view> fields = Words(rest);
  if (fields.size() < 5 || fields.size() > 7) {
    return InvalidArgument("\"" + text + "\" has " + std::to_string(fields.size()) +
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
  if (!parsed) return InvalidArgument("\"" + text + "\": " + parsed.error().message);
  *spec->add_structured_calendar() = *std::move(parsed);
  return Ok();
}

}  // namespace wfe::schedules
