#include "engine/shard/shard.h"

#include "engine/history/nesting.h"
#include "engine/shard/answers.h"
#include "engine/shard/shard_private.h"
#include "engine/visibility/visibility_record.h"
#include "temporal/api/enums/v1/event_type.pb.h"

namespace wfe::shard {

namespace enums = temporal::api::enums::v1;

Shard::Shard(const Options& options, Host host)
    : options_(options),
      host_(host),
      gate_(host_.executor),
      cache_(options_, host_.clock, host_.timers, host_.executor, gate_),
      timers_({.clock = host_.clock,
               .timers = host_.timers,
               .strand = host_.executor,
               .due = [this](const ExecutionKey& key) { return OnDue(key); },
               .stuck =
                   [this](const ExecutionKey& key) {
                     host_.log->Error("deadline_stuck", key.ToString() + " has a deadline that does not move",
                                      {{"run", key.ToString()}});
                   }},
              static_cast<size_t>(options_.max_timers_per_turn)),
      history_waiters_(options_, WaitClock(), host_.timers, host_.executor),
      queries_(options_, WaitClock(), host_.timers, host_.executor, host_.sink),
      outbox_({.timers = host_.timers,
               .executor = host_.executor,
               .is_open = [this](const ExecutionKey& key) { return IsOpen(key); },
               .acknowledge =
                   [this](const history::ObligationId& id, const Outbox::Duty& duty,
                          std::optional<history::Refusal> answer) { Acknowledge(id, duty, answer); },
               .log = host_.log}) {}
Shard::~Shard() = default;

// --- Recovery and upkeep.

void Shard::LeaveAlone(const ExecutionKey& key, const Error& why) {
  // A disk that cannot be read is no matter of one run (ARCHITECTURE D5).
  WFE_CHECK(why.code != StatusCode::kUnavailable, why.message);
  timers_.Set(key, std::nullopt);
  host_.log->Error("run_unreadable", key.ToString() + " cannot be read and is left alone: " + why.message,
                   {{"name", key.ToString()}, {"error", why.message}});
}

const history::MutableState* Shard::Peek(const ExecutionKey& key, std::optional<history::MutableState>& read) const {
  if (const Execution* const execution = cache_.Peek(key)) return &execution->state;
  Result<storage::LoadedRun> stored = ReadRun(key);
  if (!stored) return nullptr;
  read = std::move(stored->state);
  return &*read;
}

void Shard::Stop(Function<void()> flushed) {
  WFE_CHECK(host_.executor.OnStrand());
  stopped_ = true;
  outbox_.Stop();
  timers_.Stop();
  cache_.Stop();
  history_waiters_.FailAll(ShuttingDown());
  queries_.FailAll(ShuttingDown());
  for (auto& watcher : chain_watchers_.TakeAll()) watcher->done(ShuttingDown());
  gate_.WhenAllDurable(std::move(flushed));
}

// --- Loading.

Status Shard::Serving() const {
  WFE_CHECK(host_.executor.OnStrand());
  if (stopped_) return ShuttingDown();
  return Ok();
}

Result<Execution*> Shard::Require(const Target& target) {
  WFE_RETURN_IF_ERROR(Serving());
  WFE_ASSIGN_OR_RETURN(const ExecutionKey key, Resolve(target));
  return Load(key);
}

Result<Execution*> Shard::Require(const ExecutionKey& key) {
  WFE_RETURN_IF_ERROR(Serving());
  return Load(key);
}

Result<ExecutionKey> Shard::Resolve(const Target& target) const {
  const WorkflowKey& workflow = target.workflow;
  ExecutionKey key{workflow.ns, workflow.workflow_id, target.run_id};
  if (!target.run_id.empty() && target.first_execution_run_id.empty()) return key;
  WFE_ASSIGN_OR_RETURN(const std::optional<engine::v1::CurrentRun> current, host_.store.GetCurrentRun(workflow));
  if (!current) return NotFound("workflow not found for ID: " + workflow.workflow_id.value());
  key.run_id = RunId(current->run_id());
  return key;
}

Result<Execution*> Shard::Load(const ExecutionKey& key) {
  if (Execution* const execution = cache_.Find(key)) return execution;
  WFE_ASSIGN_OR_RETURN(storage::LoadedRun run, ReadRun(key));
  Execution& inserted = Insert(key, std::move(run));
  if (unrecovered_.erase(key) > 0) WFE_RETURN_IF_ERROR(TakeUpNow(inserted));
  return &inserted;
}

Result<storage::LoadedRun> Shard::ReadRun(const ExecutionKey& key) const {
  WFE_ASSIGN_OR_RETURN(std::optional<storage::LoadedRun> run, host_.store.LoadRun(key));
  if (!run) return NotFound("workflow execution not found: " + key.ToString());
  return *std::move(run);
}

Execution& Shard::Insert(const ExecutionKey& key, storage::LoadedRun run) {
  WFE_CHECK(!host_.owns || host_.owns(key.workflow()), "an execution came to a shard that does not own it");
  return cache_.Insert(key, std::move(run));
}

// --- Deciding.

Result<history::Transition> Shard::Decide(Execution& execution, const history::Input& input) {
  return history::Decide(std::move(execution.state), input, host_.clock.Now(), options_.history);
}

Status Shard::BringFirstEvent(Execution& execution, history::Input& input) {
  if (!history::NeedsFirstEvent(execution.state, input, host_.clock.Now())) return Ok();
  EventId next = 1;
  WFE_ASSIGN_OR_RETURN(const std::string field, ReadEvents(execution, 1, 2, 1, &next));
  auto event = std::make_shared<history::HistoryEvent>();
  const std::string_view bytes = StripField(field);
  if (!history::ParseStored(bytes, event.get())) {
    return DataLoss("the first event of " + execution.key.ToString() + " cannot be read");
  }
  if (auto* tick = std::get_if<history::Tick>(&input)) tick->first_event = event;
  if (auto* completed = std::get_if<history::WorkflowTaskCompleted>(&input)) completed->first_event = event;
  return Ok();
}

void Shard::Reload(Execution& execution, std::optional<history::StartedWorkflowTask> held) {
  Result<storage::LoadedRun> run = ReadRun(execution.key);
  WFE_CHECK(run.has_value(), run.has_value() ? "" : "an execution cannot be read again: " + run.error().message);
  execution.state = std::move(run->state);
  if (held.has_value()) history::Apply(execution.state, history::note::WorkflowTaskTaken{*std::move(held)});
}

// --- Carrying transitions out.

void Shard::Carry(Execution& execution, history::Transition transition, std::vector<std::string> request_ids,
                  std::optional<Receipt> receipt) {
  std::vector<Step> steps;
  steps.push_back({.execution = &execution,
                   .transition = &transition,
                   .request_ids = std::move(request_ids),
                   .is_current = transition.new_run == nullptr,
                   .receipt = std::move(receipt)});
  if (transition.new_run) {
    Execution& next = Insert(transition.new_run->next.Key(), storage::LoadedRun());
    steps.push_back(
        {.execution = &next, .transition = transition.new_run.get(), .request_ids = {}, .is_current = true});
  }
  Carry(std::move(steps));
}

void Shard::Adopt(Step& step, std::vector<storage::ExecutionCommit>& commits) {
  Execution& execution = *step.execution;
  history::Transition& transition = *step.transition;
  execution.last_used = host_.clock.Now();

  const bool commits_something = transition.needs_commit || !step.request_ids.empty() || !step.paid.empty();
  execution.state = std::move(transition.next);
  timers_.Set(execution.key, history::NextDeadline(execution.state));
  if (!commits_something) return;

  storage::ExecutionCommit commit;
  commit.key = execution.key;
  if (!transition.events.empty()) {
    commit.events = storage::EventBatch::Encode(transition.events);
    execution.tail.Append(commit.events.first_event_id, commit.events.count, commit.events.bytes);
    // The next sticky answer begins after the last completed task's start; earlier events are not asked for again.
    execution.tail.TrimBefore(execution.state.folded().last_completed_started_event_id() + 1);
    if (static_cast<int64_t>(execution.tail.size_bytes()) > options_.max_cached_history_bytes) execution.tail.Clear();
  }
  if (transition.needs_commit) {
    commit.notes = std::move(transition.notes);
    commit.state = &execution.state;
    commit.tail = &execution.rows;
  }
  cache_.Weigh(execution);

  const auto& folded = execution.state.folded();
  bool listed = false;
  bool status_changed = false;
  for (const history::HistoryEvent& event : transition.events) {
    switch (event.event_type()) {
      case enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
        status_changed = true;
        break;
      case enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
      case enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
        listed = true;
        break;
      default:
        break;
    }
  }
  if (!execution.state.IsOpen()) status_changed = status_changed || !transition.events.empty();
  if (listed || status_changed) commit.visibility = visibility::VisibilityOf(execution.state);
  if (status_changed && step.is_current) {
    engine::v1::CurrentRun current;
    current.set_run_id(folded.run_id());
    current.set_create_request_id(step.create_request_id);
    if (step.create_request_id.empty() && !execution.state.IsOpen()) {
      // Its start's request id is in no event, only in the row that is replaced here.
      const auto before = host_.store.GetCurrentRun(execution.key.workflow());
      if (before && *before && (*before)->run_id() == folded.run_id()) {
        current.set_create_request_id((*before)->create_request_id());
      }
    }
    current.set_status(folded.status());
    *current.mutable_start_time() = folded.start_time();
    current.set_first_execution_run_id(folded.first_execution_run_id());
    commit.current_run = std::move(current);
  }
  for (std::string& id : step.request_ids) commit.request_ids.push_back({std::move(id)});
  commit.paid = step.paid;
  const int64_t number = execution.state.bookkeeping().state_transition_count();
  for (engine::v1::Obligation& owed : transition.owed) {
    commit.owed.push_back({history::ObligationNumber(number, commit.owed.size()),
                           std::make_shared<const engine::v1::Obligation>(std::move(owed))});
  }
  commits.push_back(std::move(commit));
}

void Shard::Carry(std::vector<Step> steps) {
  WFE_CHECK(host_.executor.OnStrand());
  std::vector<storage::ExecutionCommit> commits;
  for (Step& step : steps) {
    Adopt(step, commits);
    if (!step.receipt.has_value()) continue;
    storage::ExecutionCommit receipt;
    receipt.key = std::move(step.receipt->inbox);
    receipt.request_ids.push_back({std::move(step.receipt->request_id)});
    commits.push_back(std::move(receipt));
  }
  if (host_.transitions) host_.transitions->Add(static_cast<int64_t>(steps.size()));

  std::vector<std::pair<history::ObligationId, Outbox::Duty>> owed;
  for (const storage::ExecutionCommit& commit : commits) {
    for (const storage::OwedRow& row : commit.owed) owed.push_back({{commit.key, row.number}, row.obligation});
  }
  if (!commits.empty()) {
    Commit(std::move(commits));
    for (const Step& step : steps) step.execution->last_commit = gate_.handed_in();
  }
  if (!owed.empty()) {
    gate_.WhenAllDurable([this, owed = std::move(owed)]() mutable {
      for (auto& [id, duty] : owed) outbox_.Add(std::move(id), std::move(duty));
    });
  }

  for (Step& step : steps) {
    Execution& execution = *step.execution;
    history::Transition& transition = *step.transition;
    // A task that ended without being taken is void in its queue.
    std::vector<matching::TaskIdentity> ended;
    for (const history::HistoryEvent& event : transition.events) {
      EventId scheduled = 0;
      if (event.has_activity_task_timed_out_event_attributes()) {
        scheduled = event.activity_task_timed_out_event_attributes().scheduled_event_id();
      } else if (event.has_activity_task_canceled_event_attributes()) {
        scheduled = event.activity_task_canceled_event_attributes().scheduled_event_id();
      } else {
        continue;
      }
      ended.push_back({execution.key, matching::TaskKind::kActivity, scheduled, {}});
    }
    const bool closed = !execution.state.IsOpen();
    gate_.WhenDurable(execution.last_commit, [this, key = execution.key, effects = std::move(transition.effects),
                                              ended = std::move(ended), closed]() mutable {
      for (matching::TaskIdentity& task : ended) host_.sink.Withdraw(std::move(task));
      CarryOutEffects(key, key.ns.value(), std::move(effects));
      WakeHistoryWaiters(key);
      if (closed) WakeChainWatchers(key.workflow());
    });
    ReconcileQueries(execution);
  }
  timers_.Arm();
}

void Shard::Commit(std::vector<storage::ExecutionCommit> commits) {
  for (auto& [key, request_id] : to_forget_) {
    storage::ExecutionCommit commit;
    commit.key = std::move(key);
    commit.forgotten_request_ids.push_back(std::move(request_id));
    commits.push_back(std::move(commit));
  }
  to_forget_.clear();
  host_.store.Commit(std::move(commits), gate_.NextCommit());
}

void Shard::CarryOutEffects(const ExecutionKey& key, const std::string& ns, std::vector<history::Effect> effects) {
  using matching::QueueType;
  std::vector<TaskSink::Offered> offers;
  for (history::Effect& effect : effects) {
    if (auto* offer = std::get_if<history::OfferWorkflowTask>(&effect)) {
      offers.push_back({{key, matching::TaskKind::kWorkflow, offer->scheduled_event_id, offer->attempt, {}},
                        {Namespace(ns), QueueType::kWorkflow, std::move(offer->queue)}});
      if (offer->sticky) offers.back().normal_queue = std::move(offer->normal_queue);
    } else if (auto* activity = std::get_if<history::OfferActivityTask>(&effect)) {
      offers.push_back({{key, matching::TaskKind::kActivity, activity->scheduled_event_id, activity->attempt, {}},
                        {Namespace(ns), QueueType::kActivity, std::move(activity->queue)}});
    } else if (std::holds_alternative<history::RunClosed>(effect)) {
      offers.clear();
      host_.sink.WithdrawExecution(key);
    }
    // DeliverEagerActivity went out with the reply that asked for it.
  }
  if (!offers.empty()) host_.sink.Offer(std::move(offers));
}

bool Shard::OnDue(const ExecutionKey& key) {
  Result<Execution*> loaded = Load(key);
  if (!loaded) {
    LeaveAlone(key, loaded.error());
    return false;
  }
  Execution& execution = **loaded;
  history::Input tick = history::Tick{};
  if (const Status brought = BringFirstEvent(execution, tick); !brought) {
    LeaveAlone(key, brought.error());
    return false;
  }
  Result<history::Transition> transition = Decide(execution, tick);
  if (!transition) return false;  // closed meanwhile
  const bool moved = transition->needs_commit;
  Carry(execution, *std::move(transition));
  return moved;
}

}  // namespace wfe::shard
