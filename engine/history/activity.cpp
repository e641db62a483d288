#include "engine/history/activity.h"

#include <algorithm>
#include <utility>

#include "engine/base/proto_time.h"
#include "engine/history/deadlines.h"
#include "engine/history/failures.h"
#include "engine/history/retry.h"

namespace wfe::history {
namespace {

HistoryEvent StartedEvent(const engine::v1::ActivityAttempt& attempt) {
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_ACTIVITY_TASK_STARTED);
  auto& started = *event.mutable_activity_task_started_event_attributes();
  started.set_scheduled_event_id(attempt.scheduled_event_id());
  started.set_identity(attempt.started_identity());
  started.set_request_id(attempt.started_request_id());
  started.set_attempt(attempt.attempt());
  if (attempt.has_last_failure()) *started.mutable_last_failure() = attempt.last_failure();
  return event;
}

}  // namespace

enums::RetryState RetryActivity(Builder& builder, EventId scheduled_event_id, const failure::Failure& cause) {
  const auto& activity = *FindActivity(builder.state(), scheduled_event_id);
  const auto& attempt = *FindAttempt(builder.state(), scheduled_event_id);
  if (activity.cancel_requested_event_id() != 0) return enums::RETRY_STATE_CANCEL_REQUESTED;
  const Instant now = builder.EventTime();
  const RetryDecision decision =
      DecideRetry(activity.retry_policy(), attempt.attempt(), cause, now, ActivityExpiration(activity));
  if (decision.state == enums::RETRY_STATE_IN_PROGRESS) {
    builder.Record(note::AttemptRetried{.scheduled_event_id = scheduled_event_id,
                                        .completed_time = now,
                                        .scheduled_time = now + decision.backoff,
                                        .last_failure = Truncated(cause, builder.limits().max_activity_failure_bytes)});
  }
  return decision.state;
}

void CloseActivity(Builder& builder, EventId scheduled_event_id, HistoryEvent closed,
                   std::optional<std::string> starter) {
  const auto& attempt = *FindAttempt(builder.state(), scheduled_event_id);
  std::optional<HistoryEvent> started;
  Instant started_time{};
  if (attempt.has_started_time()) {
    started = StartedEvent(attempt);
    started_time = FromProto(attempt.started_time());
  } else if (starter.has_value()) {
    started = StartedEvent(attempt);
    started->mutable_activity_task_started_event_attributes()->set_identity(*starter);
    started_time = builder.EventTime();
  }
  builder.HappenToActivity(std::move(started), started_time, std::move(closed));
}

void TimeOutActivity(Builder& builder, EventId scheduled_event_id, enums::TimeoutType type) {
  auto cause = ActivityTimeoutFailure(type, *FindAttempt(builder.state(), scheduled_event_id));
  enums::RetryState state{};
  switch (type) {
    case enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE:
      state = enums::RETRY_STATE_TIMEOUT;
      break;
    case enums::TIMEOUT_TYPE_SCHEDULE_TO_START:
      state = enums::RETRY_STATE_NON_RETRYABLE_FAILURE;
      break;
    default: {
      // The chain of causes need not grow with every attempt: what is kept for the next one is this timeout alone.
      failure::Failure kept = cause;
      kept.clear_cause();
      state = RetryActivity(builder, scheduled_event_id, kept);
      if (state == enums::RETRY_STATE_TIMEOUT) {
        // No attempt fits into the activity's whole time any more: that is what ends it (WIRE-F7).
        cause = ActivityTimeoutFailure(enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE,
                                       *FindAttempt(builder.state(), scheduled_event_id));
      }
    }
  }
  if (state == enums::RETRY_STATE_IN_PROGRESS) return;
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT);
  auto& timed_out = *event.mutable_activity_task_timed_out_event_attributes();
  timed_out.set_scheduled_event_id(scheduled_event_id);
  *timed_out.mutable_failure() = cause;
  timed_out.set_retry_state(state);
  CloseActivity(builder, scheduled_event_id, std::move(event));
}

}  // namespace wfe::history
