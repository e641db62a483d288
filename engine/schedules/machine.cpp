#include "engine/schedules/machine.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/proto_time.h"
#include "engine/schedules/overlap.h"

namespace wfe::schedules {

namespace {

namespace pb = temporal::api::schedule::v1;
namespace enums = temporal::api::enums::v1;
using engine::v1::ScheduledStart;
using engine::v1::ScheduleRow;

std::string JitterSeed(const ScheduleRow& row) { return row.namespace_() + "/" + row.schedule_id(); }

/// Refuses what would cost its shard too much at every step (SEC-H1): `spec` is what follows from `schedule`.
Status CheckCost(const pb::Schedule& schedule, const Spec& spec, int64_t other_bytes, Instant now,
                 const Limits& limits) {
  const int64_t bytes = static_cast<int64_t>(schedule.ByteSizeLong()) + other_bytes;
  if (bytes > limits.max_bytes) {
    return InvalidArgument("the schedule has " + std::to_string(bytes) + " bytes with its memo and its action's input, " +
                           "at most " + std::to_string(limits.max_bytes) + " are kept (max_schedule_bytes)");
  }
  int64_t spent = 0;
  spec.Next(now, &spent);
  if (spent <= kMaxWork) return Ok();
  return InvalidArgument("Invalid schedule spec: finding its next time takes more than " + std::to_string(kMaxWork) +
                         " steps; its calendars leave too few times, or its exclusions take them all");
}

/// Fills in the defaults, so that a description shows what applies.
Status Complete(pb::Schedule& schedule, const Limits& limits) {
  Result<pb::ScheduleSpec> spec = Canonical(std::move(*schedule.mutable_spec()));
  if (!spec) return std::move(spec).error();
  *schedule.mutable_spec() = *std::move(spec);

  auto& policies = *schedule.mutable_policies();
  if (!enums::ScheduleOverlapPolicy_IsValid(policies.overlap_policy())) {
    return InvalidArgument("unknown overlap policy " + std::to_string(policies.overlap_policy()));
  }
  if (policies.overlap_policy() == enums::SCHEDULE_OVERLAP_POLICY_UNSPECIFIED) {
    policies.set_overlap_policy(enums::SCHEDULE_OVERLAP_POLICY_SKIP);
  }
  const Duration window =
      policies.has_catchup_window() ? FromProto(policies.catchup_window()) : limits.default_catchup_window;
  *policies.mutable_catchup_window() = ToProto(std::max(window, limits.min_catchup_window));

  if (!schedule.action().has_start_workflow()) {
    return InvalidArgument("the schedule has no action: only start_workflow is known");
  }
  const auto& action = schedule.action().start_workflow();
  if (!action.cron_schedule().empty()) {
    return InvalidArgument("the action of a schedule has no cron_schedule of its own");
  }
  if (action.workflow_id_reuse_policy() != enums::WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED &&
      action.workflow_id_reuse_policy() != enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE) {
    return InvalidArgument("the action of a schedule has no workflow_id_reuse_policy of its own");
  }
  if (action.has_versioning_override()) return Unimplemented("versioning_override is not served");
  if (schedule.state().remaining_actions() < 0) return InvalidArgument("remaining_actions is negative");
  return Ok();
}

/// Pause and exhaustion stop what the schedule does by itself, not what it is asked for.
bool Allowed(const ScheduleRow& row, bool manual) {
  if (manual) return true;
  const auto& state = row.schedule().state();
  return !state.paused() && (!state.limited_actions() || state.remaining_actions() > 0);
}

bool Busy(const ScheduleRow& row) {
  const auto waited_for = [](const auto& action) { return !action.overlapping(); };
  return std::any_of(row.running().begin(), row.running().end(), waited_for) ||
         std::any_of(row.starting().begin(), row.starting().end(), waited_for);
}

void TouchSchedule(ScheduleRow& row) { row.set_conflict_token(row.conflict_token() + 1); }

void SetNotes(ScheduleRow& row, std::string notes) {
  row.mutable_schedule()->mutable_state()->set_notes(std::move(notes));
  TouchSchedule(row);
}

void AddStart(ScheduleRow& row, ActionTime time, OverlapPolicy policy, bool manual, const Limits& limits) {
  row.set_times_due(row.times_due() + 1);
  if (static_cast<size_t>(row.buffer_size()) >= limits.max_buffer) {
    row.mutable_info()->set_buffer_dropped(row.info().buffer_dropped() + 1);
    return;
  }
  ScheduledStart& start = *row.add_buffer();
  *start.mutable_nominal_time() = ToProto(time.nominal);
  *start.mutable_actual_time() = ToProto(time.actual);
  start.set_overlap_policy(policy);
  start.set_manual(manual);
}

/// Moves what may start now from the buffer to `starting`.
void DrainBuffer(ScheduleRow& row) {
  do {
    std::vector<ScheduledStart> waiting(std::make_move_iterator(row.mutable_buffer()->begin()),
                                        std::make_move_iterator(row.mutable_buffer()->end()));
    row.clear_buffer();
    OverlapDecision decision =
        ResolveOverlap(std::move(waiting), Busy(row), row.schedule().policies().overlap_policy());
    row.mutable_info()->set_overlap_skipped(row.info().overlap_skipped() + decision.skipped);
    for (ScheduledStart& start : decision.buffer) *row.add_buffer() = std::move(start);
    for (ScheduledStart& start : decision.start) {
      if (!Allowed(row, start.manual())) {
        row.set_dropped_by_state(row.dropped_by_state() + 1);
        continue;
      }
      auto& state = *row.mutable_schedule()->mutable_state();
      if (!start.manual() && state.limited_actions()) {
        state.set_remaining_actions(state.remaining_actions() - 1);
        TouchSchedule(row);
      }
      row.set_last_start_number(row.last_start_number() + 1);
      start.set_number(row.last_start_number());
      *row.add_starting() = std::move(start);
    }
    // A start that was dropped leaves its turn to the next one.
  } while (row.buffer_size() > 0 && !Busy(row));
}

/// The next time the schedule acts by itself.  A time that jitter moved past the creation or the last update still
/// belongs to what was before.
std::optional<ActionTime> NextAction(const State& state, Instant after, int64_t* spent = nullptr) {
  const auto& info = state.row.info();
  const Instant begin = FromProto(info.has_update_time() ? info.update_time() : info.create_time());
  auto next = state.spec.Next(after, spent);
  while (next && next->nominal <= begin) next = state.spec.Next(next->actual, spent);
  return next;
}

bool BackfillsHaveRoom(const ScheduleRow& row, const Limits& limits) {
  return row.backfills_size() > 0 && static_cast<size_t>(row.buffer_size()) < limits.max_buffer / 2;
}

/// Takes up every action time until `now`, or as many as one step may.
void PassTime(State& state, Instant now, const Limits& limits) {
  ScheduleRow& row = state.row;
  size_t budget = limits.max_times_per_step;
  int64_t spent = 0;
  const auto more = [&] { return budget > 0 && spent <= limits.max_work_per_step; };
  Instant last = FromProto(row.last_processed_time());
  if (Allowed(row, /*manual=*/false)) {
    const Duration window = FromProto(row.schedule().policies().catchup_window());
    auto next = NextAction(state, last, &spent);
    for (; next && next->actual <= now && more(); next = NextAction(state, last, &spent), --budget) {
      last = next->actual;
      if (now - last > window) {  // S92
        row.set_times_due(row.times_due() + 1);
        row.mutable_info()->set_missed_catchup_window(row.info().missed_catchup_window() + 1);
        continue;
      }
      AddStart(row, *next, enums::SCHEDULE_OVERLAP_POLICY_UNSPECIFIED, /*manual=*/false, limits);
    }
    if (!next || next->actual > now) last = std::max(last, now);
  } else {
    last = std::max(last, now);
  }
  *row.mutable_last_processed_time() = ToProto(last);
  DrainBuffer(row);

  while (more() && BackfillsHaveRoom(row, limits)) {
    auto& backfill = *row.mutable_backfills(0);
    const auto next = state.spec.Next(FromProto(backfill.after()), &spent);
    if (!next || next->actual > FromProto(backfill.until())) {
      row.mutable_backfills()->DeleteSubrange(0, 1);
      continue;
    }
    --budget;
    *backfill.mutable_after() = ToProto(next->actual);
    AddStart(row, *next, backfill.overlap_policy(), /*manual=*/true, limits);
    DrainBuffer(row);
  }
}

bool KnownRequest(const ScheduleRow& row, const std::string& id) {
  return !id.empty() && std::find(row.request_ids().begin(), row.request_ids().end(), id) != row.request_ids().end();
}

void RememberRequest(ScheduleRow& row, const std::string& id, const Limits& limits) {
  if (id.empty()) return;
  row.add_request_ids(id);
  const int surplus = row.request_ids_size() - static_cast<int>(limits.request_ids_kept);
  if (surplus > 0) row.mutable_request_ids()->DeleteSubrange(0, surplus);
}

Status CheckBackfill(const pb::BackfillRequest& backfill) {
  WFE_RETURN_IF_ERROR(CheckTime("the start time of a backfill", backfill.start_time()));
  WFE_RETURN_IF_ERROR(CheckTime("the end time of a backfill", backfill.end_time()));
  if (!backfill.has_start_time() || !backfill.has_end_time()) {
    return InvalidArgument("a backfill needs a start time and an end time");
  }
  if (FromProto(backfill.end_time()) < FromProto(backfill.start_time())) {
    return InvalidArgument("the end time of a backfill is before its start time");
  }
  return Ok();
}

Status CheckPatch(const ScheduleRow& row, const pb::SchedulePatch& patch, const Limits& limits) {
  for (const auto& backfill : patch.backfill_request()) WFE_RETURN_IF_ERROR(CheckBackfill(backfill));
  WFE_RETURN_IF_ERROR(CheckTime("scheduled_time", patch.trigger_immediately().scheduled_time()));
  if (static_cast<size_t>(row.backfills_size() + patch.backfill_request_size()) > limits.max_backfills) {
    return ResourceExhausted("schedule " + row.schedule_id() + " has " + std::to_string(row.backfills_size()) +
                             " backfills under way, at most " + std::to_string(limits.max_backfills) + " are kept");
  }
  if (!patch.pause().empty() && !patch.unpause().empty()) {
    return InvalidArgument("a patch pauses or unpauses, not both");
  }
  return Ok();
}

void Take(State& state, const Patched& input, Instant now, const Limits& limits) {
  ScheduleRow& row = state.row;
  const pb::SchedulePatch& patch = input.patch;
  if (patch.has_trigger_immediately()) {
    const auto& trigger = patch.trigger_immediately();
    const Instant nominal = trigger.has_scheduled_time() ? FromProto(trigger.scheduled_time()) : now;
    AddStart(row, {nominal, now}, trigger.overlap_policy(), /*manual=*/true, limits);
  }
  for (const pb::BackfillRequest& request : patch.backfill_request()) {
    auto& backfill = *row.add_backfills();
    *backfill.mutable_after() = request.start_time();
    *backfill.mutable_until() = request.end_time();
    backfill.set_overlap_policy(request.overlap_policy());
  }
  if (!patch.pause().empty() || !patch.unpause().empty()) {
    row.mutable_schedule()->mutable_state()->set_paused(!patch.pause().empty());
    SetNotes(row, patch.pause().empty() ? patch.unpause() : patch.pause());
  }
}

void Take(State& state, const StartAnswered& input, Instant now, const Limits& limits) {
  ScheduleRow& row = state.row;
  const auto found = std::find_if(row.starting().begin(), row.starting().end(),
                                  [&](const ScheduledStart& start) { return start.number() == input.number; });
  if (found == row.starting().end()) return;
  const ScheduledStart start = *found;
  row.mutable_starting()->erase(found);
  if (input.refusal) {
    row.set_starts_failed(row.starts_failed() + 1);
    SetNotes(row, "the start for " + FormatIso8601Millis(FromProto(start.nominal_time())) +
                      " was refused: " + input.refusal->message);
    return;
  }
  auto& info = *row.mutable_info();
  info.set_action_count(info.action_count() + 1);
  pb::ScheduleActionResult& result = *info.add_recent_actions();
  *result.mutable_schedule_time() = start.actual_time();
  *result.mutable_actual_time() = ToProto(now);
  result.mutable_start_workflow_result()->set_workflow_id(input.workflow_id);
  result.mutable_start_workflow_result()->set_run_id(input.first_run_id);
  result.set_start_workflow_status(enums::WORKFLOW_EXECUTION_STATUS_RUNNING);
  const int surplus = info.recent_actions_size() - static_cast<int>(limits.recent_actions);
  if (surplus > 0) info.mutable_recent_actions()->DeleteSubrange(0, surplus);

  auto& running = *row.add_running();
  running.set_workflow_id(input.workflow_id);
  running.set_first_run_id(input.first_run_id);
  running.set_overlapping(start.overlapping());
  // Nothing waits for those that may overlap; they are followed while they are among the recent actions.
  size_t overlapping = 0;
  for (int i = row.running_size() - 1; i >= 0; --i) {
    if (row.running(i).overlapping() && ++overlapping > limits.recent_actions) {
      row.mutable_running()->DeleteSubrange(i, 1);
    }
  }
}

void Take(State& state, const ActionClosed& input, Instant, const Limits&) {
  ScheduleRow& row = state.row;
  const auto found = std::find_if(row.running().begin(), row.running().end(), [&](const auto& action) {
    return action.workflow_id() == input.workflow_id && action.first_run_id() == input.first_run_id;
  });
  if (found == row.running().end()) return;
  const bool overlapping = found->overlapping();
  row.mutable_running()->erase(found);
  for (pb::ScheduleActionResult& action : *row.mutable_info()->mutable_recent_actions()) {
    if (action.start_workflow_result().run_id() == input.first_run_id) action.set_start_workflow_status(input.status);
  }
  if (!overlapping && input.status == enums::WORKFLOW_EXECUTION_STATUS_COMPLETED) {  // S95
    row.clear_last_completion_result();
    if (input.result.payloads_size() > 0) *row.mutable_last_completion_result() = input.result;
    row.clear_last_failure();
  } else if (!overlapping && input.failure.ByteSizeLong() > 0) {
    *row.mutable_last_failure() = input.failure;
  }
  const bool failed = input.status == enums::WORKFLOW_EXECUTION_STATUS_FAILED;
  const bool timed_out = input.status == enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT;
  auto& schedule = *row.mutable_schedule();
  if ((failed || timed_out) && schedule.policies().pause_on_failure() && !schedule.state().paused()) {  // S94
    schedule.mutable_state()->set_paused(true);
    SetNotes(row, failed ? "paused due to workflow failure: " + input.workflow_id + ": " + input.failure.message()
                         : "paused due to workflow timeout: " + input.workflow_id);
  }
}

void Take(State&, const Tick&, Instant, const Limits&) {}

}  // namespace

Status CheckTime(const char* what, const google::protobuf::Timestamp& time) {
  constexpr int64_t kEnd = absl::CivilSecond(kLastYear + 1, 1, 1, 0, 0, 0) - absl::CivilSecond(1970, 1, 1, 0, 0, 0);
  if (time.seconds() >= 0 && time.seconds() < kEnd && time.nanos() >= 0 && time.nanos() < 1'000'000'000) return Ok();
  return InvalidArgument(std::string(what) + " is not between the years 1970 and " + std::to_string(kLastYear));
}

Result<State> Create(NewSchedule given, Instant now, const Limits& limits) {
  WFE_RETURN_IF_ERROR(Complete(given.schedule, limits));
  ScheduleRow row;
  row.set_namespace_(std::move(given.ns));
  row.set_schedule_id(std::move(given.schedule_id));
  *row.mutable_schedule() = std::move(given.schedule);
  *row.mutable_memo() = std::move(given.memo);
  *row.mutable_search_attributes() = std::move(given.search_attributes);
  row.set_create_request_id(std::move(given.request_id));
  row.set_conflict_token(1);
  *row.mutable_info()->mutable_create_time() = ToProto(now);
  *row.mutable_last_processed_time() = ToProto(now);
  *row.mutable_last_change_time() = ToProto(now);
  WFE_ASSIGN_OR_RETURN(State state, Load(std::move(row)));
  const auto others = static_cast<int64_t>(state.row.memo().ByteSizeLong() + state.row.search_attributes().ByteSizeLong());
  WFE_RETURN_IF_ERROR(CheckCost(state.row.schedule(), state.spec, others, now, limits));
  WFE_RETURN_IF_ERROR(Advance(state, Patched{std::move(given.initial_patch), {}}, now, limits));
  return state;
}

Result<State> Load(ScheduleRow row) {
  Result<Spec> spec = Spec::Compile(row.schedule().spec(), JitterSeed(row));
  if (!spec) {
    return FailedPrecondition("schedule " + row.schedule_id() + " cannot be read: " + spec.error().message);
  }
  return State{std::move(row), *std::move(spec)};
}

Status Advance(State& state, const Input& input, Instant now, const Limits& limits) {
  ScheduleRow& row = state.row;
  // Whatever may be refused is looked at before anything changes.
  if (const auto* patched = std::get_if<Patched>(&input)) {
    if (KnownRequest(row, patched->request_id)) return Ok();
    WFE_RETURN_IF_ERROR(CheckPatch(row, patched->patch, limits));
    PassTime(state, now, limits);
    Take(state, *patched, now, limits);
    RememberRequest(row, patched->request_id, limits);
  } else if (const auto* updated = std::get_if<Updated>(&input)) {
    if (KnownRequest(row, updated->request_id)) return Ok();
    if (updated->conflict_token && *updated->conflict_token != row.conflict_token()) {
      return FailedPrecondition("mismatched conflict token: schedule " + row.schedule_id() +
                                " was changed since it was described");
    }
    pb::Schedule schedule = updated->schedule;
    WFE_RETURN_IF_ERROR(Complete(schedule, limits));
    Result<Spec> spec = Spec::Compile(schedule.spec(), JitterSeed(row));
    if (!spec) return std::move(spec).error();
    const auto& memo = updated->memo ? *updated->memo : row.memo();
    const auto& attributes = updated->search_attributes ? *updated->search_attributes : row.search_attributes();
    const auto others = static_cast<int64_t>(memo.ByteSizeLong() + attributes.ByteSizeLong());
    WFE_RETURN_IF_ERROR(CheckCost(schedule, *spec, others, now, limits));
    PassTime(state, now, limits);
    // What was due under the old spec is settled; what is left of it is given up with it.
    *row.mutable_last_processed_time() = ToProto(std::max(now, FromProto(row.last_processed_time())));
    *row.mutable_schedule() = std::move(schedule);
    state.spec = *std::move(spec);
    if (updated->memo) *row.mutable_memo() = *updated->memo;
    if (updated->search_attributes) *row.mutable_search_attributes() = *updated->search_attributes;
    *row.mutable_info()->mutable_update_time() = ToProto(now);
    TouchSchedule(row);
    RememberRequest(row, updated->request_id, limits);
  } else {
    // An answer comes first: what it frees is there for the times that are due.
    std::visit(
        [&](const auto& other) {
          using T = std::decay_t<decltype(other)>;
          if constexpr (!std::is_same_v<T, Patched> && !std::is_same_v<T, Updated>) Take(state, other, now, limits);
        },
        input);
  }
  if (!std::holds_alternative<Tick>(input)) *row.mutable_last_change_time() = ToProto(now);
  PassTime(state, now, limits);
  return Ok();
}

std::vector<Effect> Wanted(const State& state) {
  const ScheduleRow& row = state.row;
  std::vector<Effect> effects;
  for (const auto& start : row.starting()) effects.push_back(StartAction{start});
  bool cancel = false;
  bool terminate = false;
  for (const auto& start : row.buffer()) {
    const OverlapPolicy policy = PolicyOf(start, row.schedule().policies().overlap_policy());
    cancel = cancel || policy == enums::SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER;
    terminate = terminate || policy == enums::SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER;
  }
  for (const auto& action : row.running()) {
    effects.push_back(WatchAction{action});
    if (action.overlapping()) continue;
    if (terminate) {
      effects.push_back(TerminateAction{action});
    } else if (cancel) {
      effects.push_back(CancelAction{action});
    }
  }
  return effects;
}

namespace {

/// Nothing under way, and nothing to come by itself.
bool Finished(const State& state) {
  const ScheduleRow& row = state.row;
  if (row.running_size() + row.starting_size() + row.buffer_size() + row.backfills_size() > 0) return false;
  if (row.schedule().state().paused()) return false;
  return !Allowed(row, false) || !NextAction(state, FromProto(row.last_processed_time())).has_value();
}

}  // namespace

std::optional<Instant> NextDeadline(const State& state, const Limits& limits) {
  const ScheduleRow& row = state.row;
  const Instant processed = FromProto(row.last_processed_time());
  if (BackfillsHaveRoom(row, limits)) return processed;
  if (Finished(state)) return FromProto(row.last_change_time()) + limits.finished_kept;
  if (!Allowed(row, false)) return std::nullopt;
  const auto next = NextAction(state, processed);
  if (!next) return std::nullopt;
  return next->actual;
}

bool Expired(const State& state, Instant now, const Limits& limits) {
  return Finished(state) && now >= FromProto(state.row.last_change_time()) + limits.finished_kept;
}

std::vector<Instant> FutureActionTimes(const State& state, Instant now, size_t count) {
  const auto& schedule = state.row.schedule();
  if (schedule.state().limited_actions()) {
    count = std::min(count, static_cast<size_t>(schedule.state().remaining_actions()));
  }
  std::vector<Instant> times;
  const Instant from = std::max(now, FromProto(state.row.last_processed_time()));
  int64_t spent = 0;
  for (auto next = NextAction(state, from, &spent); next && times.size() < count && spent <= kMaxWork;
       next = NextAction(state, next->actual, &spent)) {
    times.push_back(next->actual);
  }
  return times;
}

std::optional<std::string> CheckRow(const ScheduleRow& row, const Limits& limits) {
  const auto& info = row.info();
  const int64_t accounted = info.action_count() + info.missed_catchup_window() + info.overlap_skipped() +
                            info.buffer_dropped() + row.dropped_by_state() + row.starts_failed() + row.buffer_size() +
                            row.starting_size();
  if (accounted != row.times_due()) {
    return "schedule " + row.schedule_id() + ": " + std::to_string(row.times_due()) + " times came up, " +
           std::to_string(accounted) + " are accounted for";
  }
  std::set<uint64_t> numbers;
  for (const auto& start : row.starting()) {
    if (start.number() == 0 || start.number() > row.last_start_number() || !numbers.insert(start.number()).second) {
      return "schedule " + row.schedule_id() + ": start number " + std::to_string(start.number()) + " is not its own";
    }
  }
  if (static_cast<size_t>(row.buffer_size()) > limits.max_buffer) {
    return "schedule " + row.schedule_id() + ": its buffer is overfull";
  }
  if (row.buffer_size() > 0 && !Busy(row)) return "schedule " + row.schedule_id() + ": a start waits for nothing";
  if (row.schedule().state().remaining_actions() < 0) {
    return "schedule " + row.schedule_id() + ": fewer than no actions remain";
  }
  return std::nullopt;
}

}  // namespace wfe::schedules
