// The simulated host: an engine, workers, clients and everything between them, on one thread, from one seed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/checker.h"
#include "tests/simulation/client.h"
#include "tests/simulation/engine_process.h"
#include "tests/simulation/network.h"
#include "tests/simulation/options.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/schedule_client.h"
#include "tests/simulation/worker_process.h"

namespace wfe::simulation {

/// What a run of a world came to.
struct Outcome {
  std::vector<std::string> violations;  ///< Empty: all is well.
  uint64_t trace_hash = 0;
  // How much of a test it was.
  uint64_t loop_events = 0;
  size_t executions = 0;
  size_t history_events = 0;
  size_t activity_attempts = 0;
  int engine_starts = 0;
  std::map<std::string, int> arrivals;             ///< RPCs that reached the engine, by method.
  std::map<enums::EventType, int> events_of_type;  ///< In all histories.
  Duration virtual_time{};
};

class World {
 public:
  /// `readable`: prints what happens to stderr.
  explicit World(const Options& options, bool readable = false);
  /// With plans of the caller's instead of random ones.
  World(const Options& options, std::vector<Plan> plans, bool readable);
  ~World();

  /// Safety phase with faults, then everything is healed and must end, then the store is judged.  Call once.
  Outcome Run();

 private:
  /// Runs `act` again and again, `mean` apart on average, until the world is healed; never when `mean` is zero.
  void Every(Duration mean, std::function<void()> act);
  void StartFaults();
  void CrashEngine(const std::string& why);
  void RestartEngineAfter(Duration delay);
  void RestartWorkerAfter(size_t worker, Duration delay);
  void Heal();
  bool AllDone() const;
  void RunUntil(Instant limit, bool stop_when_done);
  void StopEngine();
  void Judge(Outcome& outcome);
  /// The store of a crashed engine must be sound, too.
  void JudgeWreck();

  const Options options_;
  EventLoop loop_;
  Random random_;
  Flags flags_;
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  AttemptLog attempts_;
  Network network_;
  EngineProcess engine_;
  std::vector<std::unique_ptr<WorkerProcess>> workers_;
  const std::vector<Plan> plans_;
  Process client_process_;
  Strand& client_strand_;
  std::unique_ptr<Link> client_link_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<ScheduleClient>> schedules_;
  bool healed_ = false;
  std::vector<std::string> violations_;
};

}  // namespace wfe::simulation
