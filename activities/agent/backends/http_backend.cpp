#include "activities/agent/backends/http_backend.h"

#include <cstdlib>
#include <utility>

#include "activities/agent/backends/api_errors.h"
#include "activities/agent/backends/base_url.h"
#include "activities/agent/backends/model_http.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

/// A model's path: "models/NAME" unless it says its own collection.  Empty when it has other characters.
std::string ModelPath(const std::string& model) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
  if (model.empty() || model.size() > 200 || model.find_first_not_of(kAllowed) != std::string::npos ||
      model.find("..") != std::string::npos) {
    return {};
  }
  return model.find('/') == std::string::npos ? "models/" + model : model;
}

class HttpBackend final : public ModelBackend {
 public:
  explicit HttpBackend(HttpBackendOptions options) : options_(std::move(options)) {}

  Status Check() const override {
    if (options_.api_key.empty()) {
      return FailedPrecondition("backend gemini: GEMINI_API_KEY is not set in the environment of the worker");
    }
    return Ok();
  }

  ModelOutcome Generate(const ModelCall& call, const CallControl& control) override {
    if (const Status usable = Check(); !usable) return PermanentError(usable.error().message);
    const std::string path = ModelPath(call.model);
    if (path.empty()) return PermanentError("\"" + call.model + "\" is not a model name");
    const outbound::HttpPost post{.url = options_.base_url + "/" + path + ":streamGenerateContent?alt=sse",
                                  .headers = {"Content-Type: application/json", "x-goog-api-key: " + options_.api_key},
                                  .body = call.request.dump(-1, ' ', false, json::error_handler_t::replace)};
    return CallService(*options_.client, post, control, {.merge = &MergeChunks, .classify = &ClassifyApiError});
  }

 private:
  HttpBackendOptions options_;
};

}  // namespace

HttpBackendOptions HttpOptionsFromEnvironment() {
  HttpBackendOptions options;
  if (const char* key = std::getenv("GEMINI_API_KEY")) options.api_key = key;
  if (const char* url = std::getenv("GOOGLE_GEMINI_BASE_URL")) options.base_url = BaseUrlsFrom(url).http;
  return options;
}

Result<std::shared_ptr<ModelBackend>> MakeHttpBackend(HttpBackendOptions options) {
  while (options.base_url.ends_with('/')) options.base_url.pop_back();
  WFE_ASSIGN_OR_RETURN(const std::string origin,
                       outbound::SafeOriginOf(options.base_url, "the base URL of the Gemini API"));
  if (options.api_key.find_first_of("\r\n") != std::string::npos) {
    return InvalidArgument("GEMINI_API_KEY has a line break in it");
  }
  if (!options.client) options.client = ClientFor(origin);
  return std::shared_ptr<ModelBackend>(std::make_shared<HttpBackend>(std::move(options)));
}

}  // namespace wfe::agent
