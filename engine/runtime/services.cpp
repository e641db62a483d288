#include "engine/runtime/services.h"

#include <bit>

#include "engine/base/check.h"
#include "engine/base/fnv.h"
#include "engine/base/proto_time.h"

namespace wfe::runtime {

Services::Services(EngineOptions engine_options, EngineHost engine_host)
    : options(std::move(engine_options)),
      host(std::move(engine_host)),
      log(host.log ? *host.log : NoLog()),
      metrics(host.metrics ? *host.metrics : NoMetrics()),
      tokens(host.store.identity().secret, host.store.identity().epoch),
      admission(std::make_shared<Admission>(options.admission, [&stage = host.store.stage()] {
        return CommitBacklog{static_cast<int64_t>(stage.pending_commits()), static_cast<int64_t>(stage.pending_bytes())};
      })),
      broker(std::make_shared<PollBroker>(options.shard, WaitClock(), host.timers, host.matching_executor,
                                                  &host.clock)) {
  WFE_CHECK(std::has_single_bit(host.shard_executors.size()), "the number of shards must be a power of two");
  for (size_t index = 0; index < host.shard_executors.size(); ++index) {
    Executor* const executor = host.shard_executors[index];
    const shard::Shard::Host shard_host{.clock = host.clock,
                                        .ids = host.ids,
                                        .timers = host.timers,
                                        .executor = *executor,
                                        .store = host.store.executions(),
                                        .sink = *broker,
                                        .tokens = tokens,
                                        .owns =
                                            [this, index](const WorkflowKey& key) {
                                              return ShardIndex(key.ns.value(), key.workflow_id.value()) == index;
                                            },
                                        .monotonic = &WaitClock(),
                                        .read_elsewhere =
                                            [this](Function<void()> read) { return Blocking(std::move(read)); },
                                        .log = &log,
                                        .transitions = &metrics.MakeCounter("wfe_transitions", "Transitions of runs.")};
    auto router = std::make_unique<ShardRouter>(*this, *executor);
    auto runner = std::make_unique<ScheduleRunner>(
        options.shard, ScheduleRunner::Host{.clock = host.clock,
                                            .timers = host.timers,
                                            .executor = *executor,
                                            .store = host.store.schedules(),
                                            .router = *router});
    shards.push_back({executor, std::move(router), std::make_unique<shard::Shard>(options.shard, shard_host),
                      std::move(runner)});
  }
  admission->OnOverload([this](bool overloaded) {
    if (overloaded) {
      const LogField commits("commits", static_cast<int64_t>(host.store.stage().pending_commits()));
      log.Warning("disk_lags", "the disk does not keep up: new calls are refused until it does", {commits});
    } else {
      log.Info("disk_keeps_up", "the disk keeps up again");
    }
    if (host.overloaded) host.overloaded(overloaded);
    if (overloaded) WatchOverload();
  });
  broker->OnRoomAgain([this](const std::vector<matching::QueueKey>& queues) { OfferPendingAgain(queues); });
}

size_t Services::ShardIndex(std::string_view ns, std::string_view workflow_id) const {
  // The same on every platform, so that a simulation's seed means the same everywhere.
  Fnv1a fnv;
  for (const std::string_view part : {ns, workflow_id}) {
    fnv.Add(part);
    fnv.AddByte(0xff);
  }
  const uint64_t hash = fnv.value();
  return (hash ^ (hash >> 32)) & (host.shard_executors.size() - 1);
}

Status Services::LoadNamespaces() {
  for (const std::string& name : options.namespaces) {
    WFE_ASSIGN_OR_RETURN(const auto known, host.store.namespaces().Get(name));
    if (known) continue;
    engine::v1::NamespaceRow row;
    row.set_name(name);
    row.set_id(host.ids.NewUuid());
    *row.mutable_retention() = ToProto(options.default_retention);
    *row.mutable_created() = ToProto(host.clock.Now());
    WFE_RETURN_IF_ERROR(host.store.namespaces().Put(row));
  }
  WFE_ASSIGN_OR_RETURN(std::vector<engine::v1::NamespaceRow> rows, host.store.namespaces().List());
  for (engine::v1::NamespaceRow& row : rows) namespaces.Add(std::move(row));
  return Ok();
}

void Services::WatchOverload() {
  host.timers.After(std::chrono::seconds(1), host.matching_executor, [this] {
    if (admission->Overloaded() && !stopping.load()) WatchOverload();
  });
}

void Services::WatchDerived() {
  if (options.check_derived_every <= Duration::zero()) return;
  host.timers.After(options.check_derived_every, host.matching_executor, [this] {
    if (stopping.load()) return;
    if (const int64_t refused = admission->TakeRefused(); refused > 0) {
      log.Warning("calls_refused", "calls were refused because too much was under way", {{"calls", refused}});
    }
    CheckDerived([this](const Result<DerivedReport>&) { WatchDerived(); });
  });
}

void Services::NameUnreadable(const char* event, const char* what, const std::string& name, const Error& why) const {
  log.Error(event, std::string(what) + name + " cannot be read and is left alone: " + why.message,
            {{"name", name}, {"error", why.message}});
}

void Services::RegisterNamespace(engine::v1::NamespaceRow row, Function<void(Status)> done) {
  if (Status admitted = admission->Block(); !admitted) return done(std::move(admitted));
  RunAdmitted([this, row = std::move(row), done = std::move(done)]() mutable {
    // The blocking executor may run two of these at once, for the same name.
    const std::lock_guard lock(registering);
    if (namespaces.Exists(row.name())) return done(AlreadyExists("Namespace " + row.name() + " already exists."));
    if (namespaces.Count() >= options.max_namespaces) {
      return done(ResourceExhausted("there are " + std::to_string(options.max_namespaces) +
                                    " namespaces, no more are kept (max_namespaces)"));
    }
    Status stored = host.store.namespaces().Put(row);
    if (!stored) return done(std::move(stored));
    namespaces.Add(std::move(row));
    done(Ok());
  });
}

void Services::ChangeNamespace(std::string name, Function<Status(engine::v1::NamespaceRow&)> change,
                               Function<void(Status)> done) {
  if (Status admitted = admission->Block(); !admitted) return done(std::move(admitted));
  RunAdmitted([this, name = std::move(name), change = std::move(change), done = std::move(done)]() mutable {
    const std::lock_guard lock(registering);
    std::optional<engine::v1::NamespaceRow> row = namespaces.Find(name);
    if (!row) return done(NotFound("Namespace " + name + " is not found."));
    Status changed = change(*row);
    if (changed) changed = host.store.namespaces().Put(*row);
    if (!changed) return done(std::move(changed));
    namespaces.Replace(*std::move(row));
    done(Ok());
  });
}

namespace {

/// Collects the answers of all shards; the last one reports.
struct DerivedCheck {
  std::mutex mutex;
  size_t left = 0;
  DerivedReport report;
  Function<void(Result<DerivedReport>)> done;

