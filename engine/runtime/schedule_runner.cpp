#include "engine/runtime/schedule_runner.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/serialize.h"
#include "engine/runtime/schedule_answers.h"
#include "engine/schedules/start_request.h"
#include "engine/shard/callback.h"
#include "temporal/api/errordetails/v1/message.pb.h"

namespace wfe::runtime {

namespace {

constexpr auto kRetryAfter = std::chrono::seconds(1);
constexpr auto kDescribePatience = std::chrono::seconds(2);

bool MayHelpToRepeat(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kResourceExhausted ||
         code == StatusCode::kDeadlineExceeded || code == StatusCode::kCancelled || code == StatusCode::kAborted;
}

std::string NameOf(const schedules::Effect& effect) {
  if (const auto* start = std::get_if<schedules::StartAction>(&effect)) {
    return "start " + std::to_string(start->start.number());
  }
  if (const auto* watch = std::get_if<schedules::WatchAction>(&effect)) return "watch " + watch->action.first_run_id();
  if (const auto* cancel = std::get_if<schedules::CancelAction>(&effect)) {
    return "cancel " + cancel->action.first_run_id();
  }
  return "terminate " + std::get<schedules::TerminateAction>(effect).action.first_run_id();
}

shard::Target TargetOf(const Namespace& ns, const engine::v1::RunningAction& action) {
  return {{ns, WorkflowId(action.workflow_id())}, RunId(), action.first_run_id()};
}

}  // namespace

ScheduleRunner::ScheduleRunner(const shard::Options& options, Host host)
    : options_(options),
      host_(std::move(host)),
      gate_(host_.executor),
      timers_({.clock = host_.clock,
               .timers = host_.timers,
               .strand = host_.executor,
               .due = [this](const Key& key) { return OnDue(key); },
               // Every tick of a schedule is stored, so time moves it always.
               .stuck = [](const Key&) {}},
              static_cast<size_t>(options_.max_timers_per_turn)) {}
ScheduleRunner::~ScheduleRunner() = default;

// --- Recovery and upkeep.

namespace {

std::pair<std::string, std::string> NameOf(const ScheduleKey& key) { return {key.ns.value(), key.schedule_id}; }

Error Unreadable(const std::string& schedule_id) {
  return DataLoss("schedule \"" + schedule_id + "\" is in the store and cannot be read; it can be deleted");
}

}  // namespace

void ScheduleRunner::Recover(std::vector<schedules::State> states, const std::vector<ScheduleKey>& unreadable) {
  WFE_CHECK(host_.executor.OnStrand());
  for (const ScheduleKey& key : unreadable) unreadable_.insert(NameOf(key));
  for (schedules::State& state : states) {
    const Key key = KeyOf(state.row);
    auto entry = std::make_unique<Entry>(
        Entry{.instance = ++last_instance_, .state = std::move(state), .last_commit = 0, .under_way = {}});
    SetTimer(key, *entry);
    Weigh(*entry);
    const uint64_t instance = entry->instance;
    entries_[key] = std::move(entry);
    CarryOut(key, instance);
  }
  timers_.Arm();
}

shard::DerivedDifference ScheduleRunner::CheckDerived() {
  WFE_CHECK(host_.executor.OnStrand());
  shard::DerivedDifference difference;
  for (const auto& [key, entry] : entries_) {
    const auto wanted = schedules::NextDeadline(entry->state, options_.schedules);
    // A step that is not durable yet gets its timer when it is.
    if (wanted == timers_.Due(key) || !gate_.IsDurable(entry->last_commit)) continue;
    ++difference.timers_missing;
    SetTimer(key, *entry);
  }
  for (const Key& key : timers_.Keys()) {
    if (entries_.contains(key)) continue;
    ++difference.timers_orphaned;
    timers_.Set(key, std::nullopt);
  }
  timers_.Arm();
  return difference;
}

void ScheduleRunner::Stop(Function<void()> flushed) {
  WFE_CHECK(host_.executor.OnStrand());
  stopped_ = true;
  timers_.Stop();
  while (!describes_.empty()) AnswerDescribes(Key(describes_.begin()->first), std::nullopt);
  gate_.WhenAllDurable(std::move(flushed));
}

// --- What clients ask for.

void ScheduleRunner::Create(schedules::NewSchedule schedule, shard::Callback<uint64_t> done) {
  WFE_CHECK(host_.executor.OnStrand());
  if (stopped_) return done(shard::ShuttingDown());
  const Key key = KeyOf(ScheduleKey{Namespace(schedule.ns), schedule.schedule_id});
  if (unreadable_.contains({schedule.ns, schedule.schedule_id})) return done(Unreadable(schedule.schedule_id));
  if (const Entry* known = Find(key)) {
    const engine::v1::ScheduleRow& row = known->state.row;
    const uint64_t commit = known->last_commit;
    if (!schedule.request_id.empty() && schedule.request_id == row.create_request_id()) {
      return gate_.Answer<uint64_t>(commit, std::move(done), row.conflict_token());
    }
    Error error = AlreadyExists("schedule \"" + schedule.schedule_id + "\" is already registered");
    temporal::api::errordetails::v1::WorkflowExecutionAlreadyStartedFailure failure;
    failure.set_start_request_id(row.create_request_id());
    error.details.push_back({failure.GetTypeName(), Serialize(failure)});
    return gate_.Answer<uint64_t>(commit, std::move(done), std::move(error));
  }
  if (static_cast<int64_t>(entries_.size()) >= options_.max_schedules) {
    return done(ResourceExhausted("there are " + std::to_string(entries_.size()) +
                                  " schedules, no more are kept (max_schedules)"));
  }
  if (Status room = CheckRoom(); !room) return done(std::move(room).error());
  Result<schedules::State> state = schedules::Create(std::move(schedule), host_.clock.Now(), options_.schedules);
  if (!state) return done(std::move(state).error());
  const uint64_t token = state->row.conflict_token();
  auto& entry = entries_[key] = std::make_unique<Entry>(
      Entry{.instance = ++last_instance_, .state = *std::move(state), .last_commit = 0, .under_way = {}});
  Save(key, *entry);
  gate_.Answer<uint64_t>(entry->last_commit, std::move(done), token);
}

void ScheduleRunner::Apply(const ScheduleKey& schedule, schedules::Input input, shard::Callback<uint64_t> done) {
  Result<Entry*> entry = Require(schedule);
  if (!entry) return done(std::move(entry).error());
  if (Status room = std::holds_alternative<schedules::Updated>(input) ? CheckRoom() : Ok(); !room) {
    return done(std::move(room).error());
  }
  const Status advanced = schedules::Advance((*entry)->state, input, host_.clock.Now(), options_.schedules);
  if (!advanced) {
    return gate_.Answer<uint64_t>((*entry)->last_commit, std::move(done), advanced.error());
  }
  Save(KeyOf(schedule), **entry);
  gate_.Answer<uint64_t>((*entry)->last_commit, std::move(done), (*entry)->state.row.conflict_token());
}

void ScheduleRunner::Delete(const ScheduleKey& schedule, shard::Callback<bool> done) {
  Result<Entry*> entry = Require(schedule);
  if (!entry && (stopped_ || unreadable_.erase(NameOf(schedule)) == 0)) return done(std::move(entry).error());
  Forget(KeyOf(schedule), [done = std::move(done)]() mutable { done(true); });
}

void ScheduleRunner::Describe(const ScheduleKey& schedule, shard::Callback<ws::DescribeScheduleResponse> done) {
  Result<Entry*> entry = Require(schedule);
  if (!entry) return done(std::move(entry).error());
  if ((*entry)->state.row.starting().empty()) return DescribeNow(schedule, std::move(done));
  const Key key = KeyOf(schedule);
  const uint64_t id = ++last_describe_;
  describes_[key].push_back({id, schedule, std::move(done)});
  host_.timers.After(kDescribePatience, host_.executor, [this, key, id] { AnswerDescribes(key, id); });
}

void ScheduleRunner::AnswerDescribes(const Key& key, std::optional<uint64_t> only) {
  const auto found = describes_.find(key);
  if (found == describes_.end()) return;
  std::vector<WaitingDescribe> waiting = std::move(found->second);
  describes_.erase(found);
  for (WaitingDescribe& describe : waiting) {
    if (only && describe.id != *only) {
      describes_[key].push_back(std::move(describe));
    } else {
      DescribeNow(describe.schedule, std::move(describe.done));
    }
  }
}

void ScheduleRunner::DescribeNow(const ScheduleKey& schedule, shard::Callback<ws::DescribeScheduleResponse> done) {
  Result<Entry*> entry = Require(schedule);
  if (!entry) return done(std::move(entry).error());
  gate_.Answer<ws::DescribeScheduleResponse>((*entry)->last_commit, std::move(done),
                                             DescribeSchedule((*entry)->state, host_.clock.Now()));
}

void ScheduleRunner::MatchingTimes(const ScheduleKey& schedule, Instant start, Instant end,
                              shard::Callback<ws::ListScheduleMatchingTimesResponse> done) {
  Result<Entry*> entry = Require(schedule);
  if (!entry) return done(std::move(entry).error());
  gate_.Answer<ws::ListScheduleMatchingTimesResponse>((*entry)->last_commit, std::move(done),
                                                      MatchingTimesOf((*entry)->state, start, end));
}

// --- States and commits.

ScheduleRunner::Key ScheduleRunner::KeyOf(const engine::v1::ScheduleRow& row) {
  return {Namespace(row.namespace_()), WorkflowId(row.schedule_id()), RunId()};
}
ScheduleRunner::Key ScheduleRunner::KeyOf(const ScheduleKey& key) { return {key.ns, WorkflowId(key.schedule_id), RunId()}; }

ScheduleRunner::Entry* ScheduleRunner::Find(const Key& key) {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.get();
}
ScheduleRunner::Entry* ScheduleRunner::Find(const Key& key, uint64_t instance) {
  Entry* const entry = Find(key);
  return entry && entry->instance == instance && !stopped_ ? entry : nullptr;
}
Result<ScheduleRunner::Entry*> ScheduleRunner::Require(const ScheduleKey& key) {
  WFE_CHECK(host_.executor.OnStrand());
  if (stopped_) return shard::ShuttingDown();
  if (unreadable_.contains(NameOf(key))) return Unreadable(key.schedule_id);
  Entry* const entry = Find(KeyOf(key));
  if (!entry) return NotFound("schedule \"" + key.schedule_id + "\" not found");
  return entry;
}

void ScheduleRunner::Weigh(Entry& entry) {
  const auto bytes = static_cast<int64_t>(entry.state.row.ByteSizeLong());
  bytes_ += bytes - entry.bytes;
  entry.bytes = bytes;
}

Status ScheduleRunner::CheckRoom() const {
  if (bytes_ <= options_.max_schedules_bytes) return Ok();
  return ResourceExhausted("the schedules have " + std::to_string(bytes_) +
                           " bytes, no more are kept (max_schedules_bytes)");
}

void ScheduleRunner::Save(const Key& key, Entry& entry) {
  Weigh(entry);
  host_.store.Put(entry.state.row, gate_.NextCommit());
  entry.last_commit = gate_.handed_in();
  SetTimer(key, entry);
  timers_.Arm();
  gate_.WhenDurable(entry.last_commit, [this, key, instance = entry.instance] {
    Entry* const saved = Find(key, instance);
    // A later commit of the same schedule takes care of everything.
    if (!saved || !gate_.IsDurable(saved->last_commit)) return;
    SetTimer(key, *saved);
    timers_.Arm();
    CarryOut(key, instance);
  });
}

void ScheduleRunner::Take(const Key& key, uint64_t instance, const schedules::Input& input) {
  Entry* const entry = Find(key, instance);
  if (!entry) return;
  const Status advanced = schedules::Advance(entry->state, input, host_.clock.Now(), options_.schedules);
  WFE_CHECK(advanced.has_value(), advanced.has_value() ? "" : advanced.error().message);
  Save(key, *entry);
  if (entry->state.row.starting().empty()) AnswerDescribes(key, std::nullopt);
}

void ScheduleRunner::Forget(const Key& key, Function<void()> durable) {
  timers_.Set(key, std::nullopt);
  if (const Entry* entry = Find(key)) bytes_ -= entry->bytes;
  entries_.erase(key);
  host_.store.Delete(key.ns.value(), key.workflow_id.value(), gate_.NextCommit());
  gate_.WhenAllDurable(std::move(durable));
  AnswerDescribes(key, std::nullopt);
}

// --- Effects.

void ScheduleRunner::CarryOut(const Key& key, uint64_t instance) {
  Entry* const entry = Find(key, instance);
  if (!entry || !gate_.IsDurable(entry->last_commit)) return;
  bool held_back = false;
  for (const schedules::Effect& effect : schedules::Wanted(entry->state)) {
    std::string name = NameOf(effect);
    if (entry->under_way.contains(name)) continue;
    if (std::holds_alternative<schedules::StartAction>(effect) && !MayStart()) {
      held_back = true;
      continue;
    }
    entry->under_way.insert(name);
    Begin(key, *entry, effect, name);
  }
  if (held_back) CarryOutLater(key, instance, {});
}

void ScheduleRunner::CarryOutLater(const Key& key, uint64_t instance, std::string effect) {
  host_.timers.After(kRetryAfter, host_.executor, [this, key, instance, effect = std::move(effect)] {
    Entry* const entry = Find(key, instance);
    if (!entry) return;
    entry->under_way.erase(effect);
    CarryOut(key, instance);
  });
}

bool ScheduleRunner::MayStart() {
  const Instant now = host_.clock.Now();
  if (now - start_window_ >= std::chrono::seconds(1)) {
    start_window_ = now;
    starts_in_window_ = 0;
  }
  return starts_in_window_++ < options_.max_scheduled_starts_per_second;
}

void ScheduleRunner::Begin(const Key& key, Entry& entry, const schedules::Effect& effect, const std::string& name) {
  const uint64_t instance = entry.instance;
  // True when the effect is over for good; otherwise it will be tried again.
  const auto settled = [this, key, instance, name](const Error* error) {
    Entry* const now = Find(key, instance);
    if (!now) return false;
    if (error && MayHelpToRepeat(error->code)) {
      CarryOutLater(key, instance, name);
      return false;
    }
    return true;
  };

  if (const auto* start = std::get_if<schedules::StartAction>(&effect)) {
    ws::StartWorkflowExecutionRequest request = schedules::StartRequest(entry.state.row, start->start);
    schedules::StartAnswered answer;
    answer.number = start->start.number();
    answer.workflow_id = request.workflow_id();
    host_.router.Start(std::move(request),
                [this, key, instance, name, settled, answer = std::move(answer)](Result<shard::StartOutcome> outcome) mutable {
                  if (!settled(outcome ? nullptr : &outcome.error())) return;
                  if (outcome) {
                    answer.first_run_id = outcome->first_execution_run_id;
                  } else {
                    answer.refusal = std::move(outcome).error();
                  }
                  Find(key, instance)->under_way.erase(name);
                  Take(key, instance, answer);
                });
  } else if (const auto* watch = std::get_if<schedules::WatchAction>(&effect)) {
    schedules::ActionClosed closed;
    closed.workflow_id = watch->action.workflow_id();
    closed.first_run_id = watch->action.first_run_id();
    host_.router.WatchChain(TargetOf(key.ns, watch->action),
                [this, key, instance, settled, closed = std::move(closed)](Result<shard::ChainEnd> end) mutable {
                  if (!settled(end ? nullptr : &end.error())) return;
                  // A run that is not there any more has no status to tell.
                  if (end) {
                    closed.status = end->status;
                    closed.result = std::move(end->result);
                    closed.failure = std::move(end->failure);
                  }
                  auto& under_way = Find(key, instance)->under_way;
                  for (const char* what : {"watch ", "cancel ", "terminate "})
                    under_way.erase(what + closed.first_run_id);
                  Take(key, instance, closed);
                });
  } else {
    const auto* cancel = std::get_if<schedules::CancelAction>(&effect);
    const engine::v1::RunningAction& action =
        cancel ? cancel->action : std::get<schedules::TerminateAction>(effect).action;
    const std::string reason = "the next action of schedule " + entry.state.row.schedule_id() + " is due";
    history::Input input;
    if (cancel) {
      history::CancelRequested request;
      request.reason = reason;
      request.identity = "wfe-schedule " + entry.state.row.schedule_id();
      request.request_id = "schedule-cancel-" + action.first_run_id();
      input = std::move(request);
    } else {
      history::TerminateRequested request;
      request.reason = reason;
      request.identity = "wfe-schedule " + entry.state.row.schedule_id();
      input = std::move(request);
    }
    // The end of the run is what counts, and it is watched; a refusal means that it has ended already.
    host_.router.Mutate(TargetOf(key.ns, action), std::move(input),
                 [settled](Result<shard::MutateOutcome> outcome) { settled(outcome ? nullptr : &outcome.error()); });
  }
}

// --- Timers.

void ScheduleRunner::SetTimer(const Key& key, const Entry& entry) {
  const auto due = schedules::NextDeadline(entry.state, options_.schedules);
  // What is left of a long step waits for the commit before it, so that steps do not pile up.
  const bool may_be_set = due && (*due > host_.clock.Now() || gate_.IsDurable(entry.last_commit));
  timers_.Set(key, may_be_set ? due : std::nullopt);
}

bool ScheduleRunner::OnDue(const Key& key) {
  Entry* const entry = Find(key);
  WFE_CHECK(entry != nullptr, "a timer without its schedule");
  if (schedules::Expired(entry->state, host_.clock.Now(), options_.schedules)) {
    Forget(key, [] {});
  } else {
    Take(key, entry->instance, schedules::Tick{});
  }
  return true;
}

}  // namespace wfe::runtime
