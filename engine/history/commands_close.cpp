#include <utility>

#include "engine/base/proto_time.h"
#include "engine/history/close.h"
#include "engine/history/commands.h"

namespace wfe::history {
namespace {

constexpr auto kBadContinue = enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_CONTINUE_AS_NEW_ATTRIBUTES;

using ContinueAttributes = command::ContinueAsNewWorkflowExecutionCommandAttributes;

/// The next run: what the command says, and this run's own where it says nothing (S84, pitfall 18).
StartInput NextRun(const MutableState& state, const ContinueAttributes& attributes, RunId run_id) {
  const auto& folded = state.folded();
  StartInput start;
  start.key = {Namespace(folded.namespace_()), WorkflowId(folded.workflow_id()), std::move(run_id)};
  start.first_execution_run_id = folded.first_execution_run_id();
  start.continued_from_run_id = folded.run_id();
  const bool unspecified = attributes.initiator() == enums::CONTINUE_AS_NEW_INITIATOR_UNSPECIFIED;
  start.initiator = unspecified ? enums::CONTINUE_AS_NEW_INITIATOR_WORKFLOW : attributes.initiator();
  start.continued_failure = attributes.failure();
  start.last_completion_result = attributes.last_completion_result();
  if (attributes.has_backoff_start_interval())
    start.first_task_backoff = FromProto(attributes.backoff_start_interval());
  if (folded.has_execution_expiration_time())
    start.execution_expiration = FromProto(folded.execution_expiration_time());
  start.reset_points = {folded.auto_reset_points().begin(), folded.auto_reset_points().end()};
  InheritFamily(folded, start);

  auto& request = start.request;
  request.set_namespace_(folded.namespace_());
  request.set_workflow_id(folded.workflow_id());
  *request.mutable_workflow_type() =
      attributes.workflow_type().name().empty() ? folded.workflow_type() : attributes.workflow_type();
  request.mutable_task_queue()->set_name(attributes.task_queue().name().empty() ? folded.task_queue()
                                                                                : attributes.task_queue().name());
  if (attributes.has_input()) *request.mutable_input() = attributes.input();
  if (folded.has_workflow_execution_timeout()) {
    *request.mutable_workflow_execution_timeout() = folded.workflow_execution_timeout();
  }
  const bool own_run_timeout = attributes.workflow_run_timeout().ByteSizeLong() > 0;
  *request.mutable_workflow_run_timeout() =
      own_run_timeout ? attributes.workflow_run_timeout() : folded.workflow_run_timeout();
  const bool own_task_timeout = attributes.workflow_task_timeout().ByteSizeLong() > 0;
  *request.mutable_workflow_task_timeout() =
      own_task_timeout ? attributes.workflow_task_timeout() : folded.workflow_task_timeout();
  if (attributes.has_retry_policy()) {
    *request.mutable_retry_policy() = attributes.retry_policy();
  } else if (folded.has_retry_policy()) {
    *request.mutable_retry_policy() = folded.retry_policy();
  }
  request.set_cron_schedule(attributes.cron_schedule());
  if (attributes.has_header()) *request.mutable_header() = attributes.header();
  if (attributes.has_memo()) {
    *request.mutable_memo() = attributes.memo();
  } else if (folded.has_memo()) {
    *request.mutable_memo() = folded.memo();
  }
  if (attributes.has_search_attributes()) {
    *request.mutable_search_attributes() = attributes.search_attributes();
  } else if (folded.has_search_attributes()) {
    *request.mutable_search_attributes() = folded.search_attributes();
  }
  if (folded.has_user_metadata()) *request.mutable_user_metadata() = folded.user_metadata();
  if (folded.has_priority()) *request.mutable_priority() = folded.priority();
  return start;
}

/// The closing event tells of the next run what that run's first event tells (H29), and for the rest what the command
/// says (WIRE-F17).
HistoryEvent ContinuedEvent(const CommandContext& context, const command::Command& command,
                            const ContinueAttributes& attributes, const StartInput& start) {
  const auto& next = context.builder.transition().new_run->events.front().workflow_execution_started_event_attributes();
  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW, command);
  auto& continued = *event.mutable_workflow_execution_continued_as_new_event_attributes();
  continued.set_new_execution_run_id(start.key.run_id.value());
  *continued.mutable_workflow_type() = next.workflow_type();
  *continued.mutable_task_queue() = next.task_queue();
  if (next.has_input()) *continued.mutable_input() = next.input();
  if (next.has_workflow_run_timeout()) *continued.mutable_workflow_run_timeout() = next.workflow_run_timeout();
  *continued.mutable_workflow_task_timeout() = next.workflow_task_timeout();
  continued.set_workflow_task_completed_event_id(context.completed_event_id);
  if (attributes.has_backoff_start_interval()) {
    *continued.mutable_backoff_start_interval() = attributes.backoff_start_interval();
  }
  continued.set_initiator(attributes.initiator());
  continued.set_inherit_build_id(attributes.inherit_build_id());
  continued.set_initial_versioning_behavior(attributes.initial_versioning_behavior());
  if (attributes.has_failure()) *continued.mutable_failure() = attributes.failure();
  if (next.has_last_completion_result()) {
    *continued.mutable_last_completion_result() = next.last_completion_result();
  }
  if (next.has_header()) *continued.mutable_header() = next.header();
  if (next.has_memo()) *continued.mutable_memo() = next.memo();
  if (next.has_search_attributes()) *continued.mutable_search_attributes() = next.search_attributes();
  return event;
}

}  // namespace

CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::CompleteWorkflowExecutionCommandAttributes& attributes) {
  WFE_RETURN_IF_BAD(CheckSize(attributes.result().ByteSizeLong(), "workflow result", context.builder.limits()));
  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, command);
  auto& completed = *event.mutable_workflow_execution_completed_event_attributes();
  if (attributes.has_result()) *completed.mutable_result() = attributes.result();
  completed.set_workflow_task_completed_event_id(context.completed_event_id);
  context.builder.Append(std::move(event));
  return std::nullopt;
}

CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::FailWorkflowExecutionCommandAttributes& attributes) {
  if (!attributes.has_failure()) {
    return BadCommand{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_FAIL_WORKFLOW_EXECUTION_ATTRIBUTES,
                      "the failure of the workflow is not set"};
  }
  WFE_RETURN_IF_BAD(CheckSize(attributes.failure().ByteSizeLong(), "workflow failure", context.builder.limits()));
  const RunRetry retry = RetryRun(context.builder, attributes.failure(), context.input.new_run_id,
                                  context.input.first_event.get());
  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED, command);
  auto& failed = *event.mutable_workflow_execution_failed_event_attributes();
  *failed.mutable_failure() = attributes.failure();
  failed.set_retry_state(retry.state);
  failed.set_workflow_task_completed_event_id(context.completed_event_id);
  failed.set_new_execution_run_id(retry.new_run_id);
  context.builder.Append(std::move(event));
  return std::nullopt;
}

CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::CancelWorkflowExecutionCommandAttributes& attributes) {
  WFE_RETURN_IF_BAD(CheckSize(attributes.details().ByteSizeLong(), "cancel details", context.builder.limits()));
  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED, command);
  auto& canceled = *event.mutable_workflow_execution_canceled_event_attributes();
  canceled.set_workflow_task_completed_event_id(context.completed_event_id);
  if (attributes.has_details()) *canceled.mutable_details() = attributes.details();
  context.builder.Append(std::move(event));
  return std::nullopt;
}

CommandResult Run(CommandContext& context, const command::Command& command, const ContinueAttributes& attributes) {
  Builder& builder = context.builder;
  if (FromProto(attributes.backoff_start_interval()) < Duration::zero()) {
    return BadCommand{kBadContinue, "backoff_start_interval is negative"};
  }
  const StartInput start =
      NextRun(builder.state(), attributes, FollowingRunId(builder.state(), context.input.new_run_id));
  const Status started = StartFollowingRun(builder, start);
  if (!started.has_value()) return BadCommand{kBadContinue, "continue as new: " + started.error().message};
  builder.Append(ContinuedEvent(context, command, attributes, start));
  return std::nullopt;
}

}  // namespace wfe::history
