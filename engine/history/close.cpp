#include "engine/history/close.h"

#include <utility>

#include "engine/base/hash.h"
#include "engine/base/proto_time.h"
#include "engine/history/retry.h"
#include "engine/history/workflow_task.h"

namespace wfe::history {
namespace {

/// A UUID's shape, version 8 (its bits are the maker's own affair), from the hash of the one it comes from.
RunId DerivedRunId(const MutableState& state, const std::string& what) {
  std::string hex = ToHex(Sha256({state.folded().run_id(), what})).substr(0, 32);
  hex[12] = '8';
  hex[16] = 'a';
  return RunId(hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
               hex.substr(20));
}

/// The start of the next attempt of the same workflow, as its first event tells it.
StartInput NextAttempt(const MutableState& state, const HistoryEvent& first_event, const failure::Failure& cause,
                       Duration backoff, RunId run_id) {
  const auto& started = first_event.workflow_execution_started_event_attributes();
  StartInput start;
  start.key = {Namespace(state.folded().namespace_()), WorkflowId(state.folded().workflow_id()), std::move(run_id)};
  start.first_execution_run_id = state.folded().first_execution_run_id();
  start.continued_from_run_id = state.folded().run_id();
  start.initiator = enums::CONTINUE_AS_NEW_INITIATOR_RETRY;
  start.continued_failure = cause;
  start.last_completion_result = started.last_completion_result();
  start.attempt = state.folded().attempt() + 1;
  start.first_task_backoff = backoff;
  start.reset_points = {state.folded().auto_reset_points().begin(), state.folded().auto_reset_points().end()};
  if (state.folded().has_execution_expiration_time()) {
    start.execution_expiration = FromProto(state.folded().execution_expiration_time());
  }
  InheritFamily(state.folded(), start);
  auto& request = start.request;
  request.set_namespace_(state.folded().namespace_());
  request.set_workflow_id(state.folded().workflow_id());
  *request.mutable_workflow_type() = started.workflow_type();
  *request.mutable_task_queue() = started.task_queue();
  if (started.has_input()) *request.mutable_input() = started.input();
  if (started.has_workflow_execution_timeout()) {
    *request.mutable_workflow_execution_timeout() = started.workflow_execution_timeout();
  }
  if (started.has_workflow_run_timeout()) *request.mutable_workflow_run_timeout() = started.workflow_run_timeout();
  *request.mutable_workflow_task_timeout() = started.workflow_task_timeout();
  request.set_identity(started.identity());
  *request.mutable_retry_policy() = started.retry_policy();
  if (started.has_memo()) *request.mutable_memo() = started.memo();
  if (started.has_search_attributes()) *request.mutable_search_attributes() = started.search_attributes();
  if (started.has_header()) *request.mutable_header() = started.header();
  if (started.has_priority()) *request.mutable_priority() = started.priority();
  if (state.folded().has_user_metadata()) *request.mutable_user_metadata() = state.folded().user_metadata();
  return start;
}

}  // namespace

void InheritFamily(const engine::v1::Folded& folded, StartInput& start) {
  if (folded.has_parent()) start.parent = folded.parent();
  start.root = folded.root();
}

void TerminateRun(Builder& builder, const std::string& reason, const common::Payloads& details,
                  const std::string& identity) {
  AbandonStartedTask(builder, "the workflow execution was terminated");
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
  auto& terminated = *event.mutable_workflow_execution_terminated_event_attributes();
  terminated.set_reason(reason);
  if (details.payloads_size() > 0) *terminated.mutable_details() = details;
  terminated.set_identity(identity);
  builder.Append(std::move(event));
}

RunId FollowingRunId(const MutableState& state, const std::string& suggested) {
  if (!suggested.empty()) return RunId(suggested);
  return DerivedRunId(state, "/following run");
}

RunId ChildRunId(const MutableState& state, EventId initiated_event_id) {
  return DerivedRunId(state, "/child " + std::to_string(initiated_event_id));
}

Status StartFollowingRun(Builder& builder, const StartInput& start) {
  WFE_ASSIGN_OR_RETURN(Transition started, DecideStart(start, builder.EventTime(), builder.limits()));
  builder.transition().new_run = std::make_unique<Transition>(std::move(started));
  return Ok();
}

RunRetry RetryRun(Builder& builder, const failure::Failure& cause, const std::string& suggested_run_id,
                  const HistoryEvent* first_event) {
  const auto& folded = builder.state().folded();
  if (!folded.has_retry_policy()) return {};
  std::optional<Instant> expiration;
  if (folded.has_execution_expiration_time()) expiration = FromProto(folded.execution_expiration_time());
  const RetryDecision decision =
      DecideRetry(folded.retry_policy(), folded.attempt(), cause, builder.EventTime(), expiration);
  if (decision.state != enums::RETRY_STATE_IN_PROGRESS) return {.state = decision.state, .new_run_id = {}};
  const RunId run_id = FollowingRunId(builder.state(), suggested_run_id);
  WFE_CHECK(first_event != nullptr && first_event->has_workflow_execution_started_event_attributes(),
            "a run that is retried brings its first event");
  const Status started =
      StartFollowingRun(builder, NextAttempt(builder.state(), *first_event, cause, decision.backoff, run_id));
  // The policy let this run start with the same arguments, so the next one can start too.
  WFE_CHECK(started.has_value(), started.has_value() ? "" : started.error().message);
  return {.state = decision.state, .new_run_id = run_id.value()};
}

}  // namespace wfe::history
