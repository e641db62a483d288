#include "tests/lint/history_builder.h"

namespace wfe::lint {

using namespace std::chrono_literals;

void SetTime(HistoryEvent& event, Instant time) {
  const auto nanos = time.time_since_epoch().count();
  event.mutable_event_time()->set_seconds(nanos / 1'000'000'000);
  event.mutable_event_time()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
}

Instant GetTime(const HistoryEvent& event) {
  return Instant(std::chrono::seconds(event.event_time().seconds()) +
                 std::chrono::nanoseconds(event.event_time().nanos()));
}

HistoryBuilder::HistoryBuilder(std::string run_id) {
  auto& started =
      *Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED).mutable_workflow_execution_started_event_attributes();
  started.mutable_workflow_type()->set_name("Example");
  started.mutable_task_queue()->set_name("queue");
  started.mutable_input()->add_payloads()->set_data("1");
  started.mutable_workflow_task_timeout()->set_seconds(10);
  started.set_original_execution_run_id(run_id);
  started.set_first_execution_run_id(run_id);
  started.set_attempt(1);
}

HistoryEvent& HistoryBuilder::Append(enums::EventType type) {
  HistoryEvent& event = events_.emplace_back();
  event.set_event_id(static_cast<EventId>(events_.size()));
  event.set_event_type(type);
  SetTime(event, now_);
  return event;
}

HistoryBuilder& HistoryBuilder::Advance(Duration by) {
  now_ += by;
  return *this;
}

HistoryBuilder& HistoryBuilder::NewBatch() {
  const auto next = static_cast<EventId>(events_.size() + 1);
  if (batch_starts_.back() != next) batch_starts_.push_back(next);
  return *this;
}

EventId HistoryBuilder::TaskScheduled(int attempt) {
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED);
  event.mutable_workflow_task_scheduled_event_attributes()->mutable_start_to_close_timeout()->set_seconds(10);
  event.mutable_workflow_task_scheduled_event_attributes()->set_attempt(attempt);
  return task_scheduled_ = event.event_id();
}

EventId HistoryBuilder::TaskStarted() {
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_TASK_STARTED);
  event.mutable_workflow_task_started_event_attributes()->set_scheduled_event_id(task_scheduled_);
  return task_started_ = event.event_id();
}

EventId HistoryBuilder::TaskCompleted() {
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED);
  event.mutable_workflow_task_completed_event_attributes()->set_scheduled_event_id(task_scheduled_);
  event.mutable_workflow_task_completed_event_attributes()->set_started_event_id(task_started_);
  return task_completed_ = event.event_id();
}

EventId HistoryBuilder::TaskFailed() {
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_TASK_FAILED);
  auto& failed = *event.mutable_workflow_task_failed_event_attributes();
  failed.set_scheduled_event_id(task_scheduled_);
  failed.set_started_event_id(task_started_);
  failed.set_cause(enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE);
  return event.event_id();
}

EventId HistoryBuilder::TaskTimedOut() {
  now_ = std::max(now_, GetTime(At(task_started_)) + 10s);
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT);
  auto& timed_out = *event.mutable_workflow_task_timed_out_event_attributes();
  timed_out.set_scheduled_event_id(task_scheduled_);
  timed_out.set_started_event_id(task_started_);
  timed_out.set_timeout_type(enums::TIMEOUT_TYPE_START_TO_CLOSE);
  return event.event_id();
}

EventId HistoryBuilder::TaskTimedOutUnstarted() {
  now_ += 10s;
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT);
  auto& timed_out = *event.mutable_workflow_task_timed_out_event_attributes();
  timed_out.set_scheduled_event_id(task_scheduled_);
  timed_out.set_timeout_type(enums::TIMEOUT_TYPE_SCHEDULE_TO_START);
  return event.event_id();
}

EventId HistoryBuilder::Task() {
  TaskScheduled();
  Advance(2ms).NewBatch().TaskStarted();
  Advance(3ms);
  return TaskCompleted();
}

