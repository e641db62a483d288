// The engine's logical clock: the wall clock, but never backwards and never behind what the store has seen (F8).
#pragma once

#include <algorithm>
#include <atomic>
#include <mutex>

#include "engine/base/steady_clock.h"
#include "engine/base/time.h"

namespace wfe::local {

/// While the wall clock is behind, time goes on at three quarters of its pace, by the monotonic clock, until the wall
/// has caught up: a clock that was ahead once and is put right delays timers for a while and stops nothing (SEC-H3).
/// Thread-safe.
class HostClock final : public Clock {
 public:
  /// Both outlive the clock.
  HostClock(const Clock& wall, const Clock& monotonic) : wall_(wall), monotonic_(monotonic) {}

  Instant Now() const override {
    const int64_t wall = wall_.Now().time_since_epoch().count();
    const int64_t last = last_.load(std::memory_order_relaxed);
    if (!behind_.load(std::memory_order_relaxed)) {
      if (wall >= last) return Advance(wall);
      // Another thread has read the clock a moment later.
      if (last - wall < kSlack) return At(last);
    }
    return Behind(wall);
  }

  /// From now on the clock is at least here.
  void NotBefore(Instant instant) { Advance(instant.time_since_epoch().count()); }

  /// How far the clock is ahead of the wall; zero when they agree.
  Duration Ahead() const {
    const Duration ahead = Now() - wall_.Now();
    return ahead < Duration(kSlack) ? Duration::zero() : ahead;
  }

 private:
  static constexpr int64_t kSlack = 1'000'000;  // a millisecond

  static Instant At(int64_t count) { return Instant(Duration(count)); }

  Instant Advance(int64_t to) const {
    int64_t last = last_.load(std::memory_order_relaxed);
    while (to > last && !last_.compare_exchange_weak(last, to, std::memory_order_relaxed)) {
    }
    return At(to > last ? to : last);
  }

  Instant Behind(int64_t wall) const {
    const std::lock_guard lock(mutex_);
    const int64_t passed = monotonic_.Now().time_since_epoch().count();
    if (!behind_.load(std::memory_order_relaxed)) {
      since_ = passed;
      from_ = last_.load(std::memory_order_relaxed);
    }
    const int64_t paced = from_ + (passed - since_) / 4 * 3;
    behind_.store(wall < paced, std::memory_order_relaxed);
    return Advance(std::max(wall, paced));
  }

  const Clock& wall_;
  const Clock& monotonic_;
  mutable std::atomic<int64_t> last_ = 0;
  mutable std::atomic<bool> behind_ = false;
  mutable std::mutex mutex_;
  // Guarded by mutex_: where both clocks stood when the wall was first seen to be behind.
  mutable int64_t since_ = 0;
  mutable int64_t from_ = 0;
};

}  // namespace wfe::local
