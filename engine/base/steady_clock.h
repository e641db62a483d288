// The clock that is never put right.
#pragma once

#include <chrono>

#include "engine/base/time.h"

namespace wfe {

/// Time since the machine started, which nobody sets: the scale of deadlines of those who wait.
class SteadyClock final : public Clock {
 public:
  Instant Now() const override {
    return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
  }
};

}  // namespace wfe
