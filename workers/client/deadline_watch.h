// Ends calls whose time is over, with one timer for all of them.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "engine/base/executor.h"
#include "engine/base/time.h"

namespace wfe::client {

/// `Calls` has `Instant Expire(Instant now)`, which ends the calls whose time is over and says when the next one's is, and
/// `Instant NextExpiry() const`; Instant::max() when no call waits.  Thread-safe.
template <class Calls>
class DeadlineWatch : public std::enable_shared_from_this<DeadlineWatch<Calls>> {
 public:
  /// The references outlive the timers that `timers` still holds.
  DeadlineWatch(std::weak_ptr<Calls> calls, TimerService& timers, Executor& executor, const Clock& monotonic)
      : calls_(std::move(calls)), timers_(timers), executor_(executor), monotonic_(monotonic) {}

  /// A call has been added.  It is ended at most a second late, so that one more call costs no timer.
  void Added() {
    if (!running_.exchange(true)) Wait();
  }

 private:
  static constexpr Duration kLongest = std::chrono::seconds(1);
  static constexpr Duration kShortest = std::chrono::milliseconds(50);

  void Wait() {
    const auto calls = calls_.lock();
    if (calls == nullptr) return;
    const Duration until = calls->NextExpiry() - monotonic_.Now();
    timers_.After(std::clamp(until, kShortest, kLongest), executor_, [weak = this->weak_from_this()] {
      if (const auto self = weak.lock()) self->Look();
    });
  }

  void Look() {
    const auto calls = calls_.lock();
    if (calls == nullptr) return;
    if (calls->Expire(monotonic_.Now()) != Instant::max()) return Wait();
    running_ = false;
    // One may have come just before.
    if (calls->NextExpiry() != Instant::max()) Added();
  }

  const std::weak_ptr<Calls> calls_;
  TimerService& timers_;
  Executor& executor_;
  const Clock& monotonic_;
  std::atomic<bool> running_ = false;
};

}  // namespace wfe::client
