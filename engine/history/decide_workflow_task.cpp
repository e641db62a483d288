// Answers of workflow workers.
#include <algorithm>
#include <utility>

#include "engine/base/proto_time.h"
#include "engine/history/commands.h"
#include "engine/history/failures.h"
#include "engine/history/finish.h"
#include "engine/history/handlers.h"
#include "engine/history/workflow_task.h"

namespace wfe::history {
namespace {

/// What a worker that names no sticky timeout gets (S45).
constexpr Duration kDefaultStickyTimeout = std::chrono::seconds(10);

Error NoSuchTask(const MutableState& state, const std::string& why) {
  return NotFound("workflow task not found: " + why + " (" + state.Key().ToString() + ")");
}

/// The answer is to the task that is out now, not to an earlier one (pitfalls 1 and 8).
Status CheckHolder(const MutableState& state, EventId started_event_id, int32_t attempt) {
  if (!state.workflow_task().started.has_value()) return NoSuchTask(state, "none is started");
  const StartedWorkflowTask& task = *state.workflow_task().started;
  if (task.started_event_id == started_event_id && task.attempt == attempt) return Ok();
  return NoSuchTask(state, "started event " + std::to_string(started_event_id) + ", attempt " +
                               std::to_string(attempt) + " is stale: event " + std::to_string(task.started_event_id) +
                               ", attempt " + std::to_string(task.attempt) + " is out now");
}

/// A transient task is known by its attempt alone: its events have no ids yet.
Status CheckOffered(const MutableState& state, const WorkflowTaskStarted& input, Instant now) {
  if (!state.HasPendingWorkflowTask()) return NoSuchTask(state, "none is scheduled");
  const WorkflowTask& task = state.workflow_task();
  const bool same = task.IsTransient() || task.scheduled_event_id == input.scheduled_event_id;
  if (!same || task.attempt != input.attempt) {
    return NoSuchTask(state, "scheduled event " + std::to_string(input.scheduled_event_id) + ", attempt " +
                                 std::to_string(input.attempt) + " is stale");
  }
  if (task.started.has_value()) return NoSuchTask(state, "it is already started");
  if (task.not_before.has_value() && *task.not_before > now) {
    return NoSuchTask(state, "it still waits for its back-off");
  }
  return Ok();
}

StartedWorkflowTask Start(const Builder& builder, const WorkflowTaskStarted& input) {
  const MutableState& state = builder.state();
  const Limits& limits = builder.limits();
  const WorkflowTask& offered = state.workflow_task();
  const EventId next = state.folded().next_event_id();
  StartedWorkflowTask task;
  task.attempt = offered.attempt;
  task.started_time = builder.EventTime();
  Duration timeout{};
  if (offered.IsInHistory()) {
    task.scheduled_event_id = offered.scheduled_event_id;
    task.started_event_id = next;
    timeout = offered.start_to_close_timeout;
  } else {
    task.scheduled_event_id = next;
    task.started_event_id = next + 1;
    timeout = WorkflowTaskTimeout(state, task.attempt, limits);
  }
  task.deadline = task.started_time + timeout;
  task.identity = input.identity;
  task.request_id = input.request_id;
  task.history_size_bytes = state.bookkeeping().history_size_bytes();
  if (next - 1 >= limits.suggest_continue_as_new_events) {  // S55
    task.suggest_reasons.push_back(enums::SUGGEST_CONTINUE_AS_NEW_REASON_TOO_MANY_HISTORY_EVENTS);
  }
  if (task.history_size_bytes >= limits.suggest_continue_as_new_bytes) {
    task.suggest_reasons.push_back(enums::SUGGEST_CONTINUE_AS_NEW_REASON_HISTORY_SIZE_TOO_LARGE);
  }
  task.suggest_continue_as_new = !task.suggest_reasons.empty();
  return task;
}

EventId WriteCompleted(Builder& builder, const ws::RespondWorkflowTaskCompletedRequest& request) {
  const WrittenTask task = WriteStartedTask(builder);
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED);
  auto& completed = *event.mutable_workflow_task_completed_event_attributes();
  completed.set_scheduled_event_id(task.scheduled_event_id);
  completed.set_started_event_id(task.started_event_id);
  completed.set_identity(request.identity());
  completed.set_binary_checksum(request.binary_checksum());
  completed.set_worker_deployment_name(request.deployment_options().deployment_name());
  if (request.has_worker_version_stamp()) *completed.mutable_worker_version() = request.worker_version_stamp();
  if (request.has_sdk_metadata()) *completed.mutable_sdk_metadata() = request.sdk_metadata();  // pitfall 11
  if (request.has_metering_metadata()) *completed.mutable_metering_metadata() = request.metering_metadata();
  return builder.Append(std::move(event));
}

void SetStickiness(Builder& builder, const ws::RespondWorkflowTaskCompletedRequest& request) {
  const auto& sticky = request.sticky_attributes();
  if (sticky.worker_task_queue().name().empty()) {
    if (builder.state().bookkeeping().has_sticky()) builder.Record(note::StickyUnset{});
    return;
  }
  const Duration timeout = FromProto(sticky.schedule_to_start_timeout());
  builder.Record(
      note::StickySet{.queue = sticky.worker_task_queue().name(),
                      .schedule_to_start_timeout = timeout > Duration::zero() ? timeout : kDefaultStickyTimeout});
}

Transition Refuse(const WorkflowTaskCompleted& input, const BadCommand& bad) {
  Transition transition;
  transition.needs_commit = false;
  transition.refused = WorkflowTaskFailed{.started_event_id = input.started_event_id,
                                          .attempt = input.attempt,
                                          .cause = bad.cause,
                                          .failure = ServerFailure(bad.message, /*non_retryable=*/true),
                                          .identity = input.request.identity(),
                                          .binary_checksum = input.request.binary_checksum()};
  return transition;
}

}  // namespace

