// What handlers work with; one object, shared by all of them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <vector>

#include "engine/runtime/admission.h"
#include "engine/runtime/engine_options.h"
#include "engine/runtime/namespaces.h"
#include "engine/runtime/poll_broker.h"
#include "engine/runtime/schedule_runner.h"
#include "engine/runtime/shard_router.h"
#include "engine/shard/shard.h"
#include "engine/shard/task_token.h"

namespace wfe::runtime {

/// Lives as long as the engine.  Members are set up by its constructor and used from any thread.
struct Services {
  Services(EngineOptions engine_options, EngineHost engine_host);

  struct ShardPlace {
    Executor* executor = nullptr;
    std::unique_ptr<ShardRouter> router;
    std::unique_ptr<shard::Shard> shard;
    std::unique_ptr<ScheduleRunner> runner;
  };

  size_t ShardIndex(std::string_view ns, std::string_view workflow_id) const;
  ShardPlace& ShardOf(const WorkflowKey& key) { return shards[ShardIndex(key.ns.value(), key.workflow_id.value())]; }

  /// Runs `work(shard)` on the strand of the shard that owns the workflow id.
  template <class Work>
  void OnShard(const WorkflowKey& key, Work work) {
    ShardPlace& place = ShardOf(key);
    place.executor->Post([shard = place.shard.get(), work = std::move(work)]() mutable { work(*shard); });
  }

  /// Runs `work(runner)` on the strand that owns the schedule.
  template <class Work>
  void OnScheduleRunner(const ScheduleKey& key, Work work) {
    ShardPlace& place = shards[ShardIndex(key.ns.value(), key.schedule_id)];
    place.executor->Post([runner = place.runner.get(), work = std::move(work)]() mutable { work(*runner); });
  }

  /// Reads the namespaces of the store, after adding those of the options.  Blocks.
  Status LoadNamespaces();
  /// Stores a namespace and makes it known; `done` runs once it is durable.  ALREADY_EXISTS when the name is taken.
  void RegisterNamespace(engine::v1::NamespaceRow row, Function<void(Status)> done);
  /// Changes a namespace, unless `change` refuses; `done` runs once it is durable.
  void ChangeNamespace(std::string name, Function<Status(engine::v1::NamespaceRow&)> change,
                       Function<void(Status)> done);

  /// Reads namespaces, open executions and schedules, and hands them to the shards: see Engine::Start.
  Status Recover();
  /// See Engine::Stop.
  void Stop(Function<void()> done);

  /// See Engine::CheckDerived.
  void CheckDerived(Function<void(Result<DerivedReport>)> done);

  /// Runs `work` on the blocking executor, or refuses it when there is too much of that already.
  template <class Work>
  Status Blocking(Work work) {
    WFE_RETURN_IF_ERROR(admission->Block());
    RunAdmitted(std::move(work));
    return Ok();
  }

  /// The scale of the deadlines of those who wait.
  const Clock& WaitClock() const { return host.monotonic ? *host.monotonic : host.clock; }

  /// Offers again what is pending for queues that have room and had none before.  One scan at a time.
  void OfferPendingAgain(const std::vector<matching::QueueKey>& queues);

  const EngineOptions options;
  const EngineHost host;
  Log& log;
  Metrics& metrics;
  const shard::TokenCodec tokens;
  const std::shared_ptr<Admission> admission;  // shared with calls, which may be answered late
  const std::shared_ptr<PollBroker> broker;
  Namespaces namespaces;
  std::mutex registering;
  std::unique_ptr<records::RecordsStore> records;  // opened by Recover
  std::unique_ptr<records::BudgetStore> budgets;   // likewise
  std::vector<ShardPlace> shards;
  std::atomic<bool> stopping{false};

  /// Looks every second whether an overload is over.
  void WatchOverload();
  /// Compares the derived data now and then, and says what was refused meanwhile.
  void WatchDerived();

  std::mutex scan_mutex;
  bool scanning = false;                // protected by scan_mutex
  std::set<matching::QueueKey> drained;  // and not scanned for yet; protected by scan_mutex

 private:
  /// What cannot be read, and is left alone (F6).
  void NameUnreadable(const char* event, const char* what, const std::string& name, const Error& why) const;
  Status RecoverExecutions();
  using OwedByShard = std::vector<std::vector<std::pair<history::ObligationId, shard::Outbox::Duty>>>;
  Result<OwedByShard> ReadOwed() const;
  Status RecoverSchedules();
  /// On the blocking executor; admission->Block() has let it in.
  template <class Work>
  void RunAdmitted(Work work) {
    host.blocking_executor.Post([admission = admission, work = std::move(work)]() mutable {
      work();
      admission->Unblock();
    });
  }
  void ScanForDrained();
  /// By shard.  Reads keys only, and blocks.
  Result<std::vector<std::vector<ExecutionKey>>> OpenExecutions() const;
};

}  // namespace wfe::runtime
