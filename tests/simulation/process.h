// A simulated operating-system process: strands, timers, and a sudden end.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/executor.h"
#include "tests/simulation/event_loop.h"

namespace wfe::simulation {

class Process;

/// One function at a time.  Strands of a process that are ready at once take turns in an order that the seed chooses.
class Strand final : public Executor {
 public:
  Strand(EventLoop& loop, std::string name, Duration pace) : loop_(loop), name_(std::move(name)), pace_(pace) {}

  void Post(Function<void()> work) override;
  bool OnStrand() const override { return running_; }
  /// Runs `work` as if it had been posted and its turn had come.
  void RunNow(const std::function<void()>& work);

 private:
  friend class Process;
  void Schedule();
  void RunOne();
  void Kill();

  EventLoop& loop_;
  const std::string name_;
  const Duration pace_;
  std::deque<Function<void()>> work_;
  bool scheduled_ = false;
  bool running_ = false;
  // Events of the loop hold it weakly: after the end of the process they do nothing.
  std::shared_ptr<Strand*> alive_ = std::make_shared<Strand*>(this);
};

/// Owns its strands; nothing of it runs after Kill.  Kill comes first, then what lived in the process is destroyed,
/// then the process.
class Process final : public TimerService {
 public:
  /// `pace`: how long a turn of a strand lets the next one wait, at most.
  Process(EventLoop& loop, std::string name, Duration pace) : loop_(loop), name_(std::move(name)), pace_(pace) {}

  Strand& AddStrand(const std::string& name);
  const std::string& name() const { return name_; }
  EventLoop& loop() { return loop_; }

  TimerId After(Duration delay, Executor& executor, Function<void()> work) override;
  void Cancel(TimerId id) override;

  /// What waits is dropped, and whatever is posted from now on too.
  void Kill();

 private:
  struct Timer {
    Executor* executor;
    Function<void()> work;
  };

  EventLoop& loop_;
  const std::string name_;
  const Duration pace_;
  bool alive_ = true;
  std::vector<std::unique_ptr<Strand>> strands_;
  TimerId next_timer_ = 1;
  std::shared_ptr<std::map<TimerId, Timer>> timers_ = std::make_shared<std::map<TimerId, Timer>>();
};

}  // namespace wfe::simulation