EventId HistoryBuilder::ActivityScheduled(const std::string& id, int maximum_attempts) {
  auto& event = Append(enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED);
  auto& scheduled = *event.mutable_activity_task_scheduled_event_attributes();
  scheduled.set_activity_id(id);
  scheduled.mutable_activity_type()->set_name("work");
  scheduled.mutable_task_queue()->set_name("queue");
  scheduled.mutable_schedule_to_close_timeout()->set_seconds(100);
  scheduled.mutable_schedule_to_start_timeout()->set_seconds(50);
  scheduled.mutable_start_to_close_timeout()->set_seconds(30);
  scheduled.mutable_heartbeat_timeout()->set_seconds(5);
  scheduled.mutable_retry_policy()->set_maximum_attempts(maximum_attempts);
  scheduled.set_workflow_task_completed_event_id(task_completed_);
  return event.event_id();
}

EventId HistoryBuilder::ActivityStarted(EventId scheduled, int attempt, Instant time) {
  auto& event = Append(enums::EVENT_TYPE_ACTIVITY_TASK_STARTED);
  event.mutable_activity_task_started_event_attributes()->set_scheduled_event_id(scheduled);
  event.mutable_activity_task_started_event_attributes()->set_attempt(attempt);
  SetTime(event, std::max(time, GetTime(At(scheduled))));
  return event.event_id();
}

EventId HistoryBuilder::ActivityCompleted(EventId scheduled, int attempt, Duration started_ago) {
  const EventId started = ActivityStarted(scheduled, attempt, now_ - started_ago);
  auto& event = Append(enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED);
  event.mutable_activity_task_completed_event_attributes()->set_scheduled_event_id(scheduled);
  event.mutable_activity_task_completed_event_attributes()->set_started_event_id(started);
  return event.event_id();
}

EventId HistoryBuilder::ActivityFailed(EventId scheduled, int attempt) {
  const EventId started = ActivityStarted(scheduled, attempt, now_ - 1ms);
  auto& event = Append(enums::EVENT_TYPE_ACTIVITY_TASK_FAILED);
  event.mutable_activity_task_failed_event_attributes()->set_scheduled_event_id(scheduled);
  event.mutable_activity_task_failed_event_attributes()->set_started_event_id(started);
  return event.event_id();
}

EventId HistoryBuilder::ActivityTimedOut(EventId scheduled, enums::TimeoutType type) {
  const Instant from = GetTime(At(scheduled));
  EventId started = 0;
  if (type == enums::TIMEOUT_TYPE_SCHEDULE_TO_START) now_ = std::max(now_, from + 50s);
  if (type == enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE) now_ = std::max(now_, from + 100s);
  if (type == enums::TIMEOUT_TYPE_START_TO_CLOSE || type == enums::TIMEOUT_TYPE_HEARTBEAT) {
    const Instant start = now_;
    now_ += type == enums::TIMEOUT_TYPE_HEARTBEAT ? 5s : 30s;
    started = ActivityStarted(scheduled, 1, start);
  }
  auto& event = Append(enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT);
  auto& timed_out = *event.mutable_activity_task_timed_out_event_attributes();
  timed_out.set_scheduled_event_id(scheduled);
  timed_out.set_started_event_id(started);
  timed_out.mutable_failure()->mutable_timeout_failure_info()->set_timeout_type(type);
  return event.event_id();
}

EventId HistoryBuilder::ActivityCancelRequested(EventId scheduled) {
  auto& event = Append(enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED);
  event.mutable_activity_task_cancel_requested_event_attributes()->set_scheduled_event_id(scheduled);
  event.mutable_activity_task_cancel_requested_event_attributes()->set_workflow_task_completed_event_id(
      task_completed_);
  return event.event_id();
}

EventId HistoryBuilder::ActivityCanceledBeforeStart(EventId scheduled, EventId requested) {
  auto& event = Append(enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED);
  event.mutable_activity_task_canceled_event_attributes()->set_scheduled_event_id(scheduled);
  event.mutable_activity_task_canceled_event_attributes()->set_latest_cancel_requested_event_id(requested);
  return event.event_id();
}

EventId HistoryBuilder::ActivityCanceled(EventId scheduled, EventId requested) {
  const EventId started = ActivityStarted(scheduled, 1, now_ - 1ms);
  auto& event = Append(enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED);
  event.mutable_activity_task_canceled_event_attributes()->set_scheduled_event_id(scheduled);
  event.mutable_activity_task_canceled_event_attributes()->set_started_event_id(started);
  event.mutable_activity_task_canceled_event_attributes()->set_latest_cancel_requested_event_id(requested);
  return event.event_id();
}

