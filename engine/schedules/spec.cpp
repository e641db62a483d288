#include "engine/schedules/spec.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "engine/base/fnv.h"
#include "engine/base/proto_time.h"
#include "engine/schedules/calendar_text.h"

namespace wfe::schedules {

namespace {

namespace pb = temporal::api::schedule::v1;
using std::chrono::seconds;

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
  if (every > kLongestDuration / seconds(1)) return Invalid("the interval is longer than 100 years");
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
  if (!spec.timezone_name().empty()) {
    if (const auto zone = LoadZone(spec.timezone_name()); !zone) return zone.error();
  }
  return spec;
}

Result<absl::TimeZone> LoadZone(const std::string& name) {
  constexpr size_t kLongestName = 64;
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '+' ||
           c == '-' || c == '/';
  };
  absl::TimeZone zone;
  if (name == "UTC") return absl::UTCTimeZone();
  const bool named = !name.empty() && name.size() <= kLongestName && name.front() != '/' &&
                     std::all_of(name.begin(), name.end(), plain);
  if (named) {
    // Looked at before it is opened: a name may stand for a pipe, and Abseil remembers every name it was ever asked for.
    const char* const chosen = std::getenv("TZDIR");
    const std::filesystem::path database = chosen != nullptr && *chosen != '\0' ? chosen : "/usr/share/zoneinfo";
    std::error_code error;
    if (std::filesystem::is_regular_file(database / name, error) && absl::LoadTimeZone(name, &zone)) return zone;
  }
  return Invalid("unknown time zone \"" + name.substr(0, kLongestName) + "\": a plain name of the zone database such as " +
                 "Europe/Berlin is expected");
}

Result<Spec> Spec::Compile(const pb::ScheduleSpec& spec, std::string_view seed) {
  Spec compiled;
  for (const auto& calendar : spec.structured_calendar()) {
    WFE_ASSIGN_OR_RETURN(Calendar one, Calendar::Compile(calendar));
    if (one.Possible()) compiled.calendars_.push_back(std::move(one));
  }
  for (const auto& calendar : spec.exclude_structured_calendar()) {
    WFE_ASSIGN_OR_RETURN(Calendar one, Calendar::Compile(calendar));
    if (one.Possible()) compiled.excluded_.push_back(std::move(one));
  }
  for (const auto& interval : spec.interval()) {
    compiled.intervals_.push_back({interval.interval().seconds(), interval.phase().seconds()});
  }
  if (!spec.timezone_name().empty()) {
    WFE_ASSIGN_OR_RETURN(compiled.zone_, LoadZone(spec.timezone_name()));
  }
  // Nominal times are whole seconds: the first one not before start_time, the last one not after end_time.
  compiled.first_ = 0;
  if (spec.has_start_time()) {
    compiled.first_ =
        std::clamp<int64_t>(spec.start_time().seconds(), 0, kLastSecond) + (spec.start_time().nanos() > 0);
  }
  compiled.last_ = spec.has_end_time() ? std::min(kLastSecond, spec.end_time().seconds()) : kLastSecond;
  compiled.jitter_ms_ = FromProto(spec.jitter()) / std::chrono::milliseconds(1);
  Fnv1a hash;
  hash.Add(seed);
  compiled.seed_ = hash.value();
  return compiled;
}

std::optional<int64_t> Spec::NextRaw(int64_t after, Work& work) const {
  std::optional<int64_t> next;
  const auto consider = [&next](std::optional<int64_t> candidate) {
    if (candidate && (!next || *candidate < *next)) next = candidate;
  };
  if (!work.Spend(1 + static_cast<int64_t>(intervals_.size()))) return std::nullopt;
  for (const Interval& interval : intervals_) {
    const int64_t since = std::max<int64_t>(after, -1) - interval.phase;
    const int64_t periods = since >= 0 ? since / interval.every : -1;
    consider((periods + 1) * interval.every + interval.phase);
  }
  for (const Calendar& calendar : calendars_) consider(calendar.Next(after, zone_, work));
  // What was not looked at to its end may have been the next one.
  return work.exhausted() ? std::nullopt : next;
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

std::optional<int64_t> Spec::NextNominal(int64_t after, Work& work) const {
  after = std::max(after, first_ - 1);
  while (work.Spend(static_cast<int64_t>(excluded_.size()))) {
    const std::optional<int64_t> next = NextRaw(after, work);
    if (!next || *next > last_) return std::nullopt;
    const std::optional<int64_t> excluded = ExcludedUntil(*next);
    if (!excluded) return next;
    after = *excluded;
  }
  return std::nullopt;
}

std::optional<int64_t> Spec::LastNominal(int64_t low, int64_t high, Work& work) const {
  std::optional<int64_t> last = NextNominal(low, work);
  if (!last || *last > high) return std::nullopt;
  // `last` is one of them, and there is none in (empty_from, high].
  int64_t empty_from = high;
  while (*last < empty_from) {
    const int64_t middle = *last + (empty_from - *last) / 2;
    const std::optional<int64_t> next = NextNominal(middle, work);
    if (next && *next <= empty_from) {
      last = next;
    } else {
      empty_from = middle;
    }
  }
  return last;
}

ActionTime Spec::WithJitter(int64_t nominal, Work& work) const {
  ActionTime time{At(nominal), At(nominal)};
  if (jitter_ms_ == 0) return time;
  int64_t most = jitter_ms_;
  // Never as far as the next time, so that times keep their order.
  if (const auto following = NextRaw(nominal, work)) most = std::min(most, (*following - nominal) * 1000);
  const double share = static_cast<double>(Mix(seed_ ^ Mix(static_cast<uint64_t>(nominal))) >> 11) * 0x1.0p-53;
  time.actual += std::chrono::milliseconds(static_cast<int64_t>(std::floor(share * static_cast<double>(most))));
  return time;
}

std::optional<ActionTime> Spec::Next(Instant after, int64_t* spent) const {
  Work work(kMaxWork);
  const std::optional<ActionTime> next = Next(after, work);
  if (spent != nullptr) *spent += work.spent();
  return next;
}

std::optional<ActionTime> Spec::Next(Instant after, Work& work) const {
  const int64_t second = FloorSeconds(after);
  if (jitter_ms_ > 0) {
    // Only the latest of the nominal times that have passed can have its actual time still to come.
    if (const auto last = LastNominal(second - jitter_ms_ / 1000 - 1, second, work)) {
      const ActionTime time = WithJitter(*last, work);
      if (time.actual > after && !work.exhausted()) return time;
    }
  }
  const std::optional<int64_t> next = NextNominal(second, work);
  if (!next) return std::nullopt;
  const ActionTime time = WithJitter(*next, work);
  // A time whose follower was not found may have too much jitter.
  if (work.exhausted()) return std::nullopt;
  return time;
}

std::vector<Instant> Spec::Matching(Instant start, Instant end, size_t limit) const {
  std::vector<Instant> times;
  int64_t spent = 0;
  for (auto next = Next(start, &spent); next && next->actual <= end && times.size() < limit;
       next = Next(next->actual, &spent)) {
    times.push_back(next->actual);
    if (spent > kMaxWork) break;
  }
  return times;
}

}  // namespace wfe::schedules
