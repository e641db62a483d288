#include "activities/agent/backends/api_errors.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

}  // namespace

std::optional<Duration> ParseProtoDuration(std::string_view text) {
  if (!text.ends_with('s')) return std::nullopt;
  text.remove_suffix(1);
  const size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  const std::string_view fraction = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  if (whole.empty() || whole.size() > 9 || fraction.size() > 9) return std::nullopt;
  int64_t nanos = 0;
  for (const char c : whole) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) return std::nullopt;
    nanos = nanos * 10 + (c - '0');
  }
  for (size_t i = 0; i < 9; ++i) {
    const char c = i < fraction.size() ? fraction[i] : '0';
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) return std::nullopt;
    nanos = nanos * 10 + (c - '0');
  }
  return Duration(nanos);
}

bool SoundsUnavailable(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* part : {"terminated", "fetch failed", "econn", "etimedout", "epipe", "eai_again", "enotfound",
                           "enetunreach", "ehostunreach", "socket hang up", "incomplete json segment", "und_err",
                           "premature close", "other side closed", "network error", "timeout"}) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

ModelError DailyQuota(std::string before) {
  return {.kind = ModelErrorKind::kRetryable,
          .message = std::move(before) + "the day's quota is used up, it is reset at midnight Pacific time",
          .daily_quota = true,
          .error_class = "QUOTA_DAY"};
}

ModelError ErrorOfStatus(int http_status) {
  const bool retryable = http_status == 429 || http_status == 408 || http_status >= 500;
  return {.kind = retryable ? ModelErrorKind::kRetryable : ModelErrorKind::kPermanent,
          .message = "the model's service answered HTTP " + std::to_string(http_status),
          .error_class = http_status == 429 ? "RATE_LIMIT" : "HTTP_" + std::to_string(http_status)};
}

ModelError ClassifyApiError(int http_status, std::string_view body) {
  const json document = ParseJson(body);
  json error = json::object();
  // A stream's error can be wrapped in an array.
  const json& top = document.is_array() && !document.empty() ? document.front() : document;
  if (top.is_object() && top.contains("error") && top["error"].is_object()) error = top["error"];

  ModelError result = ErrorOfStatus(http_status);
  const std::string status = TextAt(error, "status");
  const std::string message = TextAt(error, "message");
  if (!status.empty()) result.message += " " + status;
  if (!message.empty()) result.message += ": " + message.substr(0, 500);

  bool per_day = false;
  if (const auto details = error.find("details"); details != error.end() && details->is_array()) {
    for (const json& detail : *details) {
      if (!detail.is_object()) continue;
      const std::string type = TextAt(detail, "@type");
      if (type.ends_with("google.rpc.RetryInfo")) result.retry_delay = ParseProtoDuration(TextAt(detail, "retryDelay"));
      if (type.ends_with("google.rpc.ErrorInfo") && !TextAt(detail, "reason").empty()) {
        result.message += " (" + TextAt(detail, "reason") + ")";
      }
      if (type.ends_with("google.rpc.QuotaFailure") && detail.contains("violations") &&
          detail["violations"].is_array()) {
        for (const json& violation : detail["violations"]) {
          if (violation.is_object() && TextAt(violation, "quotaId").find("PerDay") != std::string::npos) per_day = true;
        }
      }
    }
  }
  if (per_day) {
    result = DailyQuota(std::move(result.message) + "; ");
    return result;
  }
  if (result.kind != ModelErrorKind::kRetryable) result.retry_delay.reset();
  if (http_status == 504) result.message += "; a shorter input may help";
  return result;
}

}  // namespace wfe::agent
