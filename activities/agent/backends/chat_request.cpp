#include "activities/agent/backends/chat_request.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

std::string Dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

bool IsThought(const json& part) { return part.value("thought", json(false)) == json(true); }

/// Joins what stands in one message.
void AddText(std::string& all, const std::string& text) {
  if (!all.empty()) all += "\n\n";
  all += text;
}

/// What a tool answered, as a model reads it: plain text where that is all there is.
std::string ToolText(const json& response) {
  if (response.is_object() && response.size() == 1 && response.contains("output") && response["output"].is_string()) {
    return response["output"].get<std::string>();
  }
  return Dump(response);
}

class Conversation {
 public:
  Status Add(const json& content) {
    if (!content.is_object()) return InvalidArgument("a content of the request is not an object");
    const json& parts = content.at("parts");
    return content.value("role", "user") == "model" ? AddAnswer(parts) : AddQuestion(parts);
  }
  void AddSystem(const json& instruction) {
    std::string text;
    for (const json& part : instruction.at("parts")) AddText(text, part.at("text").get<std::string>());
    messages_.push_back({{"role", "system"}, {"content", std::move(text)}});
  }
  json Take() { return std::move(messages_); }

 private:
  Status AddAnswer(const json& parts) {
    std::string text;
    json calls = json::array();
    open_calls_.clear();
    for (const json& part : parts) {
      if (IsThought(part)) continue;
      if (part.contains("functionCall")) {
        const json& call = part["functionCall"];
        std::string id = call.value("id", "");
        if (id.empty()) id = "call_" + std::to_string(++made_ids_);
        const std::string name = call.at("name").get<std::string>();
        open_calls_.emplace_back(name, id);
        calls.push_back({{"id", id},
                         {"type", "function"},
                         {"function", {{"name", name}, {"arguments", Dump(call.value("args", json::object()))}}}});
      } else if (part.contains("text")) {
        AddText(text, part["text"].get<std::string>());
      } else {
        return Unsayable(part);
      }
    }
    if (text.empty() && calls.empty()) return Ok();  // thoughts alone
    json message = {{"role", "assistant"}, {"content", text.empty() ? json() : json(text)}};
    if (!calls.empty()) message["tool_calls"] = std::move(calls);
    messages_.push_back(std::move(message));
    return Ok();
  }

  Status AddQuestion(const json& parts) {
    std::string text;
    for (const json& part : parts) {
      if (part.contains("functionResponse")) {
        const json& answer = part["functionResponse"];
        messages_.push_back({{"role", "tool"},
                             {"tool_call_id", IdOf(answer)},
                             {"content", ToolText(answer.value("response", json::object()))}});
      } else if (part.contains("text")) {
        AddText(text, part["text"].get<std::string>());
      } else {
        return Unsayable(part);
      }
    }
    if (text.empty()) return Ok();
    if (!messages_.empty() && messages_.back()["role"] == "user") {
      std::string both = messages_.back()["content"].get<std::string>();
      AddText(both, text);
      messages_.back()["content"] = std::move(both);
    } else {
      messages_.push_back({{"role", "user"}, {"content", std::move(text)}});
    }
    return Ok();
  }

  /// The first call of that name that has no answer yet.
  std::string IdOf(const json& answer) {
    std::string id = answer.value("id", "");
    const std::string name = answer.value("name", "");
    for (auto call = open_calls_.begin(); call != open_calls_.end(); ++call) {
      if (id.empty() ? call->first != name : call->second != id) continue;
      id = call->second;
      open_calls_.erase(call);
      break;
    }
    return id;
  }

  static Status Unsayable(const json& part) {
    std::string kind = "nothing";
    for (const auto& [key, ignored] : part.items()) kind = key;
    return InvalidArgument("an OpenAI-compatible service cannot be sent a part with " + kind);
  }

  json messages_ = json::array();
  std::vector<std::pair<std::string, std::string>> open_calls_;  // name and id, of the last answer
  int made_ids_ = 0;
};

json ToolsOf(const json& tools) {
  json all = json::array();
  for (const json& tool : tools) {
    for (const json& declared : tool.value("functionDeclarations", json::array())) {
      json function = {{"name", declared.at("name")}};
      if (declared.contains("description")) function["description"] = declared["description"];
      const char* const schema = declared.contains("parametersJsonSchema") ? "parametersJsonSchema" : "parameters";
      if (declared.contains(schema)) function["parameters"] = declared[schema];
      all.push_back({{"type", "function"}, {"function", std::move(function)}});
    }
  }
  return all;
}

Status AddToolChoice(const json& config, json& body) {
  const std::string mode = config.value("/functionCallingConfig/mode"_json_pointer, "AUTO");
  static const std::map<std::string, std::string> kChoices = {{"AUTO", "auto"}, {"ANY", "required"}, {"NONE", "none"}};
  const auto choice = kChoices.find(mode);
  if (choice == kChoices.end()) {
    return InvalidArgument("an OpenAI-compatible service does not know the function calling mode " + mode);
  }
  if (mode != "AUTO") body["tool_choice"] = choice->second;  // auto is what every service does by itself
  return Ok();
}

Status AddGenerationConfig(const json& config, json& body) {
  static const std::map<std::string, std::string> kSame = {{"temperature", "temperature"},
                                                           {"topP", "top_p"},
                                                           {"topK", "top_k"},
                                                           {"seed", "seed"},
                                                           {"maxOutputTokens", "max_tokens"},
                                                           {"stopSequences", "stop"},
                                                           {"presencePenalty", "presence_penalty"},
                                                           {"frequencyPenalty", "frequency_penalty"}};
  for (const auto& [key, value] : config.items()) {
    if (const auto same = kSame.find(key); same != kSame.end()) {
      body[same->second] = value;
    } else if (key == "responseJsonSchema") {
      body["response_format"] = {{"type", "json_schema"},
                                 {"json_schema", {{"name", "answer"}, {"strict", true}, {"schema", value}}}};
    } else if (key == "responseMimeType" && value == "application/json") {
      if (!config.contains("responseJsonSchema")) body["response_format"] = {{"type", "json_object"}};
    } else if (key != "thinkingConfig" && !(key == "candidateCount" && value == 1) &&
               !(key == "responseMimeType" && value == "text/plain")) {
      return InvalidArgument("an OpenAI-compatible service cannot be told generationConfig." + key + " " + Dump(value));
    }
  }
  return Ok();
}

Result<json> Translate(const json& request, const std::string& model, bool stream) {
  Conversation conversation;
  if (request.contains("systemInstruction")) conversation.AddSystem(request["systemInstruction"]);
  for (const json& content : request.at("contents")) WFE_RETURN_IF_ERROR(conversation.Add(content));
  json body = {{"model", model}, {"messages", conversation.Take()}, {"stream", stream}};
  if (stream) body["stream_options"] = {{"include_usage", true}};
  if (json tools = ToolsOf(request.value("tools", json::array())); !tools.empty()) {
    body["tools"] = std::move(tools);
    WFE_RETURN_IF_ERROR(AddToolChoice(request.value("toolConfig", json::object()), body));
  }
  WFE_RETURN_IF_ERROR(AddGenerationConfig(request.value("generationConfig", json::object()), body));
  return body;
}

}  // namespace

Result<json> ToChatRequest(const json& request, const std::string& model, bool stream) {
  try {
    return Translate(request, model, stream);
  } catch (const json::exception& e) {
    return InvalidArgument(std::string("the request to the model has an unexpected shape: ") + JsonErrorText(e));
  }
}

}  // namespace wfe::agent
