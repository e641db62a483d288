#include "engine/shard/activity_answer.h"

#include "engine/base/serialize.h"
#include "engine/history/attribute_limits.h"
#include "engine/history/framing.h"
#include "engine/history/nesting.h"
#include "engine/shard/history_bytes.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"

namespace wfe::shard {
namespace {

using Scheduled = temporal::api::history::v1::ActivityTaskScheduledEventAttributes;
using Answer = temporal::api::workflowservice::v1::PollActivityTaskQueueResponse;

/// A field of the event that the answer has, too.
struct Spliced {
  int in_event;
  int in_answer;
};
constexpr Spliced kSpliced[] = {
    {Scheduled::kActivityTypeFieldNumber, Answer::kActivityTypeFieldNumber},
    {Scheduled::kHeaderFieldNumber, Answer::kHeaderFieldNumber},
    {Scheduled::kInputFieldNumber, Answer::kInputFieldNumber},
};

}  // namespace

Result<std::string> ActivityAnswer(const history::MutableState& state, const history::OpenActivity& activity,
                                   std::string_view event, std::string sealed_token) {
  const engine::v1::PendingActivity& scheduled = activity.scheduled;
  const engine::v1::ActivityAttempt& attempt = activity.attempt;
  const auto attributes =
      history::FindField(event, history::HistoryEvent::kActivityTaskScheduledEventAttributesFieldNumber);
  const auto damaged = [&] {
    return DataLoss("event " + std::to_string(scheduled.scheduled_event_id()) + " of " + state.Key().ToString() +
                    " is not the ActivityTaskScheduled that its state names");
  };
  if (!attributes || history::FindField(*attributes, Scheduled::kActivityIdFieldNumber) != scheduled.activity_id()) {
    return damaged();
  }

  Answer answer;
  answer.set_task_token(std::move(sealed_token));
  answer.set_workflow_namespace(state.folded().namespace_());
  *answer.mutable_workflow_type() = state.folded().workflow_type();
  answer.mutable_workflow_execution()->set_workflow_id(state.folded().workflow_id());
  answer.mutable_workflow_execution()->set_run_id(state.folded().run_id());
  answer.set_activity_id(scheduled.activity_id());
  if (attempt.has_heartbeat_details()) *answer.mutable_heartbeat_details() = attempt.heartbeat_details();
  *answer.mutable_scheduled_time() = scheduled.scheduled_time();
  *answer.mutable_current_attempt_scheduled_time() = attempt.scheduled_time();
  if (attempt.has_started_time()) *answer.mutable_started_time() = attempt.started_time();
  answer.set_attempt(attempt.attempt());
  *answer.mutable_schedule_to_close_timeout() = scheduled.schedule_to_close_timeout();
  *answer.mutable_start_to_close_timeout() = scheduled.start_to_close_timeout();
  *answer.mutable_heartbeat_timeout() = scheduled.heartbeat_timeout();
  *answer.mutable_retry_policy() = scheduled.retry_policy();
  // Older states do not have the activity's own.
  const std::string_view priority = history::FindField(*attributes, Scheduled::kPriorityFieldNumber).value_or("");
  if (!priority.empty() || state.folded().has_priority()) {
    temporal::api::common::v1::Priority own;
    if (!history::ParseStored(priority, &own)) return damaged();
    *answer.mutable_priority() = history::Merged(state.folded().priority(), own);
  }
  std::string bytes = Serialize(answer);
  for (const Spliced& field : kSpliced) {
    const auto value = history::FindField(*attributes, field.in_event);
    if (value && value->data() != nullptr) AppendField(bytes, field.in_answer, *value);
  }
  return bytes;
}

}  // namespace wfe::shard
