#include "engine/frontend/validation.h"

#include <cctype>

#include "engine/base/excerpt.h"
#include "engine/base/serialize.h"
#include "engine/frontend/search_attributes.h"
#include "engine/history/decide.h"
#include "engine/history/field_checks.h"
#include "engine/runtime/services.h"
#include "temporal/api/errordetails/v1/message.pb.h"

namespace wfe::frontend {

namespace {

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
  return history::CheckId(what, id, required, services.options.shard.history);
}

Status CheckTaskQueue(const Services& services, const temporal::api::taskqueue::v1::TaskQueue& queue) {
  WFE_RETURN_IF_ERROR(CheckId(services, "TaskQueue", queue.name(), /*required=*/true));
  return CheckId(services, "TaskQueue normal name", queue.normal_name(), /*required=*/false);
}

Status CheckPayload(const Services& services, std::string_view what, const google::protobuf::MessageLite& message) {
  return history::CheckSize(what, message, services.options.shard.history);
}

Status CheckStart(const Services& services,
                  temporal::api::workflowservice::v1::StartWorkflowExecutionRequest* request) {
  WFE_RETURN_IF_ERROR(history::CheckStart(request->workflow_id(), *request, services.options.shard.history));
  if (!request->has_search_attributes()) return Ok();
  return CheckSearchAttributes(services, request->namespace_(), request->mutable_search_attributes());
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
