#include "engine/frontend/validation.h"

#include <cctype>

#include "engine/base/excerpt.h"
#include "engine/base/serialize.h"
#include "engine/frontend/search_attributes.h"
#include "engine/history/attribute_limits.h"
#include "engine/history/proto_time.h"
#include "engine/runtime/services.h"
#include "temporal/api/errordetails/v1/message.pb.h"

namespace wfe::frontend {

namespace {

Status CheckTimeout(std::string_view what, const google::protobuf::Duration& duration) {
  if (duration.seconds() < 0 || duration.nanos() < 0) {
    return InvalidArgument("An invalid " + std::string(what) + " is set on request: it is negative.");
  }
  return Ok();
}

/// 8-4-4-4-12 hexadecimal digits, as every run id is made.
bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  }
  return true;
}

}  // namespace

Status CheckNamespace(const Services& services, const std::string& ns) {
  if (ns.empty()) return InvalidArgument("Namespace not set on request.");
  if (services.namespaces.Exists(ns)) return Ok();
  temporal::api::errordetails::v1::NamespaceNotFoundFailure failure;
  failure.set_namespace_(Excerpt(ns));
  Error error = NotFound("Namespace " + Excerpt(ns) + " is not found.");
  error.details.push_back({failure.GetTypeName(), Serialize(failure)});
  return error;
}

Status CheckId(const Services& services, std::string_view what, const std::string& id, bool required) {
  if (id.empty() && required) return InvalidArgument(std::string(what) + " is not set on request.");
  const int64_t limit = services.options.shard.history.max_id_bytes;
  if (static_cast<int64_t>(id.size()) > limit) {
    return InvalidArgument(std::string(what) + " length exceeds limit of " + std::to_string(limit) + " bytes.");
  }
  return Ok();
}

Status CheckTaskQueue(const Services& services, const temporal::api::taskqueue::v1::TaskQueue& queue) {
  WFE_RETURN_IF_ERROR(CheckId(services, "TaskQueue", queue.name(), /*required=*/true));
  return CheckId(services, "TaskQueue normal name", queue.normal_name(), /*required=*/false);
}

Status CheckRetryPolicy(const temporal::api::common::v1::RetryPolicy& policy) {
  const Duration initial = history::FromProto(policy.initial_interval());
  const Duration maximum = history::FromProto(policy.maximum_interval());
  if (initial < Duration::zero()) return InvalidArgument("InitialInterval cannot be negative on retry policy.");
  if (policy.backoff_coefficient() != 0 && policy.backoff_coefficient() < 1) {
    return InvalidArgument("BackoffCoefficient cannot be less than 1 on retry policy.");
  }
  if (maximum < Duration::zero()) return InvalidArgument("MaximumInterval cannot be negative on retry policy.");
  if (maximum > Duration::zero() && maximum < initial) {
    return InvalidArgument("MaximumInterval cannot be less than InitialInterval on retry policy.");
  }
  if (policy.maximum_attempts() < 0) return InvalidArgument("MaximumAttempts cannot be negative on retry policy.");
  return Ok();
}

Status CheckPayload(const Services& services, std::string_view what, const google::protobuf::MessageLite& message) {
  const int64_t limit = services.options.shard.history.max_payload_bytes;
  const auto size = static_cast<int64_t>(message.ByteSizeLong());
  if (size <= limit) return Ok();
  return InvalidArgument(std::string(what) + " exceeds size limit: " + std::to_string(size) + " bytes, at most " +
                         std::to_string(limit) + ".");
}

Status CheckStart(const Services& services,
                  temporal::api::workflowservice::v1::StartWorkflowExecutionRequest* start) {
  const auto& request = *start;
  WFE_RETURN_IF_ERROR(CheckId(services, "WorkflowId", request.workflow_id(), true));
  WFE_RETURN_IF_ERROR(CheckId(services, "WorkflowType", request.workflow_type().name(), true));
  WFE_RETURN_IF_ERROR(CheckTaskQueue(services, request.task_queue()));
  WFE_RETURN_IF_ERROR(CheckId(services, "RequestId", request.request_id(), false));
  WFE_RETURN_IF_ERROR(CheckTimeout("WorkflowExecutionTimeout", request.workflow_execution_timeout()));
  WFE_RETURN_IF_ERROR(CheckTimeout("WorkflowRunTimeout", request.workflow_run_timeout()));
  WFE_RETURN_IF_ERROR(CheckTimeout("WorkflowTaskTimeout", request.workflow_task_timeout()));
  WFE_RETURN_IF_ERROR(CheckTimeout("WorkflowStartDelay", request.workflow_start_delay()));
  if (request.has_retry_policy()) WFE_RETURN_IF_ERROR(CheckRetryPolicy(request.retry_policy()));
  if (const auto problem = history::Problem(request.priority())) return InvalidArgument(*problem);
  if (!request.cron_schedule().empty()) {
    if (request.has_workflow_start_delay()) {  // S11
      return InvalidArgument("CronSchedule and WorkflowStartDelay may not be used together.");
    }
    return Unimplemented("CronSchedule of StartWorkflowExecution is not served by wfe");
  }
  if (request.completion_callbacks_size() > 0) {
    return Unimplemented("completion callbacks of StartWorkflowExecution are not served by wfe");
  }
  WFE_RETURN_IF_ERROR(CheckPayload(services, "Input", request.input()));
  WFE_RETURN_IF_ERROR(CheckPayload(services, "Header", request.header()));
  const history::Limits& limits = services.options.shard.history;
  if (const auto problem = history::Problem(request.search_attributes(), limits)) return InvalidArgument(*problem);
  if (const auto problem = history::Problem(request.user_metadata(), limits)) return InvalidArgument(*problem);
  if (request.has_search_attributes()) {
    WFE_RETURN_IF_ERROR(
        CheckSearchAttributes(services, request.namespace_(), start->mutable_search_attributes()));
  }
  return CheckPayload(services, "Memo", request.memo());
}

Result<shard::Target> TargetOf(const Services& services, const std::string& ns,
                               const temporal::api::common::v1::WorkflowExecution& execution,
                               const std::string& first_execution_run_id) {
  WFE_RETURN_IF_ERROR(CheckId(services, "WorkflowId", execution.workflow_id(), true));
  if (!execution.run_id().empty() && !IsUuid(execution.run_id())) {
    return InvalidArgument("Invalid RunId.");  // word for word: readiness checks wait for it (WIRE-F13)
  }
  return shard::Target{
      {Namespace(ns), WorkflowId(execution.workflow_id())}, RunId(execution.run_id()), first_execution_run_id};
}

}  // namespace wfe::frontend
