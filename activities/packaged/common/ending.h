// How an activity of a packaged workflow ends that cannot be done, however often it is tried.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "workers/sdk/activity.h"

namespace wfe::packaged {

/// OutcomeType of what was given and is none: a folder, a file, a member of the input (CW-5).
inline constexpr std::string_view kInvalidInput = "INVALID_INPUT";

/// Not retried.
inline sdk::ApplicationFailure ForGood(std::string_view type, std::string message) {
  return {.message = std::move(message),
          .type = std::string(type),
          .non_retryable = true,
          .next_retry_delay = std::nullopt,
          .details = nullptr};
}

}  // namespace wfe::packaged
