#include "tests/support/imitation/model_protocols.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace wfe::imitation {
namespace {

using nlohmann::json;
using Protocol = ModelRequest::Protocol;

/// An answer as it is meant, before any protocol.
struct Meaning {
  std::string text;
  std::vector<ModelCallOfScript> calls;
  std::string finish;
  ModelTokens tokens;
  bool blocked = false;
  bool bad_arguments = false;
};

std::string Seconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%gs", seconds);
  return text;
}

/// Gemini's chunks, for a protocol of other words.
void TakeChunks(const std::vector<json>& chunks, Meaning& meaning) {
  meaning.text.clear();
  for (const json& chunk : chunks) {
    for (const json& candidate : chunk.value("candidates", json::array())) {
      meaning.finish = candidate.value("finishReason", meaning.finish);
      for (const json& part : candidate.value("/content/parts"_json_pointer, json::array())) {
        if (part.contains("functionCall")) {
          meaning.calls.push_back({.name = part["functionCall"].value("name", ""),
                                   .args = part["functionCall"].value("args", json::object())});
        } else if (!part.value("thought", false)) {
          meaning.text += part.value("text", "");
        }
      }
    }
    if (!chunk.contains("usageMetadata")) continue;
    const json& usage = chunk["usageMetadata"];
    meaning.tokens = {.prompt = usage.value("promptTokenCount", int64_t{0}),
                      .output = usage.value("candidatesTokenCount", int64_t{0}),
                      .thoughts = usage.value("thoughtsTokenCount", int64_t{0}),
                      .cached = usage.value("cachedContentTokenCount", int64_t{0})};
  }
}

Meaning MeaningOf(const ModelAnswer& answer) {
  Meaning meaning{.text = answer.text, .calls = answer.calls, .finish = answer.finish, .tokens = answer.tokens};
  if (!answer.chunks.empty()) TakeChunks(answer.chunks, meaning);
  const std::string& fault = answer.fault;
  if (fault == "safety") meaning.finish = "SAFETY";
  if (fault == "blocked") meaning.blocked = true;
  if (fault == "empty") {
    meaning.text.clear();
    meaning.calls.clear();
  }
  if (fault == "max_tokens") {
    meaning.finish = "MAX_TOKENS";
    meaning.text = meaning.text.substr(0, meaning.text.size() / 2);
    meaning.calls.clear();
  }
  if (fault == "malformed_call") {
    meaning.finish = "MALFORMED_FUNCTION_CALL";
    meaning.bad_arguments = true;
  }
  return meaning;
}

/// Two halves, at a border between characters.
std::vector<std::string> Halves(const std::string& text) {
  size_t half = text.size() / 2;
  while (half < text.size() && (static_cast<unsigned char>(text[half]) & 0xC0) == 0x80) ++half;
  if (half == 0) return {text};
  return {text.substr(0, half), text.substr(half)};
}

std::vector<json> GeminiChunks(const ModelAnswer& answer, const Meaning& meaning, bool stream) {
  const ModelTokens& tokens = meaning.tokens;
  json usage = {{"promptTokenCount", tokens.prompt},
                {"candidatesTokenCount", tokens.output},
                {"totalTokenCount", tokens.prompt + tokens.output + tokens.thoughts}};
  if (tokens.thoughts > 0) usage["thoughtsTokenCount"] = tokens.thoughts;
  if (tokens.cached > 0) usage["cachedContentTokenCount"] = tokens.cached;
  const bool counts = answer.fault != "no_usage";
  const auto chunk = [&](json parts, bool last) {
    json candidate = {{"content", {{"role", "model"}, {"parts", std::move(parts)}}}, {"index", 0}};
    if (last) candidate["finishReason"] = meaning.finish;
    json whole = {{"candidates", json::array({std::move(candidate)})}, {"modelVersion", "imitation"}};
    if (counts) whole["usageMetadata"] = usage;
    return whole;
  };
  if (meaning.blocked) {
    json whole = {{"promptFeedback", {{"blockReason", "SAFETY"}}}};
    if (counts) whole["usageMetadata"] = {{"promptTokenCount", tokens.prompt}, {"totalTokenCount", tokens.prompt}};
    return {whole};
  }
  json calls = json::array();
  for (const ModelCallOfScript& call : meaning.calls) {
    if (meaning.bad_arguments) break;
    calls.push_back({{"functionCall", {{"name", call.name}, {"args", call.args}}}});
  }
  std::vector<json> chunks;
  if (!stream) {
    json parts = json::array();
    if (!meaning.text.empty()) parts.push_back({{"text", meaning.text}});
    for (json& call : calls) parts.push_back(std::move(call));
    return {chunk(std::move(parts), true)};
  }
  if (!meaning.text.empty()) {
    for (const std::string& half : Halves(meaning.text))
      chunks.push_back(chunk(json::array({{{"text", half}}}), false));
  }
  chunks.push_back(chunk(std::move(calls), true));
  return chunks;
}