EventId HistoryBuilder::TimerStarted(const std::string& id, Duration duration) {
  auto& event = Append(enums::EVENT_TYPE_TIMER_STARTED);
  auto& started = *event.mutable_timer_started_event_attributes();
  started.set_timer_id(id);
  started.mutable_start_to_fire_timeout()->set_seconds(duration.count() / 1'000'000'000);
  started.mutable_start_to_fire_timeout()->set_nanos(static_cast<int32_t>(duration.count() % 1'000'000'000));
  started.set_workflow_task_completed_event_id(task_completed_);
  return event.event_id();
}

EventId HistoryBuilder::TimerFired(EventId started) {
  const auto timer = At(started).timer_started_event_attributes();
  now_ = std::max(now_, GetTime(At(started)) + std::chrono::seconds(timer.start_to_fire_timeout().seconds()) +
                            std::chrono::nanoseconds(timer.start_to_fire_timeout().nanos()));
  auto& event = Append(enums::EVENT_TYPE_TIMER_FIRED);
  event.mutable_timer_fired_event_attributes()->set_timer_id(timer.timer_id());
  event.mutable_timer_fired_event_attributes()->set_started_event_id(started);
  return event.event_id();
}

EventId HistoryBuilder::TimerCanceled(EventId started) {
  const std::string id = At(started).timer_started_event_attributes().timer_id();
  auto& event = Append(enums::EVENT_TYPE_TIMER_CANCELED);
  event.mutable_timer_canceled_event_attributes()->set_timer_id(id);
  event.mutable_timer_canceled_event_attributes()->set_started_event_id(started);
  event.mutable_timer_canceled_event_attributes()->set_workflow_task_completed_event_id(task_completed_);
  return event.event_id();
}

EventId HistoryBuilder::Signal(const std::string& request_id) {
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);
  event.mutable_workflow_execution_signaled_event_attributes()->set_signal_name("go");
  event.mutable_workflow_execution_signaled_event_attributes()->set_request_id(request_id);
  return event.event_id();
}

EventId HistoryBuilder::CancelRequested() {
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED);
  event.mutable_workflow_execution_cancel_requested_event_attributes()->set_cause("test");
  return event.event_id();
}

EventId HistoryBuilder::CancelRequestedBy(const std::string& workflow_id, EventId initiated) {
  const EventId requested = CancelRequested();
  auto& request = *At(requested).mutable_workflow_execution_cancel_requested_event_attributes();
  request.mutable_external_workflow_execution()->set_workflow_id(workflow_id);
  request.mutable_external_workflow_execution()->set_run_id("run-of-" + workflow_id);
  request.set_external_initiated_event_id(initiated);
  return requested;
}

EventId HistoryBuilder::PatchMarker(const std::string& change_id) {
  auto& event = Append(enums::EVENT_TYPE_MARKER_RECORDED);
  auto& marker = *event.mutable_marker_recorded_event_attributes();
  marker.set_marker_name("core_patch");
  (*marker.mutable_details())["patch-data"].add_payloads()->set_data(R"({"id":")" + change_id +
                                                                     R"(","deprecated":false})");
  marker.set_workflow_task_completed_event_id(task_completed_);
  return event.event_id();
}

EventId HistoryBuilder::SideEffectMarker() {
  auto& event = Append(enums::EVENT_TYPE_MARKER_RECORDED);
  event.mutable_marker_recorded_event_attributes()->set_marker_name("SideEffect");
  event.mutable_marker_recorded_event_attributes()->set_workflow_task_completed_event_id(task_completed_);
  return event.event_id();
}

EventId HistoryBuilder::SearchAttributesUpserted() {
  auto& event = Append(enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES);
  event.mutable_upsert_workflow_search_attributes_event_attributes()->set_workflow_task_completed_event_id(
      task_completed_);
  return event.event_id();
}

std::string HistoryBuilder::ChildId(EventId initiated) {
  return At(initiated).start_child_workflow_execution_initiated_event_attributes().workflow_id();
}

EventId HistoryBuilder::ChildInitiated(const std::string& workflow_id) {
  auto& event = Append(enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED);
  auto& initiated = *event.mutable_start_child_workflow_execution_initiated_event_attributes();
  initiated.set_namespace_("default");
  initiated.set_workflow_id(workflow_id);
  initiated.mutable_workflow_type()->set_name("Child");
  initiated.set_workflow_task_completed_event_id(task_completed_);
  return event.event_id();
}

