#include "engine/shard/answers.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/base/proto_time.h"
#include "engine/history/close.h"
#include "engine/history/failures.h"
#include "engine/history/retry.h"
#include "engine/history/workflow_task.h"
#include "engine/visibility/visibility_record.h"
#include "temporal/api/enums/v1/event_type.pb.h"
#include "temporal/api/enums/v1/task_queue.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"

namespace wfe::shard {

namespace enums = temporal::api::enums::v1;

void FillExecutionInfo(const engine::v1::VisibilityRecord& record,
                       temporal::api::workflow::v1::WorkflowExecutionInfo* info) {
  info->mutable_execution()->set_workflow_id(record.workflow_id());
  info->mutable_execution()->set_run_id(record.run_id());
  info->mutable_type()->set_name(record.workflow_type());
  *info->mutable_start_time() = record.start_time();
  *info->mutable_execution_time() = record.execution_time();
  info->set_status(record.status());
  info->set_task_queue(record.task_queue());
  *info->mutable_memo() = record.memo();  // empty, not absent (WIRE-F1)
  if (record.has_search_attributes()) *info->mutable_search_attributes() = record.search_attributes();
  info->set_state_transition_count(record.state_transition_count());
  info->set_first_run_id(record.first_run_id());
  if (record.has_parent()) *info->mutable_parent_execution() = record.parent();
  if (record.has_root()) {
    *info->mutable_root_execution() = record.root();
  } else {
    info->mutable_root_execution()->set_workflow_id(record.workflow_id());
    info->mutable_root_execution()->set_run_id(record.run_id());
  }
  info->set_history_length(record.history_length());
  info->set_history_size_bytes(record.history_size_bytes());
  if (record.has_close_time()) {
    *info->mutable_close_time() = record.close_time();
    *info->mutable_execution_duration() = ToProto(FromProto(record.close_time()) - FromProto(record.execution_time()));
  }
}

namespace {

void FillOptions(const engine::v1::PendingActivity& activity, temporal::api::activity::v1::ActivityOptions* options) {
  options->mutable_task_queue()->set_name(activity.task_queue());
  *options->mutable_schedule_to_close_timeout() = activity.schedule_to_close_timeout();
  *options->mutable_schedule_to_start_timeout() = activity.schedule_to_start_timeout();
  *options->mutable_start_to_close_timeout() = activity.start_to_close_timeout();
  *options->mutable_heartbeat_timeout() = activity.heartbeat_timeout();
  *options->mutable_retry_policy() = activity.retry_policy();
  if (activity.has_priority()) *options->mutable_priority() = activity.priority();
}

/// What of a retry is under way, as Temporal tells it (WIRE-F18): the interval that runs, or the one that would.
void FillRetry(const engine::v1::PendingActivity& activity, const engine::v1::ActivityAttempt& attempt, Instant now,
               temporal::api::workflow::v1::PendingActivityInfo* info) {
  if (attempt.has_last_complete_time()) *info->mutable_last_attempt_complete_time() = attempt.last_complete_time();
  if (attempt.has_started_time()) return;
  const Instant scheduled = FromProto(attempt.scheduled_time());
  if (scheduled > now) {
    *info->mutable_next_attempt_schedule_time() = attempt.scheduled_time();
    *info->mutable_current_retry_interval() = ToProto(scheduled - FromProto(attempt.last_complete_time()));
  } else {
    *info->mutable_current_retry_interval() =
        ToProto(history::RetryInterval(activity.retry_policy(), attempt.attempt()));
  }
}

void FillPendingActivity(const engine::v1::PendingActivity& activity, const engine::v1::ActivityAttempt* attempt,
                         Instant now, temporal::api::workflow::v1::PendingActivityInfo* info) {
  info->set_activity_id(activity.activity_id());
  info->mutable_activity_type()->set_name(activity.activity_type());
  info->set_maximum_attempts(activity.retry_policy().maximum_attempts());
  if (FromProto(activity.schedule_to_close_timeout()) > Duration::zero()) {
    *info->mutable_expiration_time() =
        ToProto(FromProto(activity.scheduled_time()) + FromProto(activity.schedule_to_close_timeout()));
  }
  info->set_state(activity.cancel_requested_event_id() != 0 ? enums::PENDING_ACTIVITY_STATE_CANCEL_REQUESTED
                                                            : enums::PENDING_ACTIVITY_STATE_SCHEDULED);
  *info->mutable_scheduled_time() = activity.scheduled_time();
  if (activity.has_priority()) *info->mutable_priority() = activity.priority();
  FillOptions(activity, info->mutable_activity_options());
  if (!attempt) return;
  info->set_attempt(attempt->attempt());
  *info->mutable_scheduled_time() = attempt->scheduled_time();
  if (attempt->has_started_time()) {
    if (activity.cancel_requested_event_id() == 0) info->set_state(enums::PENDING_ACTIVITY_STATE_STARTED);
    *info->mutable_last_started_time() = attempt->started_time();
  }
  FillRetry(activity, *attempt, now, info);
  if (attempt->has_heartbeat_details()) *info->mutable_heartbeat_details() = attempt->heartbeat_details();
  if (attempt->has_last_heartbeat_time()) *info->mutable_last_heartbeat_time() = attempt->last_heartbeat_time();
  if (attempt->has_last_failure()) *info->mutable_last_failure() = attempt->last_failure();
  info->set_last_worker_identity(attempt->started_identity().empty() ? attempt->last_worker_identity()
                                                                     : attempt->started_identity());
}

}  // namespace

temporal::api::workflowservice::v1::DescribeWorkflowExecutionResponse DescribeAnswer(const history::MutableState& state,
                                                                                     Instant now) {
  const engine::v1::Folded& folded = state.folded();
  temporal::api::workflowservice::v1::DescribeWorkflowExecutionResponse answer;

  auto* config = answer.mutable_execution_config();
  config->mutable_task_queue()->set_name(folded.task_queue());
  config->mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  if (folded.has_workflow_execution_timeout()) {
    *config->mutable_workflow_execution_timeout() = folded.workflow_execution_timeout();
  }
  if (folded.has_workflow_run_timeout()) *config->mutable_workflow_run_timeout() = folded.workflow_run_timeout();
  *config->mutable_default_workflow_task_timeout() = folded.workflow_task_timeout();
  if (folded.has_user_metadata()) *config->mutable_user_metadata() = folded.user_metadata();

  auto& info = *answer.mutable_workflow_execution_info();
  FillExecutionInfo(visibility::VisibilityOf(state), &info);
  // Set even when they are empty: Temporal does, and the Go SDK reads them unasked (WIRE-F1).
  info.mutable_search_attributes();
  *info.mutable_auto_reset_points()->mutable_points() = folded.auto_reset_points();
  if (folded.has_priority()) *info.mutable_priority() = folded.priority();
  if (ShownStartedEvent(state)) info.set_history_length(info.history_length() + 1);

  for (const auto& [id, activity] : state.activities()) {
    FillPendingActivity(activity.scheduled, &activity.attempt, now, answer.add_pending_activities());
  }
  for (const auto& [id, child] : state.children()) {
    auto& pending = *answer.add_pending_children();
    pending.set_workflow_id(child.initiated.workflow_id());
    if (child.initiated.started_event_id() != 0 || child.start_buffered) {
      pending.set_run_id(history::ChildRunId(state, id).value());
    }
    pending.set_workflow_type_name(child.initiated.workflow_type());
    pending.set_initiated_id(id);
    pending.set_parent_close_policy(child.initiated.parent_close_policy());
  }
  if (state.IsOpen() && state.HasPendingWorkflowTask()) {
    auto* task = answer.mutable_pending_workflow_task();
    task->set_state(enums::PENDING_WORKFLOW_TASK_STATE_SCHEDULED);
    task->set_attempt(std::max(1, state.workflow_task().attempt));
    *task->mutable_scheduled_time() = ToProto(state.workflow_task().scheduled_time);
    *task->mutable_original_scheduled_time() = task->scheduled_time();
    if (state.workflow_task().started) {
      task->set_state(enums::PENDING_WORKFLOW_TASK_STATE_STARTED);
      *task->mutable_started_time() = ToProto(state.workflow_task().started->started_time);
    }
  }
  auto* extended = answer.mutable_workflow_extended_info();
  if (folded.has_execution_expiration_time()) {
    *extended->mutable_execution_expiration_time() = folded.execution_expiration_time();
  }
  if (FromProto(folded.workflow_run_timeout()) > Duration::zero()) {
    *extended->mutable_run_expiration_time() =
        ToProto(FromProto(folded.start_time()) + FromProto(folded.workflow_run_timeout()));
  }
  extended->set_cancel_requested(folded.cancel_requested());
  *extended->mutable_original_start_time() = folded.start_time();
  return answer;
}

std::optional<history::HistoryEvent> ShownStartedEvent(const history::MutableState& state) {
  if (!state.workflow_task().started.has_value() || !state.workflow_task().IsInHistory()) return std::nullopt;
  return history::StartedTaskEvents(state).back();
}

history::HistoryEvent ForThoseWhoDoNotFollow(history::HistoryEvent closing) {
  temporal::api::history::v1::WorkflowExecutionContinuedAsNewEventAttributes continued;
  if (closing.has_workflow_execution_completed_event_attributes()) {
    const auto& completed = closing.workflow_execution_completed_event_attributes();
    continued.set_new_execution_run_id(completed.new_execution_run_id());
    if (completed.has_result()) *continued.mutable_last_completion_result() = completed.result();
  } else if (closing.has_workflow_execution_failed_event_attributes()) {
    const auto& failed = closing.workflow_execution_failed_event_attributes();
    continued.set_new_execution_run_id(failed.new_execution_run_id());
    if (failed.has_failure()) *continued.mutable_failure() = failed.failure();
  } else if (closing.has_workflow_execution_timed_out_event_attributes()) {
    const auto& timed_out = closing.workflow_execution_timed_out_event_attributes();
    continued.set_new_execution_run_id(timed_out.new_execution_run_id());
    *continued.mutable_failure() = history::WorkflowTimeoutFailure();
  }
  if (continued.new_execution_run_id().empty()) return closing;
  history::HistoryEvent told;
  told.set_event_id(closing.event_id());
  *told.mutable_event_time() = closing.event_time();
  told.set_event_type(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW);
  *told.mutable_workflow_execution_continued_as_new_event_attributes() = std::move(continued);
  return told;
}

EventId EndOfStoredTaskEvents(const history::MutableState& state) {
  WFE_CHECK(state.workflow_task().started.has_value());
  return std::min<EventId>(state.folded().next_event_id(), state.workflow_task().started->started_event_id);
}

}  // namespace wfe::shard
