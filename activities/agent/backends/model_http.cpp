#include "activities/agent/backends/model_http.h"

#include <utility>

#include "activities/agent/backends/sse_parser.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;
using outbound::HttpAnswer;
using outbound::HttpEnd;

/// What arrives of one call.
struct Arrival {
  std::vector<json> chunks;
  bool bad_chunk = false;
  std::string document;  // of an answer that is no stream
  SseParser parser{[this](std::string data) {
    if (data != "[DONE]") Take(data);  // the end mark of OpenAI's streams
  }};

  void Take(std::string_view data) {
    json chunk = ParseJson(data);
    if (chunk.is_discarded()) {
      bad_chunk = true;
    } else {
      chunks.push_back(std::move(chunk));
    }
  }
  void Finish() {
    parser.Finish();
    if (!document.empty()) Take(document);
  }
};

/// An error that comes inside a stream, after status 200.
const json* ErrorIn(const std::vector<json>& chunks) {
  for (const json& chunk : chunks) {
    if (chunk.is_object() && chunk.contains("error") && !chunk["error"].is_null()) return &chunk;
  }
  return nullptr;
}

ModelError Unreached(const HttpAnswer& answer) {
  const char* const error_class = answer.received_bytes > 0 ? "CUT_STREAM" : "NETWORK";
  return RetryableError("the connection to the model's service failed: " + answer.why, error_class);
}

ModelOutcome Judge(const HttpAnswer& answer, const Arrival& arrival, json merged, const Dialect& dialect) {
  if (answer.end == HttpEnd::kCancelled) return ModelError{.kind = ModelErrorKind::kCancelled, .message = "cancelled"};
  if (answer.end == HttpEnd::kTooLarge) return PermanentError("the model's service: " + answer.why);
  if (answer.end == HttpEnd::kRefused) return PermanentError("the model's service is not called: " + answer.why);
  if (answer.status != 0 && answer.status != 200) {
    ModelError error = dialect.classify(answer.status, answer.error_body);
    // What the body says is more exact than the header.
    const bool waits = error.kind == ModelErrorKind::kRetryable && !error.retry_delay && !error.daily_quota;
    if (waits) error.retry_delay = answer.retry_after;
    return error;
  }
  if (answer.end != HttpEnd::kWhole) return Unreached(answer);
  if (const json* const failed = ErrorIn(arrival.chunks)) {
    const json& error = (*failed)["error"];
    const bool coded = error.is_object() && error.contains("code") && error["code"].is_number_integer();
    return dialect.classify(coded ? error["code"].get<int>() : 500, failed->dump());
  }
  if (arrival.bad_chunk || !IsComplete(merged)) {
    std::string message =
        "the model's stream ended without a finish reason after " + std::to_string(answer.received_bytes) + " bytes";
    if (arrival.bad_chunk) message += "; some of them are not JSON (" + answer.content_type + ")";
    return RetryableError(std::move(message), "CUT_STREAM");
  }
  return merged;
}

}  // namespace

ModelError PermanentError(std::string message) {
  return {.kind = ModelErrorKind::kPermanent, .message = std::move(message), .error_class = "REFUSED"};
}

ModelError RetryableError(std::string message, std::string error_class) {
  return {.kind = ModelErrorKind::kRetryable, .message = std::move(message), .error_class = std::move(error_class)};
}

std::shared_ptr<const outbound::HttpClient> ClientFor(const std::string& origin) {
  return std::make_shared<outbound::HttpClient>(std::vector<std::string>{origin});
}

ModelOutcome CallService(const outbound::HttpClient& client, const outbound::HttpPost& post, const CallControl& control,
                         const Dialect& dialect) {
  Arrival arrival;
  const auto take = [&arrival](const HttpAnswer& head, std::string_view bytes) {
    if (head.content_type.starts_with("application/json")) {
      arrival.document += bytes;  // a service that does not stream, although it was asked to
    } else {
      arrival.parser.Feed(bytes);
    }
  };
  const HttpAnswer answer =
      client.Post(post, take, {.is_cancelled = control.is_cancelled, .progress = control.progress});
  arrival.Finish();
  json merged = dialect.merge(arrival.chunks);
  const std::optional<PaidTokens> paid = ReportedTokens(merged);
  ModelOutcome outcome = Judge(answer, arrival, std::move(merged), dialect);
  if (outcome.ok()) return outcome;
  // What had been counted when the stream broke was paid for.
  ModelError error = outcome.error();
  error.paid = paid;
  return error;
}

}  // namespace wfe::agent
