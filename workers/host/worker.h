// A worker: polls a task queue, runs workflows and activities, answers.
//
//   Worker worker({client, strand, timers, clock, ids, log}, executor, workflows, activities, {.task_queue =
//   "builds"}); strand.Post([&] { worker.Start(); }); …                                         // SIGTERM:
//   strand.Post([&] { worker.Shutdown([&] { … exit … }); });
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "workers/host/activity_executor.h"
#include "workers/host/environment.h"
#include "workers/host/workflow_task_runner.h"
#include "workers/sdk/activity.h"

namespace wfe::sdk {
class WorkflowRegistry;
}

namespace wfe::worker {

class ResultCache;

struct WorkerOptions {
  std::string ns = "default";
  std::string task_queue;
  std::string identity;  ///< "<pid>@<host>", say; shown wherever the worker's deeds are.
  std::string build_id;

  size_t max_cached_workflows = 1000;  ///< 0: no sticky queue; every task replays its whole history.
  size_t max_concurrent_workflow_tasks = 100;
  size_t max_concurrent_activities = 100;  ///< An eighth of them, if there are two, is kept for polled tasks.
  size_t workflow_pollers = 2;   ///< Of the ordinary queue.
  size_t sticky_pollers = 8;     ///< Of this process's own queue (0 without a cache).
  size_t activity_pollers = 10;  ///< Of each activity queue.
  /// Queues polled for activities only, e.g. this host's own (host_id.h).
  std::vector<std::string> extra_activity_queues;
  bool eager_activities = true;  ///< Design rule R2.

  /// How long Shutdown waits for running activities before it cancels them …
  Duration drain_timeout = std::chrono::seconds(60);
  /// … and then for them to end and report (AC-1: within 5 s).
  Duration cancel_grace = std::chrono::seconds(10);
  /// Longest time between two heartbeats sent: a cancel is learned from their answers, so it must leave an activity
  /// some of AC-1's 5 s to end in (RW-D11).
  Duration max_heartbeat_interval = std::chrono::seconds(3);
  /// The same for activities without heartbeat timeout.
  Duration default_heartbeat_interval = std::chrono::seconds(3);
  /// Workflow code that runs longer than this in one task is named in the log.
  Duration slow_workflow_code = std::chrono::seconds(2);

  /// Results that activities ask to be kept (ST-21); null: none is.  Outlives the worker; several may share it.
  ResultCache* result_cache = nullptr;
  /// Results carry the CPU time and memory that activities used, as far as that is known (PF-4).
  bool measures_usage = false;

  /// The server has the result of this activity (its idempotency token): what was kept for a retry may go.  On the
  /// strand.
  std::function<void(const std::string& idempotency_token)> on_completion_acknowledged;
};

enum class WorkerState {
  kNew,
  kConnecting,  ///< Start was called; the server or the namespace is not there yet.
  kRunning,
  kDraining,
  kStopped,
};

struct WorkerStats {
  uint64_t workflow_tasks_completed = 0;
  uint64_t workflow_tasks_failed = 0;
  uint64_t workflow_tasks_refused = 0;
  uint64_t queries_answered = 0;
  uint64_t history_fetches = 0;
  uint64_t eager_activities = 0;
  uint64_t activities_completed = 0;
  uint64_t activities_failed = 0;
  uint64_t activities_cancelled = 0;
  uint64_t activities_refused = 0;
  uint64_t activities_from_cache = 0;  ///< Of the completed ones.
  uint64_t silent_activities = 0;    ///< Promised heartbeats and kept silent for as long as their timeout.
  uint64_t slow_workflow_tasks = 0;  ///< Their code did not yield in time.
  size_t running_activities = 0;
  size_t running_workflow_tasks = 0;
};

/// All methods, and the destructor, run on the environment's strand.  Destroying it stops everything at once, as a
/// crash would: activities that still run report to nobody.
class Worker {
 public:
  /// `executor` and the registries outlive the worker and its activities.  `handler`: nullptr for the ordinary one.
  Worker(Environment environment, ActivityExecutor& executor, const sdk::WorkflowRegistry& workflows,
         const sdk::ActivityRegistry& activities, WorkerOptions options,
         std::unique_ptr<TaskHandler> handler = nullptr);
  ~Worker();

  /// Checks the server and the namespace, again and again with growing delays until they are there, then polls.  Each
  /// state on the way is logged once.
  void Start();

  /// Graceful end: stops polling, tells the server, lets running work finish up to the drain timeout, then cancels it;
  /// `done` runs when nothing is left or the grace is over.  Call once.
  void Shutdown(Function<void()> done);

  WorkerState state() const;
  WorkerStats stats() const;
  /// The queue that only this process polls; empty without a cache.
  const std::string& sticky_queue() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // Shared with callbacks, which hold it weakly.
};

}  // namespace wfe::worker
