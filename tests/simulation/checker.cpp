#include "tests/simulation/checker.h"

#include "engine/base/proto_time.h"
#include "engine/history/decide.h"
#include "engine/history/rebuild.h"
#include "engine/history/state_codec.h"
#include "engine/lint/history_view.h"
#include "engine/storage/keys.h"
#include "engine/storage/schedule_store.h"
#include "workers/core/replayer.h"

namespace wfe::simulation {

namespace {

using HistoryEvent = temporal::api::history::v1::HistoryEvent;

/// Reads every run's row in the list of executions.
std::map<std::string, engine::v1::VisibilityRecord> ReadVisibility(const storage::KeyValueReader& rows,
                                                                   std::vector<std::string>& violations) {
  std::map<std::string, engine::v1::VisibilityRecord> records;
  auto cursor = rows.Scan(storage::Family::kVisibility, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    engine::v1::VisibilityRecord record;
    if (!record.ParseFromString(std::string(cursor->value()))) violations.push_back("a visibility row cannot be read");
    std::string run_id = record.run_id();
    if (!records.emplace(run_id, std::move(record)).second) violations.push_back("run " + run_id + " is listed twice");
  }
  if (const Status finished = cursor->Finish(); !finished) violations.push_back(finished.error().ToString());
  return records;
}

}  // namespace

Checker::Checker(const storage::KeyValueReader& rows, const sdk::WorkflowRegistry& registry)
    : rows_(rows), reader_(rows), registry_(registry) {}

void Checker::CheckStore(Random random) {
  const auto visibility = ReadVisibility(rows_, violations_);
  const Status visited = reader_.ForEachExecution([&](const ExecutionKey& key, bool open) -> Status {
    lint::StoredRun run;
    run.key = key;
    WFE_ASSIGN_OR_RETURN(const auto batches, reader_.ReadStoredBatches(key));
    for (const storage::StoredBatch& batch : batches) {
      run.batches.push_back({batch.events.first_event_id, batch.events.count, batch.events.bytes, batch.notes});
    }
    WFE_ASSIGN_OR_RETURN(const auto state, reader_.Load(key));
    if (!state) return DataLoss(key.ToString() + " has no state");
    run.state = *state;
    WFE_ASSIGN_OR_RETURN(run.journal, reader_.ReadJournal(key));
    if (const auto listed = visibility.find(key.run_id.value()); listed != visibility.end()) {
      run.visibility = listed->second;
    } else {
      Violation(key.ToString() + " is not listed");
    }
    WFE_ASSIGN_OR_RETURN(run.current_run, reader_.GetCurrentRun(key.workflow()));
    WFE_ASSIGN_OR_RETURN(run.request_ids, reader_.ListRequestIds(key));
    lint::StoreLintOptions options;
    options.fold = history::Fold;
    options.rebuild = history::Rebuild;
    for (const lint::Finding& finding : lint::LintStored(run, options)) {
      Violation(key.ToString() + ": " + finding.ToString());
    }
    WFE_ASSIGN_OR_RETURN(const auto chain, reader_.VerifyChain(key));
    if (!chain.ok()) Violation(key.ToString() + ": its chain breaks: " + chain.problem);

    lint::RunHistory history{key, {}};
    for (const lint::StoredRun::Batch& batch : run.batches) {
      temporal::api::history::v1::History events;
      if (!events.ParseFromString(batch.bytes)) return DataLoss(key.ToString() + " has a batch that cannot be read");
      for (HistoryEvent& event : *events.mutable_events()) history.events.push_back(std::move(event));
    }
    events_ += history.events.size();
    const auto& buffered = run.state.bookkeeping().buffered_events();
    buffered_[key.workflow_id.value()].insert(buffered_[key.workflow_id.value()].end(), buffered.begin(),
                                              buffered.end());
    history.buffered = {buffered.begin(), buffered.end()};
    CheckReplay(history, random);
    CheckHolders(history);
    if (open) CheckWakeUp(run);
    runs_.push_back(std::move(history));
    return Ok();
  });
  if (!visited) Violation("the store cannot be read: " + visited.error().ToString());
  for (const lint::Finding& finding : lint::LintAcrossRuns(runs_)) Violation(finding.ToString());
  std::vector<lint::OwedObligation> owed;
  const Status visited_owed =
      reader_.ForEachOwed([&](const history::ObligationId& id, Result<engine::v1::Obligation> obligation) {
        if (!obligation) return Violation(obligation.error().ToString());
        owed.push_back({id.owner, *std::move(obligation)});
      });
  if (!visited_owed) Violation("what is owed cannot be read: " + visited_owed.error().ToString());
  for (const lint::Finding& finding : lint::LintObligations(runs_, owed)) Violation(finding.ToString());
  const Status schedules = storage::ForEachSchedule(rows_, [&](const engine::v1::ScheduleRow& row) -> Status {
    for (const lint::Finding& finding : lint::LintSchedule(row, runs_)) Violation(finding.ToString());
    return Ok();
  });
  if (!schedules) Violation("the schedules cannot be read: " + schedules.error().ToString());
}

void Checker::CheckReplay(const lint::RunHistory& run, Random& random) {
  temporal::api::history::v1::History history;
  for (const HistoryEvent& event : run.events) {
    if (event.workflow_task_failed_event_attributes().cause() ==
        enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR) {
      Violation(run.key.ToString() + ": the worker found itself non-deterministic at event " +
                std::to_string(event.event_id()) + ": " +
                event.workflow_task_failed_event_attributes().failure().message());
    }
    *history.add_events() = event;
  }
  const core::ReplayOptions options{
      .ns = run.key.ns.value(), .workflow_id = run.key.workflow_id.value(), .run_id = run.key.run_id.value()};
  const core::ReplayReport whole = core::Replay(history, registry_, options);
  if (!whole.deterministic()) Violation(run.key.ToString() + " does not replay: " + whole.ToString());
  // replay_every_prefix, one at a time.
  const auto length = static_cast<int>(random.Between(1, static_cast<int64_t>(run.events.size())));
  history.mutable_events()->DeleteSubrange(length, history.events_size() - length);
  const core::ReplayReport prefix = core::Replay(history, registry_, options);
  if (!prefix.deterministic()) {
    Violation(run.key.ToString() + " does not replay up to event " + std::to_string(length) + ": " + prefix.ToString());
  }
}

/// F10: what ends a task comes from the worker that holds it, never from one that is late.
void Checker::CheckHolders(const lint::RunHistory& run) {
  std::map<EventId, std::string> holders;  // by started event id
  const auto check = [&](const HistoryEvent& event, EventId started, const std::string& identity) {
    if (holders[started] == identity) return;
    Violation("F10: " + run.key.ToString() + ": event " + std::to_string(event.event_id()) + " comes from " + identity +
              ", but " + holders[started] + " held the task");
  };
  for (const HistoryEvent& event : run.events) {
    if (event.has_workflow_task_started_event_attributes()) {
      holders[event.event_id()] = event.workflow_task_started_event_attributes().identity();
    } else if (event.has_workflow_task_completed_event_attributes()) {
      const auto& completed = event.workflow_task_completed_event_attributes();
      check(event, completed.started_event_id(), completed.identity());
    } else if (event.has_activity_task_started_event_attributes()) {
      holders[event.event_id()] = event.activity_task_started_event_attributes().identity();
    } else if (event.has_activity_task_completed_event_attributes()) {
      const auto& completed = event.activity_task_completed_event_attributes();
      check(event, completed.started_event_id(), completed.identity());
    } else if (event.has_activity_task_failed_event_attributes()) {
      const auto& failed = event.activity_task_failed_event_attributes();
      if (!failed.identity().empty()) check(event, failed.started_event_id(), failed.identity());
    }
  }
}

/// H33: a task, a deadline, or a workflow that only waits for a signal.
void Checker::CheckWakeUp(const lint::StoredRun& run) {
  const Result<history::MutableState> loaded = history::FromCheckpoint(run.state);
  if (!loaded) return Violation(loaded.error().message);
  const history::MutableState& state = *loaded;
  if (history::NextDeadline(state).has_value() || state.HasPendingWorkflowTask()) return;
  if (!history::PendingOffers(state, Instant::max()).empty()) return;
  if (run.state.folded().activities_size() == 0 && run.state.folded().timers_size() == 0) return;  // awaits a signal
  Violation("H33: " + run.key.ToString() + " is open and nothing will ever wake it");
}

void Checker::CheckTold(const Plan& plan, const Told& told) {
  std::map<std::string, int> signals;  // by request id
  bool started = false;
  bool first_run_found = false;
  bool cancel_found = false;
  bool over_by_then = true;  // every run had ended when the cancel was acknowledged, so it had nothing to do (WIRE-F6)
  const auto look_at = [&](const HistoryEvent& event) {
    if (event.has_workflow_execution_signaled_event_attributes()) {
      ++signals[event.workflow_execution_signaled_event_attributes().request_id()];
    }
    if (event.has_workflow_execution_cancel_requested_event_attributes()) cancel_found = true;
  };
  for (const lint::RunHistory& run : runs_) {
    if (run.key.workflow_id.value() != plan.workflow_id) continue;
    started = true;
    if (told.first_run_id && run.key.run_id.value() == *told.first_run_id) first_run_found = true;
    for (const HistoryEvent& event : run.events) look_at(event);
    over_by_then = over_by_then && told.cancel_acknowledged && lint::IsClosing(run.events.back().event_type()) &&
                   FromProto(run.events.back().event_time()) <= *told.cancel_acknowledged;
  }
  for (const HistoryEvent& event : buffered_[plan.workflow_id]) look_at(event);
  if (told.first_run_id && !started) Violation("H36: the acknowledged start of " + plan.workflow_id + " is lost");
  if (told.first_run_id && !told.first_run_id->empty() && !first_run_found) {
    Violation("H36: " + plan.workflow_id + " has no run " + *told.first_run_id + ", which its start had answered");
  }
  if (told.cancel_acknowledged && !cancel_found && !over_by_then) {
    Violation("H36: the acknowledged cancel of " + plan.workflow_id + " is lost");
  }
  for (size_t number = 0; number < plan.signals.size(); ++number) {
    const int times = signals[Client::SignalRequestId(plan, number)];
    if (told.signal_acknowledged[number] && times == 0) {
      Violation("H36: acknowledged signal " + std::to_string(number) + " of " + plan.workflow_id + " is lost");
    }
    // Request ids are known per run, so a repeated call that meets the next run of the chain is a new signal to it.
    if (times > 1 && !plan.program.continues) {
      Violation("H22: signal " + std::to_string(number) + " of " + plan.workflow_id + " was taken " +
                std::to_string(times) + " times");
    }
  }
}

std::vector<std::string> Checker::Describe(const std::string& workflow_id) const {
  std::vector<std::string> lines;
  for (const lint::RunHistory& run : runs_) {
    if (run.key.workflow_id.value() != workflow_id) continue;
    lines.push_back(run.key.ToString());
    for (const HistoryEvent& event : run.events) {
      lines.push_back("  " + FormatIso8601Millis(FromProto(event.event_time())) + " " +
                      event.ShortDebugString());
    }
  }
  return lines;
}

void Checker::CheckOutcome(const Plan& plan, const Told& told) {
  if (!told.status) return Violation("F25: " + plan.workflow_id + " has not ended");
  if (!plan.statuses.contains(*told.status)) {
    return Violation(plan.workflow_id + " ended as " + enums::WorkflowExecutionStatus_Name(*told.status));
  }
  if (told.value && plan.value && *told.value != *plan.value) {
    Violation(plan.workflow_id + " gave " + std::to_string(*told.value) + " and should have given " +
              std::to_string(*plan.value));
  }
}

}  // namespace wfe::simulation
