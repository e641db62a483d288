#include "activities/agent/backends/http_backend.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <utility>
#include <vector>

#include "activities/agent/backends/api_errors.h"
#include "activities/agent/backends/base_url.h"
#include "activities/agent/backends/sse_parser.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

constexpr int64_t kMaxResponseBytes = 64 << 20;
constexpr size_t kMaxErrorBytes = 64 << 10;

struct CurlFree {
  void operator()(char* text) const { curl_free(text); }
};

/// https anywhere, http only to this machine.
Status CheckBaseUrl(const std::string& url) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), &curl_url_cleanup);
  char* text = nullptr;
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return InvalidArgument("the base URL of the Gemini API is not a URL: " + url);
  }
  if (curl_url_get(parsed.get(), CURLUPART_USER, &text, 0) == CURLUE_OK) {
    curl_free(text);
    return InvalidArgument("the base URL of the Gemini API must not hold credentials");
  }
  const auto part = [&](CURLUPart which) {
    char* value = nullptr;
    if (curl_url_get(parsed.get(), which, &value, 0) != CURLUE_OK) return std::string();
    const std::unique_ptr<char, CurlFree> owned(value);
    return std::string(value);
  };
  const std::string scheme = part(CURLUPART_SCHEME);
  const std::string host = part(CURLUPART_HOST);
  if (scheme == "https") return Ok();
  const bool loopback = host == "127.0.0.1" || host == "localhost" || host == "[::1]";
  if (scheme == "http" && loopback) return Ok();
  return InvalidArgument("the base URL of the Gemini API must be https, or http to this machine: " + url);
}

/// A model's path: "models/NAME" unless it says its own collection.  Empty when it has other characters.
std::string ModelPath(const std::string& model) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
  if (model.empty() || model.size() > 200 || model.find_first_not_of(kAllowed) != std::string::npos ||
      model.find("..") != std::string::npos) {
    return {};
  }
  return model.find('/') == std::string::npos ? "models/" + model : model;
}

/// What arrives of one call.
struct Transfer {
  CURL* curl = nullptr;
  const CallControl* control = nullptr;
  std::vector<json> chunks;
  bool bad_chunk = false;
  bool too_large = false;
  bool cancelled = false;
  int64_t received = 0;
  std::string error_body;
  SseParser parser{[this](std::string data) {
    json chunk = ParseJson(data);
    if (chunk.is_discarded()) {
      bad_chunk = true;
    } else {
      chunks.push_back(std::move(chunk));
    }
  }};

  long HttpStatus() const {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
};

size_t OnBytes(char* bytes, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view piece(bytes, size * count);
  transfer.received += static_cast<int64_t>(piece.size());
  if (transfer.received > kMaxResponseBytes) {
    transfer.too_large = true;
    return 0;
  }
  if (transfer.HttpStatus() == 200) {
    transfer.parser.Feed(piece);
  } else if (transfer.error_body.size() < kMaxErrorBytes) {
    transfer.error_body += piece;
  }
  return piece.size();
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.control->progress) transfer.control->progress(transfer.received);
  if (transfer.control->is_cancelled && transfer.control->is_cancelled()) {
    transfer.cancelled = true;
    return 1;
  }
  return 0;
}

ModelError Permanent(std::string message) {
  return {.kind = ModelErrorKind::kPermanent, .message = std::move(message), .error_class = "REFUSED"};
}
ModelError Retryable(std::string message, std::string error_class) {
  return {.kind = ModelErrorKind::kRetryable, .message = std::move(message), .error_class = std::move(error_class)};
}

class HttpBackend final : public ModelBackend {
 public:
  explicit HttpBackend(HttpBackendOptions options) : options_(std::move(options)) {
    while (options_.base_url.ends_with('/')) options_.base_url.pop_back();
  }

  Status Check() const override {
    if (options_.api_key.empty()) {
      return FailedPrecondition("backend gemini: GEMINI_API_KEY is not set in the environment of the worker");
    }
    return Ok();
  }

