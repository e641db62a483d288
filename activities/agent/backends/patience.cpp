#include "activities/agent/backends/patience.h"

#include <absl/time/time.h>

#include <algorithm>
#include <cmath>

namespace wfe::agent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kFirstWait = seconds(1);
constexpr Duration kLongestWait = minutes(5);

/// 1, 2, 4 … seconds to 5 minutes, of which the last quarter is left to chance.
Duration OwnWait(int failures, double chance) {
  const double full =
      std::min(std::chrono::duration<double>(kLongestWait).count(),
               std::chrono::duration<double>(kFirstWait).count() * std::pow(2, std::min(failures - 1, 20)));
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(full * (0.75 + 0.25 * chance)));
}

}  // namespace

Instant NextQuotaReset(Instant now) {
  absl::TimeZone pacific;
  // Without the machine's table of zones: winter time, whose midnight is never earlier than the true one.
  if (!absl::LoadTimeZone("America/Los_Angeles", &pacific)) pacific = absl::FixedTimeZone(-8 * 3600);
  const absl::CivilDay today(pacific.At(absl::FromChrono(now)).cs);
  return std::chrono::time_point_cast<Duration>(absl::ToChronoTime(pacific.At(absl::CivilSecond(today + 1)).pre));
}

std::string PlainDuration(Duration duration) {
  const int64_t whole = std::chrono::duration_cast<seconds>(duration).count();
  if (whole >= 3600 && whole % 3600 < 60) return std::to_string(whole / 3600) + " h";
  if (whole >= 120) return std::to_string(whole / 60) + " min";
  return std::to_string(whole) + " s";
}

NextTry DecideNextTry(const ModelError& error, const Unavailability& unavailable, Instant now, Duration patience,
                      double chance) {
  const Instant end = unavailable.since + patience;
  const Duration waited = now - unavailable.since;
  if (now >= end) {
    const std::string when =
        patience > Duration::zero() ? "for " + PlainDuration(waited) + ": " : "and may not be waited for: ";
    return {.give_up = true, .message = "the model was unavailable " + when + error.message};
  }
  Duration delay = OwnWait(unavailable.failures, chance);
  bool named_by_server = false;
  if (error.daily_quota) {
    // Not all at the same second.
    delay = NextQuotaReset(now) - now + std::chrono::duration_cast<Duration>(seconds(60) * chance);
    named_by_server = true;
  } else if (error.retry_delay) {
    // A server that says "at once" again and again is asked less and less often all the same.
    delay = unavailable.failures <= 3 ? *error.retry_delay
                                      : std::max(*error.retry_delay, OwnWait(unavailable.failures - 3, chance));
    named_by_server = *error.retry_delay > kLongestWait;
  }
  if (now + delay > end) {
    if (named_by_server) {
      return {.give_up = true,
              .message = "the model is unavailable for another " + PlainDuration(delay) + ", longer than the " +
                         PlainDuration(patience) + " that the step waits: " + error.message};
    }
    delay = end - now;  // one last try
  }
  return {.delay = delay, .message = error.message};
}

}  // namespace wfe::agent
