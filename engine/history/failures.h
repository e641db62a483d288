// Failures that the engine itself writes.
#pragma once

#include <string>

#include "engine/history/mutable_state.h"
#include "engine/history/names.h"

namespace wfe::history {

/// "activity StartToClose timeout", with the last heartbeat's details (S28) and the last failure as its cause.
api::failure::v1::Failure ActivityTimeoutFailure(enums::TimeoutType type, const engine::v1::ActivityAttempt& attempt);

/// A run that ran out of its run timeout.
api::failure::v1::Failure WorkflowTimeoutFailure();

/// Something the engine refused.
api::failure::v1::Failure ServerFailure(std::string message, bool non_retryable);

/// `failure` cut to about `max_bytes` (S32): the message and the stack trace are cut, details and causes dropped.
api::failure::v1::Failure Truncated(const api::failure::v1::Failure& failure, int64_t max_bytes);

}  // namespace wfe::history
