#include "workers/core/failure_codec.h"

#include "engine/base/proto_time.h"
#include "engine/base/serialize.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "workers/core/payload_codec.h"

namespace wfe::core {

namespace enums = temporal::api::enums::v1;

namespace {

constexpr const char* kSource = "wfe-cpp";

// The SDK's enums carry the API's numbers, so that a cast translates them.
static_assert(static_cast<int>(sdk::RetryState::kNonRetryableFailure) == enums::RETRY_STATE_NON_RETRYABLE_FAILURE);
static_assert(static_cast<int>(sdk::RetryState::kMaximumAttemptsReached) ==
              enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
static_assert(static_cast<int>(sdk::RetryState::kCancelRequested) == enums::RETRY_STATE_CANCEL_REQUESTED);

sdk::TimeoutType DecodeTimeoutType(enums::TimeoutType type) {
  switch (type) {
    case enums::TIMEOUT_TYPE_START_TO_CLOSE:
      return sdk::TimeoutType::kStartToClose;
    case enums::TIMEOUT_TYPE_SCHEDULE_TO_START:
      return sdk::TimeoutType::kScheduleToStart;
    case enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE:
      return sdk::TimeoutType::kScheduleToClose;
    case enums::TIMEOUT_TYPE_HEARTBEAT:
      return sdk::TimeoutType::kHeartbeat;
    default:
      return sdk::TimeoutType::kNone;
  }
}

std::string TimeoutTypeName(sdk::TimeoutType type) {
  switch (type) {
    case sdk::TimeoutType::kStartToClose:
      return "TemporalTimeout:StartToClose";
    case sdk::TimeoutType::kScheduleToStart:
      return "TemporalTimeout:ScheduleToStart";
    case sdk::TimeoutType::kScheduleToClose:
      return "TemporalTimeout:ScheduleToClose";
    case sdk::TimeoutType::kHeartbeat:
      return "TemporalTimeout:Heartbeat";
    case sdk::TimeoutType::kNone:
      return "TemporalTimeout";
  }
  return "TemporalTimeout";
}

failure_pb::Failure Application(const std::string& message, const std::string& type, bool non_retryable,
                                const nlohmann::json& details, std::optional<Duration> next_retry_delay) {
  failure_pb::Failure failure;
  failure.set_message(message);
  failure.set_source(kSource);
  auto& info = *failure.mutable_application_failure_info();
  info.set_type(type);
  info.set_non_retryable(non_retryable);
  if (!details.is_null()) *info.mutable_details() = EncodePayloads(details);
  if (next_retry_delay.has_value()) *info.mutable_next_retry_delay() = ToProto(*next_retry_delay);
  return failure;
}

}  // namespace

nlohmann::json DecodeDetails(const temporal::api::common::v1::Payloads& payloads) {
  const Result<nlohmann::json> details = DecodePayloads(payloads);
  return details.has_value() ? details.value() : nlohmann::json(nullptr);
}

sdk::FailureInfo DecodeFailure(const failure_pb::Failure& failure) {
  using Kind = sdk::FailureInfo::Kind;
  sdk::FailureInfo info;
  info.message = failure.message();
  info.stack_trace = failure.stack_trace();
  info.encoded = Serialize(failure);
  if (failure.has_application_failure_info()) {
    const auto& application = failure.application_failure_info();
    info.kind = Kind::kApplication;
    info.type = application.type();
    info.non_retryable = application.non_retryable();
    info.details = DecodeDetails(application.details());
  } else if (failure.has_timeout_failure_info()) {
    info.kind = Kind::kTimeout;
    info.timeout_type = DecodeTimeoutType(failure.timeout_failure_info().timeout_type());
    info.type = TimeoutTypeName(info.timeout_type);
    info.details = DecodeDetails(failure.timeout_failure_info().last_heartbeat_details());
  } else if (failure.has_canceled_failure_info()) {
    info.kind = Kind::kCancelled;
    info.details = DecodeDetails(failure.canceled_failure_info().details());
  } else if (failure.has_terminated_failure_info()) {
    info.kind = Kind::kTerminated;
  } else if (failure.has_server_failure_info()) {
    info.kind = Kind::kServer;
    info.non_retryable = failure.server_failure_info().non_retryable();
  }
  if (failure.has_cause()) info.cause = std::make_shared<const sdk::FailureInfo>(DecodeFailure(failure.cause()));
  return info;
}

failure_pb::Failure EncodeFailure(const sdk::WorkflowFailure& failure) {
  const sdk::WorkflowFailure::Data& data = failure.data();
  return Application(data.message, data.type, data.non_retryable, data.details, data.next_retry_delay);
}

failure_pb::Failure EncodeFailure(const sdk::ActivityFailure& failure) {
  const sdk::ActivityFailure::Data& data = failure.data();
  failure_pb::Failure proto;
  proto.set_message(failure.what());
  proto.set_source(kSource);
  auto& info = *proto.mutable_activity_failure_info();
  info.set_scheduled_event_id(data.scheduled_event_id);
  info.set_started_event_id(data.started_event_id);
  info.set_identity(data.identity);
  info.mutable_activity_type()->set_name(data.activity_type);
  info.set_activity_id(data.activity_id);
  info.set_retry_state(static_cast<enums::RetryState>(data.retry_state));
  proto.mutable_cause()->ParseFromString(data.cause.encoded);
  return proto;
}

failure_pb::Failure EncodeFailure(const sdk::ChildWorkflowFailure& failure) {
  const sdk::ChildWorkflowFailure::Data& data = failure.data();
  failure_pb::Failure proto;
  proto.set_message(failure.what());
  proto.set_source(kSource);
  auto& info = *proto.mutable_child_workflow_execution_failure_info();
  info.set_namespace_(data.ns);
  info.mutable_workflow_execution()->set_workflow_id(data.workflow_id);
  info.mutable_workflow_execution()->set_run_id(data.run_id);
  info.mutable_workflow_type()->set_name(data.workflow_type);
  info.set_initiated_event_id(data.initiated_event_id);
  info.set_started_event_id(data.started_event_id);
  info.set_retry_state(static_cast<enums::RetryState>(data.retry_state));
  proto.mutable_cause()->ParseFromString(data.cause.encoded);
  return proto;
}

failure_pb::Failure EncodeFailure(const sdk::ExternalWorkflowFailure& failure) {
  return Application(failure.what(), failure.type(), false, nullptr, std::nullopt);
}

failure_pb::Failure EncodeFailure(const sdk::CancelledFailure& failure) {
  failure_pb::Failure proto;
  proto.set_message(failure.message());
  proto.set_source(kSource);
  auto& info = *proto.mutable_canceled_failure_info();
  if (!failure.details().is_null()) *info.mutable_details() = EncodePayloads(failure.details());
  return proto;
}

failure_pb::Failure EncodeFailure(const sdk::ApplicationFailure& failure) {
  return Application(failure.message, failure.type, failure.non_retryable, failure.details, failure.next_retry_delay);
}

failure_pb::Failure MakeFailure(const std::string& message, const std::string& type) {
  return Application(message, type, false, nullptr, std::nullopt);
}

sdk::ActivityFailure DecodeActivityFailure(const std::string& activity_id, const std::string& activity_type,
                                           int64_t scheduled_event_id, int64_t started_event_id,
                                           const std::string& identity, int retry_state,
                                           const failure_pb::Failure& failure) {
  return sdk::ActivityFailure({.activity_id = activity_id,
                               .activity_type = activity_type,
                               .scheduled_event_id = scheduled_event_id,
                               .started_event_id = started_event_id,
                               .identity = identity,
                               .retry_state = static_cast<sdk::RetryState>(retry_state),
                               .cause = DecodeFailure(failure)});
}

}  // namespace wfe::core
