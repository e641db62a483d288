// What was answered and not yet read: callers that never read must not fill the memory (F17, SEC-M1).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include "engine/base/time.h"

namespace wfe::host {

/// Counts the bytes of answers on their way, and knows since when the large ones are.  Thread-safe.
class AnswerBudget {
 public:
  AnswerBudget(int64_t max_bytes, Duration patience) : max_bytes_(max_bytes), patience_(patience) {}

  /// An answer of so many bytes goes out.  False: too much waits to be read already.
  bool Take(int64_t bytes);
  void Give(int64_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  /// Answers below it are counted but not watched: their callers' connections bound them.
  static constexpr int64_t kWatchedBytes = 16 << 10;

  /// `end` ends the call, unless Unwatch came first; it may come out of `end` itself.
  uint64_t Watch(Instant since, std::function<void()> end);
  void Unwatch(uint64_t id);
  /// Ends the calls whose answers were not read in time; returns how many.
  size_t EndSlow(Instant now);

 private:
  struct Watched {
    Instant since;
    std::function<void()> end;
  };
  const int64_t max_bytes_;
  const Duration patience_;
  std::atomic<int64_t> bytes_ = 0;

  // Recursive: gRPC may finish the call inside `end`, on the same thread.  Held during `end`, so that a call which
  // finishes on another thread is not taken apart meanwhile.
  std::recursive_mutex mutex_;
  uint64_t next_ = 1;
  std::map<uint64_t, Watched> watched_;  // in order of their times; guarded by mutex_
};

}  // namespace wfe::host
