// How an engine starts and ends: each shard is told which of its executions are open, and gets its schedules and debts.
#include "engine/base/check.h"
#include "engine/runtime/services.h"

namespace wfe::runtime {

Status Services::Recover() {
  WFE_RETURN_IF_ERROR(LoadNamespaces());
  WFE_ASSIGN_OR_RETURN(records,
                       records::RecordsStore::Open(host.store.stage(), options.records));
  const auto tell = [&to = log](const records::BudgetEvent& event) {
    to.Warning(event.exceeded ? "budget_exceeded" : "budget_warning",
               "the budget " + event.budget + (event.exceeded ? " is used up" : " is nearly used up"),
               {{"budget", event.budget},
                {"period", event.period},
                {"limit_usd", event.limit.ToString()},
                {"used_usd", event.used.ToString()},
                {"workflow_id", event.call.workflow_id}});
  };
  WFE_ASSIGN_OR_RETURN(budgets, records::BudgetStore::Open(host.store.stage(), host.clock, options.budgets, tell));

  // Read before anything can be added to it, delivered when every shard knows its executions: whoever
  // receives is taken up again first, whichever shard it is.
  WFE_ASSIGN_OR_RETURN(OwedByShard owed, ReadOwed());
  WFE_RETURN_IF_ERROR(RecoverExecutions());
  for (size_t index = 0; index < shards.size(); ++index) {
    shards[index].executor->Post([&place = shards[index], duties = std::move(owed[index])]() mutable {
      place.shard->Connect(*place.router, std::move(duties));
    });
  }
  // Schedules come last: what they start meets shards that know what was open.
  WFE_RETURN_IF_ERROR(RecoverSchedules());
  WatchDerived();
  return Ok();
}

Result<Services::OwedByShard> Services::ReadOwed() const {
  OwedByShard owed(shards.size());
  const auto add = [&](const history::ObligationId& id, Result<history::Obligation> obligation) {
    if (!obligation) return NameUnreadable("duty_unreadable", "what is owed by ", id.owner.ToString(), obligation.error());
    owed[ShardIndex(id.owner.ns.value(), id.owner.workflow_id.value())].emplace_back(
        id, std::make_shared<const history::Obligation>(*std::move(obligation)));
  };
  WFE_RETURN_IF_ERROR(host.store.executions().ForEachOwed(add));
  return owed;
}

Status Services::RecoverExecutions() {
  WFE_ASSIGN_OR_RETURN(auto open, OpenExecutions());
  for (size_t index = 0; index < shards.size(); ++index) {
    ShardPlace& place = shards[index];
    place.executor->Post([shard = place.shard.get(), keys = std::move(open[index])]() mutable {
      shard->Recover(std::move(keys));
    });
  }
  return Ok();
}

Status Services::RecoverSchedules() {
  std::vector<std::vector<schedules::State>> states(shards.size());
  std::vector<std::vector<runtime::ScheduleKey>> lost(shards.size());
  const auto leave_alone = [&](const std::string& ns, const std::string& id, const Error& why) {
    NameUnreadable("schedule_unreadable", "schedule ", ns + "/" + id, why);
    lost[ShardIndex(ns, id)].push_back({Namespace(ns), id});
  };
  const auto load = [&](engine::v1::ScheduleRow row) -> Status {
    const std::string ns = row.namespace_();
    const std::string id = row.schedule_id();
    Result<schedules::State> state = schedules::Load(std::move(row));
    if (state) {
      states[ShardIndex(ns, id)].push_back(*std::move(state));
    } else {
      leave_alone(ns, id, state.error());
    }
    return Ok();
  };
  WFE_RETURN_IF_ERROR(host.store.schedules().ForEach(load, leave_alone));
  for (size_t index = 0; index < states.size(); ++index) {
    if (states[index].empty() && lost[index].empty()) continue;
    ShardPlace& place = shards[index];
    place.executor->Post([runner = place.runner.get(), recovered = std::move(states[index]),
                          unreadable = std::move(lost[index])]() mutable {
      runner->Recover(std::move(recovered), unreadable);
    });
  }
  return Ok();
}

void Services::Stop(Function<void()> done) {
  WFE_CHECK(!stopping.exchange(true), "the engine is stopped twice");
  broker->Stop();
  // Each place has two to flush: its shard and its runner.
  auto left = std::make_shared<std::atomic<size_t>>(2 * shards.size());
  auto shared_done = std::make_shared<Function<void()>>(std::move(done));
  const auto flushed = [left, shared_done] {
    if (left->fetch_sub(1) == 1) (*shared_done)();
  };
  for (ShardPlace& place : shards) {
    place.executor->Post([&place, flushed] {
      place.runner->Stop(flushed);
      place.shard->Stop(flushed);
    });
  }
}

}  // namespace wfe::runtime
