// Workflow updates are not part of this SDK yet: a request for one is rejected, which leaves no event (S70).
#pragma once

#include "temporal/api/workflowservice/v1/request_response.pb.h"

namespace wfe::core {

/// Adds a rejection to `answer` for every update request among the task's messages.
void RejectUpdates(const temporal::api::workflowservice::v1::PollWorkflowTaskQueueResponse& task,
                   temporal::api::workflowservice::v1::RespondWorkflowTaskCompletedRequest& answer);

}  // namespace wfe::core