  ModelOutcome Generate(const ModelCall& call, const CallControl& control) override {
    if (const Status usable = Check(); !usable) return Permanent(usable.error().message);
    const std::string path = ModelPath(call.model);
    if (path.empty()) return Permanent("\"" + call.model + "\" is not a model name");
    const std::string url = options_.base_url + "/" + path + ":streamGenerateContent?alt=sse";
    const std::string body = call.request.dump(-1, ' ', false, json::error_handler_t::replace);

    const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), &curl_easy_cleanup);
    if (!curl) return Retryable("libcurl could not start a request", "NETWORK");
    curl_slist* list = curl_slist_append(nullptr, "Content-Type: application/json");
    list = curl_slist_append(list, ("x-goog-api-key: " + options_.api_key).c_str());
    list = curl_slist_append(list, "Expect:");
    const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(list, &curl_slist_free_all);

    Transfer transfer;
    transfer.curl = curl.get();
    transfer.control = &control;
    char reason[CURL_ERROR_SIZE] = "";
    using std::chrono::duration_cast;
    const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl.get(), option, value); };
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_NOPROXY, "127.0.0.1,localhost,::1");
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, body.c_str());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_FOLLOWLOCATION, 0L);  // the key must not travel to another host
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_ERRORBUFFER, reason);
    set(CURLOPT_CONNECTTIMEOUT_MS,
        static_cast<long>(duration_cast<std::chrono::milliseconds>(options_.connect_timeout).count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME,
        std::max(1L, static_cast<long>(duration_cast<std::chrono::seconds>(options_.silence_timeout).count())));
    set(CURLOPT_WRITEFUNCTION, &OnBytes);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &OnProgress);
    set(CURLOPT_XFERINFODATA, &transfer);

    const CURLcode code = curl_easy_perform(curl.get());
    transfer.parser.Finish();
    const json merged = MergeChunks(transfer.chunks);
    ModelOutcome outcome = Judge(transfer, code, reason, merged);
    if (outcome.ok()) return outcome;
    // What had been counted when the stream broke was paid for.
    ModelError error = outcome.error();
    error.paid = ReportedTokens(merged);
    return error;
  }

 private:
  static ModelOutcome Judge(const Transfer& transfer, CURLcode code, const char* reason, const json& merged) {
    if (transfer.cancelled) {
      return ModelError{.kind = ModelErrorKind::kCancelled, .message = "cancelled"};
    }
    if (transfer.too_large) {
      return Permanent("the model's answer is larger than " + std::to_string(kMaxResponseBytes) + " bytes");
    }
    const long status = transfer.HttpStatus();
    if (status != 0 && status != 200) return ClassifyApiError(static_cast<int>(status), transfer.error_body);
    if (code != CURLE_OK) {
      return Retryable("the connection to the model's service failed: " +
                           std::string(*reason != '\0' ? reason : curl_easy_strerror(code)),
                       transfer.received > 0 ? "CUT_STREAM" : "NETWORK");
    }
    for (const json& chunk : transfer.chunks) {
      if (!chunk.is_object() || !chunk.contains("error")) continue;
      const json& error = chunk["error"];
      const int in_stream = error.is_object() && error.contains("code") && error["code"].is_number_integer()
                                ? error["code"].get<int>()
                                : 500;
      return ClassifyApiError(in_stream, chunk.dump());
    }
    if (transfer.bad_chunk || !IsComplete(merged)) {
      return Retryable(
          "the model's stream ended without a finish reason after " + std::to_string(transfer.received) + " bytes",
          "CUT_STREAM");
    }
    return merged;
  }

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
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  WFE_RETURN_IF_ERROR(CheckBaseUrl(options.base_url));
  if (options.api_key.find_first_of("\r\n") != std::string::npos) {
    return InvalidArgument("GEMINI_API_KEY has a line break in it");
  }
  return std::shared_ptr<ModelBackend>(std::make_shared<HttpBackend>(std::move(options)));
}

}  // namespace wfe::agent