std::string ChatFinish(const Meaning& meaning) {
  if (meaning.finish == "MAX_TOKENS") return "length";
  if (meaning.finish == "SAFETY") return "content_filter";
  if (meaning.finish == "STOP" && meaning.calls.empty()) return "stop";
  if (meaning.finish == "STOP" || meaning.finish == "MALFORMED_FUNCTION_CALL") return "tool_calls";
  return "other";
}

json ChatUsage(const ModelTokens& tokens) {
  json usage = {{"prompt_tokens", tokens.prompt},
                {"completion_tokens", tokens.output + tokens.thoughts},
                {"total_tokens", tokens.prompt + tokens.output + tokens.thoughts}};
  if (tokens.cached > 0) usage["prompt_tokens_details"] = {{"cached_tokens", tokens.cached}};
  if (tokens.thoughts > 0) usage["completion_tokens_details"] = {{"reasoning_tokens", tokens.thoughts}};
  return usage;
}

json ChatCalls(const Meaning& meaning, bool indexed) {
  json calls = json::array();
  for (const ModelCallOfScript& call : meaning.calls) {
    const std::string arguments = meaning.bad_arguments ? R"({"file_path": "a.txt", "content": )" : call.args.dump();
    json each = {{"id", "call_" + std::to_string(calls.size() + 1)},
                 {"type", "function"},
                 {"function", {{"name", call.name}, {"arguments", arguments}}}};
    if (indexed) each["index"] = calls.size();
    calls.push_back(std::move(each));
  }
  return calls;
}

std::vector<json> ChatChunks(const ModelAnswer& answer, const Meaning& meaning, const ModelRequest& request) {
  const bool counts = answer.fault != "no_usage";
  const auto envelope = [&](const char* object) {
    return json{{"id", "chatcmpl-1"}, {"object", object}, {"created", 1}, {"model", request.model}};
  };
  if (!request.stream) {
    json message = {{"role", "assistant"}, {"content", meaning.text.empty() ? json() : json(meaning.text)}};
    if (json calls = ChatCalls(meaning, false); !calls.empty()) message["tool_calls"] = std::move(calls);
    json whole = envelope("chat.completion");
    whole["choices"] =
        json::array({{{"index", 0}, {"message", std::move(message)}, {"finish_reason", ChatFinish(meaning)}}});
    if (counts) whole["usage"] = ChatUsage(meaning.tokens);
    return {whole};
  }
  const auto piece = [&](json delta, json finish) {
    json whole = envelope("chat.completion.chunk");
    whole["choices"] = json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}}});
    return whole;
  };
  std::vector<json> chunks = {piece({{"role", "assistant"}, {"content", ""}}, nullptr)};
  if (!meaning.text.empty()) {
    for (const std::string& half : Halves(meaning.text)) chunks.push_back(piece({{"content", half}}, nullptr));
  }
  for (json& call : ChatCalls(meaning, true)) {
    const std::vector<std::string> halves = Halves(call["function"]["arguments"].get<std::string>());
    const json index = call["index"];
    call["function"]["arguments"] = halves[0];
    chunks.push_back(piece({{"tool_calls", json::array({call})}}, nullptr));
    if (halves.size() == 1) continue;
    const json rest = {{"index", index}, {"function", {{"arguments", halves[1]}}}};
    chunks.push_back(piece({{"tool_calls", json::array({rest})}}, nullptr));
  }
  chunks.push_back(piece(json::object(), ChatFinish(meaning)));
  if (counts && request.wants_usage) {
    json last = envelope("chat.completion.chunk");
    last["choices"] = json::array();
    last["usage"] = ChatUsage(meaning.tokens);
    chunks.push_back(std::move(last));
  }
  return chunks;
}

/// An error in the words of the protocol.
Wire Error(const ModelRequest& request, int code, const std::string& reason, const std::string& message, json details) {
  Wire wire{.status = std::to_string(code) + " " + reason};
  json error = {{"code", code}, {"message", message}, {"status", reason}, {"details", std::move(details)}};
  if (request.protocol == Protocol::kOpenAi) error = {{"message", message}, {"type", reason}, {"code", nullptr}};
  wire.pieces = {json{{"error", std::move(error)}}.dump()};
  return wire;
}

