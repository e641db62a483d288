#include "engine/schedules/calendar.h"

#include <algorithm>
#include <bit>
#include <string>

namespace wfe::schedules {

namespace {

using Range = temporal::api::schedule::v1::Range;
using Ranges = google::protobuf::RepeatedPtrField<Range>;

constexpr absl::CivilSecond kEpoch(kFirstYear, 1, 1, 0, 0, 0);
constexpr int64_t kEndOfTime = absl::CivilSecond(kLastYear + 1, 1, 1, 0, 0, 0) - kEpoch;

Range Normalized(Range range) {
  range.set_end(std::max(range.start(), range.end()));
  range.set_step(std::max(1, range.step()));
  return range;
}

Status CheckRange(const char* field, const Range& range, int low, int high) {
  if (range.start() >= low && range.start() <= high && range.end() <= high && range.step() >= 0) return Ok();
  return InvalidArgument(std::string(field) + " must lie between " + std::to_string(low) + " and " +
                         std::to_string(high) + ", got " + std::to_string(range.start()) + "-" +
                         std::to_string(range.end()) + "/" + std::to_string(range.step()));
}

Status CheckCount(const char* field, const Ranges& ranges) {
  if (ranges.size() <= kMaxRanges) return Ok();
  return InvalidArgument(std::string(field) + " has " + std::to_string(ranges.size()) + " ranges, at most " +
                         std::to_string(kMaxRanges) + " are looked at");
}

Result<uint64_t> Mask(const char* field, const Ranges& ranges, int low, int high) {
  uint64_t mask = 0;
  WFE_RETURN_IF_ERROR(CheckCount(field, ranges));
  for (const Range& given : ranges) {
    WFE_RETURN_IF_ERROR(CheckRange(field, given, low, high));
    const Range range = Normalized(given);
    for (int64_t value = range.start(); value <= range.end(); value += range.step()) mask |= uint64_t{1} << value;
  }
  return mask;
}

bool Has(uint64_t mask, int64_t bit) { return ((mask >> bit) & 1) != 0; }

/// The lowest set bit that is not below `from`; -1 when there is none.
int NextBit(uint64_t mask, int from) {
  if (from >= 64) return -1;
  const uint64_t rest = mask >> from;
  return rest == 0 ? -1 : from + std::countr_zero(rest);
}

int DayOfWeek(const absl::CivilDay& day) {
  // abseil counts from Monday.
  return (static_cast<int>(absl::GetWeekday(day)) + 1) % 7;
}

}  // namespace

void NormalizeRanges(temporal::api::schedule::v1::StructuredCalendarSpec* spec) {
  for (Ranges* ranges :
       {spec->mutable_second(), spec->mutable_minute(), spec->mutable_hour(), spec->mutable_day_of_month(),
        spec->mutable_month(), spec->mutable_year(), spec->mutable_day_of_week()}) {
    for (Range& range : *ranges) range = Normalized(range);
  }
}

Result<Calendar> Calendar::Compile(const temporal::api::schedule::v1::StructuredCalendarSpec& spec) {
  Calendar calendar;
  WFE_ASSIGN_OR_RETURN(calendar.seconds_, Mask("second", spec.second(), 0, 59));
  WFE_ASSIGN_OR_RETURN(calendar.minutes_, Mask("minute", spec.minute(), 0, 59));
  WFE_ASSIGN_OR_RETURN(calendar.hours_, Mask("hour", spec.hour(), 0, 23));
  WFE_ASSIGN_OR_RETURN(const uint64_t days_of_month, Mask("day of month", spec.day_of_month(), 1, 31));
  WFE_ASSIGN_OR_RETURN(calendar.months_, Mask("month", spec.month(), 1, 12));
  WFE_ASSIGN_OR_RETURN(const uint64_t days_of_week, Mask("day of week", spec.day_of_week(), 0, 6));
  WFE_RETURN_IF_ERROR(CheckCount("year", spec.year()));
  if (spec.year().empty()) calendar.years_.set();
  for (const Range& given : spec.year()) {
    WFE_RETURN_IF_ERROR(CheckRange("year", given, kFirstYear, kLastYear));
    const Range range = Normalized(given);
    for (int64_t year = range.start(); year <= range.end(); year += range.step()) {
      calendar.years_.set(static_cast<size_t>(year - kFirstYear));
    }
  }
  for (int first = 0; first < 7; ++first) {
    for (int day = 1; day <= 31; ++day) {
      const bool matches = Has(days_of_month, day) && Has(days_of_week, (first + day - 1) % 7);
      if (matches) calendar.days_[static_cast<size_t>(first)] |= uint32_t{1} << day;
    }
  }
  calendar.FindLastDay();
  return calendar;
}

bool Calendar::WholeHours() const {
  constexpr uint64_t kSixty = (uint64_t{1} << 60) - 1;
  return seconds_ == kSixty && minutes_ == kSixty;
}
bool Calendar::WholeDays() const { return WholeHours() && hours_ == (uint64_t{1} << 24) - 1; }

bool Calendar::MatchesYear(int64_t year) const {
  return year >= kFirstYear && year <= kLastYear && years_.test(static_cast<size_t>(year - kFirstYear));
}

uint32_t Calendar::DaysOf(const absl::CivilMonth& month) const {
  const int length = (absl::CivilDay(month + 1) - 1).day();
  const uint64_t within = (uint64_t{1} << (length + 1)) - 1;
  return days_[static_cast<size_t>(DayOfWeek(absl::CivilDay(month)))] & static_cast<uint32_t>(within);
}

void Calendar::FindLastDay() {
  if (seconds_ == 0 || minutes_ == 0 || hours_ == 0) return;
  for (int year = kLastYear; year >= kFirstYear; --year) {
    if (!MatchesYear(year)) continue;
    for (int month = 12; month >= 1; --month) {
      const uint32_t days = Has(months_, month) ? DaysOf(absl::CivilMonth(year, month)) : 0;
      if (days == 0) continue;
      last_day_ = absl::CivilDay(year, month, std::bit_width(days) - 1);
      return;
    }
  }
}

bool Calendar::Matches(const absl::CivilSecond& civil) const {
  return Has(seconds_, civil.second()) && Has(minutes_, civil.minute()) && Has(hours_, civil.hour()) &&
         Has(months_, civil.month()) && MatchesYear(civil.year()) &&
         Has(DaysOf(absl::CivilMonth(civil)), civil.day());
}

std::optional<absl::CivilSecond> Calendar::NextInDay(const absl::CivilSecond& from) const {
  const absl::CivilDay day(from);
  int hour = NextBit(hours_, from.hour());
  int minute = NextBit(minutes_, 0);
  int second = NextBit(seconds_, 0);
  if (hour < 0 || minute < 0 || second < 0) return std::nullopt;
  if (hour == from.hour()) {
    int this_minute = NextBit(minutes_, from.minute());
    int this_second = second;
    if (this_minute == from.minute()) {
      this_second = NextBit(seconds_, from.second());
      if (this_second < 0) {
        this_second = second;
        this_minute = NextBit(minutes_, from.minute() + 1);
      }
    }
    if (this_minute >= 0) {
      minute = this_minute;
      second = this_second;
    } else {
      hour = NextBit(hours_, from.hour() + 1);
      if (hour < 0) return std::nullopt;
    }
  }
  return absl::CivilSecond(day.year(), day.month(), day.day(), hour, minute, second);
}

std::optional<absl::CivilSecond> Calendar::NextCivil(const absl::CivilSecond& from, const absl::CivilSecond& last,
                                                     Work& work) const {
  absl::CivilSecond at = from;
  while (at <= last && work.Spend()) {
    const absl::CivilMonth month(at);
    if (!MatchesYear(at.year())) {
      at = absl::CivilSecond(absl::CivilYear(at) + 1);
      continue;
    }
    const int day = Has(months_, at.month()) ? NextBit(DaysOf(month), at.day()) : -1;
    if (day < 0) {
      at = absl::CivilSecond(month + 1);
      continue;
    }
    if (day > at.day()) at = absl::CivilSecond(month.year(), month.month(), day);
    if (const auto found = NextInDay(at)) return *found <= last ? found : std::nullopt;
    at = absl::CivilSecond(absl::CivilDay(at) + 1);
  }
  return std::nullopt;
}

std::optional<int64_t> Calendar::Next(int64_t after, const absl::TimeZone& zone, Work& work) const {
  if (!last_day_ || !work.Spend()) return std::nullopt;
  // Between two changes of the zone's offset civil time is Unix time and a constant.  So each such stretch is searched
  // for itself, and what happens at its ends needs no rule: a skipped time is in no stretch, a repeated one in two.
  int64_t begin = std::max<int64_t>(after, -1) + 1;
  while (begin < kEndOfTime && work.Spend()) {
    const absl::Time time = absl::FromUnixSeconds(begin);
    const int64_t offset = zone.At(time).offset;
    if (absl::CivilDay(kEpoch + (begin + offset)) > *last_day_ + 1) break;  // a zone may go back by a day
    int64_t end = kEndOfTime;
    absl::TimeZone::CivilTransition change;
    if (zone.NextTransition(time, &change)) end = std::min(end, (change.from - kEpoch) - offset);
    const auto found = NextCivil(kEpoch + (begin + offset), kEpoch + (end - 1 + offset), work);
    if (found) return (*found - kEpoch) - offset;
    begin = std::max(end, begin + 1);
  }
  return std::nullopt;
}

}  // namespace wfe::schedules
