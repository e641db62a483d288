// An engine over a store in memory and a C++ worker, both the real ones, on one thread in virtual time.
#pragma once

#include <memory>
#include <string>

#include "engine/base/id_source.h"
#include "engine/base/result.h"
#include "engine/frontend/engine.h"
#include "engine/storage/ledger.h"
#include "engine/storage/memory_key_value_store.h"
#include "engine/storage/store.h"
#include "tools/demo/direct_client.h"
#include "tools/demo/strand_loop.h"
#include "workers/host/result_cache.h"
#include "workers/host/worker.h"

namespace wfe::demo {

struct VirtualHostOptions {
  uint64_t seed = 1;  ///< Of every id.
  Instant start;
  std::string task_queue = "demo";
  std::string host_queue = "demo-host";  ///< Of activities that keep to a machine.
  worker::ResultCache* result_cache = nullptr;  ///< Outlives the host; nullptr: nothing is kept.
};

/// Executes activities in virtual time: the work is done at once, the answer is given when the time it claims to have
/// taken has passed, with heartbeats in between.
class VirtualActivityExecutor final : public worker::ActivityExecutor {
 public:
  explicit VirtualActivityExecutor(StrandLoop& loop) : loop_(loop) {}
  void Execute(std::shared_ptr<sdk::ActivityContext> context, Work work, Done done) override;

 private:
  struct Running;
  void Continue(const std::shared_ptr<Running>& running);

  StrandLoop& loop_;
  StrandLoop::Strand strand_{loop_};
};

/// Everything runs inside calls of `loop()`.
class VirtualHost {
 public:
  explicit VirtualHost(const VirtualHostOptions& options)
      : options_(options), loop_(options.start), ids_(options.seed) {}
  ~VirtualHost();
  VirtualHost(const VirtualHost&) = delete;
  VirtualHost& operator=(const VirtualHost&) = delete;

  /// Brings engine and worker up; takes a second of virtual time.  The registries outlive the host.  After Crash() it
  /// goes on from what was synced.
  Status Start(const sdk::WorkflowRegistry& workflows, const sdk::ActivityRegistry& activities);
  /// As a power cut would end both: nothing that was to happen happens, and what was not synced is gone.
  void Crash();
  /// The power goes once the store has synced `syncs` more times: from then on nothing moves.  Crash() follows.
  void CutPowerAfter(int syncs) { syncs_left_ = syncs; }
  bool power() const { return syncs_left_ != 0; }
  int syncs() const { return syncs_; }

  /// The worker alone: as a kill would end it, and a new one, on another machine when it serves another `host_queue`.
  void KillWorker();
  Status StartWorker(const sdk::WorkflowRegistry& workflows, const sdk::ActivityRegistry& activities,
                     const std::string& host_queue = {});

  StrandLoop& loop() { return loop_; }

  /// A call whose answer comes without the clock moving.
  template <class Response>
  Result<Response> Call(std::string_view method, const google::protobuf::MessageLite& request) {
    Result<Response> result = Internal(std::string(method) + " was not answered");
    client::CallMethod<Response>(*client_, client::kWorkflowService, method, request,
                                 {.timeout = std::chrono::seconds(10), .executor = &caller_},
                                 [&result](Result<Response> response) { result = std::move(response); });
    loop_.RunReady();
    return result;
  }

  /// Of the worker that runs now.
  uint64_t workflow_tasks_failed() const { return worker_->stats().workflow_tasks_failed; }

 private:
  const VirtualHostOptions options_;
  StrandLoop loop_;
  SeededIdSource ids_;
  StrandLoop::Strand shard_{loop_};
  StrandLoop::Strand matching_{loop_};
  StrandLoop::Strand blocking_{loop_};
  StrandLoop::Strand worker_strand_{loop_};
  StrandLoop::Strand caller_{loop_};
  std::shared_ptr<storage::MemoryKeyValueStore> disk_ = std::make_shared<storage::MemoryKeyValueStore>();
  std::shared_ptr<storage::MemoryLedger> ledger_ = std::make_shared<storage::MemoryLedger>();
  int syncs_ = 0;
  int syncs_left_ = -1;  // Before the power goes; -1: it stays.
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<frontend::Engine> engine_;
  std::unique_ptr<DirectClient> client_;
  VirtualActivityExecutor executor_{loop_};
  std::unique_ptr<worker::Worker> worker_;
};

}  // namespace wfe::demo