EventId HistoryBuilder::ChildStarted(EventId initiated) {
  auto& event = Append(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED);
  auto& started = *event.mutable_child_workflow_execution_started_event_attributes();
  started.set_initiated_event_id(initiated);
  started.set_namespace_("default");
  started.mutable_workflow_type()->set_name("Child");
  started.mutable_workflow_execution()->set_workflow_id(ChildId(initiated));
  started.mutable_workflow_execution()->set_run_id("run-of-" + std::to_string(initiated));
  return event.event_id();
}

EventId HistoryBuilder::ChildStartFailed(EventId initiated) {
  auto& event = Append(enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED);
  auto& failed = *event.mutable_start_child_workflow_execution_failed_event_attributes();
  failed.set_initiated_event_id(initiated);
  failed.set_namespace_("default");
  failed.mutable_workflow_type()->set_name("Child");
  failed.set_workflow_id(ChildId(initiated));
  return event.event_id();
}

template <class Attributes>
EventId HistoryBuilder::CloseChild(enums::EventType type, Attributes* (HistoryEvent::*attributes)(), EventId initiated,
                                   EventId started) {
  const auto running = At(started).child_workflow_execution_started_event_attributes();
  auto& event = Append(type);
  Attributes& closed = *(event.*attributes)();
  closed.set_initiated_event_id(initiated);
  closed.set_started_event_id(started);
  closed.set_namespace_(running.namespace_());
  *closed.mutable_workflow_type() = running.workflow_type();
  *closed.mutable_workflow_execution() = running.workflow_execution();
  return event.event_id();
}

EventId HistoryBuilder::ChildCompleted(EventId initiated, EventId started) {
  return CloseChild(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED,
                    &HistoryEvent::mutable_child_workflow_execution_completed_event_attributes, initiated, started);
}

EventId HistoryBuilder::ChildFailed(EventId initiated, EventId started) {
  return CloseChild(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED,
                    &HistoryEvent::mutable_child_workflow_execution_failed_event_attributes, initiated, started);
}

EventId HistoryBuilder::ChildCanceled(EventId initiated, EventId started) {
  return CloseChild(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED,
                    &HistoryEvent::mutable_child_workflow_execution_canceled_event_attributes, initiated, started);
}

EventId HistoryBuilder::ChildTimedOut(EventId initiated, EventId started) {
  return CloseChild(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT,
                    &HistoryEvent::mutable_child_workflow_execution_timed_out_event_attributes, initiated, started);
}

EventId HistoryBuilder::ChildTerminated(EventId initiated, EventId started) {
  return CloseChild(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED,
                    &HistoryEvent::mutable_child_workflow_execution_terminated_event_attributes, initiated, started);
}

HistoryBuilder& HistoryBuilder::OfParent(const std::string& workflow_id) {
  auto& started = *At(1).mutable_workflow_execution_started_event_attributes();
  started.set_parent_workflow_namespace("default");
  started.mutable_parent_workflow_execution()->set_workflow_id(workflow_id);
  started.mutable_parent_workflow_execution()->set_run_id("run-of-" + workflow_id);
  started.set_parent_initiated_event_id(5);
  *started.mutable_root_workflow_execution() = started.parent_workflow_execution();
  return *this;
}

EventId HistoryBuilder::SignalExternalInitiated() {
  auto& event = Append(enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED);
  auto& initiated = *event.mutable_signal_external_workflow_execution_initiated_event_attributes();
  initiated.set_workflow_task_completed_event_id(task_completed_);
  initiated.set_namespace_("default");
  initiated.mutable_workflow_execution()->set_workflow_id("target-" + std::to_string(event.event_id()));
  return event.event_id();
}

EventId HistoryBuilder::CancelExternalInitiated() {
  auto& event = Append(enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED);
  auto& initiated = *event.mutable_request_cancel_external_workflow_execution_initiated_event_attributes();
  initiated.set_workflow_task_completed_event_id(task_completed_);
  initiated.set_namespace_("default");
  initiated.mutable_workflow_execution()->set_workflow_id("target-" + std::to_string(event.event_id()));
  return event.event_id();
}

template <class Attributes>
EventId HistoryBuilder::AnswerRequest(enums::EventType type, Attributes* (HistoryEvent::*attributes)(),
                                      EventId initiated,
                                      const temporal::api::common::v1::WorkflowExecution& asked) {
  const temporal::api::common::v1::WorkflowExecution target = asked;  // appending moves what it is part of
  auto& event = Append(type);
  Attributes& outcome = *(event.*attributes)();
  outcome.set_initiated_event_id(initiated);
  outcome.set_namespace_("default");
  *outcome.mutable_workflow_execution() = target;
  return event.event_id();
}

