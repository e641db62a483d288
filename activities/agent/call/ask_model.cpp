#include "activities/agent/call/ask_model.h"

#include <utility>

#include "activities/agent/cost/call_tokens.h"
#include "activities/agent/step/reply_bounds.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

constexpr size_t kMaxVersionBytes = 200;

const json* CandidateOf(const json& response) {
  const auto candidates = response.find("candidates");
  if (candidates == response.end() || !candidates->is_array() || candidates->empty()) return nullptr;
  return candidates->front().is_object() ? &candidates->front() : nullptr;
}

/// The journal holds no secret, so it must say which calls had one: they are refused, now and on a retry.
json SecretParts(const json& response, const Redactor& redactor) {
  json indexes = json::array();
  const json parts = PartsOf(response);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].is_object() && parts[i].contains("functionCall") && redactor.HoldsSecret(parts[i])) {
      indexes.push_back(i);
    }
  }
  return indexes;
}

}  // namespace

std::optional<LoopOutcome> AskModel(const AgentRequest& request, CallServices& services, AgentReply& reply,
                                    ModelBackend& backend, const ModelCall& call, int max_output_tokens,
                                    json& answer) {
  const auto ask = [&] { return backend.Generate(call, services.control); };
  const auto digest = [&](json response, json& kept) {
    json secret_parts = SecretParts(response, services.redactor);
    int64_t redactions = 0;
    services.redactor.MaskSecrets(response, redactions);
    kept["tokens"] = CountCallTokens(
        {.request = call.request, .response = response, .model = call.model, .scripted = backend.scripted()},
        services.tokens);
    if (const std::string model = ModelVersionOf(response); backend.ChoosesModel() && !model.empty()) {
      kept["model"] = model;
    }
    kept["response"] = std::move(response);
    kept["secret_parts"] = std::move(secret_parts);
    kept["redactions"] = redactions;
    return std::optional<LoopOutcome>();
  };
  // Of a program's run nobody can say how large it gets.
  const auto bound = [&]() -> std::optional<CallBound> {
    if (!backend.bounded()) return std::nullopt;
    return CallBound{.prompt_tokens = MostPromptTokens(call.request, call.model, services.tokens),
                     .output_tokens = max_output_tokens};
  };
  return AnswerToCall(request, services, reply, call.turn, ask, digest, answer, bound);
}

std::string FinishReasonOf(const json& response, std::string* why) {
  const json feedback = response.value("promptFeedback", json::object());
  if (feedback.is_object() && feedback.contains("blockReason")) {
    *why = feedback["blockReason"].dump();
    return "PROMPT_BLOCKED";
  }
  const json* const candidate = CandidateOf(response);
  const json reason = candidate == nullptr ? json() : candidate->value("finishReason", json());
  return reason.is_string() ? reason.get<std::string>() : "OTHER";
}

json PartsOf(const json& response) {
  const json* const candidate = CandidateOf(response);
  const json content = candidate == nullptr ? json() : candidate->value("content", json());
  json parts = content.is_object() ? content.value("parts", json()) : json();
  return parts.is_array() ? std::move(parts) : json::array();
}

std::string VisibleText(const json& parts) {
  std::string text;
  for (const json& part : parts) {
    if (!part.is_object() || part.value("thought", json(false)) == json(true)) continue;
    if (part.contains("text") && part["text"].is_string()) text += part["text"].get_ref<const std::string&>();
  }
  return text;
}

std::string ModelVersionOf(const json& response) {
  const json version = response.value("modelVersion", json());
  return version.is_string() ? CutText(version.get<std::string>(), kMaxVersionBytes) : "";
}

}  // namespace wfe::agent
