// What all services of models over HTTP have in common: one request whose answer is a stream of events with JSON data
// (or one JSON document), merged into one generateContent response, or a classified error that says what was paid.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "activities/agent/backends/model_backend.h"
#include "activities/outbound/http_client.h"

namespace wfe::agent {

/// What is particular to one service's protocol.
struct Dialect {
  /// One generateContent response of the chunks that came, in order; complete or not.
  std::function<nlohmann::json(const std::vector<nlohmann::json>& chunks)> merge;
  /// What an answer with an error status means.
  std::function<ModelError(int http_status, std::string_view body)> classify;
};

/// Makes the call and judges what came.  An answer without an end (IsComplete) is a cut stream.
ModelOutcome CallService(const outbound::HttpClient& client, const outbound::HttpPost& post, const CallControl& control,
                         const Dialect& dialect);

/// Of a service that is called without a client given: one that may reach the service and nothing else.
std::shared_ptr<const outbound::HttpClient> ClientFor(const std::string& origin);

ModelError PermanentError(std::string message);
ModelError RetryableError(std::string message, std::string error_class);

}  // namespace wfe::agent
