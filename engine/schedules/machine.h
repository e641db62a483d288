// The state machine of one schedule (S90-S98).  Pure: the same state, input and time always give the same state; what
// is to be done is read off the state, so that after a crash it is simply read off again.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/schedules/spec.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "wfe/engine/v1/schedule.pb.h"

namespace wfe::schedules {

struct Limits {
  size_t max_buffer = 1000;                                        ///< S96: starts that wait.
  Duration default_catchup_window = std::chrono::hours(24 * 365);  ///< S92.
  Duration min_catchup_window = std::chrono::seconds(10);          ///< S92.
  Duration finished_kept = std::chrono::hours(24 * 7);             ///< S96: then a schedule with nothing to do goes.
  size_t recent_actions = 10;
  size_t max_backfills = 100;        ///< Ranges under way at once.
  size_t max_times_per_step = 1000;  ///< Due times handled in one commit; the rest in the next.
  size_t request_ids_kept = 64;
  int64_t max_bytes = 64 << 10;              ///< A schedule as its caller gives it: they are kept in memory.
  int64_t max_work_per_step = 2 * kMaxWork;  ///< Steps of calendar arithmetic in one commit (SEC-H1).
};

/// A schedule in memory.
struct State {
  engine::v1::ScheduleRow row;
  Spec spec;
};

// --- Making and loading.

/// What a new schedule is made of; fields as in CreateScheduleRequest.
struct NewSchedule {
  std::string ns;
  std::string schedule_id;
  temporal::api::schedule::v1::Schedule schedule;
  temporal::api::common::v1::Memo memo;
  temporal::api::common::v1::SearchAttributes search_attributes;
  std::string request_id;
  temporal::api::schedule::v1::SchedulePatch initial_patch;
};
/// INVALID_ARGUMENT when spec, policies or action are not valid.
Result<State> Create(NewSchedule schedule, Instant now, const Limits& limits);
/// From a stored row.  FAILED_PRECONDITION when the machine no longer knows its time zone.
Result<State> Load(engine::v1::ScheduleRow row);

/// Times that a schedule computes with lie between 1970 and the end of the calendars.  INVALID_ARGUMENT names `what`.
Status CheckTime(const char* what, const google::protobuf::Timestamp& time);

// --- Inputs.

/// Time has passed.
struct Tick {};
struct Updated {
  temporal::api::schedule::v1::Schedule schedule;
  std::optional<uint64_t> conflict_token;
  std::optional<temporal::api::common::v1::Memo> memo;
  std::optional<temporal::api::common::v1::SearchAttributes> search_attributes;
  std::string request_id;
};
struct Patched {
  temporal::api::schedule::v1::SchedulePatch patch;
  std::string request_id;
};
/// What became of a start: it runs as `first_run_id`, or the engine refuses it for good.
struct StartAnswered {
  uint64_t number = 0;
  std::string workflow_id;
  std::string first_run_id;
  std::optional<Error> refusal;
};
/// An action's last run has closed, after all retries and continuations.
struct ActionClosed {
  std::string workflow_id;
  std::string first_run_id;
  temporal::api::enums::v1::WorkflowExecutionStatus status{};
  temporal::api::common::v1::Payloads result;
  temporal::api::failure::v1::Failure failure;
};
using Input = std::variant<Tick, Updated, Patched, StartAnswered, ActionClosed>;

/// Brings the state to `now`, then takes the input.  On an error the state is as it was.
/// FAILED_PRECONDITION: the conflict token is an old one.  INVALID_ARGUMENT: what was sent is not valid.
Status Advance(State& state, const Input& input, Instant now, const Limits& limits);

// --- What a state asks for.

struct StartAction {
  engine::v1::ScheduledStart start;
};
/// Tell when this action has closed.
struct WatchAction {
  engine::v1::RunningAction action;
};
struct CancelAction {
  engine::v1::RunningAction action;
};
struct TerminateAction {
  engine::v1::RunningAction action;
};
/// Everything that is to be under way; doing any of it twice is harmless.
using Effect = std::variant<StartAction, WatchAction, CancelAction, TerminateAction>;
std::vector<Effect> Wanted(const State& state);

/// When the next Tick is due; nullopt: an input must come first.
std::optional<Instant> NextDeadline(const State& state, const Limits& limits);
/// True when it has had nothing to do for so long that it is to be deleted (S96).
bool Expired(const State& state, Instant now, const Limits& limits);
/// The action times to come, a paused schedule's too; no more than it has actions left.
std::vector<Instant> FutureActionTimes(const State& state, Instant now, size_t count);

/// Every due time went exactly one way, and what is stored is in order (H37).  The problem, or nullopt.
std::optional<std::string> CheckRow(const engine::v1::ScheduleRow& row, const Limits& limits);

}  // namespace wfe::schedules
