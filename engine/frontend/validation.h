// Checks of what callers send (S13, S18, S19, S56).  Messages name the field.
#pragma once

#include <google/protobuf/message_lite.h>

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/frontend/fwd.h"
#include "engine/shard/shard.h"
#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/taskqueue/v1/message.pb.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"

namespace wfe::frontend {

/// The namespace is set and exists; otherwise the error clients expect.  The pipeline asks, before any handler.
Status CheckNamespace(const Services& services, const std::string& ns);
/// `what` as in "WorkflowId"; `required` refuses an empty one.
Status CheckId(const Services& services, std::string_view what, const std::string& id, bool required);
Status CheckTaskQueue(const Services& services, const temporal::api::taskqueue::v1::TaskQueue& queue);
/// S56: one payload blob, or a memo.
Status CheckPayload(const Services& services, std::string_view what, const google::protobuf::MessageLite& message);
/// What history refuses, and search attributes that nobody has registered.  Notes their types on the way.
Status CheckStart(const Services& services, temporal::api::workflowservice::v1::StartWorkflowExecutionRequest* request);

/// The run a request names, checked.
Result<shard::Target> TargetOf(const Services& services, const std::string& ns,
                               const temporal::api::common::v1::WorkflowExecution& execution,
                               const std::string& first_execution_run_id = {});

}  // namespace wfe::frontend
