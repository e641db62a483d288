#include "engine/runtime/schedule_runner.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/serialize.h"
#include "engine/history/proto_time.h"
#include "engine/schedules/start_request.h"
#include "engine/shard/callback.h"
#include "temporal/api/errordetails/v1/message.pb.h"

namespace wfe::runtime {

namespace {

constexpr size_t kFutureTimes = 10;
constexpr size_t kListedTimes = 5;
constexpr size_t kMaxMatchingTimes = 1000;
constexpr auto kRetryAfter = std::chrono::seconds(1);
constexpr auto kLongestSleep = std::chrono::minutes(1);
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

/// Absent when there are none, not empty: SDKs compare with what they sent (WIRE-F16).
template <class Answer>
void FillAttributes(const engine::v1::ScheduleRow& row, Answer* answer) {
  if (!row.memo().fields().empty()) *answer->mutable_memo() = row.memo();
  if (!row.search_attributes().indexed_fields().empty()) {
    *answer->mutable_search_attributes() = row.search_attributes();
  }
}

shard::Target TargetOf(const Namespace& ns, const engine::v1::RunningAction& action) {
  return {{ns, WorkflowId(action.workflow_id())}, RunId(), action.first_run_id()};
}

void FillInfo(const schedules::State& state, Instant now, temporal::api::schedule::v1::ScheduleInfo* info) {
  const engine::v1::ScheduleRow& row = state.row;
  *info = row.info();
  for (const auto& action : row.running()) {
    auto& running = *info->add_running_workflows();
    running.set_workflow_id(action.workflow_id());
    running.set_run_id(action.first_run_id());
  }
  for (const Instant time : schedules::FutureActionTimes(state, now, kFutureTimes)) {
    *info->add_future_action_times() = history::ToProto(time);
  }
  info->set_buffer_size(row.buffer_size());
  info->set_state_size_bytes(static_cast<int64_t>(row.ByteSizeLong()));
}

}  // namespace

void FillListEntry(const schedules::State& state, Instant now, temporal::api::schedule::v1::ScheduleListEntry* entry) {
  const engine::v1::ScheduleRow& row = state.row;
  entry->set_schedule_id(row.schedule_id());
  FillAttributes(row, entry);
  auto& info = *entry->mutable_info();
  *info.mutable_spec() = row.schedule().spec();
  *info.mutable_workflow_type() = row.schedule().action().start_workflow().workflow_type();
  info.set_notes(row.schedule().state().notes());
  info.set_paused(row.schedule().state().paused());
  const auto& recent = row.info().recent_actions();
  for (int i = std::max(0, recent.size() - static_cast<int>(kListedTimes)); i < recent.size(); ++i) {
    *info.add_recent_actions() = recent[i];
  }
  for (const Instant time : schedules::FutureActionTimes(state, now, kListedTimes)) {
    *info.add_future_action_times() = history::ToProto(time);
  }
  info.set_state_size_bytes(static_cast<int64_t>(row.ByteSizeLong()));
}

ScheduleRunner::ScheduleRunner(const shard::Options& options, Host host) : options_(options), host_(std::move(host)) {}
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
  ArmTimer();
}

shard::DerivedDifference ScheduleRunner::CheckDerived() {
  WFE_CHECK(host_.executor.OnStrand());
  shard::DerivedDifference difference;
  for (const auto& [key, entry] : entries_) {
    const auto wanted = schedules::NextDeadline(entry->state, options_.schedules);
    // A step that is not durable yet gets its timer when it is.
    if (wanted == timers_.Due(key) || entry->last_commit > durable_) continue;
    ++difference.timers_missing;
    SetTimer(key, *entry);
  }
  for (const Key& key : timers_.Keys()) {
    if (entries_.contains(key)) continue;
    ++difference.timers_orphaned;
    timers_.Remove(key);
  }
  ArmTimer();
  return difference;
}

void ScheduleRunner::Stop(Function<void()> flushed) {
  WFE_CHECK(host_.executor.OnStrand());
  stopped_ = true;
  if (armed_for_) host_.timers.Cancel(armed_timer_);
  while (!describes_.empty()) AnswerDescribes(Key(describes_.begin()->first), std::nullopt);
  WhenDurable(handed_in_, std::move(flushed));
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
      return WhenDurable(commit, [done = std::move(done), token = row.conflict_token()]() mutable { done(token); });
    }
    Error error = AlreadyExists("schedule \"" + schedule.schedule_id + "\" is already registered");
    temporal::api::errordetails::v1::WorkflowExecutionAlreadyStartedFailure failure;
    failure.set_start_request_id(row.create_request_id());
    error.details.push_back({failure.GetTypeName(), Serialize(failure)});
    return WhenDurable(commit,
                       [done = std::move(done), error = std::move(error)]() mutable { done(std::move(error)); });
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
  WhenDurable(entry->last_commit, [done = std::move(done), token]() mutable { done(token); });
}

