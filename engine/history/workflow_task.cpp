#include "engine/history/workflow_task.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/base/proto_time.h"
#include "engine/history/buffered.h"
#include "engine/history/failures.h"

namespace wfe::history {
namespace {

constexpr int32_t kLastAttemptWithPlainTimeout = 3;  // S43
constexpr int32_t kFirstAttemptWithBackoff = 3;
constexpr Duration kTimeoutGrowth = std::chrono::seconds(5);
constexpr Duration kFirstBackoff = std::chrono::seconds(1);

/// unit x 2^n, at most `maximum`.
Duration Doubled(Duration unit, int32_t n, Duration maximum) {
  const double grown = static_cast<double>(unit.count()) * std::pow(2.0, n);
  if (!(grown < static_cast<double>(maximum.count()))) return maximum;
  return Duration(static_cast<int64_t>(grown));
}

HistoryEvent ScheduledEvent(const MutableState& state, Duration timeout, int32_t attempt) {
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED);
  auto& scheduled = *event.mutable_workflow_task_scheduled_event_attributes();
  auto& queue = *scheduled.mutable_task_queue();
  if (state.bookkeeping().has_sticky()) {
    queue.set_name(state.bookkeeping().sticky().name());
    queue.set_kind(enums::TASK_QUEUE_KIND_STICKY);
    queue.set_normal_name(state.folded().task_queue());
  } else {
    queue.set_name(state.folded().task_queue());
    queue.set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  }
  *scheduled.mutable_start_to_close_timeout() = ToProto(timeout);
  scheduled.set_attempt(attempt);
  return event;
}

HistoryEvent StartedEvent(const StartedWorkflowTask& task) {
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_WORKFLOW_TASK_STARTED);
  auto& started = *event.mutable_workflow_task_started_event_attributes();
  started.set_scheduled_event_id(task.scheduled_event_id);
  started.set_identity(task.identity);
  started.set_request_id(task.request_id);
  started.set_history_size_bytes(task.history_size_bytes);
  started.set_suggest_continue_as_new(task.suggest_continue_as_new);
  for (const auto reason : task.suggest_reasons) started.add_suggest_continue_as_new_reasons(reason);
  return event;
}

/// When the transient task counts as scheduled: events may have come after it failed, and times never decrease (H2).
Instant TransientScheduledTime(const MutableState& state) {
  return std::max(state.workflow_task().scheduled_time, FromProto(state.folded().last_event_time()));
}

HistoryEvent FailedEvent(const WrittenTask& task, const TaskFailure& task_failure) {
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_WORKFLOW_TASK_FAILED);
  auto& failed = *event.mutable_workflow_task_failed_event_attributes();
  failed.set_scheduled_event_id(task.scheduled_event_id);
  failed.set_started_event_id(task.started_event_id);
  failed.set_cause(task_failure.cause);
  *failed.mutable_failure() = task_failure.failure;
  failed.set_identity(task_failure.identity);
  failed.set_binary_checksum(task_failure.binary_checksum);
  return event;
}

HistoryEvent TimedOutEvent(const WrittenTask& task, enums::TimeoutType type) {
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT);
  auto& timed_out = *event.mutable_workflow_task_timed_out_event_attributes();
  timed_out.set_scheduled_event_id(task.scheduled_event_id);
  timed_out.set_started_event_id(task.started_event_id);
  timed_out.set_timeout_type(type);
  return event;
}

bool IsWorkersFault(enums::WorkflowTaskFailedCause cause) {
  return cause != enums::WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND &&
         cause != enums::WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND;
}

/// After a failure or a timeout: the next attempt, transient, on the normal queue.
void RetryTask(Builder& builder, int32_t failed_attempt, bool with_backoff) {
  if (builder.state().bookkeeping().has_sticky()) builder.Record(note::StickyUnset{});
  const int32_t attempt = failed_attempt + 1;
  note::WorkflowTaskRetried retried{.attempt = attempt, .scheduled_time = builder.EventTime(), .not_before = {}};
  if (with_backoff && attempt >= kFirstAttemptWithBackoff) {
    retried.not_before = builder.EventTime() + Doubled(kFirstBackoff, attempt - kFirstAttemptWithBackoff,
                                                       builder.limits().max_workflow_task_retry_interval);
  }
  builder.Record(retried);
  FlushBufferedEvents(builder);
  if (!retried.not_before.has_value()) builder.OfferPendingWorkflowTask();
}

/// Ends the started task without a next attempt of the same series.
void DropStartedTask(Builder& builder, const TaskFailure& task_failure) {
  const bool first = builder.state().workflow_task().started->attempt == 1;
  if (first) builder.Append(FailedEvent(WriteStartedTask(builder), task_failure));
  builder.Record(note::WorkflowTaskDropped{});
  FlushBufferedEvents(builder);
}

}  // namespace

Duration WorkflowTaskTimeout(const MutableState& state, int32_t attempt, const Limits& limits) {
  const Duration plain = FromProto(state.folded().workflow_task_timeout());
  if (attempt <= kLastAttemptWithPlainTimeout) return plain;
  return plain + Doubled(kTimeoutGrowth, attempt - kLastAttemptWithPlainTimeout - 1, limits.max_workflow_task_timeout);
}

