#include "engine/history/retry.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/base/proto_time.h"

namespace wfe::history {
namespace {

constexpr Duration kDefaultInitialInterval = std::chrono::seconds(1);
constexpr double kDefaultCoefficient = 2.0;
constexpr int kDefaultMaximumIntervalFactor = 100;

bool Lists(const api::common::v1::RetryPolicy& policy, const std::string& type) {
  const auto& types = policy.non_retryable_error_types();
  return std::find(types.begin(), types.end(), type) != types.end();
}

bool IsRetryable(const api::common::v1::RetryPolicy& policy, const api::failure::v1::Failure& failure) {
  if (failure.has_terminated_failure_info() || failure.has_canceled_failure_info()) return false;
  if (failure.has_timeout_failure_info()) {
    switch (failure.timeout_failure_info().timeout_type()) {
      case enums::TIMEOUT_TYPE_START_TO_CLOSE:
        return !Lists(policy, "TemporalTimeout:StartToClose");
      case enums::TIMEOUT_TYPE_HEARTBEAT:
        return !Lists(policy, "TemporalTimeout:Heartbeat");
      default:
        return false;
    }
  }
  if (failure.has_server_failure_info()) return !failure.server_failure_info().non_retryable();
  if (failure.has_application_failure_info()) {
    const auto& info = failure.application_failure_info();
    return !info.non_retryable() && !Lists(policy, info.type());
  }
  return true;
}

}  // namespace

Duration RetryInterval(const api::common::v1::RetryPolicy& policy, int32_t attempt) {
  const double initial = static_cast<double>(FromProto(policy.initial_interval()).count());
  const Duration maximum = policy.has_maximum_interval() ? FromProto(policy.maximum_interval()) : kLongestDuration;
  const double next = initial * std::pow(policy.backoff_coefficient(), attempt - 1);
  // Compared as doubles: the power may be beyond any duration.
  if (!(next < static_cast<double>(maximum.count()))) return maximum;
  return Duration(static_cast<int64_t>(next));
}

Status CheckRetryPolicy(const api::common::v1::RetryPolicy& policy) {
  const Duration initial = FromProto(policy.initial_interval());
  const Duration maximum = FromProto(policy.maximum_interval());
  if (initial < Duration::zero()) return InvalidArgument("InitialInterval cannot be negative on retry policy.");
  if (policy.backoff_coefficient() != 0 && !(policy.backoff_coefficient() >= 1)) {  // also what is no number
    return InvalidArgument("BackoffCoefficient cannot be less than 1 on retry policy.");
  }
  if (maximum < Duration::zero()) return InvalidArgument("MaximumInterval cannot be negative on retry policy.");
  if (maximum > Duration::zero() && maximum < initial) {
    return InvalidArgument("MaximumInterval cannot be less than InitialInterval on retry policy.");
  }
  if (policy.maximum_attempts() < 0) return InvalidArgument("MaximumAttempts cannot be negative on retry policy.");
  return Ok();
}

api::common::v1::RetryPolicy WithDefaults(api::common::v1::RetryPolicy policy) {
  if (FromProto(policy.initial_interval()) == Duration::zero()) {
    *policy.mutable_initial_interval() = ToProto(kDefaultInitialInterval);
  }
  if (policy.backoff_coefficient() == 0) policy.set_backoff_coefficient(kDefaultCoefficient);
  if (FromProto(policy.maximum_interval()) == Duration::zero()) {
    const Duration initial = FromProto(policy.initial_interval());
    const bool fits = initial < kLongestDuration / kDefaultMaximumIntervalFactor;
    const Duration maximum = fits ? initial * kDefaultMaximumIntervalFactor : kLongestDuration;
    // A defaulted maximum must not undercut an initial interval that the caller chose.
    *policy.mutable_maximum_interval() = ToProto(std::max(maximum, initial));
  }
  return policy;
}

RetryDecision DecideRetry(const api::common::v1::RetryPolicy& policy, int32_t attempt,
                          const api::failure::v1::Failure& failure, Instant now, std::optional<Instant> expiration) {
  if (!IsRetryable(policy, failure)) return {enums::RETRY_STATE_NON_RETRYABLE_FAILURE, {}};
  if (policy.maximum_attempts() > 0 && attempt >= policy.maximum_attempts()) {
    return {enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED, {}};
  }
  Duration backoff = RetryInterval(policy, attempt);
  if (failure.application_failure_info().has_next_retry_delay()) {
    backoff = std::max(Duration::zero(), FromProto(failure.application_failure_info().next_retry_delay()));  // S22
  }
  if (expiration.has_value() && now + backoff > *expiration) return {enums::RETRY_STATE_TIMEOUT, {}};  // S21
  return {enums::RETRY_STATE_IN_PROGRESS, backoff};
}

}  // namespace wfe::history
