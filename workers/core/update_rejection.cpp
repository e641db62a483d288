#include "workers/core/update_rejection.h"

#include "temporal/api/update/v1/message.pb.h"
#include "workers/core/failure_codec.h"

namespace wfe::core {

void RejectUpdates(const temporal::api::workflowservice::v1::PollWorkflowTaskQueueResponse& task,
                   temporal::api::workflowservice::v1::RespondWorkflowTaskCompletedRequest& answer) {
  for (const auto& message : task.messages()) {
    temporal::api::update::v1::Request request;
    if (!message.body().UnpackTo(&request)) continue;
    temporal::api::update::v1::Rejection rejection;
    rejection.set_rejected_request_message_id(message.id());
    rejection.set_rejected_request_sequencing_event_id(message.event_id());
    *rejection.mutable_rejected_request() = request;
    *rejection.mutable_failure() = MakeFailure(
        "update " + request.input().name() + " is not known: workflows of the C++ SDK do not take updates yet",
        "UnknownUpdate");
    auto& reply = *answer.add_messages();
    reply.set_id(message.protocol_instance_id() + "/reject");
    reply.set_protocol_instance_id(message.protocol_instance_id());
    reply.mutable_body()->PackFrom(rejection);
  }
}

}  // namespace wfe::core
