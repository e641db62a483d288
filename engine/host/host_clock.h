// The engine's logical clock: the wall clock, but never backwards and never behind what the store has seen (F8).
#pragma once

#include <atomic>

#include "engine/base/time.h"

namespace wfe::host {

class HostClock final : public Clock {
 public:
  Instant Now() const override {
    int64_t now = wall_.Now().time_since_epoch().count();
    int64_t last = last_.load(std::memory_order_relaxed);
    while (now > last && !last_.compare_exchange_weak(last, now, std::memory_order_relaxed)) {
    }
    return Instant(Duration(now > last ? now : last));
  }
  /// From now on the clock is at least here.
  void NotBefore(Instant instant) {
    const int64_t floor = instant.time_since_epoch().count();
    int64_t last = last_.load(std::memory_order_relaxed);
    while (floor > last && !last_.compare_exchange_weak(last, floor, std::memory_order_relaxed)) {
    }
  }

 private:
  SystemClock wall_;
  mutable std::atomic<int64_t> last_ = 0;
};

}  // namespace wfe::host
