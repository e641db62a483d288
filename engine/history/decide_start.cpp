#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/proto_time.h"
#include "engine/history/builder.h"
#include "engine/history/finish.h"
#include "engine/history/names.h"
#include "engine/history/retry.h"
#include "engine/history/timeouts.h"

namespace wfe::history {
namespace {

using Request = ws::StartWorkflowExecutionRequest;

std::optional<Duration> FirstTaskBackoff(const StartInput& input) {
  if (input.first_task_backoff.has_value()) return input.first_task_backoff;
  return Timeout(input.request.workflow_start_delay());
}

void FillTimes(const StartInput& input, Instant now, const Limits& limits,
               api::history::v1::WorkflowExecutionStartedEventAttributes& started) {
  const RunTimeouts timeouts = TimeoutsOf(input.request, limits);
  const auto backoff = FirstTaskBackoff(input);
  // As Temporal writes them: 0 where the caller said 0, and always a back-off (WIRE-F17).
  if (timeouts.execution.has_value() || input.request.has_workflow_execution_timeout()) {
    *started.mutable_workflow_execution_timeout() = ToProto(timeouts.execution.value_or(Duration::zero()));
  }
  if (timeouts.run.has_value() || input.request.has_workflow_run_timeout()) {
    *started.mutable_workflow_run_timeout() = ToProto(timeouts.run.value_or(Duration::zero()));
  }
  *started.mutable_workflow_task_timeout() = ToProto(timeouts.task);
  *started.mutable_first_workflow_task_backoff() =
      ToProto(std::max(Duration::zero(), backoff.value_or(Duration::zero())));
  if (input.execution_expiration.has_value()) {
    *started.mutable_workflow_execution_expiration_time() = ToProto(*input.execution_expiration);
  } else if (timeouts.execution.has_value()) {
    *started.mutable_workflow_execution_expiration_time() =
        ToProto(now + backoff.value_or(Duration::zero()) + *timeouts.execution);
  }
}

HistoryEvent StartedEvent(const StartInput& input, Instant now, const Limits& limits) {
  const Request& request = input.request;
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED);
  auto& started = *event.mutable_workflow_execution_started_event_attributes();
  *started.mutable_workflow_type() = request.workflow_type();
  started.mutable_task_queue()->set_name(request.task_queue().name());
  started.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  if (request.has_input()) *started.mutable_input() = request.input();
  FillTimes(input, now, limits, started);
  started.set_continued_execution_run_id(input.continued_from_run_id);
  started.set_initiator(input.initiator);
  if (input.continued_failure.ByteSizeLong() > 0) {
    *started.mutable_continued_failure() = input.continued_failure;
  } else if (request.has_continued_failure()) {
    *started.mutable_continued_failure() = request.continued_failure();
  }
  if (input.last_completion_result.payloads_size() > 0) {
    *started.mutable_last_completion_result() = input.last_completion_result;
  } else if (request.has_last_completion_result()) {
    *started.mutable_last_completion_result() = request.last_completion_result();
  }
  const std::string& run_id = input.key.run_id.value();
  started.set_original_execution_run_id(run_id);
  started.set_first_execution_run_id(input.first_execution_run_id.empty() ? run_id : input.first_execution_run_id);
  started.set_identity(request.identity());
  started.set_eager_execution_accepted(request.request_eager_execution());
  if (request.has_retry_policy()) *started.mutable_retry_policy() = WithDefaults(request.retry_policy());  // S9
  started.set_attempt(input.attempt);
  if (!input.reset_points.empty()) {
    *started.mutable_prev_auto_reset_points()->mutable_points() = {input.reset_points.begin(),
                                                                   input.reset_points.end()};
  }
  if (request.has_memo()) *started.mutable_memo() = request.memo();
  if (request.has_search_attributes()) *started.mutable_search_attributes() = request.search_attributes();
  if (request.has_header()) *started.mutable_header() = request.header();
  if (request.has_priority()) *started.mutable_priority() = request.priority();
  started.set_workflow_id(input.key.workflow_id.value());
  if (input.parent.has_value()) {
    started.set_parent_workflow_namespace(input.parent->namespace_());
    started.mutable_parent_workflow_execution()->set_workflow_id(input.parent->workflow_id());
    started.mutable_parent_workflow_execution()->set_run_id(input.parent->run_id());
    started.set_parent_initiated_event_id(input.parent->initiated_event_id());
  }
  if (!input.root.workflow_id().empty()) *started.mutable_root_workflow_execution() = input.root;
  if (request.has_user_metadata()) *event.mutable_user_metadata() = request.user_metadata();
  *event.mutable_links() = request.links();
  return event;
}

}  // namespace

Result<Transition> DecideStart(const StartInput& input, Instant now, const Limits& limits) {
  WFE_CHECK(!input.key.run_id.value().empty(), "whoever starts a run names it");
  WFE_RETURN_IF_ERROR(CheckStart(input.key.workflow_id.value(), input.request, limits));
  MutableState state = NewRun(input.key);
  Builder builder(state, now, limits);
  builder.Append(StartedEvent(input, now, limits));
  const auto& folded = builder.state().folded();
  if (folded.has_first_workflow_task_backoff()) {
    builder.Record(note::FirstTaskDelayed{builder.EventTime() + FromProto(folded.first_workflow_task_backoff())});
  } else {
    builder.AskForWorkflowTask();
  }
  return Finish(std::move(builder));
}

}  // namespace wfe::history
