// When a schedule acts: the union of its calendars and intervals, less what is excluded, within its bounds, with its
// jitter (S97).
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/schedules/calendar.h"
#include "temporal/api/schedule/v1/message.pb.h"

namespace wfe::schedules {

/// One due time.
struct ActionTime {
  Instant nominal;  ///< What the spec says; whole seconds.
  Instant actual;   ///< With jitter; always before the nominal time that follows.
  friend bool operator==(const ActionTime&, const ActionTime&) = default;
};

/// The spec as it is stored and described: calendars and cron expressions become structured calendars and intervals.
/// INVALID_ARGUMENT begins with "Invalid schedule spec: ", which SDKs look for.
Result<temporal::api::schedule::v1::ScheduleSpec> Canonical(temporal::api::schedule::v1::ScheduleSpec spec);

/// The steps one answer of a Spec may take; some hundredths of a second.
inline constexpr int64_t kMaxWork = 500'000;

/// A zone of the machine's database, named as it is there: "Europe/Berlin", "UTC", "Etc/GMT+1".  Nothing else is opened,
/// no path and no pipe (SEC-H1).  INVALID_ARGUMENT quotes what was given.
Result<absl::TimeZone> LoadZone(const std::string& name);

/// Immutable; plain arithmetic.  The rules of time zones come from the machine's zone database.
class Spec {
 public:
  /// `spec` is canonical.  `seed` makes the jitter of one schedule differ from that of another, and stay (S96).
  static Result<Spec> Compile(const temporal::api::schedule::v1::ScheduleSpec& spec, std::string_view seed);

  /// The first action time whose actual time is after `after`.  A spec that takes more than kMaxWork steps to its next
  /// time ends there.  `spent`, if given, grows by the steps taken.
  std::optional<ActionTime> Next(Instant after, int64_t* spent = nullptr) const;
  /// The actual times in (start, end], at most `limit` of them, and no more than can be found in kMaxWork steps.
  std::vector<Instant> Matching(Instant start, Instant end, size_t limit) const;

 private:
  struct Interval {
    int64_t every;
    int64_t phase;
  };
  /// The first nominal second after `after`, excluded or not.
  std::optional<int64_t> NextRaw(int64_t after, Work& work) const;
  /// The same within the bounds and not excluded.
  std::optional<int64_t> NextNominal(int64_t after, Work& work) const;
  /// The last one in (low, high].
  std::optional<int64_t> LastNominal(int64_t low, int64_t high, Work& work) const;
  /// When `second` is excluded: the last second that is known to be excluded with it.
  std::optional<int64_t> ExcludedUntil(int64_t second) const;
  ActionTime WithJitter(int64_t nominal, Work& work) const;
  std::optional<ActionTime> Next(Instant after, Work& work) const;

  std::vector<Calendar> calendars_;
  std::vector<Calendar> excluded_;
  std::vector<Interval> intervals_;
  absl::TimeZone zone_ = absl::UTCTimeZone();
  int64_t first_ = 0;  // bounds of nominal times, both included
  int64_t last_ = 0;
  int64_t jitter_ms_ = 0;
  uint64_t seed_ = 0;
};

}  // namespace wfe::schedules
