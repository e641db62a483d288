// One timer for many deadlines.
#pragma once

#include <optional>

#include "engine/base/executor.h"
#include "engine/base/function.h"
#include "engine/base/time.h"

namespace wfe::shard {

/// Wakes its owner when the earliest of its deadlines has come.  The owner keeps the deadlines and says, whenever they
/// change, which one is next.  Belongs to one strand, on which everything here is called, and outlives its timers.
class DeadlineTimer {
 public:
  /// `clock` is the scale of the deadlines.  No sleep is longer than a minute: timers count the time a machine is awake,
  /// deadlines on the wall clock do not (F8).
  DeadlineTimer(const Clock& clock, TimerService& timers, Executor& strand, Function<void()> wake)
      : clock_(clock), timers_(timers), strand_(strand), wake_(std::move(wake)) {}
  DeadlineTimer(const DeadlineTimer&) = delete;
  DeadlineTimer& operator=(const DeadlineTimer&) = delete;

  /// The owner is woken at `next`, or earlier when an earlier deadline was named and has passed on since; nullopt:
  /// nothing new to wait for.
  void Arm(std::optional<Instant> next);
  /// No wake from here on, and Arm does nothing.
  void Stop();

 private:
  const Clock& clock_;
  TimerService& timers_;
  Executor& strand_;
  Function<void()> wake_;
  std::optional<Instant> armed_for_;
  TimerService::TimerId timer_ = 0;
  bool stopped_ = false;
};

}  // namespace wfe::shard