EventId HistoryBuilder::SignalExternalDone(EventId initiated) {
  return AnswerRequest(
      enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED,
      &HistoryEvent::mutable_external_workflow_execution_signaled_event_attributes, initiated,
      At(initiated).signal_external_workflow_execution_initiated_event_attributes().workflow_execution());
}

EventId HistoryBuilder::SignalExternalFailed(EventId initiated) {
  return AnswerRequest(
      enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
      &HistoryEvent::mutable_signal_external_workflow_execution_failed_event_attributes, initiated,
      At(initiated).signal_external_workflow_execution_initiated_event_attributes().workflow_execution());
}

EventId HistoryBuilder::CancelExternalDone(EventId initiated) {
  return AnswerRequest(
      enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
      &HistoryEvent::mutable_external_workflow_execution_cancel_requested_event_attributes, initiated,
      At(initiated).request_cancel_external_workflow_execution_initiated_event_attributes().workflow_execution());
}

EventId HistoryBuilder::CancelExternalFailed(EventId initiated) {
  return AnswerRequest(
      enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
      &HistoryEvent::mutable_request_cancel_external_workflow_execution_failed_event_attributes, initiated,
      At(initiated).request_cancel_external_workflow_execution_initiated_event_attributes().workflow_execution());
}

EventId HistoryBuilder::NexusScheduled() {
  auto& event = Append(enums::EVENT_TYPE_NEXUS_OPERATION_SCHEDULED);
  auto& scheduled = *event.mutable_nexus_operation_scheduled_event_attributes();
  scheduled.set_workflow_task_completed_event_id(task_completed_);
  scheduled.set_request_id("request-" + std::to_string(event.event_id()));
  return event.event_id();
}

EventId HistoryBuilder::NexusStarted(EventId scheduled) {
  auto& event = Append(enums::EVENT_TYPE_NEXUS_OPERATION_STARTED);
  event.mutable_nexus_operation_started_event_attributes()->set_scheduled_event_id(scheduled);
  return event.event_id();
}

EventId HistoryBuilder::NexusCompleted(EventId scheduled) {
  auto& event = Append(enums::EVENT_TYPE_NEXUS_OPERATION_COMPLETED);
  event.mutable_nexus_operation_completed_event_attributes()->set_scheduled_event_id(scheduled);
  event.mutable_nexus_operation_completed_event_attributes()->set_request_id("request-" + std::to_string(scheduled));
  return event.event_id();
}

EventId HistoryBuilder::UpdateAccepted(const std::string& id) {
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED);
  auto& accepted = *event.mutable_workflow_execution_update_accepted_event_attributes();
  accepted.set_protocol_instance_id(id);
  accepted.set_accepted_request_sequencing_event_id(task_scheduled_);
  return event.event_id();
}

EventId HistoryBuilder::UpdateCompleted(EventId accepted) {
  const std::string id = At(accepted).workflow_execution_update_accepted_event_attributes().protocol_instance_id();
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED);
  auto& completed = *event.mutable_workflow_execution_update_completed_event_attributes();
  completed.mutable_meta()->set_update_id(id);
  completed.set_accepted_event_id(accepted);
  return event.event_id();
}

EventId HistoryBuilder::Completed() {
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  event.mutable_workflow_execution_completed_event_attributes()->set_workflow_task_completed_event_id(task_completed_);
  return event.event_id();
}

EventId HistoryBuilder::Failed() {
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
  event.mutable_workflow_execution_failed_event_attributes()->set_workflow_task_completed_event_id(task_completed_);
  return event.event_id();
}

EventId HistoryBuilder::ContinuedAsNew(const std::string& new_run_id) {
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW);
  auto& continued = *event.mutable_workflow_execution_continued_as_new_event_attributes();
  continued.set_new_execution_run_id(new_run_id);
  continued.mutable_workflow_type()->set_name("Example");
  continued.mutable_input()->add_payloads()->set_data("2");
  continued.set_workflow_task_completed_event_id(task_completed_);
  return event.event_id();
}

EventId HistoryBuilder::Terminated() {
  auto& event = Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
  event.mutable_workflow_execution_terminated_event_attributes()->set_reason("test");
  return event.event_id();
}

}  // namespace wfe::lint
