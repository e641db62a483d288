// One calendar of a schedule: which civil times it matches, and when that is in a time zone (S97).
#pragma once

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>

#include "engine/base/result.h"
#include "temporal/api/schedule/v1/message.pb.h"

namespace wfe::schedules {

/// Calendars know the years up to this one, as Temporal's do.
inline constexpr int kLastYear = 2100;

inline constexpr int kFirstYear = 1970;
/// Ranges of one field: enough for any list of values.
inline constexpr int kMaxRanges = 100;

/// What one answer may cost, counted in months, days and changes of a zone's clock that were looked at.  Whoever asks
/// on a strand asks for all that it serves (SEC-H1).
class Work {
 public:
  explicit Work(int64_t allowed) : left_(allowed), allowed_(allowed) {}
  /// False when there is nothing left: the answer is "none".
  bool Spend(int64_t steps = 1) {
    left_ -= steps;
    return left_ >= 0;
  }
  bool exhausted() const { return left_ < 0; }
  int64_t spent() const { return allowed_ - left_; }

 private:
  int64_t left_;
  int64_t allowed_;
};

/// A StructuredCalendarSpec as bit masks.  Civil times are matched literally: a time that a zone skips when its clocks
/// go forward does not occur, and one that it repeats when they go back occurs twice.
class Calendar {
 public:
  /// INVALID_ARGUMENT names the field that is out of its bounds.
  static Result<Calendar> Compile(const temporal::api::schedule::v1::StructuredCalendarSpec& spec);

  /// The first second after `after` (Unix time) that matches in `zone`.
  std::optional<int64_t> Next(int64_t after, const absl::TimeZone& zone, Work& work) const;
  bool Matches(const absl::CivilSecond& civil) const;

  /// True when it matches at every second of a day that it matches at all, or of an hour.  What excludes whole days or
  /// hours need not be asked second by second.
  bool WholeDays() const;
  bool WholeHours() const;
  /// False for what never comes, such as the 30th of February.
  bool Possible() const { return last_day_.has_value(); }

 private:
  std::optional<absl::CivilSecond> NextCivil(const absl::CivilSecond& from, const absl::CivilSecond& last,
                                             Work& work) const;
  std::optional<absl::CivilSecond> NextInDay(const absl::CivilSecond& from) const;
  bool MatchesYear(int64_t year) const;
  /// The days of a month that match, as bits 1 to 31.
  uint32_t DaysOf(const absl::CivilMonth& month) const;
  void FindLastDay();

  uint64_t seconds_ = 0;
  uint64_t minutes_ = 0;
  uint64_t hours_ = 0;
  uint64_t months_ = 0;
  std::bitset<kLastYear - kFirstYear + 1> years_;
  std::array<uint32_t, 7> days_{};  // that match, by the day of week (0 is Sunday) on which the month begins
  std::optional<absl::CivilDay> last_day_;
};

/// Gives every range its end and its step: the form in which a schedule is described.
void NormalizeRanges(temporal::api::schedule::v1::StructuredCalendarSpec* spec);

}  // namespace wfe::schedules