  void Add(const shard::DerivedDifference& found, Log& log) {
    std::unique_lock lock(mutex);
    report.open_executions += found.executions;
    report.timers_missing += found.timers_missing;
    report.timers_orphaned += found.timers_orphaned;
    if (--left > 0) return;
    lock.unlock();
    if (!report.clean()) {
      log.Error("derived_differs", "the index of timers differed from the stored states, and was repaired",
                {{"open_executions", report.open_executions},
                 {"timers_missing", report.timers_missing},
                 {"timers_orphaned", report.timers_orphaned}});
    }
    done(report);
  }
};

}  // namespace

Result<std::vector<std::vector<ExecutionKey>>> Services::OpenExecutions() const {
  std::vector<std::vector<ExecutionKey>> open(shards.size());
  WFE_RETURN_IF_ERROR(host.store.executions().ForEachOpenKey([&](ExecutionKey key) {
    const size_t index = ShardIndex(key.ns.value(), key.workflow_id.value());
    open[index].push_back(std::move(key));
  }));
  return open;
}

void Services::CheckDerived(Function<void(Result<DerivedReport>)> done) {
  host.blocking_executor.Post([this, done = std::move(done)]() mutable {
    auto open = OpenExecutions();
    if (!open) {
      log.Error("derived_check_failed", "the open executions cannot be listed", {{"error", open.error().message}});
      return done(open.error());
    }
    auto check = std::make_shared<DerivedCheck>();
    check->left = shards.size();
    check->done = std::move(done);
    for (size_t i = 0; i < shards.size(); ++i) {
      shards[i].executor->Post([this, &place = shards[i], keys = std::move((*open)[i]), check]() mutable {
        place.shard->CheckDerived(std::move(keys), [this, &place, check](shard::DerivedDifference found) {
          const shard::DerivedDifference of_schedules = place.runner->CheckDerived();
          found.timers_missing += of_schedules.timers_missing;
          found.timers_orphaned += of_schedules.timers_orphaned;
          check->Add(found, log);
        });
      });
    }
  });
}

void Services::OfferPendingAgain(const std::vector<matching::QueueKey>& queues) {
  {
    const std::lock_guard lock(scan_mutex);
    drained.insert(queues.begin(), queues.end());
    if (scanning) return;
    scanning = true;
  }
  ScanForDrained();
}

void Services::ScanForDrained() {
  host.blocking_executor.Post([this] {
    std::set<matching::QueueKey> wanted;
    {
      const std::lock_guard lock(scan_mutex);
      wanted.swap(drained);
    }
    auto open = OpenExecutions();
    // A scan that failed has found a disk that fails; the next commit stops the process.
    if (!open) open = std::vector<std::vector<ExecutionKey>>(shards.size());
    auto left = std::make_shared<std::atomic<size_t>>(shards.size());
    const auto scanned = [this, left] {
      if (left->fetch_sub(1) > 1) return;
      {
        const std::lock_guard lock(scan_mutex);
        scanning = !drained.empty();
        if (!scanning) return;
      }
      ScanForDrained();
    };
    for (size_t i = 0; i < shards.size(); ++i) {
      shards[i].executor->Post([&place = shards[i], keys = std::move((*open)[i]), wanted, scanned]() mutable {
        place.shard->OfferAgain(std::move(keys), std::move(wanted), scanned);
      });
    }
  });
}

}  // namespace wfe::runtime
