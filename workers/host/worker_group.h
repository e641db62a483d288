// The workers of a process, on the threads that they share.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/base/strand.h"
#include "engine/base/thread_loop.h"
#include "workers/client/service_client.h"
#include "workers/host/worker.h"

namespace wfe::worker {

/// Methods are for one thread, the owner's.
class WorkerGroup {
 public:
  /// `log` is called on the group's strand.
  WorkerGroup(std::unique_ptr<client::ServiceClient> client, Log log);
  /// Stops everything at once, as a crash would; Drain first for an orderly end.
  ~WorkerGroup();
  WorkerGroup(const WorkerGroup&) = delete;
  WorkerGroup& operator=(const WorkerGroup&) = delete;

  /// Thread-safe; goes with the group.
  client::ServiceClient& client() { return *client_; }

  /// Starts a worker.  What is referred to outlives StopAll and the activities.
  void Add(ActivityExecutor& executor, const sdk::WorkflowRegistry& workflows, const sdk::ActivityRegistry& activities,
           WorkerOptions options);
  /// Takes no more tasks, lets running activities end within the drain timeout, then cancels them.  Blocks.
  void Drain();
  /// Of each worker, in the order in which they were added.
  std::vector<WorkerStats> Stats();
  /// The workers are gone; their activities that still run report to nobody.
  void StopAll();

 private:
  void OnStrand(const std::function<void()>& work);

  SystemClock clock_;
  SystemIdSource ids_;
  const Log log_;
  // The loops go before what runs on them is destroyed.
  ThreadLoop loop_;
  Strand strand_{loop_};
  // Beside the strand, so that workflow code that takes long stops neither heartbeats nor reports.
  ThreadLoop code_thread_;
  Strand workflow_code_{code_thread_, WorkLength::kMayBeLong};
  std::unique_ptr<client::ServiceClient> client_;
  std::vector<std::unique_ptr<Worker>> workers_;  // used on strand_ only
};

}  // namespace wfe::worker
