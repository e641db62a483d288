// Time as the engine sees it: instants on the wall clock's scale, handed in by a Clock.
// Deciding code never asks a clock; it is told `now`.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace wfe {

using Duration = std::chrono::nanoseconds;
/// Nanoseconds since the Unix epoch, UTC.
using Instant = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Where "now" comes from.  The real host's clock never goes backwards within one store (it is the engine's logical
/// clock: max of the wall clock and the last persisted time, fault model F8); the simulated one is moved by the test.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Callable from any thread.
  virtual Instant Now() const = 0;
};

/// The machine's wall clock, for programs outside the engine.
class SystemClock final : public Clock {
 public:
  Instant Now() const override { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }
};

/// A clock the test moves.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Instant start = Instant(std::chrono::seconds(1'700'000'000))) : now_(start) {}
  Instant Now() const override { return now_; }
  void Advance(Duration by) { now_ += by; }
  void Set(Instant now) { now_ = now; }

 private:
  Instant now_;
};

/// "2026-11-21T05:15:02.123Z": UTC with milliseconds (LG-3).
std::string FormatIso8601Millis(Instant instant);

/// Reads what FormatIso8601Millis writes, with 0 to 9 fractional digits; nullopt for anything else.
std::optional<Instant> ParseIso8601(std::string_view text);

}  // namespace wfe
