#include "engine/frontend/engine.h"

#include "engine/base/check.h"
#include "engine/frontend/handler_table.h"
#include "engine/frontend/services.h"
#include "engine/history/proto_time.h"

namespace wfe::frontend {

namespace {

// Recovered executions travel to their shards in batches.
constexpr size_t kRecoveryBatch = 512;

}  // namespace

struct Engine::Impl final : Dispatcher {
  Impl(EngineOptions options, EngineHost host)
      : services(std::move(options), std::move(host)),
        table({services.options.shard.history.max_id_bytes, services.options.max_text_bytes}) {
    ServeSystem(table, services);
    ServeWorkflowControl(table, services);
    ServeWorkflowTasks(table, services);
    ServeTaskQueues(table, services);
    ServeActivityTasks(table, services);
    ServeHistoryReads(table, services);
    ServeQueries(table, services);
    ServeVisibility(table, services);
    ServeSchedules(table, services);
    ServeRecords(table, services);
    ServeOperator(table, services);
  }

  void Dispatch(std::string_view service, std::string_view method, std::string_view request,
                std::shared_ptr<ServerCall> transport) override {
    const HandlerTable::Handler* handler = table.Find(service, method);
    Call call(std::move(transport));
    if (!handler) return call.Fail(Unimplemented(std::string(method) + " is not served by wfe"));
    if (services.stopping.load()) return call.Fail(Unavailable("the server is shutting down"));
    if (static_cast<int64_t>(request.size()) > services.options.max_message_bytes) {  // S57
      // Word for word what Temporal's server says: SDKs tell by it what can never be accepted from a passing overload,
      // and fail the task with GRPC_MESSAGE_TOO_LARGE instead of sending it again (WIRE-F10).
      return call.Fail(ResourceExhausted("grpc: received message larger than max (" + std::to_string(request.size()) +
                                         " vs. " + std::to_string(services.options.max_message_bytes) + ")"));
    }
    const auto bytes = static_cast<int64_t>(request.size());
    if (Status admitted = services.admission->Admit(bytes); !admitted) return call.Fail(std::move(admitted).error());
    (*handler)(request, Call(call.transport(), services.admission, bytes));
  }

  Status Start();
  void Stop(Function<void()> done);

  Services services;
  HandlerTable table;
};

Status Engine::Impl::Start() {
  WFE_RETURN_IF_ERROR(services.LoadNamespaces());
  WFE_ASSIGN_OR_RETURN(services.records,
                       records::RecordsStore::Open(services.host.store.stage(), services.options.records));

  std::vector<std::vector<shard::Shard::Recovery>> batches(services.shards.size());
  const auto send = [this, &batches](size_t index) {
    Services::ShardPlace& place = services.shards[index];
    place.executor->Post(
        [shard = place.shard.get(), batch = std::move(batches[index])]() mutable { shard->Recover(std::move(batch)); });
    batches[index].clear();
  };
  const Instant now = services.host.clock.Now();
  const auto plan = [&](const ExecutionKey& key, Result<storage::LoadedRun> run) {
    if (!run) {  // One that is damaged keeps none of the others from starting.
      services.Warn(key.ToString() + " cannot be read and is left alone: " + run.error().message);
      services.unreadable_runs.push_back(key);
      return;
    }
    const size_t index = services.ShardIndex(key.ns.value(), key.workflow_id.value());
    batches[index].push_back(shard::Shard::PlanRecovery(std::move(run->state), now, services.options.shard.history));
    if (batches[index].size() >= kRecoveryBatch) send(index);
  };
  WFE_RETURN_IF_ERROR(services.host.store.executions().ForEachOpen(plan));
  for (size_t index = 0; index < batches.size(); ++index) {
    if (!batches[index].empty()) send(index);
  }
  // Schedules come last: what they start meets shards that have recovered.
  std::vector<std::vector<schedules::State>> states(services.shards.size());
  std::vector<std::vector<shard::ScheduleKey>> lost(services.shards.size());
  const auto leave_alone = [&](const std::string& ns, const std::string& id, const Error& why) {
    services.Warn("schedule " + ns + "/" + id + " cannot be read and is left alone: " + why.message);
    lost[services.ShardIndex(ns, id)].push_back({Namespace(ns), id});
  };
  const auto load = [&](engine::v1::ScheduleRow row) -> Status {
    const std::string ns = row.namespace_();
    const std::string id = row.schedule_id();
    Result<schedules::State> state = schedules::Load(std::move(row));
    if (state) {
      states[services.ShardIndex(ns, id)].push_back(*std::move(state));
    } else {
      leave_alone(ns, id, state.error());
    }
    return Ok();
  };
  WFE_RETURN_IF_ERROR(services.host.store.schedules().ForEach(load, leave_alone));
  for (size_t index = 0; index < states.size(); ++index) {
    if (states[index].empty() && lost[index].empty()) continue;
    Services::ShardPlace& place = services.shards[index];
    place.executor->Post([scheduler = place.scheduler.get(), recovered = std::move(states[index]),
                          unreadable = std::move(lost[index])]() mutable {
      scheduler->Recover(std::move(recovered), unreadable);
    });
  }
  return Ok();
}

void Engine::Impl::Stop(Function<void()> done) {
  WFE_CHECK(!services.stopping.exchange(true), "the engine is stopped twice");
  services.broker->Stop();
  // Each place has two to flush: its shard and its scheduler.
  auto left = std::make_shared<std::atomic<size_t>>(2 * services.shards.size());
  auto shared_done = std::make_shared<Function<void()>>(std::move(done));
  const auto flushed = [left, shared_done] {
    if (left->fetch_sub(1) == 1) (*shared_done)();
  };
  for (Services::ShardPlace& place : services.shards) {
    place.executor->Post([&place, flushed] {
      place.scheduler->Stop(flushed);
      place.shard->Stop(flushed);
    });
  }
}

Engine::Engine(EngineOptions options, EngineHost host)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(host))) {}
Engine::~Engine() = default;
Status Engine::Start() { return impl_->Start(); }
void Engine::Stop(Function<void()> done) { impl_->Stop(std::move(done)); }
Dispatcher& Engine::dispatcher() { return *impl_; }
const std::vector<ExecutionKey>& Engine::unreadable_runs() const { return impl_->services.unreadable_runs; }
void Engine::CheckDerived(Function<void(Result<DerivedReport>)> done) { impl_->services.CheckDerived(std::move(done)); }

}  // namespace wfe::frontend
