// The SDK's failures to Temporal's and back.
#pragma once

#include "temporal/api/failure/v1/message.pb.h"
#include "workers/sdk/activity.h"
#include "workers/sdk/failure.h"

namespace wfe::core {

namespace failure_pb = temporal::api::failure::v1;

/// The whole chain of causes; details that cannot be read as JSON become null (the encoded form keeps them).
sdk::FailureInfo DecodeFailure(const failure_pb::Failure& failure);
/// Details as JSON: null for none.
nlohmann::json DecodeDetails(const temporal::api::common::v1::Payloads& payloads);

failure_pb::Failure EncodeFailure(const sdk::WorkflowFailure& failure);
/// Keeps the recorded cause as it was.
failure_pb::Failure EncodeFailure(const sdk::ActivityFailure& failure);
failure_pb::Failure EncodeFailure(const sdk::ChildWorkflowFailure& failure);
failure_pb::Failure EncodeFailure(const sdk::ExternalWorkflowFailure& failure);
failure_pb::Failure EncodeFailure(const sdk::CancelledFailure& failure);
/// What an activity reports.
failure_pb::Failure EncodeFailure(const sdk::ApplicationFailure& failure);
/// A failure with a message and a type, no more.
failure_pb::Failure MakeFailure(const std::string& message, const std::string& type);

sdk::ActivityFailure DecodeActivityFailure(const std::string& activity_id, const std::string& activity_type,
                                           int64_t scheduled_event_id, int64_t started_event_id,
                                           const std::string& identity, int retry_state,
                                           const failure_pb::Failure& failure);

}  // namespace wfe::core
