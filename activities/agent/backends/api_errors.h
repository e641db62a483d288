// What an answer of a model's service that is no success means for a retry: the Gemini API's in detail, any by its status.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "activities/agent/backends/model_backend.h"

namespace wfe::agent {

/// Classifies by HTTP status, error status and details, never by the message.  A body that is no JSON is classified by
/// the status alone.  A day's quota is retryable with `daily_quota`; its message says when it comes back.
ModelError ClassifyApiError(int http_status, std::string_view body);

/// By the status alone, in the words of all services: 429, 408 and 5xx are unavailability, the rest is refused.
ModelError ErrorOfStatus(int http_status);

/// "45.837906927s" and "7s": decimal seconds with up to nine digits; nullopt for anything else.
std::optional<Duration> ParseProtoDuration(std::string_view text);

/// A day's quota is used up; `before` stands in front of the sentence that says so.
ModelError DailyQuota(std::string before = {});

/// Whether what a program prints tells of a network or a stream that broke: its own libraries' words, in any letter
/// case.
bool SoundsUnavailable(std::string text);

}  // namespace wfe::agent