void ScheduleRunner::Apply(const ScheduleKey& schedule, schedules::Input input, shard::Callback<uint64_t> done) {
  Result<Entry*> entry = Require(schedule);
  if (!entry) return done(std::move(entry).error());
  if (Status room = std::holds_alternative<schedules::Updated>(input) ? CheckRoom() : Ok(); !room) {
    return done(std::move(room).error());
  }
  const Status advanced = schedules::Advance((*entry)->state, input, host_.clock.Now(), options_.schedules);
  if (!advanced) {
    return WhenDurable((*entry)->last_commit,
                       [done = std::move(done), error = advanced.error()]() mutable { done(std::move(error)); });
  }
  Save(KeyOf(schedule), **entry);
  WhenDurable((*entry)->last_commit,
              [done = std::move(done), token = (*entry)->state.row.conflict_token()]() mutable { done(token); });
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
  const schedules::State& state = (*entry)->state;
  ws::DescribeScheduleResponse response;
  *response.mutable_schedule() = state.row.schedule();
  FillInfo(state, host_.clock.Now(), response.mutable_info());
  FillAttributes(state.row, &response);
  response.set_conflict_token(std::to_string(state.row.conflict_token()));
  WhenDurable((*entry)->last_commit,
              [done = std::move(done), response = std::move(response)]() mutable { done(std::move(response)); });
}

void ScheduleRunner::MatchingTimes(const ScheduleKey& schedule, Instant start, Instant end,
                              shard::Callback<ws::ListScheduleMatchingTimesResponse> done) {
  Result<Entry*> entry = Require(schedule);
  if (!entry) return done(std::move(entry).error());
  ws::ListScheduleMatchingTimesResponse response;
  for (const Instant time : (*entry)->state.spec.Matching(start, end, kMaxMatchingTimes)) {
    *response.add_start_time() = history::ToProto(time);
  }
  WhenDurable((*entry)->last_commit,
              [done = std::move(done), response = std::move(response)]() mutable { done(std::move(response)); });
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

storage::DurableCallback ScheduleRunner::NextCommit() {
  const uint64_t commit = ++handed_in_;
  return {&host_.executor, [this, commit] {
            WFE_CHECK(host_.executor.OnStrand() && commit == durable_ + 1, "commits became durable out of order");
            durable_ = commit;
            while (!when_durable_.empty() && when_durable_.begin()->first <= commit) {
              Function<void()> run = std::move(when_durable_.begin()->second);
              when_durable_.erase(when_durable_.begin());
              run();
            }
          }};
}

void ScheduleRunner::WhenDurable(uint64_t commit, Function<void()> run) {
  if (commit <= durable_) return run();
  when_durable_.emplace(commit, std::move(run));
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
  host_.store.Put(entry.state.row, NextCommit());
  entry.last_commit = handed_in_;
  SetTimer(key, entry);
  ArmTimer();
  WhenDurable(entry.last_commit, [this, key, instance = entry.instance] {
    Entry* const saved = Find(key, instance);
    // A later commit of the same schedule takes care of everything.
    if (!saved || saved->last_commit > durable_) return;
    SetTimer(key, *saved);
    ArmTimer();
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
  timers_.Remove(key);
  if (const Entry* entry = Find(key)) bytes_ -= entry->bytes;
  entries_.erase(key);
  host_.store.Delete(key.ns.value(), key.workflow_id.value(), NextCommit());
  WhenDurable(handed_in_, std::move(durable));
  AnswerDescribes(key, std::nullopt);
}

// --- Effects.

void ScheduleRunner::CarryOut(const Key& key, uint64_t instance) {
  Entry* const entry = Find(key, instance);
  if (!entry || entry->last_commit > durable_) return;
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
  if (due && (*due > host_.clock.Now() || entry.last_commit <= durable_)) {
    timers_.Set(key, *due);
  } else {
    timers_.Remove(key);
  }
}

void ScheduleRunner::ArmTimer() {
  const std::optional<Instant> next = timers_.NextDue();
  if (!next || stopped_) return;
  if (armed_for_ && *armed_for_ <= *next) return;
  if (armed_for_) host_.timers.Cancel(armed_timer_);
  // Looked at every minute at least: timers count the time a machine is awake, schedules go by the clock (F8).
  const Instant now = host_.clock.Now();
  armed_for_ = std::min(*next, now + kLongestSleep);
  const Duration delay = std::max(Duration::zero(), *armed_for_ - now);
  armed_timer_ = host_.timers.After(delay, host_.executor, [this, armed = *armed_for_] {
    if (armed_for_ != armed) return;  // superseded while it was already posted
    armed_for_.reset();
    OnTimer();
  });
}

void ScheduleRunner::OnTimer() {
  WFE_CHECK(host_.executor.OnStrand());
  if (stopped_) return;
  const Instant now = host_.clock.Now();
  for (const Key& key : timers_.PopDue(now, static_cast<size_t>(options_.max_timers_per_turn))) {
    Entry* const entry = Find(key);
    WFE_CHECK(entry != nullptr, "a timer without its schedule");
    if (schedules::Expired(entry->state, now, options_.schedules)) {
      Forget(key, [] {});
    } else {
      Take(key, entry->instance, schedules::Tick{});
    }
  }
  ArmTimer();
}

}  // namespace wfe::runtime