Result<Transition> On(Builder builder, const WorkflowTaskStarted& input) {
  const auto& started = builder.state().workflow_task().started;
  if (started.has_value() && !input.request_id.empty() && started->request_id == input.request_id) {
    return Finish(std::move(builder));  // the same poll asks again: it is told the same
  }
  WFE_RETURN_IF_ERROR(CheckOffered(builder.state(), input, builder.now()));
  builder.Record(note::WorkflowTaskTaken{Start(builder, input)});
  return Finish(std::move(builder));
}

Result<Transition> On(Builder builder, const WorkflowTaskCompleted& input) {
  WFE_RETURN_IF_ERROR(CheckHolder(builder.state(), input.started_event_id, input.attempt));
  const EventId completed_event_id = WriteCompleted(builder, input.request);
  SetStickiness(builder, input.request);
  CommandContext context{.builder = builder, .input = input, .completed_event_id = completed_event_id};
  if (const CommandResult bad = RunCommands(context)) return Refuse(input, *bad);
  if (builder.state().IsOpen()) {
    FlushBufferedEvents(builder);
    FinishCommands(context);
  }
  if (input.request.force_create_new_workflow_task()) builder.AskForWorkflowTask();
  return Finish(std::move(builder));
}

Result<Transition> On(Builder builder, const WorkflowTaskFailed& input) {
  WFE_RETURN_IF_ERROR(CheckHolder(builder.state(), input.started_event_id, input.attempt));
  TaskFailure task_failure{.cause = input.cause,
                           .failure = Truncated(input.failure, builder.limits().max_payload_bytes),
                           .identity = input.identity,
                           .binary_checksum = input.binary_checksum};
  FailStartedTask(builder, task_failure);
  return Finish(std::move(builder));
}

Result<Transition> On(Builder builder, const StickyCleared& input) {
  const auto& book = builder.state().bookkeeping();
  const bool meant = book.has_sticky() && (input.only_queue.empty() || book.sticky().name() == input.only_queue);
  if (!meant) return Finish(std::move(builder));
  if (WaitsOnStickyQueue(builder.state())) {
    LeaveStickyQueue(builder);
  } else {
    builder.Record(note::StickyUnset{});
  }
  return Finish(std::move(builder));
}

}  // namespace wfe::history
