// The Gemini HTTP API: streamGenerateContent over libcurl.
#pragma once

#include <memory>
#include <string>

#include "activities/agent/backends/model_backend.h"
#include "activities/outbound/http_client.h"
#include "engine/base/result.h"

namespace wfe::agent {

inline constexpr std::string_view kGeminiBaseUrl = "https://generativelanguage.googleapis.com/v1beta";

struct HttpBackendOptions {
  std::string base_url = std::string(kGeminiBaseUrl);  ///< https, or http to this machine.
  std::string api_key;                                 ///< Sent as a header, never in the URL.
  /// Must allow the base URL's origin.  nullptr: a client of its own that may call nothing else.
  std::shared_ptr<const outbound::HttpClient> client{};
};

/// From the environment: GEMINI_API_KEY (kept out of every message), GOOGLE_GEMINI_BASE_URL where it is set.
HttpBackendOptions HttpOptionsFromEnvironment();

/// INVALID_ARGUMENT for a base URL that would send the key in the clear.  Without a key every call fails permanently
/// with a message that names the variable.
Result<std::shared_ptr<ModelBackend>> MakeHttpBackend(HttpBackendOptions options);

}  // namespace wfe::agent
