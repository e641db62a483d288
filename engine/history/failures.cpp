#include "engine/history/failures.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/history/nesting.h"

namespace wfe::history {
namespace {

constexpr const char* kSource = "Server";

std::string_view NameOf(enums::TimeoutType type) {
  switch (type) {
    case enums::TIMEOUT_TYPE_START_TO_CLOSE:
      return "StartToClose";
    case enums::TIMEOUT_TYPE_SCHEDULE_TO_START:
      return "ScheduleToStart";
    case enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE:
      return "ScheduleToClose";
    case enums::TIMEOUT_TYPE_HEARTBEAT:
      return "Heartbeat";
    default:
      return "Unspecified";
  }
}

/// At most `max_bytes` of `text`, never inside a UTF-8 character: protobuf refuses a broken one.
std::string Cut(const std::string& text, int64_t max_bytes) {
  size_t end = static_cast<size_t>(std::max<int64_t>(0, max_bytes));
  if (text.size() <= end) return text;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

api::failure::v1::Failure ActivityTimeoutFailure(enums::TimeoutType type, const engine::v1::ActivityAttempt& attempt) {
  api::failure::v1::Failure failure;
  failure.set_message("activity " + std::string(NameOf(type)) + " timeout");
  failure.set_source(kSource);
  auto* info = failure.mutable_timeout_failure_info();
  info->set_timeout_type(type);
  if (attempt.has_heartbeat_details()) *info->mutable_last_heartbeat_details() = attempt.heartbeat_details();
  if (attempt.has_last_failure()) {
    *failure.mutable_cause() = attempt.last_failure();
    // The last failure was a timeout with a cause as well, and so on: an activity may time out any number of times.
    CutCauses(&failure, kMaxCauses);
  }
  return failure;
}

api::failure::v1::Failure WorkflowTimeoutFailure() {
  api::failure::v1::Failure failure;
  failure.set_message("workflow timeout");
  failure.set_source(kSource);
  failure.mutable_timeout_failure_info()->set_timeout_type(enums::TIMEOUT_TYPE_START_TO_CLOSE);
  return failure;
}

api::failure::v1::Failure ServerFailure(std::string message, bool non_retryable) {
  api::failure::v1::Failure failure;
  failure.set_message(std::move(message));
  failure.set_source(kSource);
  failure.mutable_server_failure_info()->set_non_retryable(non_retryable);
  return failure;
}

api::failure::v1::Failure Truncated(const api::failure::v1::Failure& failure, int64_t max_bytes) {
  if (static_cast<int64_t>(failure.ByteSizeLong()) <= max_bytes) return failure;
  api::failure::v1::Failure cut;
  cut.set_source(Cut(failure.source(), max_bytes / 8));
  if (failure.has_application_failure_info()) {
    const auto& info = failure.application_failure_info();
    cut.mutable_application_failure_info()->set_type(Cut(info.type(), max_bytes / 8));
    cut.mutable_application_failure_info()->set_non_retryable(info.non_retryable());
    cut.mutable_application_failure_info()->set_category(info.category());
  } else if (failure.has_timeout_failure_info()) {
    cut.mutable_timeout_failure_info()->set_timeout_type(failure.timeout_failure_info().timeout_type());
  } else if (failure.has_server_failure_info()) {
    *cut.mutable_server_failure_info() = failure.server_failure_info();
  } else if (failure.has_canceled_failure_info()) {
    cut.mutable_canceled_failure_info();
  }
  cut.set_message(Cut(failure.message(), max_bytes / 2));
  cut.set_stack_trace(Cut(failure.stack_trace(), max_bytes - static_cast<int64_t>(cut.ByteSizeLong()) - 8));
  return cut;
}

}  // namespace wfe::history
