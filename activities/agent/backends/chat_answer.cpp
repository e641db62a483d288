#include "activities/agent/backends/chat_answer.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "activities/agent/backends/api_errors.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

const json* Find(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string Text(const json& object, const char* key) {
  const json* const value = Find(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

int64_t Count(const json* object, const char* key) {
  const json* const value = object == nullptr ? nullptr : Find(*object, key);
  return value != nullptr && value->is_number_integer() ? std::max<int64_t>(0, value->get<int64_t>()) : 0;
}

struct Call {
  std::string id;
  std::string name;
  std::string arguments;
};

/// Gathers one choice, whether it comes in one message or in deltas.
class Choice {
 public:
  void Add(const json& chunk) {
    if (std::string id = Text(chunk, "id"); !id.empty()) id_ = std::move(id);
    if (std::string model = Text(chunk, "model"); !model.empty()) model_ = std::move(model);
    if (const json* const usage = Find(chunk, "usage")) usage_ = *usage;
    const json* const choices = Find(chunk, "choices");
    if (choices == nullptr || !choices->is_array() || choices->empty()) return;
    const json& choice = choices->front();
    if (std::string reason = Text(choice, "finish_reason"); !reason.empty()) finish_reason_ = std::move(reason);
    const json* piece = Find(choice, "delta");
    if (piece == nullptr) piece = Find(choice, "message");
    if (piece == nullptr) return;
    text_ += Text(*piece, "content");
    // Servers differ in its name.
    thought_ += Text(*piece, Find(*piece, "reasoning_content") != nullptr ? "reasoning_content" : "reasoning");
    refusal_ += Text(*piece, "refusal");
    if (const json* const calls = Find(*piece, "tool_calls"); calls != nullptr && calls->is_array()) {
      for (const json& call : *calls) AddCall(call);
    }
  }

  json Response() const {
    json response = json::object();
    if (!model_.empty()) response["modelVersion"] = model_;
    if (!id_.empty()) response["responseId"] = id_;
    if (usage_.is_object() && usage_.contains("prompt_tokens")) response["usageMetadata"] = Usage();
    bool malformed = finish_reason_ == "tool_calls" && calls_.empty();
    json parts = json::array();
    if (!thought_.empty()) parts.push_back({{"text", thought_}, {"thought", true}});
    if (!text_.empty()) parts.push_back({{"text", text_}});
    if (!refusal_.empty()) parts.push_back({{"text", refusal_}});
    for (const Call& call : calls_) {
      json args = Arguments(call.arguments);
      if (!args.is_object() || call.name.empty()) {
        malformed = true;
        continue;
      }
      json part = {{"name", call.name}, {"args", std::move(args)}};
      if (!call.id.empty()) part["id"] = call.id;  // else the next request makes one up, the same on both sides
      parts.push_back({{"functionCall", std::move(part)}});
    }
    json candidate = {{"content", {{"role", "model"}, {"parts", std::move(parts)}}}};
    if (!finish_reason_.empty()) candidate["finishReason"] = FinishReason(malformed);
    response["candidates"] = json::array({std::move(candidate)});
    return response;
  }

 private:
  void AddCall(const json& piece) {
    if (!piece.is_object()) return;
    const json* const function = Find(piece, "function");
    const std::string id = Text(piece, "id");
    const std::string name = function == nullptr ? "" : Text(*function, "name");
    Call& call = CallOf(piece, id, name);
    if (!id.empty()) call.id = id;
    if (!name.empty()) call.name = name;
    if (function == nullptr) return;
    // An object instead of a string of JSON: some servers pass it on as they have it.
    const json* const arguments = Find(*function, "arguments");
    if (arguments != nullptr)
      call.arguments += arguments->is_string() ? arguments->get<std::string>() : arguments->dump();
  }

  /// By index; without one, a piece with a new id or a name begins a call, and any other goes on with the last.
  Call& CallOf(const json& piece, const std::string& id, const std::string& name) {
    if (const json* const index = Find(piece, "index"); index != nullptr && index->is_number_integer()) {
      const auto known = by_index_.find(index->get<int64_t>());
      if (known != by_index_.end()) return calls_[known->second];
      by_index_[index->get<int64_t>()] = calls_.size();
      return calls_.emplace_back();
    }
    const bool begins = calls_.empty() || (id.empty() ? !name.empty() : id != calls_.back().id);
    return begins ? calls_.emplace_back() : calls_.back();
  }

  static json Arguments(const std::string& text) {
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) return json::object();  // a call without arguments
    return ParseJson(text);
  }

  std::string FinishReason(bool malformed) const {
    if (finish_reason_ == "length") return "MAX_TOKENS";
    if (finish_reason_ == "content_filter" || !refusal_.empty()) return "SAFETY";
    if (malformed) return "MALFORMED_FUNCTION_CALL";
    const bool stopped =
        finish_reason_ == "stop" || finish_reason_ == "tool_calls" || finish_reason_ == "function_call";
    return stopped ? "STOP" : "OTHER";
  }

  json Usage() const {
    const int64_t output = Count(&usage_, "completion_tokens");
    const int64_t thoughts = std::min(output, Count(Find(usage_, "completion_tokens_details"), "reasoning_tokens"));
    const int64_t prompt = Count(&usage_, "prompt_tokens");
    json usage = {{"promptTokenCount", prompt},
                  {"candidatesTokenCount", output - thoughts},
                  {"totalTokenCount", prompt + output}};
    if (thoughts > 0) usage["thoughtsTokenCount"] = thoughts;
    const int64_t cached = std::min(prompt, Count(Find(usage_, "prompt_tokens_details"), "cached_tokens"));
    if (cached > 0) usage["cachedContentTokenCount"] = cached;
    return usage;
  }

  std::string id_;
  std::string model_;
  json usage_;
  std::string finish_reason_;
  std::string text_;
  std::string thought_;
  std::string refusal_;
  std::vector<Call> calls_;
  std::map<int64_t, size_t> by_index_;
};

/// Code, type and message of an error, wherever a server puts them.
struct SaidError {
  std::string code;
  std::string type;
  std::string message;
};

SaidError ReadError(std::string_view body) {
  const json document = ParseJson(body);
  if (!document.is_object()) return {};
  const json* error = Find(document, "error");
  SaidError said;
  if (error != nullptr && error->is_string()) said.message = error->get<std::string>();
  if (error == nullptr || !error->is_object()) error = &document;
  said.code = Text(*error, "code");
  said.type = Text(*error, "type");
  if (said.message.empty()) said.message = Text(*error, "message");
  if (said.message.empty()) said.message = Text(*error, "detail");
  return said;
}

}  // namespace

json FromChatChunks(const std::vector<json>& chunks) {
  Choice choice;
  for (const json& chunk : chunks) choice.Add(chunk);
  return choice.Response();
}

ModelError ClassifyChatError(int http_status, std::string_view body) {
  const SaidError said = ReadError(body);
  ModelError error = ErrorOfStatus(http_status);
  if (!said.message.empty()) error.message += ": " + said.message.substr(0, 500);
  const std::string& kind = said.code.empty() ? said.type : said.code;
  if (!kind.empty()) error.message += " (" + kind.substr(0, 100) + ")";
  // Money, not time, brings such a service back.
  if (kind == "insufficient_quota") {
    error.kind = ModelErrorKind::kPermanent;
    error.error_class = "QUOTA";
  }
  return error;
}

}  // namespace wfe::agent
