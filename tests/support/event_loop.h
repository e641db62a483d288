// One thread, virtual time: everything posted runs in order, timers fire when the test moves the clock.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "engine/base/executor.h"
#include "engine/base/time.h"

namespace wfe::support {

/// Executor, TimerService and Clock in one.  Not thread-safe.
class EventLoop final : public Executor, public TimerService, public Clock {
 public:
  explicit EventLoop(Instant start = Instant(std::chrono::seconds(1'700'000'000))) : now_(start) {}

  // Executor
  void Post(Function<void()> work) override { ready_.push_back(std::move(work)); }
  bool OnStrand() const override { return running_; }

  // TimerService
  TimerId After(Duration delay, Executor& executor, Function<void()> work) override {
    const TimerId id = next_timer_++;
    const Instant due = now_ + std::max(delay, Duration::zero());
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

  // Clock
  Instant Now() const override { return now_; }

  /// Runs what is ready, and what that makes ready, at the present instant.
  void RunReady() {
    while (!ready_.empty()) {
      Function<void()> work = std::move(ready_.front());
      ready_.pop_front();
      const bool outer = std::exchange(running_, true);
      work();
      running_ = outer;
    }
  }

  /// Lets `duration` pass: every timer due in it fires at its own time.
  void RunFor(Duration duration) {
    const Instant end = now_ + duration;
    RunReady();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      auto timer = timers_.extract(timers_.begin());
      due_.erase(timer.key().second);
      now_ = std::max(now_, timer.key().first);
      timer.mapped().executor->Post(std::move(timer.mapped().work));
      RunReady();
    }
    now_ = end;
  }

  /// Posts and runs: for calls that must be made on the strand.
  template <class F>
  void OnLoop(F work) {
    Post(std::move(work));
    RunReady();
  }

 private:
  struct Timer {
    Executor* executor = nullptr;
    Function<void()> work;
  };

  Instant now_;
  std::deque<Function<void()>> ready_;
  std::map<std::pair<Instant, TimerId>, Timer> timers_;
  std::map<TimerId, Instant> due_;
  TimerId next_timer_ = 1;
  bool running_ = false;
};

}  // namespace wfe::support
