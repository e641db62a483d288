#include "workers/host/thread_pool_activity_executor.h"

#include "engine/base/check.h"
#include "engine/base/strand.h"

namespace wfe::worker {

ThreadPoolActivityExecutor::ThreadPoolActivityExecutor(size_t threads) {
  WFE_CHECK(threads > 0, "a pool of activities needs a thread");
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { RunThread(); });
}

ThreadPoolActivityExecutor::~ThreadPoolActivityExecutor() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPoolActivityExecutor::Execute(std::shared_ptr<sdk::ActivityContext> context, Work work, Done done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(context), std::move(work), std::move(done)});
  }
  changed_.notify_one();
}

void ThreadPoolActivityExecutor::RunThread() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Item item = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    // The scope covers the delivery alone.  Around the activity it would give this thread the worker's strand with the
    // activity's first heartbeat, and keep it until the activity ends: nothing else would run in the worker (RW-D1).
    auto result = item.work();
    {
      const InlineScope scope;  // The worker's strand, when idle, goes on from this thread.
      item.done(std::move(result));
    }
    item = {};  // What the activity held goes before the next one comes.
    lock.lock();
  }
}

}  // namespace wfe::worker
