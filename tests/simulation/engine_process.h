// The engine as a simulated process on a disk that outlives it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/log.h"
#include "engine/frontend/engine.h"
#include "engine/storage/memory_key_value_store.h"
#include "engine/storage/store.h"
#include "tests/simulation/network.h"
#include "tests/simulation/options.h"
#include "tests/simulation/process.h"

namespace wfe::simulation {

/// The machine's wall clock, which somebody sets now and then, and on top of it the engine's logical clock that never
/// goes backwards (F8).
class EngineClock final : public Clock {
 public:
  explicit EngineClock(const EventLoop& loop) : loop_(loop) {}
  Instant Now() const override {
    last_ = std::max(last_, loop_.Now() + offset_);
    return last_;
  }
  /// The same, without making it true: for whoever only looks.
  Instant Peek() const { return std::max(last_, loop_.Now() + offset_); }
  void Jump(Duration by) { offset_ += by; }
  /// A restarted engine knows only what its store has seen.
  void Restart(Instant floor) { last_ = floor; }

 private:
  const EventLoop& loop_;
  Duration offset_{};
  mutable Instant last_{};
};

class EngineProcess : private Log {
 public:
  EngineProcess(EventLoop& loop, Random random, Network& network, const Options& options);
  ~EngineProcess() override;

  bool up() const { return engine_ != nullptr; }
  /// Starts the process; it may fail at once when the disk does.
  void Start();
  /// The process and the machine die now: what was not synced is lost, or a part of it.
  void Crash(const std::string& why);
  /// A graceful end; `done` runs when it is down.  It may crash on the way.
  void Stop(std::function<void()> done);
  /// One of the next writes fails, and every later one until a restart.
  void PlanWriteError();
  void JumpClock(Duration by);
  /// No faults from now on.
  void Heal();
  /// To be called after each event: commits, and notices a failed disk.
  void AfterEvent();

  /// Somebody who lives in the engine's process: `begins` when it is up, `ends` when its strands run no more and before
  /// the engine goes.
  void SetInhabitant(std::function<void()> begins, std::function<void()> ends);

  /// The process, as an inhabitant knows it; while up.
  Process& process() { return *process_; }
  /// nullptr while down.
  frontend::Engine* engine() { return engine_.get(); }
  storage::MemoryKeyValueStore& disk() { return *disk_; }
  const EngineClock& clock() const { return clock_; }
  int starts() const { return starts_; }
  const std::vector<std::string>& violations() const { return violations_; }
  /// Engine::CheckDerived, when up; differences are violations.
  void CheckDerived();

 private:
  void TakeDown();
  void Write(LogRecord record) override;

  EventLoop& loop_;
  Random random_;
  Network& network_;
  const Options& options_;
  EngineClock clock_;
  bool healed_ = false;
  int starts_ = 0;
  std::vector<std::string> violations_;

  std::shared_ptr<storage::MemoryKeyValueStore> disk_ = std::make_shared<storage::MemoryKeyValueStore>();
  std::shared_ptr<storage::MemoryLedger> ledger_ = std::make_shared<storage::MemoryLedger>();

  // The process: later members use earlier ones.
  std::unique_ptr<Process> process_;
  std::unique_ptr<SeededIdSource> ids_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<frontend::Engine> engine_;
  bool sync_scheduled_ = false;
  bool stopping_ = false;
  bool dying_ = false;
  std::optional<std::string> fatal_;
  std::function<void()> inhabitant_begins_;
  std::function<void()> inhabitant_ends_;
};

}  // namespace wfe::simulation
