#include "engine/history/attribute_limits.h"
#include "engine/history/decide.h"
#include "engine/history/field_checks.h"
#include "engine/history/retry.h"

namespace wfe::history {
namespace {

using Request = ws::StartWorkflowExecutionRequest;

Status CheckTimeout(const std::string& name, const google::protobuf::Duration& duration) {
  if (duration.seconds() >= 0 && duration.nanos() >= 0) return Ok();
  return InvalidArgument("An invalid " + name + " is set on request: it is negative.");
}

/// What Temporal has and wfe does not serve is refused by name, never ignored.
Status CheckServed(const Request& request) {
  if (!request.cron_schedule().empty()) {
    if (request.has_workflow_start_delay()) {  // S11
      return InvalidArgument("CronSchedule and WorkflowStartDelay may not be used together.");
    }
    return Unimplemented("CronSchedule is not served by wfe: use a schedule (CreateSchedule)");
  }
  if (request.completion_callbacks_size() > 0) return Unimplemented("CompletionCallbacks are not served by wfe");
  if (request.has_versioning_override()) return Unimplemented("VersioningOverride is not served by wfe");
  if (request.has_time_skipping_config()) return Unimplemented("TimeSkippingConfig is not served by wfe");
  return Ok();
}

}  // namespace

Status CheckStart(const std::string& workflow_id, const Request& request, const Limits& limits) {
  WFE_RETURN_IF_ERROR(CheckId("WorkflowId", workflow_id, true, limits));
  WFE_RETURN_IF_ERROR(CheckId("WorkflowType", request.workflow_type().name(), true, limits));
  WFE_RETURN_IF_ERROR(CheckId("TaskQueue", request.task_queue().name(), true, limits));
  WFE_RETURN_IF_ERROR(CheckId("TaskQueue normal name", request.task_queue().normal_name(), false, limits));
  WFE_RETURN_IF_ERROR(CheckId("RequestId", request.request_id(), false, limits));
  WFE_RETURN_IF_ERROR(CheckTimeout("WorkflowExecutionTimeout", request.workflow_execution_timeout()));
  WFE_RETURN_IF_ERROR(CheckTimeout("WorkflowRunTimeout", request.workflow_run_timeout()));
  WFE_RETURN_IF_ERROR(CheckTimeout("WorkflowTaskTimeout", request.workflow_task_timeout()));
  WFE_RETURN_IF_ERROR(CheckTimeout("WorkflowStartDelay", request.workflow_start_delay()));
  if (request.has_retry_policy()) WFE_RETURN_IF_ERROR(CheckRetryPolicy(request.retry_policy()));
  if (const auto problem = Problem(request.priority())) return InvalidArgument(*problem);
  WFE_RETURN_IF_ERROR(CheckServed(request));
  WFE_RETURN_IF_ERROR(CheckSize("Input", request.input(), limits));
  WFE_RETURN_IF_ERROR(CheckSize("Header", request.header(), limits));
  WFE_RETURN_IF_ERROR(CheckSize("Memo", request.memo(), limits));
  if (const auto problem = Problem(request.search_attributes(), limits)) return InvalidArgument(*problem);
  if (const auto problem = Problem(request.user_metadata(), limits)) return InvalidArgument(*problem);
  return Ok();
}

}  // namespace wfe::history
