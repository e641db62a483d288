// How code that may own no thread gets things run: now-ish on its strand, or later.
// The real host implements these with strands and a timer wheel, the simulated host with one event queue.
#pragma once

#include <cstdint>

#include "engine/base/function.h"
#include "engine/base/time.h"

namespace wfe {

/// A strand: functions posted to it run one at a time, in order.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Callable from any thread.  `work` never runs inside the call of Post made from this very strand.
  virtual void Post(Function<void()> work) = 0;
  /// True inside a function that this executor runs.
  virtual bool OnStrand() const = 0;
};

/// Runs a function later.
class TimerService {
 public:
  using TimerId = uint64_t;
  virtual ~TimerService() = default;
  /// Posts `work` to `executor` when `delay` has passed.  Callable from any thread.
  virtual TimerId After(Duration delay, Executor& executor, Function<void()> work) = 0;
  /// Forgets the timer.  Its function may still run when it was already posted; callers check.
  virtual void Cancel(TimerId id) = 0;
};

}  // namespace wfe
