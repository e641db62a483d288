// One calendar of a schedule: which civil times it matches, and when that is in a time zone (S97).
#pragma once

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/result.h"
#include "temporal/api/schedule/v1/message.pb.h"

namespace wfe::schedules {

/// Calendars know the years up to this one, as Temporal's do.
inline constexpr int kLastYear = 2100;

/// A StructuredCalendarSpec as bit masks.  Civil times are matched literally: a time that a zone skips when its clocks
/// go forward does not occur, and one that it repeats when they go back occurs twice.
class Calendar {
 public:
  /// INVALID_ARGUMENT names the field that is out of its bounds.
  static Result<Calendar> Compile(const temporal::api::schedule::v1::StructuredCalendarSpec& spec);

  /// The first second after `after` (Unix time) that matches in `zone`.
  std::optional<int64_t> Next(int64_t after, const absl::TimeZone& zone) const;
  bool Matches(const absl::CivilSecond& civil) const;

  /// True when it matches at every second of a day that it matches at all, or of an hour.  What excludes whole days or
  /// hours need not be asked second by second.
  bool WholeDays() const;
  bool WholeHours() const;

 private:
  std::optional<absl::CivilSecond> NextCivil(const absl::CivilSecond& from, const absl::CivilSecond& last) const;
  std::optional<absl::CivilSecond> NextInDay(const absl::CivilSecond& from) const;
  bool MatchesYear(int64_t year) const;
  bool MatchesDay(const absl::CivilDay& day) const;

  uint64_t seconds_ = 0;
  uint64_t minutes_ = 0;
  uint64_t hours_ = 0;
  uint64_t days_of_month_ = 0;
  uint64_t months_ = 0;
  uint64_t days_of_week_ = 0;                              // bit 0 is Sunday
  std::vector<temporal::api::schedule::v1::Range> years_;  // empty: all
};

/// Gives every range its end and its step: the form in which a schedule is described.
void NormalizeRanges(temporal::api::schedule::v1::StructuredCalendarSpec* spec);

}  // namespace wfe::schedules
