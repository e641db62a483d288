// The fold over events.  It must never look at bookkeeping to change the folded part, or a history could not rebuild
// it.
#include <algorithm>
#include <utility>

#include "engine/base/proto_time.h"
#include "engine/history/buffered.h"
#include "engine/history/decide.h"
#include "engine/history/framed_size.h"
#include "engine/history/names.h"
#include "engine/history/payload_maps.h"
#include "engine/history/state_codec.h"
#include "engine/history/state_edit.h"

namespace wfe::history {

namespace {

using engine::v1::Bookkeeping;
using engine::v1::Folded;

constexpr int kMaxResetPoints = 20;

/// Everything a transition changes outside the event's own family, looked up once.
struct Parts {
  StateEditor edit;
  Folded& folded;
  Bookkeeping& bookkeeping;
  WorkflowTask& task;
  const HistoryEvent& event;
};

/// Events say 0 where nothing limits (WIRE-F17); the state has no such field then.
bool IsSet(const google::protobuf::Duration& duration) { return duration.seconds() != 0 || duration.nanos() != 0; }

void OnStarted(Parts& parts) {
  const auto& started = parts.event.workflow_execution_started_event_attributes();
  Folded& folded = parts.folded;
  folded.set_status(enums::WORKFLOW_EXECUTION_STATUS_RUNNING);
  *folded.mutable_start_time() = parts.event.event_time();
  folded.set_first_execution_run_id(started.first_execution_run_id());
  *folded.mutable_workflow_type() = started.workflow_type();
  folded.set_task_queue(started.task_queue().name());
  folded.set_attempt(started.attempt());
  folded.set_cron_schedule(started.cron_schedule());
  folded.set_continued_from_run_id(started.continued_execution_run_id());
  if (IsSet(started.workflow_run_timeout())) *folded.mutable_workflow_run_timeout() = started.workflow_run_timeout();
  if (IsSet(started.workflow_execution_timeout())) {
    *folded.mutable_workflow_execution_timeout() = started.workflow_execution_timeout();
  }
  *folded.mutable_workflow_task_timeout() = started.workflow_task_timeout();
  if (started.has_workflow_execution_expiration_time()) {
    *folded.mutable_execution_expiration_time() = started.workflow_execution_expiration_time();
  }
  if (IsSet(started.first_workflow_task_backoff())) {
    *folded.mutable_first_workflow_task_backoff() = started.first_workflow_task_backoff();
  }
  if (started.has_retry_policy()) *folded.mutable_retry_policy() = started.retry_policy();
  if (started.has_memo()) *folded.mutable_memo() = started.memo();
  if (started.has_search_attributes()) *folded.mutable_search_attributes() = started.search_attributes();
  if (parts.event.has_user_metadata()) *folded.mutable_user_metadata() = parts.event.user_metadata();
  if (started.has_priority()) *folded.mutable_priority() = started.priority();
  if (started.has_parent_workflow_execution()) {
    auto& parent = *folded.mutable_parent();
    parent.set_namespace_(started.parent_workflow_namespace());
    parent.set_workflow_id(started.parent_workflow_execution().workflow_id());
    parent.set_run_id(started.parent_workflow_execution().run_id());
    parent.set_initiated_event_id(started.parent_initiated_event_id());
  }
  if (started.has_root_workflow_execution()) *folded.mutable_root() = started.root_workflow_execution();
  *folded.mutable_auto_reset_points() = started.prev_auto_reset_points().points();
  parts.edit.CountFolded();
}

void OnClosed(Parts& parts, enums::WorkflowExecutionStatus status, EventId batch, const std::string& new_run_id) {
  Folded& folded = parts.folded;
  folded.set_status(status);
  *folded.mutable_close_time() = parts.event.event_time();
  folded.set_completion_event_batch_id(batch == 0 ? parts.event.event_id() : batch);
  folded.set_new_run_id(new_run_id);
  Bookkeeping& bookkeeping = parts.bookkeeping;
  bookkeeping.clear_sticky();
  bookkeeping.clear_sticky_offered_time();
  bookkeeping.clear_first_task_at();
  parts.task.Move(TaskOn::kEnd);
  parts.task.not_before.reset();
  parts.edit.Close();
}

void OnWorkflowTaskScheduled(Parts& parts) {
  const auto& scheduled = parts.event.workflow_task_scheduled_event_attributes();
  WorkflowTask& task = parts.task;
  task.Move(TaskOn::kSchedule);
  task.kind = TaskKind::kNormal;
  task.attempt = scheduled.attempt();
  task.scheduled_time = FromProto(parts.event.event_time());
  task.not_before.reset();
  task.scheduled_event_id = parts.event.event_id();
  task.start_to_close_timeout = FromProto(scheduled.start_to_close_timeout());
  task.queue = scheduled.task_queue();
}

/// The workflow task left the history's open end: completed, failed or timed out.
void OnWorkflowTaskEnded(Parts& parts) {
  parts.task.Move(TaskOn::kEnd);
  parts.bookkeeping.clear_sticky_offered_time();
}

/// The first task that a build of the workers completed is where a reset can take its work back to (S89).
void AddResetPoint(Parts& parts) {
  const auto& completed = parts.event.workflow_task_completed_event_attributes();
  const std::string& checksum = completed.binary_checksum();
  const std::string& build_id = completed.worker_version().build_id();
  auto& points = *parts.folded.mutable_auto_reset_points();
  const bool known = std::any_of(points.begin(), points.end(), [&](const auto& point) {
    return point.binary_checksum() == checksum && point.build_id() == build_id;
  });
  if (known) return;
  while (points.size() >= kMaxResetPoints) points.erase(points.begin());
  auto& point = *points.Add();
  point.set_binary_checksum(checksum);
  point.set_build_id(build_id);
  point.set_run_id(parts.folded.run_id());
  point.set_first_workflow_task_completed_id(parts.event.event_id());
  *point.mutable_create_time() = parts.event.event_time();
  point.set_resettable(true);
  parts.edit.CountFolded();
}

void OnWorkflowTaskCompleted(Parts& parts) {
  const auto& completed = parts.event.workflow_task_completed_event_attributes();
  OnWorkflowTaskEnded(parts);
  parts.folded.set_last_completed_started_event_id(completed.started_event_id());
  parts.folded.set_last_completed_event_id(parts.event.event_id());
  parts.task.attempt = 1;
  parts.task.not_before.reset();
  AddResetPoint(parts);
}

void OnActivityScheduled(Parts& parts) {
  const auto& scheduled = parts.event.activity_task_scheduled_event_attributes();
  engine::v1::PendingActivity activity;
  activity.set_scheduled_event_id(parts.event.event_id());
  activity.set_activity_id(scheduled.activity_id());
  activity.set_activity_type(scheduled.activity_type().name());
  activity.set_task_queue(scheduled.task_queue().name());
  *activity.mutable_scheduled_time() = parts.event.event_time();
  if (IsSet(scheduled.schedule_to_close_timeout())) {
    *activity.mutable_schedule_to_close_timeout() = scheduled.schedule_to_close_timeout();
  }
  if (IsSet(scheduled.schedule_to_start_timeout())) {
    *activity.mutable_schedule_to_start_timeout() = scheduled.schedule_to_start_timeout();
  }
  if (IsSet(scheduled.start_to_close_timeout())) {
    *activity.mutable_start_to_close_timeout() = scheduled.start_to_close_timeout();
  }
  if (IsSet(scheduled.heartbeat_timeout())) {
    *activity.mutable_heartbeat_timeout() = scheduled.heartbeat_timeout();
  }
  *activity.mutable_retry_policy() = scheduled.retry_policy();
  if (scheduled.has_priority()) *activity.mutable_priority() = scheduled.priority();

  engine::v1::ActivityAttempt attempt;
  attempt.set_scheduled_event_id(parts.event.event_id());
  attempt.set_attempt(1);
  *attempt.mutable_scheduled_time() = parts.event.event_time();
  parts.edit.AddActivity(std::move(activity), std::move(attempt));
}

void OnTimerStarted(Parts& parts) {
  const auto& started = parts.event.timer_started_event_attributes();
  engine::v1::PendingTimer timer;
  timer.set_started_event_id(parts.event.event_id());
  timer.set_timer_id(started.timer_id());
  *timer.mutable_due() = ToProto(FromProto(parts.event.event_time()) + FromProto(started.start_to_fire_timeout()));
  parts.edit.AddTimer(std::move(timer));
}

void OnChildInitiated(Parts& parts) {
  const auto& initiated = parts.event.start_child_workflow_execution_initiated_event_attributes();
  engine::v1::PendingChild child;
  child.set_initiated_event_id(parts.event.event_id());
  child.set_namespace_(initiated.namespace_());
  child.set_workflow_id(initiated.workflow_id());
  child.set_workflow_type(initiated.workflow_type().name());
  child.set_parent_close_policy(initiated.parent_close_policy());
  parts.edit.AddChild(std::move(child));
}

void OnExternalInitiated(Parts& parts, bool is_signal) {
  engine::v1::PendingExternal external;
  external.set_initiated_event_id(parts.event.event_id());
  external.set_is_signal(is_signal);
  parts.edit.AddExternal(std::move(external));
}

/// Children and other workflows; false for all other events.
bool ApplyFamilyEvent(Parts& parts) {
  const HistoryEvent& event = parts.event;
  switch (event.event_type()) {
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
      OnChildInitiated(parts);
      return true;
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
      parts.edit.SetChildStarted(ChildOf(event).initiated_event_id, event.event_id());
      return true;
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED:
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:
      parts.edit.RemoveChild(ChildOf(event).initiated_event_id);
      return true;
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
      OnExternalInitiated(parts, /*is_signal=*/true);
      return true;
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
      OnExternalInitiated(parts, /*is_signal=*/false);
      return true;
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED:
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
      parts.edit.RemoveExternal(ExternalOf(event));
      return true;
    default:
      return false;
  }
}

void ApplyAttributes(Parts& parts) {
  const HistoryEvent& event = parts.event;
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
      return OnStarted(parts);
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: {
      const auto& closed = event.workflow_execution_completed_event_attributes();
      return OnClosed(parts, enums::WORKFLOW_EXECUTION_STATUS_COMPLETED, closed.workflow_task_completed_event_id(),
                      closed.new_execution_run_id());
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: {
      const auto& closed = event.workflow_execution_failed_event_attributes();
      return OnClosed(parts, enums::WORKFLOW_EXECUTION_STATUS_FAILED, closed.workflow_task_completed_event_id(),
                      closed.new_execution_run_id());
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      return OnClosed(parts, enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT, 0,
                      event.workflow_execution_timed_out_event_attributes().new_execution_run_id());
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
      return OnClosed(parts, enums::WORKFLOW_EXECUTION_STATUS_CANCELED,
                      event.workflow_execution_canceled_event_attributes().workflow_task_completed_event_id(), "");
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
      return OnClosed(parts, enums::WORKFLOW_EXECUTION_STATUS_TERMINATED, 0, "");
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: {
      const auto& closed = event.workflow_execution_continued_as_new_event_attributes();
      return OnClosed(parts, enums::WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW,
                      closed.workflow_task_completed_event_id(), closed.new_execution_run_id());
    }
    case enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
      return OnWorkflowTaskScheduled(parts);
    case enums::EVENT_TYPE_WORKFLOW_TASK_STARTED:
      return;  // its task stays open until it is completed, failed or timed out
    case enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
      return OnWorkflowTaskCompleted(parts);
    case enums::EVENT_TYPE_WORKFLOW_TASK_FAILED:
    case enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
      return OnWorkflowTaskEnded(parts);
    case enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
      return OnActivityScheduled(parts);
    case enums::EVENT_TYPE_ACTIVITY_TASK_STARTED:
      return;  // written with its closing event (S30)
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
      return parts.edit.EditActivity(
          event.activity_task_cancel_requested_event_attributes().scheduled_event_id(),
          [&](OpenActivity& activity) { activity.scheduled.set_cancel_requested_event_id(event.event_id()); });
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED:
      return parts.edit.RemoveActivity(ActivityOf(event));
    case enums::EVENT_TYPE_TIMER_STARTED:
      return OnTimerStarted(parts);
    case enums::EVENT_TYPE_TIMER_FIRED:
      return parts.edit.RemoveTimer(event.timer_fired_event_attributes().started_event_id());
    case enums::EVENT_TYPE_TIMER_CANCELED:
      return parts.edit.RemoveTimer(event.timer_canceled_event_attributes().started_event_id());
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
      return parts.folded.set_signal_count(parts.folded.signal_count() + 1);
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
      return parts.folded.set_cancel_requested(true);
    case enums::EVENT_TYPE_MARKER_RECORDED:
      return;
    case enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
      MergePayloads(*parts.folded.mutable_search_attributes()->mutable_indexed_fields(),
                    event.upsert_workflow_search_attributes_event_attributes().search_attributes().indexed_fields());
      return parts.edit.CountFolded();
    case enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
      MergePayloads(*parts.folded.mutable_memo()->mutable_fields(),
                    event.workflow_properties_modified_event_attributes().upserted_memo().fields());
      return parts.edit.CountFolded();
    default:
      WFE_CHECK(ApplyFamilyEvent(parts), "no event of type " + enums::EventType_Name(event.event_type()) + " is ever written");
  }
}

}  // namespace

void Apply(MutableState& state, const HistoryEvent& event) {
  StateEditor edit(state);
  Folded& folded = edit.folded();
  Bookkeeping& bookkeeping = edit.bookkeeping();
  const EventId expected = folded.next_event_id() == 0 ? 1 : folded.next_event_id();
  WFE_CHECK(event.event_id() == expected, "event ids are dense (H1)");
  Parts parts{edit, folded, bookkeeping, edit.workflow_task(), event};
  ApplyAttributes(parts);
  folded.set_next_event_id(event.event_id() + 1);
  // An activity's Started event carries the time its attempt really started, long ago perhaps (H2).
  if (event.event_type() != enums::EVENT_TYPE_ACTIVITY_TASK_STARTED) {
    *folded.mutable_last_event_time() = event.event_time();
  }
  // As the event lies in its stored batch (H6).
  bookkeeping.set_history_size_bytes(bookkeeping.history_size_bytes() + FramedSize(event));
}

engine::v1::Folded Fold(const ExecutionKey& key, const std::vector<HistoryEvent>& events) {
  MutableState state = NewRun(key);
  for (const HistoryEvent& event : events) Apply(state, event);
  return std::move(*ToCheckpoint(state).mutable_folded());
}

MutableState NewRun(const ExecutionKey& key) {
  MutableState state;
  Folded& folded = StateEditor(state).folded();
  folded.set_namespace_(key.ns.value());
  folded.set_workflow_id(key.workflow_id.value());
  folded.set_run_id(key.run_id.value());
  folded.set_next_event_id(1);
  return state;
}

}  // namespace wfe::history