std::optional<Wire> ErrorOf(const ModelAnswer& answer, const ModelRequest& request) {
  const std::string& fault = answer.fault;
  const bool openai = request.protocol == Protocol::kOpenAi;
  if (fault == "429" || fault == "quota_day") {
    json details = json::array();
    if (answer.retry_after_s) {
      details.push_back(
          {{"@type", "type.googleapis.com/google.rpc.RetryInfo"}, {"retryDelay", Seconds(*answer.retry_after_s)}});
    }
    if (fault == "quota_day") {
      const json violation = {{"quotaId", "GenerateRequestsPerDayPerProjectPerModel"}};
      details.push_back(
          {{"@type", "type.googleapis.com/google.rpc.QuotaFailure"}, {"violations", json::array({violation})}});
    }
    Wire wire = Error(request, 429, openai ? "rate_limit_exceeded" : "RESOURCE_EXHAUSTED", "Too many requests.",
                      std::move(details));
    if (openai && answer.retry_after_s) {
      wire.headers.push_back("Retry-After: " + std::to_string(static_cast<int>(*answer.retry_after_s + 0.999)));
    }
    return wire;
  }
  if (fault == "bad_key" && openai) return Error(request, 401, "invalid_request_error", "Incorrect API key.", {});
  if (fault == "bad_key") {
    const json info = {{"@type", "type.googleapis.com/google.rpc.ErrorInfo"}, {"reason", "API_KEY_INVALID"}};
    return Error(request, 400, "INVALID_ARGUMENT", "API key not valid.", json::array({info}));
  }
  if (fault == "blocked" && openai) {
    Wire wire = Error(request, 400, "invalid_request_error", "The prompt was filtered.", {});
    wire.pieces = {json{{"error", {{"message", "The prompt was filtered."}, {"code", "content_filter"}}}}.dump()};
    return wire;
  }
  static const std::map<std::string, const char*> kReasons = {
      {"500", "INTERNAL"}, {"502", "BAD_GATEWAY"}, {"503", "UNAVAILABLE"}, {"504", "DEADLINE_EXCEEDED"}};
  const auto reason = kReasons.find(fault);
  if (reason == kReasons.end()) return std::nullopt;
  Wire wire = Error(request, std::stoi(fault), reason->second, "The model is overloaded.", json::array());
  if (answer.retry_after_s) {
    wire.headers.push_back("Retry-After: " + std::to_string(static_cast<int>(*answer.retry_after_s + 0.999)));
  }
  return wire;
}

/// What a fault does to a body that would be whole.
void Damage(const ModelAnswer& answer, const ModelRequest& request, Wire& wire) {
  const std::string& fault = answer.fault;
  const bool openai = request.protocol == Protocol::kOpenAi;
  std::vector<std::string>& pieces = wire.pieces;
  if (fault == "cut" || fault == "hang") {
    // Without what says the end; the first piece of OpenAI's says nothing yet.
    const size_t kept = std::min<size_t>(openai && request.stream ? 2 : 1, pieces.size() - 1);
    if (kept == 0) pieces[0].resize(pieces[0].size() / 2);
    pieces.resize(std::max<size_t>(1, kept));
  }
  if (fault == "torn") {
    pieces.resize(1);
    pieces[0].resize(pieces[0].size() / 2);
  }
  if (fault == "silent") pieces.clear();
  if (fault == "bad_chunk") pieces.insert(pieces.begin(), request.stream ? "data: {\"cand\r\n\r\n" : "{\"cand");
  if (fault == "error_in_stream") {
    pieces.insert(pieces.begin() + 1,
                  "data: " + json{{"error", {{"code", 503}, {"message", "overloaded"}}}}.dump() + "\r\n\r\n");
  }
  wire.breaks_off = fault == "cut" || fault == "torn";
  wire.hangs = fault == "hang" || fault == "silent";
  if (fault == "slow") wire.pause_s = answer.pause_s;
}

/// A cut answer of Gemini's tells its counts but not its end.
void TakeEndAway(const ModelAnswer& answer, std::vector<json>& chunks) {
  if (answer.fault != "cut" && answer.fault != "hang") return;
  for (json& chunk : chunks) {
    if (!chunk.contains("candidates")) continue;
    for (json& candidate : chunk["candidates"]) candidate.erase("finishReason");
  }
  if (chunks.size() == 1) chunks.push_back(chunks.front());  // the one that is not sent
}

}  // namespace

Wire Render(const ModelAnswer& answer, const ModelRequest& request) {
  if (std::optional<Wire> error = ErrorOf(answer, request)) return *std::move(error);
  const Meaning meaning = MeaningOf(answer);
  const bool openai = request.protocol == Protocol::kOpenAi;
  const bool verbatim =
      !answer.chunks.empty() && (answer.fault.empty() || answer.fault == "slow" || answer.fault == "cut" ||
                                 answer.fault == "torn" || answer.fault == "hang");
  std::vector<json> chunks;
  if (openai) {
    chunks = ChatChunks(answer, meaning, request);
  } else {
    chunks = verbatim ? answer.chunks : GeminiChunks(answer, meaning, request.stream);
    if (verbatim && !request.stream) chunks = {answer.chunks.back()};
    TakeEndAway(answer, chunks);
  }
  Wire wire;
  if (request.stream) wire.content_type = "text/event-stream";
  for (const json& chunk : chunks) {
    const std::string text = chunk.dump(-1, ' ', false, json::error_handler_t::replace);
    wire.pieces.push_back(request.stream ? "data: " + text + "\r\n\r\n" : text);
  }
  if (openai && request.stream) wire.pieces.push_back("data: [DONE]\r\n\r\n");
  Damage(answer, request, wire);
  return wire;
}

Wire RenderNoAnswer(const ModelRequest& request) {
  const bool openai = request.protocol == Protocol::kOpenAi;
  return Error(request, 400, openai ? "invalid_request_error" : "INVALID_ARGUMENT",
               "The imitation has no answer for this request.", json::array());
}

}  // namespace wfe::imitation
