#include "engine/schedules/spec.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/history/proto_time.h"
#include "engine/schedules/calendar_text.h"

namespace wfe::schedules {

namespace {

namespace pb = temporal::api::schedule::v1;
using history::FromProto;
using std::chrono::seconds;

// A spec that excludes more of its own times in a row ends there; so many are looked at in well under a second.
constexpr int kMaxExcludedInARow = 100'000;
constexpr int kMaxEntries = 1000;  // calendars, intervals or exclusions of one schedule

constexpr int64_t kLastSecond =
    absl::CivilSecond(kLastYear + 1, 1, 1, 0, 0, 0) - absl::CivilSecond(1970, 1, 1, 0, 0, 0) - 1;

Error Invalid(std::string_view why) { return InvalidArgument("Invalid schedule spec: " + std::string(why)); }

int64_t FloorSeconds(Instant instant) { return std::chrono::floor<seconds>(instant.time_since_epoch()).count(); }
Instant At(int64_t second) { return Instant(seconds(second)); }

uint64_t Mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ull;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

Status CheckInterval(pb::IntervalSpec* interval) {
  // Truncated to whole seconds, as documented for IntervalSpec.
  interval->mutable_interval()->set_nanos(0);
  if (interval->has_phase()) interval->mutable_phase()->set_nanos(0);
  const int64_t every = interval->interval().seconds();
  const int64_t phase = interval->phase().seconds();
  if (every < 1) return Invalid("the interval is less than a second");
  if (every > history::kLongestDuration / seconds(1)) return Invalid("the interval is longer than 100 years");
  if (phase < 0) return Invalid("the phase of an interval is negative");
  if (phase >= every) return Invalid("the phase of an interval is not shorter than the interval");
  return Ok();
}

}  // namespace

Result<pb::ScheduleSpec> Canonical(pb::ScheduleSpec spec) {
  if (!spec.timezone_data().empty()) {
    return Invalid("timezone_data is not served by wfe: name a zone of the machine's zone database");
  }
  for (const int count :
       {spec.structured_calendar_size() + spec.calendar_size() + spec.cron_string_size(), spec.interval_size(),
        spec.exclude_calendar_size() + spec.exclude_structured_calendar_size()}) {
    if (count > kMaxEntries) return Invalid("more than " + std::to_string(kMaxEntries) + " entries of one kind");
  }
  for (const pb::CalendarSpec& calendar : spec.calendar()) {
    Result<pb::StructuredCalendarSpec> parsed = ParseCalendar(calendar);
    if (!parsed) return Invalid(parsed.error().message);
    *spec.add_structured_calendar() = *std::move(parsed);
  }
  spec.clear_calendar();
  for (const std::string& cron : spec.cron_string()) {
    if (Status added = AddCron(cron, &spec); !added) return Invalid(added.error().message);
  }
  spec.clear_cron_string();
  for (const pb::CalendarSpec& calendar : spec.exclude_calendar()) {
    Result<pb::StructuredCalendarSpec> parsed = ParseCalendar(calendar);
    if (!parsed) return Invalid(parsed.error().message);
    *spec.add_exclude_structured_calendar() = *std::move(parsed);
  }
  spec.clear_exclude_calendar();
  for (auto* calendars : {spec.mutable_structured_calendar(), spec.mutable_exclude_structured_calendar()}) {
    for (pb::StructuredCalendarSpec& calendar : *calendars) {
      if (auto compiled = Calendar::Compile(calendar); !compiled) return Invalid(compiled.error().message);
      NormalizeRanges(&calendar);
    }
  }
  for (pb::IntervalSpec& interval : *spec.mutable_interval()) WFE_RETURN_IF_ERROR(CheckInterval(&interval));
  if (FromProto(spec.jitter()) < Duration::zero()) return Invalid("the jitter is negative");
  if (spec.has_start_time() && spec.has_end_time() &&
      std::pair(spec.end_time().seconds(), spec.end_time().nanos()) <
          std::pair(spec.start_time().seconds(), spec.start_time().nanos())) {
    return Invalid("the end time is before the start time");
  }
  absl::TimeZone zone;
  if (!spec.timezone_name().empty() && !absl::LoadTimeZone(spec.timezone_name(), &zone)) {
    return Invalid("unknown time zone \"" + spec.timezone_name().substr(0, 100) + "\"");
  }
  return spec;
}

Result<Spec> Spec::Compile(const pb::ScheduleSpec& spec, std::string_view seed) {
  Spec compiled;
  for (const auto& calendar : spec.structured_calendar()) {
    WFE_ASSIGN_OR_RETURN(Calendar one, Calendar::Compile(calendar));
    compiled.calendars_.push_back(std::move(one));
  }
  for (const auto& calendar : spec.exclude_structured_calendar()) {
    WFE_ASSIGN_OR_RETURN(Calendar one, Calendar::Compile(calendar));
    compiled.excluded_.push_back(std::move(one));
  }
  for (const auto& interval : spec.interval()) {
    compiled.intervals_.push_back({interval.interval().seconds(), interval.phase().seconds()});
  }
  if (!spec.timezone_name().empty() && !absl::LoadTimeZone(spec.timezone_name(), &compiled.zone_)) {
    return Invalid("unknown time zone \"" + spec.timezone_name() + "\"");
  }
  // Nominal times are whole seconds: the first one not before start_time, the last one not after end_time.
  compiled.first_ = 0;
  if (spec.has_start_time()) {
    compiled.first_ =
        std::clamp<int64_t>(spec.start_time().seconds(), 0, kLastSecond) + (spec.start_time().nanos() > 0);
  }
  compiled.last_ = spec.has_end_time() ? std::min(kLastSecond, spec.end_time().seconds()) : kLastSecond;
  compiled.jitter_ms_ = FromProto(spec.jitter()) / std::chrono::milliseconds(1);
  uint64_t hash = 14695981039346656037ull;  // FNV-1a: the same on every platform
  for (const char c : seed) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211ull;
  compiled.seed_ = hash;
  return compiled;
}

std::optional<int64_t> Spec::NextRaw(int64_t after) const {
  std::optional<int64_t> next;
  const auto consider = [&next](std::optional<int64_t> candidate) {
    if (candidate && (!next || *candidate < *next)) next = candidate;
  };
  for (const Interval& interval : intervals_) {
    const int64_t since = std::max<int64_t>(after, -1) - interval.phase;
    const int64_t periods = since >= 0 ? since / interval.every : -1;
    consider((periods + 1) * interval.every + interval.phase);
  }
  for (const Calendar& calendar : calendars_) consider(calendar.Next(after, zone_));
  return next;
}

std::optional<int64_t> Spec::ExcludedUntil(int64_t second) const {
  if (excluded_.empty()) return std::nullopt;
  const absl::Time time = absl::FromUnixSeconds(second);
  const absl::CivilSecond civil = absl::ToCivilSecond(time, zone_);
  for (const Calendar& calendar : excluded_) {
    if (!calendar.Matches(civil)) continue;
    // To the end of the day or hour, unless the zone's offset changes within it.
    absl::CivilSecond end = civil;
    if (calendar.WholeDays()) {
      end = absl::CivilSecond(absl::CivilDay(civil) + 1) - 1;
    } else if (calendar.WholeHours()) {
      end = absl::CivilSecond(absl::CivilHour(civil) + 1) - 1;
    }
    const int64_t until = second + (end - civil);
    return absl::ToCivilSecond(absl::FromUnixSeconds(until), zone_) == end ? until : second;
  }
  return std::nullopt;
}

std::optional<int64_t> Spec::NextNominal(int64_t after) const {
  after = std::max(after, first_ - 1);
  for (int tries = 0; tries < kMaxExcludedInARow; ++tries) {
    const std::optional<int64_t> next = NextRaw(after);
    if (!next || *next > last_) return std::nullopt;
    const std::optional<int64_t> excluded = ExcludedUntil(*next);
    if (!excluded) return next;
    after = *excluded;
  }
  return std::nullopt;
}

std::optional<int64_t> Spec::LastNominal(int64_t low, int64_t high) const {
  std::optional<int64_t> last = NextNominal(low);
  if (!last || *last > high) return std::nullopt;
  // `last` is one of them, and there is none in (empty_from, high].
  int64_t empty_from = high;
  while (*last < empty_from) {
    const int64_t middle = *last + (empty_from - *last) / 2;
    const std::optional<int64_t> next = NextNominal(middle);
    if (next && *next <= empty_from) {
      last = next;
    } else {
      empty_from = middle;
    }
  }
  return last;
}

ActionTime Spec::WithJitter(int64_t nominal) const {
  ActionTime time{At(nominal), At(nominal)};
  if (jitter_ms_ == 0) return time;
  int64_t most = jitter_ms_;
  // Never as far as the next time, so that times keep their order.
  if (const auto following = NextRaw(nominal)) most = std::min(most, (*following - nominal) * 1000);
  const double share = static_cast<double>(Mix(seed_ ^ Mix(static_cast<uint64_t>(nominal))) >> 11) * 0x1.0p-53;
  time.actual += std::chrono::milliseconds(static_cast<int64_t>(std::floor(share * static_cast<double>(most))));
  return time;
}

std::optional<ActionTime> Spec::Next(Instant after) const {
  const int64_t second = FloorSeconds(after);
  if (jitter_ms_ > 0) {
    // Only the latest of the nominal times that have passed can have its actual time still to come.
    if (const auto last = LastNominal(second - jitter_ms_ / 1000 - 1, second)) {
      if (const ActionTime time = WithJitter(*last); time.actual > after) return time;
    }
  }
  const std::optional<int64_t> next = NextNominal(second);
  if (!next) return std::nullopt;
  return WithJitter(*next);
}

std::vector<Instant> Spec::Matching(Instant start, Instant end, size_t limit) const {
  std::vector<Instant> times;
  for (auto next = Next(start); next && next->actual <= end && times.size() < limit; next = Next(next->actual)) {
    times.push_back(next->actual);
  }
  return times;
}

}  // namespace wfe::schedules
