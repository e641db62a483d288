// A bounded pool of threads for activities.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "workers/host/activity_executor.h"

namespace wfe::worker {

/// At most `threads` activities at a time; the rest wait in order.  The worker takes no more tasks than it has slots
/// for, so give it as many slots as the pool has threads.  Thread-safe.
class ThreadPoolActivityExecutor final : public ActivityExecutor {
 public:
  explicit ThreadPoolActivityExecutor(size_t threads);
  /// Runs what was accepted, then joins: cancel the activities first (Worker::Shutdown does).
  ~ThreadPoolActivityExecutor() override;

  void Execute(std::shared_ptr<sdk::ActivityContext> context, Work work, Done done) override;

 private:
  struct Item {
    std::shared_ptr<sdk::ActivityContext> context;
    Work work;
    Done done;
  };

  void RunThread();

  std::mutex mutex_;
  std::condition_variable changed_;  // guards with mutex_:
  std::deque<Item> waiting_;
  bool closing_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace wfe::worker
