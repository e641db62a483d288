// Answers of activity workers.
#include <algorithm>
#include <utility>

#include "engine/base/proto_time.h"
#include "engine/history/activity.h"
#include "engine/history/buffered.h"
#include "engine/history/failures.h"
#include "engine/history/finish.h"
#include "engine/history/handlers.h"

namespace wfe::history {
namespace {

std::string NameOf(const ActivityRef& ref) {
  if (ref.attempt == 0) return "activity with id \"" + ref.activity_id + "\"";
  return "activity scheduled by event " + std::to_string(ref.scheduled_event_id) + ", attempt " +
         std::to_string(ref.attempt);
}

Error NoSuchActivity(const MutableState& state, const ActivityRef& ref, const std::string& why) {
  return NotFound(NameOf(ref) + " " + why + " (" + state.Key().ToString() + ")");
}

enum class Started { kRequired, kOptionalById };

/// The scheduled event of the open activity that is meant.
Result<EventId> Resolve(const MutableState& state, const ActivityRef& ref, Started needs) {
  const bool by_id = ref.attempt == 0;
  const auto* activity = by_id ? FindActivityById(state, ref.activity_id) : FindActivity(state, ref.scheduled_event_id);
  if (activity == nullptr || IsActivityCloseBuffered(state, activity->scheduled_event_id())) {
    return NoSuchActivity(state, ref, "is not open");
  }
  const auto& attempt = *FindAttempt(state, activity->scheduled_event_id());
  if (!by_id && attempt.attempt() != ref.attempt) {  // pitfall 8
    return NoSuchActivity(state, ref, "is stale: its attempt is now " + std::to_string(attempt.attempt()));
  }
  const bool may_be_waiting = by_id && needs == Started::kOptionalById;
  if (!attempt.has_started_time() && !may_be_waiting) return NoSuchActivity(state, ref, "is not started");
  return activity->scheduled_event_id();
}

bool IsTooBig(const google::protobuf::Message& message, const Limits& limits) {
  return static_cast<int64_t>(message.ByteSizeLong()) > limits.max_payload_bytes;
}

/// The attempt failed: another one, or ActivityTaskFailed.
Transition Fail(Builder builder, EventId scheduled_event_id, const failure::Failure& cause,
                const std::string& identity) {
  const enums::RetryState state = RetryActivity(builder, scheduled_event_id, cause);
  if (state == enums::RETRY_STATE_IN_PROGRESS) return Finish(std::move(builder));
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_ACTIVITY_TASK_FAILED);
  auto& failed = *event.mutable_activity_task_failed_event_attributes();
  failed.set_scheduled_event_id(scheduled_event_id);
  *failed.mutable_failure() = cause;
  failed.set_identity(identity);
  failed.set_retry_state(state);
  CloseActivity(builder, scheduled_event_id, std::move(event), identity);
  return Finish(std::move(builder));
}

}  // namespace

Result<Transition> On(Builder builder, const ActivityTaskStarted& input) {
  const ActivityRef ref{.scheduled_event_id = input.scheduled_event_id, .attempt = input.attempt, .activity_id = {}};
  const auto* activity = FindActivity(builder.state(), input.scheduled_event_id);
  if (activity == nullptr || IsActivityCloseBuffered(builder.state(), input.scheduled_event_id)) {
    return NoSuchActivity(builder.state(), ref, "is not open");
  }
  const auto& attempt = *FindAttempt(builder.state(), input.scheduled_event_id);
  if (attempt.attempt() != input.attempt) {
    return NoSuchActivity(builder.state(), ref, "is stale: its attempt is now " + std::to_string(attempt.attempt()));
  }
  if (attempt.has_started_time()) {
    // The same poll asks again: it is told the same.
    if (!input.request_id.empty() && attempt.started_request_id() == input.request_id) {
      return Finish(std::move(builder));
    }
    return NoSuchActivity(builder.state(), ref, "is already started");
  }
  if (attempt.backing_off() && FromProto(attempt.scheduled_time()) > builder.now()) {
    return NoSuchActivity(builder.state(), ref, "still waits for its back-off");
  }
  const Instant started = std::max(builder.now(), FromProto(attempt.scheduled_time()));
  builder.Record(note::AttemptStarted{.scheduled_event_id = input.scheduled_event_id,
                                      .time = started,
                                      .identity = input.identity,
                                      .request_id = input.request_id});
  return Finish(std::move(builder));
}

