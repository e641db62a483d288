// Retry policies of activities and workflows: defaults, validity, and whether a failed attempt is followed by another.
#pragma once

#include <optional>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/history/names.h"

namespace wfe::history {

/// Refuses a policy that contradicts itself (S18, S19).
Status CheckRetryPolicy(const api::common::v1::RetryPolicy& policy);

/// The policy with its empty fields filled in (S17).
api::common::v1::RetryPolicy WithDefaults(api::common::v1::RetryPolicy policy);

/// What attempt `attempt` waits after it failed, by the policy alone (S20).
Duration RetryInterval(const api::common::v1::RetryPolicy& policy, int32_t attempt);

struct RetryDecision {
  /// IN_PROGRESS: there will be another attempt after `backoff`.  Otherwise why not.
  enums::RetryState state = enums::RETRY_STATE_UNSPECIFIED;
  Duration backoff{};
};

/// `attempt` (1-based) ended with `failure` at `now` (S20 to S24).  No attempt starts after `expiration`.
RetryDecision DecideRetry(const api::common::v1::RetryPolicy& policy, int32_t attempt,
                          const api::failure::v1::Failure& failure, Instant now, std::optional<Instant> expiration);

}  // namespace wfe::history
