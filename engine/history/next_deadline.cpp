#include <algorithm>

#include "engine/history/buffered.h"
#include "engine/history/deadlines.h"
#include "engine/history/decide.h"
#include "engine/history/proto_time.h"
#include "engine/history/workflow_task.h"

namespace wfe::history {
namespace {

/// Keeps the earliest of what it is shown.
class Earliest {
 public:
  void Offer(Instant at, DueKind kind, EventId id = 0) {
    const Due due{.at = at, .kind = kind, .id = id};
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
  if (folded.has_workflow_run_timeout()) {
    // The run's time counts from when its first task may run.
    const Duration backoff = FromProto(folded.first_workflow_task_backoff());
    earliest.Offer(FromProto(folded.start_time()) + backoff + FromProto(folded.workflow_run_timeout()),
                   DueKind::kRunTimeout);
  }
}

void OfferActivity(const engine::v1::PendingActivity& activity, const engine::v1::ActivityAttempt& attempt,
                   Earliest& earliest) {
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
    return;
  }
  const Instant started = FromProto(attempt.started_time());
  if (activity.has_start_to_close_timeout()) {
    earliest.Offer(started + FromProto(activity.start_to_close_timeout()), DueKind::kActivityStartToClose, id);
  }
  if (activity.has_heartbeat_timeout()) {
    const Instant last = attempt.has_last_heartbeat_time() ? FromProto(attempt.last_heartbeat_time()) : started;
    earliest.Offer(std::max(started, last) + FromProto(activity.heartbeat_timeout()), DueKind::kActivityHeartbeat, id);
  }
}

void OfferWorkflowTaskDeadlines(const MutableState& state, Earliest& earliest) {
  if (state.started_workflow_task.has_value()) {
    earliest.Offer(state.started_workflow_task->deadline, DueKind::kWorkflowTaskTimeout);
    return;
  }
  const auto& book = state.bookkeeping();
  if (state.HasPendingWorkflowTask() && book.has_workflow_task_not_before()) {
    earliest.Offer(FromProto(book.workflow_task_not_before()), DueKind::kWorkflowTaskRelease);
  }
  if (WaitsOnStickyQueue(state)) {
    earliest.Offer(FromProto(book.sticky_offered_time()) + FromProto(book.sticky().schedule_to_start_timeout()),
                   DueKind::kStickyTimeout);
  }
  if (book.has_first_task_at()) earliest.Offer(FromProto(book.first_task_at()), DueKind::kFirstTask);
}

}  // namespace

std::optional<Instant> ActivityExpiration(const engine::v1::PendingActivity& activity) {
  if (!activity.has_schedule_to_close_timeout()) return std::nullopt;
  return FromProto(activity.scheduled_time()) + FromProto(activity.schedule_to_close_timeout());
}

std::optional<Due> NextDue(const MutableState& state) {
  if (!state.IsOpen()) return std::nullopt;
  Earliest earliest;
  OfferRunTimeouts(state, earliest);
  OfferWorkflowTaskDeadlines(state, earliest);
  for (const auto& timer : state.folded().timers()) {
    if (IsTimerFiringBuffered(state, timer.started_event_id())) continue;
    earliest.Offer(FromProto(timer.due()), DueKind::kTimer, timer.started_event_id());
  }
  for (const auto& activity : state.folded().activities()) {
    const auto* attempt = FindAttempt(state, activity.scheduled_event_id());
    WFE_CHECK(attempt != nullptr, "every open activity has an attempt (H5)");
    if (IsActivityCloseBuffered(state, activity.scheduled_event_id())) continue;
    OfferActivity(activity, *attempt, earliest);
  }
  return earliest.found();
}

std::optional<Instant> NextDeadline(const MutableState& state) {
  const auto due = NextDue(state);
  if (!due.has_value()) return std::nullopt;
  return due->at;
}

}  // namespace wfe::history
