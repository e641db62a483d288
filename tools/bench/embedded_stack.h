// An engine, a worker and a way in for callers, all in this process.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/local/local_engine.h"
#include "workers/client/service_client.h"
#include "workers/embedded/direct_client.h"
#include "workers/host/thread_pool_activity_executor.h"
#include "workers/host/worker_group.h"
#include "workers/sdk/activity.h"
#include "workers/sdk/workflow_registry.h"

namespace wfe::bench {

class EmbeddedStack {
 public:
  /// Over the store in `directory`, which may be empty.
  static Result<std::unique_ptr<EmbeddedStack>> Start(const std::string& directory);
  ~EmbeddedStack();

  client::ServiceClient& client() { return *client_; }

 private:
  EmbeddedStack() = default;

  std::unique_ptr<local::LocalEngine> engine_;
  std::unique_ptr<embedded::DirectClient> client_;
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  std::unique_ptr<worker::WorkerGroup> worker_;
  std::unique_ptr<worker::ThreadPoolActivityExecutor> executor_;
};

}  // namespace wfe::bench