void ScheduleWorkflowTask(Builder& builder) {
  const Duration timeout = WorkflowTaskTimeout(builder.state(), 1, builder.limits());
  builder.Append(ScheduledEvent(builder.state(), timeout, 1));
  if (builder.state().bookkeeping().has_sticky()) builder.Record(note::StickyOffered{builder.EventTime()});
  builder.OfferPendingWorkflowTask();
}

std::vector<HistoryEvent> StartedTaskEvents(const MutableState& state) {
  WFE_CHECK(state.workflow_task().started.has_value(), "the workflow task is started");
  const StartedWorkflowTask& task = *state.workflow_task().started;
  std::vector<HistoryEvent> events;
  if (!state.workflow_task().IsInHistory()) {
    HistoryEvent scheduled = ScheduledEvent(state, task.deadline - task.started_time, task.attempt);
    scheduled.set_event_id(task.scheduled_event_id);
    *scheduled.mutable_event_time() = ToProto(TransientScheduledTime(state));
    events.push_back(std::move(scheduled));
  }
  HistoryEvent started = StartedEvent(task);
  started.set_event_id(task.started_event_id);
  *started.mutable_event_time() = ToProto(task.started_time);
  events.push_back(std::move(started));
  return events;
}

WrittenTask WriteStartedTask(Builder& builder) {
  WrittenTask written;
  for (HistoryEvent& event : StartedTaskEvents(builder.state())) {
    const EventId promised = event.event_id();
    const Instant time = FromProto(event.event_time());
    written.scheduled_event_id = event.workflow_task_started_event_attributes().scheduled_event_id();
    written.started_event_id = builder.AppendAt(std::move(event), time);
    WFE_CHECK(written.started_event_id == promised, "nothing is written while a workflow task is out");
  }
  return written;
}

void FlushBufferedEvents(Builder& builder) {
  if (builder.state().buffer().events.empty()) return;
  const std::vector<HistoryEvent> events = builder.state().buffer().events;
  builder.Record(note::BufferFlushed{});
  // What ended comes last, after its start.
  const auto ends = [](const HistoryEvent& event) { return ActivityOf(event) != 0 || ChildOf(event).closes; };
  for (const HistoryEvent& event : events) {
    if (!ends(event)) builder.Append(event);
  }
  EventId started_event_id = 0;
  for (HistoryEvent event : events) {
    if (!ends(event)) continue;
    if (const ChildEvent child = ChildOf(event); child.closes) {
      const auto open = builder.state().children().find(child.initiated_event_id);
      WFE_CHECK(open != builder.state().children().end(), "a child that ends is open");
      SetChildStartedEventId(event, open->second.initiated.started_event_id());
      builder.Append(std::move(event));
      continue;
    }
    if (event.has_activity_task_started_event_attributes()) {
      const Instant time = FromProto(event.event_time());
      started_event_id = builder.AppendAt(std::move(event), time);
      continue;
    }
    SetActivityStartedEventId(event, std::exchange(started_event_id, 0));
    builder.Append(std::move(event));
  }
  builder.AskForWorkflowTask();
}

void FailStartedTask(Builder& builder, const TaskFailure& task_failure) {
  if (!IsWorkersFault(task_failure.cause)) {
    DropStartedTask(builder, task_failure);
    if (builder.state().bookkeeping().has_sticky()) builder.Record(note::StickyUnset{});
    builder.AskForWorkflowTask();
    return;
  }
  const int32_t attempt = builder.state().workflow_task().started->attempt;
  if (attempt == 1) builder.Append(FailedEvent(WriteStartedTask(builder), task_failure));
  RetryTask(builder, attempt, /*with_backoff=*/true);
}

void TimeOutStartedTask(Builder& builder) {
  const int32_t attempt = builder.state().workflow_task().started->attempt;
  if (attempt == 1) {
    builder.Append(TimedOutEvent(WriteStartedTask(builder), enums::TIMEOUT_TYPE_START_TO_CLOSE));
  }
  RetryTask(builder, attempt, /*with_backoff=*/false);  // the timeout was the wait
}

void AbandonStartedTask(Builder& builder, const std::string& why) {
  if (!builder.state().workflow_task().started.has_value()) return;
  DropStartedTask(builder, {.cause = enums::WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
                            .failure = ServerFailure(why, /*non_retryable=*/true),
                            .identity = {},
                            .binary_checksum = {}});
}

void LeaveStickyQueue(Builder& builder) {
  const EventId scheduled = builder.state().workflow_task().scheduled_event_id;
  builder.Append(
      TimedOutEvent({.scheduled_event_id = scheduled, .started_event_id = 0}, enums::TIMEOUT_TYPE_SCHEDULE_TO_START));
  if (builder.state().bookkeeping().has_sticky()) builder.Record(note::StickyUnset{});
  builder.AskForWorkflowTask();
}

bool WaitsOnStickyQueue(const MutableState& state) {
  const WorkflowTask& task = state.workflow_task();
  return !task.started.has_value() && task.IsInHistory() && task.queue.kind() == enums::TASK_QUEUE_KIND_STICKY;
}

}  // namespace wfe::history
