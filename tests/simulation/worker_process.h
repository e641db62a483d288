// A worker as a simulated process: the real worker runtime over the simulated network.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tests/simulation/activity_host.h"
#include "tests/simulation/engine_process.h"
#include "tests/simulation/network.h"
#include "tests/simulation/options.h"
#include "tests/simulation/process.h"
#include "workers/embedded/direct_client.h"
#include "workers/host/worker.h"
#include "workers/sdk/workflow_registry.h"

namespace wfe::simulation {

inline constexpr const char* kTaskQueue = "queue";

/// What all workers of a world have in common.
struct WorkerWorld {
  EventLoop& loop;
  Network& network;
  const Options& options;
  const sdk::WorkflowRegistry& workflows;
  const sdk::ActivityRegistry& activities;
  AttemptLog& attempts;
};

class WorkerProcess {
 public:
  /// With an `engine` it lives in that one's process: it starts and dies with it, and calls it directly.
  WorkerProcess(const WorkerWorld& world, Random random, int number, EngineProcess* engine = nullptr);
  ~WorkerProcess();

  bool up() const { return worker_ != nullptr; }
  void Start();
  void Crash();
  /// The process that it lives in has died.
  void Die();
  bool embedded() const { return engine_ != nullptr; }
  /// Drains; `done` runs when it is down.
  void Stop(std::function<void()> done);
  /// Cuts it off from the engine for a while.
  void Clog(Duration time);

  uint64_t workflow_tasks_completed() const { return completed_; }

 private:
  /// The worker's own watch, which is a little off.
  class WorkerClock final : public Clock {
   public:
    WorkerClock(const EventLoop& loop, Duration offset) : loop_(loop), offset_(offset) {}
    Instant Now() const override { return loop_.Now() + offset_; }

   private:
    const EventLoop& loop_;
    const Duration offset_;
  };
  void TakeDown();

  WorkerWorld world_;
  Random random_;
  const std::string name_;
  const WorkerClock clock_;
  int starts_ = 0;
  bool stopping_ = false;
  uint64_t completed_ = 0;

  EngineProcess* const engine_;
  std::unique_ptr<Process> process_;  // null when it lives in the engine's
  std::unique_ptr<embedded::DirectClient> direct_;
  std::unique_ptr<SeededIdSource> ids_;
  std::unique_ptr<Link> link_;
  std::unique_ptr<ActivityHost> activities_;
  Strand* strand_ = nullptr;
  std::unique_ptr<worker::Worker> worker_;
};

}  // namespace wfe::simulation
