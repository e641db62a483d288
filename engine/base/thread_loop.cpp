#include "engine/base/thread_loop.h"

#include <utility>

namespace wfe {

ThreadLoop::ThreadLoop() : thread_([this] { Run(); }) {}

ThreadLoop::~ThreadLoop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void ThreadLoop::Post(Function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    if (queue_.size() > 1) return;  // the thread has been woken already
  }
  wake_.notify_one();
}

TimerService::TimerId ThreadLoop::After(Duration delay, Executor& executor, Function<void()> work) {
  const Time due =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(delay);
  TimerId id = 0;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    id = next_id_++;
    const auto [entry, inserted] = timers_.emplace(std::pair(due, id), Timer{&executor, std::move(work)});
    due_.emplace(id, due);
    first = entry == timers_.begin();
  }
  if (first) wake_.notify_one();
  return id;
}

void ThreadLoop::Cancel(TimerId id) {
  Timer dropped{};  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  const auto found = due_.find(id);
  if (found == due_.end()) return;
  const auto timer = timers_.find({found->second, id});
  dropped = std::move(timer->second);
  timers_.erase(timer);
  due_.erase(found);
}

void ThreadLoop::Run() {
  std::vector<Function<void()>> batch;
  std::vector<Timer> fired;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Time now = std::chrono::steady_clock::now();
    while (!timers_.empty() && timers_.begin()->first.first <= now) {
      auto node = timers_.extract(timers_.begin());
      due_.erase(node.key().second);
      fired.push_back(std::move(node.mapped()));
    }
    if (fired.empty() && queue_.empty()) {
      if (timers_.empty()) {
        wake_.wait(lock);
      } else {
        const Time due = timers_.begin()->first.first;  // a copy: the timer may be cancelled during the wait
        wake_.wait_until(lock, due);
      }
      continue;
    }
    std::swap(batch, queue_);
    lock.unlock();
    for (Timer& timer : fired) timer.executor->Post(std::move(timer.work));
    for (Function<void()>& work : batch) {
      work();
      work = nullptr;
    }
    fired.clear();
    batch.clear();
    lock.lock();
  }
}

}  // namespace wfe
