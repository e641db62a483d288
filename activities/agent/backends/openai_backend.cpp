#include "activities/agent/backends/openai_backend.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "activities/agent/backends/chat_answer.h"
#include "activities/agent/backends/chat_request.h"
#include "activities/agent/backends/model_http.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

constexpr const char* kWhat = "the base URL of the OpenAI-compatible service";

bool IsModelName(const std::string& model) {
  const auto odd = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  return !model.empty() && model.size() <= 200 && std::none_of(model.begin(), model.end(), odd);
}

class OpenAiBackend final : public ModelBackend {
 public:
  explicit OpenAiBackend(OpenAiOptions options) : options_(std::move(options)) {}

  Status Check() const override {
    if (options_.api_key.empty() && !options_.key_variable.empty()) {
      return FailedPrecondition("backend openai: " + options_.key_variable +
                                " is not set in the environment of the worker");
    }
    return Ok();
  }

  ModelOutcome Generate(const ModelCall& call, const CallControl& control) override {
    if (const Status usable = Check(); !usable) return PermanentError(usable.error().message);
    if (!IsModelName(call.model)) return PermanentError("\"" + call.model + "\" is not a model name");
    const Result<json> body = ToChatRequest(call.request, call.model, options_.stream);
    if (!body) return PermanentError(body.error().message);
    outbound::HttpPost post{.url = options_.base_url + "/chat/completions",
                            .headers = {"Content-Type: application/json"},
                            .body = body->dump(-1, ' ', false, json::error_handler_t::replace)};
    if (!options_.api_key.empty()) post.headers.push_back("Authorization: Bearer " + options_.api_key);
    return CallService(*options_.client, post, control, {.merge = &FromChatChunks, .classify = &ClassifyChatError});
  }

 private:
  OpenAiOptions options_;
};

}  // namespace

std::string ChatBaseUrl(std::string_view given) {
  static const RE2 kParts(R"(\s*(.*?)(?:/chat/completions)?/*\s*)");
  static const RE2 kVersion(R"(/v[0-9]+[a-z0-9]*(?:/|$))");
  std::string url;
  if (!RE2::FullMatch(std::string(given), kParts, &url) || url.empty()) return {};
  return RE2::PartialMatch(url, kVersion) ? url : url + "/v1";
}

Result<std::shared_ptr<ModelBackend>> MakeOpenAiBackend(OpenAiOptions options) {
  WFE_ASSIGN_OR_RETURN(const std::string origin, outbound::SafeOriginOf(options.base_url, kWhat, options.plain_http));
  const bool keyed = !options.api_key.empty() || !options.key_variable.empty();
  if (keyed) {
    // A key never travels in the clear, whatever else may.
    WFE_RETURN_IF_ERROR(outbound::SafeOriginOf(options.base_url, std::string(kWhat) + ", which gets a key,"));
  }
  if (options.api_key.find_first_of("\r\n") != std::string::npos) {
    return InvalidArgument(options.key_variable + " has a line break in it");
  }
  if (!options.client) options.client = ClientFor(origin);
  return std::shared_ptr<ModelBackend>(std::make_shared<OpenAiBackend>(std::move(options)));
}

}  // namespace wfe::agent
