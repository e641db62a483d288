// What handlers work with; one object, shared by all of them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <vector>

#include "engine/frontend/admission.h"
#include "engine/frontend/call.h"
#include "engine/frontend/engine.h"
#include "engine/frontend/namespaces.h"
#include "engine/shard/poll_broker.h"
#include "engine/shard/scheduler.h"
#include "engine/shard/shard.h"
#include "engine/shard/task_token.h"

namespace wfe::frontend {

/// Lives as long as the engine.  Members are set up by its constructor and used from any thread.
struct Services {
  Services(EngineOptions engine_options, EngineHost engine_host);

  struct ShardPlace {
    Executor* executor = nullptr;
    std::unique_ptr<shard::Shard> shard;
    std::unique_ptr<shard::Scheduler> scheduler;
  };

  size_t ShardIndex(std::string_view ns, std::string_view workflow_id) const;
  ShardPlace& ShardOf(const WorkflowKey& key) { return shards[ShardIndex(key.ns.value(), key.workflow_id.value())]; }

  /// Runs `work(shard)` on the strand of the shard that owns the workflow id.
  template <class Work>
  void OnShard(const WorkflowKey& key, Work work) {
    ShardPlace& place = ShardOf(key);
    place.executor->Post([shard = place.shard.get(), work = std::move(work)]() mutable { work(*shard); });
  }

  /// Runs `work(scheduler)` on the strand that owns the schedule.
  template <class Work>
  void OnScheduler(const shard::ScheduleKey& key, Work work) {
    ShardPlace& place = shards[ShardIndex(key.ns.value(), key.schedule_id)];
    place.executor->Post([scheduler = place.scheduler.get(), work = std::move(work)]() mutable { work(*scheduler); });
  }
  /// How the scheduler on `strand` reaches the shards.
  shard::Scheduler::Host SchedulerHost(Executor& strand);

  /// Reads the namespaces of the store, after adding those of the options.  Blocks.
  Status LoadNamespaces();
  /// Stores a namespace and makes it known; `done` runs once it is durable.  ALREADY_EXISTS when the name is taken.
  /// `call` is refused when it cannot be tried at all.
  void RegisterNamespace(const Call& call, engine::v1::NamespaceRow row, Function<void(Status)> done);
  /// Changes a namespace, unless `change` refuses; `done` runs once it is durable.
  void ChangeNamespace(const Call& call, std::string name, Function<Status(engine::v1::NamespaceRow&)> change,
                       Function<void(Status)> done);

  /// See Engine::CheckDerived.
  void CheckDerived(Function<void(Result<DerivedReport>)> done);

  /// See EngineHost::warn.
  void Warn(const std::string& sentence) const {
    if (host.warn) host.warn(sentence);
  }
  /// Runs `work` on the blocking executor, or refuses the call when there is too much of that already.  `work` answers.
  template <class Work>
  void Blocking(const Call& call, Work work) {
    if (Status admitted = admission->Block(); !admitted) return call.Fail(std::move(admitted).error());
    host.blocking_executor.Post([admission = admission, work = std::move(work)]() mutable {
      work();
      admission->Unblock();
    });
  }

  /// The scale of ServerCall::Deadline.
  const Clock& WaitClock() const { return host.monotonic ? *host.monotonic : host.clock; }

  /// Offers again what is pending for queues that have room and had none before.  One scan at a time.
  void OfferPendingAgain(const std::vector<matching::QueueKey>& queues);

  const EngineOptions options;
  const EngineHost host;
  const shard::TokenCodec tokens;
  const std::shared_ptr<Admission> admission;  // shared with calls, which may be answered late
  const std::shared_ptr<shard::PollBroker> broker;
  Namespaces namespaces;
  std::mutex registering;
  std::unique_ptr<records::RecordsStore> records;  // opened by Engine::Start
  std::vector<ShardPlace> shards;
  std::vector<ExecutionKey> unreadable_runs;  // set by Engine::Start
  std::atomic<bool> stopping{false};

  /// Looks every second whether an overload is over.
  void WatchOverload();

  std::mutex scan_mutex;
  bool scanning = false;                // protected by scan_mutex
  std::set<matching::QueueKey> drained;  // and not scanned for yet; protected by scan_mutex

 private:
  void ScanForDrained();
  /// By shard.  Reads keys only, and blocks.
  Result<std::vector<std::vector<ExecutionKey>>> OpenExecutions() const;
};

}  // namespace wfe::frontend
