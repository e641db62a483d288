// A whole process on one thread: strands, timers and a clock that only its owner moves.  Deterministic.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/executor.h"
#include "engine/base/function.h"
#include "engine/base/time.h"

namespace wfe::demo {

/// Runs what was posted in the order it was posted, and timers when the clock is moved past them.  One thread.
class StrandLoop final : public TimerService, public Clock {
 public:
  /// A strand of the loop.  The loop outlives it.
  class Strand final : public Executor {
   public:
    explicit Strand(StrandLoop& loop) : loop_(loop) {}
    void Post(Function<void()> work) override { loop_.ready_.emplace_back(this, std::move(work)); }
    bool OnStrand() const override { return loop_.running_ == this; }

   private:
    StrandLoop& loop_;
  };

  explicit StrandLoop(Instant start = Instant(std::chrono::seconds(1'700'000'000))) : now_(start) {}

  Instant Now() const override { return now_; }

  TimerId After(Duration delay, Executor& executor, Function<void()> work) override {
    const TimerId id = ++next_timer_;
    const Instant due = delay > Instant::max() - now_ ? Instant::max() : now_ + std::max(delay, Duration::zero());
    timers_.emplace(std::pair(due, id), Timer{&executor, std::move(work)});
    due_.emplace(id, due);
    return id;
  }
  void Cancel(TimerId id) override {
    const auto found = due_.find(id);
    if (found == due_.end()) return;
    timers_.erase({found->second, id});
    due_.erase(found);
  }

  /// Runs until nothing is ready.  When it runs dry, `when_idle` may bring more: it returns false when it did nothing.
  void RunReady() {
    do {
      while (!ready_.empty()) {
        auto [strand, work] = std::move(ready_.front());
        ready_.pop_front();
        Strand* const outer = std::exchange(running_, strand);
        work();
        running_ = outer;
      }
    } while (when_idle && when_idle());
  }

  /// Moves the clock, stopping at every timer on the way.
  void Advance(Duration by) {
    const Instant until = now_ + by;
    RunReady();
    while (RunNextTimer(until)) {
    }
    now_ = until;
    RunReady();
  }

  /// Moves the clock to the next timer and runs it and what follows from it; false, and nothing moves, when none is due
  /// by `limit`.
  bool RunNextTimer(Instant limit) {
    if (timers_.empty() || timers_.begin()->first.first > limit) return false;
    auto [key, timer] = std::move(*timers_.begin());
    timers_.erase(timers_.begin());
    due_.erase(key.second);
    now_ = std::max(now_, key.first);
    timer.executor->Post(std::move(timer.work));
    RunReady();
    return true;
  }

  /// As if the machine had slept until then: what fell due in between runs late, in its order, all at `instant`.
  void SleepUntil(Instant instant) {
    RunReady();
    now_ = std::max(now_, instant);
    while (RunNextTimer(now_)) {
    }
  }

  /// What a crash leaves of a process: nothing that was to happen.
  void DropEverything() {
    ready_.clear();
    timers_.clear();
    due_.clear();
  }

  Function<bool()> when_idle;

 private:
  struct Timer {
    Executor* executor;
    Function<void()> work;
  };
  Instant now_;
  std::deque<std::pair<Strand*, Function<void()>>> ready_;
  std::map<std::pair<Instant, TimerId>, Timer> timers_;
  std::map<TimerId, Instant> due_;
  TimerId next_timer_ = 0;
  Strand* running_ = nullptr;
};

}  // namespace wfe::demo