Result<Transition> On(Builder builder, const ActivityTaskCompleted& input) {
  WFE_ASSIGN_OR_RETURN(const EventId id, Resolve(builder.state(), input.activity, Started::kOptionalById));
  if (IsTooBig(input.result, builder.limits())) {  // S56: the worker cannot help it by asking again
    return Fail(std::move(builder), id, ServerFailure("Complete result exceeds size limit.", true), input.identity);
  }
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED);
  auto& completed = *event.mutable_activity_task_completed_event_attributes();
  completed.set_scheduled_event_id(id);
  if (input.result.payloads_size() > 0) *completed.mutable_result() = input.result;
  completed.set_identity(input.identity);
  CloseActivity(builder, id, std::move(event), input.identity);
  return Finish(std::move(builder));
}

Result<Transition> On(Builder builder, const ActivityTaskFailed& input) {
  WFE_ASSIGN_OR_RETURN(const EventId id, Resolve(builder.state(), input.activity, Started::kOptionalById));
  if (input.last_heartbeat_details.has_value() && !IsTooBig(*input.last_heartbeat_details, builder.limits())) {
    builder.Record(note::Heartbeat{.scheduled_event_id = id, .time = {}, .details = *input.last_heartbeat_details});
  }
  failure::Failure cause = input.failure;
  if (IsTooBig(cause, builder.limits())) {
    cause = ServerFailure("Failure exceeds size limit.", false);
    *cause.mutable_cause() = Truncated(input.failure, builder.limits().max_payload_bytes);
  }
  return Fail(std::move(builder), id, cause, input.identity);
}

Result<Transition> On(Builder builder, const ActivityTaskCanceled& input) {
  WFE_ASSIGN_OR_RETURN(const EventId id, Resolve(builder.state(), input.activity, Started::kRequired));
  const EventId requested = FindActivity(builder.state(), id)->cancel_requested_event_id();
  if (requested == 0) {  // H19
    return InvalidArgument(NameOf(input.activity) + " was not asked to cancel (" + builder.state().Key().ToString() +
                           ")");
  }
  if (IsTooBig(input.details, builder.limits())) {
    return Fail(std::move(builder), id, ServerFailure("Cancel details exceed size limit.", true), input.identity);
  }
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED);
  auto& canceled = *event.mutable_activity_task_canceled_event_attributes();
  canceled.set_scheduled_event_id(id);
  canceled.set_latest_cancel_requested_event_id(requested);
  if (input.details.payloads_size() > 0) *canceled.mutable_details() = input.details;
  canceled.set_identity(input.identity);
  CloseActivity(builder, id, std::move(event));
  return Finish(std::move(builder));
}

Result<Transition> On(Builder builder, const ActivityHeartbeat& input) {
  WFE_ASSIGN_OR_RETURN(const EventId id, Resolve(builder.state(), input.activity, Started::kRequired));
  if (IsTooBig(input.details, builder.limits())) {
    return InvalidArgument("heartbeat details of " + NameOf(input.activity) + " have " +
                           std::to_string(input.details.ByteSizeLong()) + " bytes, at most " +
                           std::to_string(builder.limits().max_payload_bytes) + " (max_payload_bytes)");
  }
  builder.Record(note::Heartbeat{.scheduled_event_id = id, .time = builder.EventTime(), .details = input.details});
  builder.transition().cancel_requested = FindActivity(builder.state(), id)->cancel_requested_event_id() != 0;
  return Finish(std::move(builder));
}

}  // namespace wfe::history
