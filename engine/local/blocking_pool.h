// Threads for calls that read much or wait for the disk, apart from those that replies, timers and strands need.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/base/executor.h"

namespace wfe::local {

/// Runs functions in the order they come, several at a time.  Its queue has no limit of its own: who posts asks the
/// frontend's Admission first.  Thread-safe.
class BlockingPool final : public Executor {
 public:
  explicit BlockingPool(int threads);
  ~BlockingPool() override;

  void Post(Function<void()> work) override;
  bool OnStrand() const override { return false; }
  /// Returns when no function runs any more; those that wait are dropped.
  void Stop();

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::deque<Function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace wfe::local
