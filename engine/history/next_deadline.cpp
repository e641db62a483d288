#include "engine/history/next_deadline.h"

#include <algorithm>

#include "engine/base/proto_time.h"
#include "engine/history/workflow_task.h"

namespace wfe::history {
namespace {

/// Keeps the earliest of what it is shown.
class Earliest {
 public:
  void Offer(Instant at, DueKind kind, EventId id = 0) { Offer(Due{.at = at, .kind = kind, .id = id}); }
  void Offer(const Due& due) {
    if (!found_.has_value() || due < *found_) found_ = due;
  }
  std::optional<Due> found() const { return found_; }

 private:
  std::optional<Due> found_;
};

void OfferRunTimeouts(const MutableState& state, Earliest& earliest) {
  const auto& folded = state.folded();
  if (folded.has_execution_expiration_time()) {
    earliest.Offer(FromProto(folded.execution_expiration_time()), DueKind::kExecutionTimeout);
  }
  if (const auto deadline = RunDeadline(state)) earliest.Offer(*deadline, DueKind::kRunTimeout);
}

void OfferWorkflowTaskDeadlines(const MutableState& state, Earliest& earliest) {
  const WorkflowTask& task = state.workflow_task();
  if (task.started.has_value()) {
    earliest.Offer(task.started->deadline, DueKind::kWorkflowTaskTimeout);
    return;
  }
  const auto& book = state.bookkeeping();
  if (task.state == TaskState::kBackingOff) earliest.Offer(*task.not_before, DueKind::kWorkflowTaskRelease);
  if (WaitsOnStickyQueue(state)) {
    earliest.Offer(FromProto(book.sticky_offered_time()) + FromProto(book.sticky().schedule_to_start_timeout()),
                   DueKind::kStickyTimeout);
  }
  if (book.has_first_task_at()) earliest.Offer(FromProto(book.first_task_at()), DueKind::kFirstTask);
}

}  // namespace

std::optional<Instant> RunDeadline(const MutableState& state) {
  const auto& folded = state.folded();
  if (!folded.has_workflow_run_timeout()) return std::nullopt;
  // The run's time counts from when its first task may run.
  const Duration backoff = FromProto(folded.first_workflow_task_backoff());
  return FromProto(folded.start_time()) + backoff + FromProto(folded.workflow_run_timeout());
}

std::optional<Instant> ActivityExpiration(const engine::v1::PendingActivity& activity) {
  if (!activity.has_schedule_to_close_timeout()) return std::nullopt;
  return FromProto(activity.scheduled_time()) + FromProto(activity.schedule_to_close_timeout());
}

std::optional<Due> NextDue(const OpenActivity& open) {
  const engine::v1::PendingActivity& activity = open.scheduled;
  const engine::v1::ActivityAttempt& attempt = open.attempt;
  Earliest earliest;
  const EventId id = activity.scheduled_event_id();
  if (const auto expiration = ActivityExpiration(activity)) {
    earliest.Offer(*expiration, DueKind::kActivityScheduleToClose, id);
  }
  const Instant scheduled = FromProto(attempt.scheduled_time());
  if (!attempt.has_started_time()) {
    if (attempt.backing_off()) earliest.Offer(scheduled, DueKind::kActivityRelease, id);
    if (activity.has_schedule_to_start_timeout()) {
      earliest.Offer(scheduled + FromProto(activity.schedule_to_start_timeout()), DueKind::kActivityScheduleToStart,
                     id);
    }
    return earliest.found();
  }
  const Instant started = FromProto(attempt.started_time());
  if (activity.has_start_to_close_timeout()) {
    earliest.Offer(started + FromProto(activity.start_to_close_timeout()), DueKind::kActivityStartToClose, id);
  }
  if (activity.has_heartbeat_timeout()) {
    const Instant last = attempt.has_last_heartbeat_time() ? FromProto(attempt.last_heartbeat_time()) : started;
    earliest.Offer(std::max(started, last) + FromProto(activity.heartbeat_timeout()), DueKind::kActivityHeartbeat, id);
  }
  return earliest.found();
}

std::optional<Due> NextDue(const MutableState& state) {
  if (!state.IsOpen()) return std::nullopt;
  Earliest earliest;
  OfferRunTimeouts(state, earliest);
  OfferWorkflowTaskDeadlines(state, earliest);
  if (!state.deadlines().empty()) earliest.Offer(*state.deadlines().begin());
  return earliest.found();
}

std::optional<Instant> NextDeadline(const MutableState& state) {
  const auto due = NextDue(state);
  if (!due.has_value()) return std::nullopt;
  return due->at;
}

}  // namespace wfe::history
