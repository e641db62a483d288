#include "tests/simulation/process.h"

namespace wfe::simulation {

void Strand::Post(Function<void()> work) {
  if (!alive_) return;
  work_.push_back(std::move(work));
  if (!scheduled_ && !running_) Schedule();
}

void Strand::Schedule() {
  scheduled_ = true;
  const Duration wait = loop_.random().Between(Duration(1), pace_);
  loop_.After(wait, [weak = std::weak_ptr(alive_)] {
    if (const auto strand = weak.lock()) (*strand)->RunOne();
  });
}

void Strand::RunOne() {
  scheduled_ = false;
  Function<void()> work = std::move(work_.front());
  work_.pop_front();
  loop_.Mark(name_);
  running_ = true;
  work();
  work = nullptr;  // What it captured is destroyed on the strand, too.
  running_ = false;
  if (alive_ && !work_.empty()) Schedule();
}

void Strand::RunNow(const std::function<void()>& work) {
  running_ = true;
  work();
  running_ = false;
  if (alive_ && !work_.empty() && !scheduled_) Schedule();
}

void Strand::Kill() {
  alive_ = nullptr;
  // What the functions own may post while it is destroyed.
  std::deque<Function<void()>> dropped;
  dropped.swap(work_);
}

Strand& Process::AddStrand(const std::string& name) {
  strands_.push_back(std::make_unique<Strand>(loop_, name_ + "/" + name, pace_));
  return *strands_.back();
}

TimerService::TimerId Process::After(Duration delay, Executor& executor, Function<void()> work) {
  if (!alive_) return 0;
  const TimerId id = next_timer_++;
  timers_->emplace(id, Timer{&executor, std::move(work)});
  loop_.After(delay, [weak = std::weak_ptr(timers_), id] {
    const auto timers = weak.lock();
    if (!timers) return;
    const auto found = timers->find(id);
    if (found == timers->end()) return;
    Timer timer = std::move(found->second);
    timers->erase(found);
    timer.executor->Post(std::move(timer.work));
  });
  return id;
}

void Process::Cancel(TimerId id) {
  if (timers_) timers_->erase(id);
}

void Process::Kill() {
  alive_ = false;
  for (const auto& strand : strands_) strand->Kill();
  const auto dropped = std::exchange(timers_, nullptr);
}

}  // namespace wfe::simulation
