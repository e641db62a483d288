#include "engine/shard/answers.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/history/proto_time.h"
#include "temporal/api/enums/v1/event_type.pb.h"
#include "temporal/api/enums/v1/task_queue.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"

namespace wfe::shard {

namespace enums = temporal::api::enums::v1;
using history::FromProto;
using history::ToProto;

engine::v1::VisibilityRecord VisibilityOf(const history::MutableState& state) {
  const engine::v1::Folded& folded = state.folded();
  engine::v1::VisibilityRecord record;
  record.set_workflow_id(folded.workflow_id());
  record.set_run_id(folded.run_id());
  record.set_workflow_type(folded.workflow_type().name());
  *record.mutable_start_time() = folded.start_time();
  if (folded.has_close_time()) *record.mutable_close_time() = folded.close_time();
  *record.mutable_execution_time() =
      ToProto(FromProto(folded.start_time()) + FromProto(folded.first_workflow_task_backoff()));
  record.set_status(folded.status());
  record.set_history_length(folded.next_event_id() - 1);
  record.set_task_queue(folded.task_queue());
  if (folded.has_memo()) *record.mutable_memo() = folded.memo();
  if (folded.has_search_attributes()) *record.mutable_search_attributes() = folded.search_attributes();
  record.set_history_size_bytes(state.bookkeeping().history_size_bytes());
  record.set_state_transition_count(state.bookkeeping().state_transition_count());
  record.set_first_run_id(folded.first_execution_run_id());
  return record;
}

void FillExecutionInfo(const engine::v1::VisibilityRecord& record,
                       temporal::api::workflow::v1::WorkflowExecutionInfo* info) {
  info->mutable_execution()->set_workflow_id(record.workflow_id());
  info->mutable_execution()->set_run_id(record.run_id());
  info->mutable_type()->set_name(record.workflow_type());
  *info->mutable_start_time() = record.start_time();
  *info->mutable_execution_time() = record.execution_time();
  info->set_status(record.status());
  info->set_task_queue(record.task_queue());
  if (record.has_memo()) *info->mutable_memo() = record.memo();
  if (record.has_search_attributes()) *info->mutable_search_attributes() = record.search_attributes();
  info->set_state_transition_count(record.state_transition_count());
  info->set_first_run_id(record.first_run_id());
  info->mutable_root_execution()->set_workflow_id(record.workflow_id());
  info->mutable_root_execution()->set_run_id(record.run_id());
  info->set_history_length(record.history_length());
  info->set_history_size_bytes(record.history_size_bytes());
  if (record.has_close_time()) {
    *info->mutable_close_time() = record.close_time();
    *info->mutable_execution_duration() = ToProto(FromProto(record.close_time()) - FromProto(record.execution_time()));
  }
}

namespace {

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
  if (!attempt) return;
  info->set_attempt(attempt->attempt());
  *info->mutable_scheduled_time() = attempt->scheduled_time();
  if (attempt->has_started_time()) {
    if (activity.cancel_requested_event_id() == 0) info->set_state(enums::PENDING_ACTIVITY_STATE_STARTED);
    *info->mutable_last_started_time() = attempt->started_time();
  } else if (FromProto(attempt->scheduled_time()) > now) {
    *info->mutable_next_attempt_schedule_time() = attempt->scheduled_time();
  }
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

  FillExecutionInfo(VisibilityOf(state), answer.mutable_workflow_execution_info());

  for (const auto& activity : folded.activities()) {
    FillPendingActivity(activity, history::FindAttempt(state, activity.scheduled_event_id()), now,
                        answer.add_pending_activities());
  }
  if (state.IsOpen() && state.HasPendingWorkflowTask()) {
    auto* task = answer.mutable_pending_workflow_task();
    task->set_state(enums::PENDING_WORKFLOW_TASK_STATE_SCHEDULED);
    task->set_attempt(std::max(1, state.bookkeeping().workflow_task_attempt()));
    *task->mutable_scheduled_time() = state.bookkeeping().transient_workflow_task()
                                          ? state.bookkeeping().transient_scheduled_time()
                                          : folded.workflow_task().scheduled_time();
    *task->mutable_original_scheduled_time() = task->scheduled_time();
    if (state.started_workflow_task) {
      task->set_state(enums::PENDING_WORKFLOW_TASK_STATE_STARTED);
      *task->mutable_started_time() = ToProto(state.started_workflow_task->started_time);
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

EventId EndOfStoredTaskEvents(const history::MutableState& state) {
  WFE_CHECK(state.started_workflow_task.has_value());
  return std::min<EventId>(state.folded().next_event_id(), state.started_workflow_task->started_event_id);
}

}  // namespace wfe::shard
