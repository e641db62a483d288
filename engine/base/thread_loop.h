// One thread that is a strand and a timer service: the event loop of worker processes and small tools.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/base/executor.h"

namespace wfe {

class ThreadLoop final : public Executor, public TimerService {
 public:
  ThreadLoop();
  /// Stops after the function that runs now; functions still queued and timers still pending are dropped.
  ~ThreadLoop() override;

  void Post(Function<void()> work) override;
  bool OnStrand() const override { return std::this_thread::get_id() == thread_.get_id(); }

  /// Measured on the steady clock.
  TimerId After(Duration delay, Executor& executor, Function<void()> work) override;
  void Cancel(TimerId id) override;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Timer {
    Executor* executor;
    Function<void()> work;
  };

  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::vector<Function<void()>> queue_;
  std::map<std::pair<Time, TimerId>, Timer> timers_;
  std::map<TimerId, Time> due_;
  TimerId next_id_ = 1;
  bool stopping_ = false;

  std::thread thread_;  // last: it uses everything above
};

}  // namespace wfe
