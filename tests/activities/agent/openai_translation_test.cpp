// generateContent and OpenAI's chat completions, translated both ways (AC-2).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "activities/agent/backends/chat_answer.h"
#include "activities/agent/backends/chat_request.h"
#include "activities/agent/backends/openai_backend.h"
#include "activities/agent/step/file_tools.h"

namespace wfe::agent {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json Text(const std::string& text) { return {{"text", text}}; }
json Content(const std::string& role, std::vector<json> parts) { return {{"role", role}, {"parts", std::move(parts)}}; }

json Body(const json& request) {
  const auto body = ToChatRequest(request, "m", true);
  EXPECT_TRUE(body.has_value()) << body.error().message;
  return body ? *body : json::object();
}

TEST(ChatRequest, ConversationWithToolsIsTheSameConversation) {
  const json call = {{"functionCall", {{"id", "c7"}, {"name", "read_file"}, {"args", {{"file_path", "a"}}}}}};
  const json answer = {{"functionResponse", {{"id", "c7"}, {"name", "read_file"}, {"response", {{"output", "text"}}}}}};
  const json body = Body(
      {{"systemInstruction", {{"parts", json::array({Text("be careful")})}}},
       {"tools", FileToolDeclarations()},
       {"toolConfig", {{"functionCallingConfig", {{"mode", "AUTO"}}}}},
       {"generationConfig", {{"maxOutputTokens", 64}, {"temperature", 0}}},
       {"contents", json::array({Content("user", {Text("one"), Text("two")}), Content("model", {Text("I read."), call}),
                                 Content("user", {answer, Text("and go on")})})}});
  const json messages = json::array(
      {{{"role", "system"}, {"content", "be careful"}},
       {{"role", "user"}, {"content", "one\n\ntwo"}},
       {{"role", "assistant"},
        {"content", "I read."},
        {"tool_calls", json::array({{{"id", "c7"},
                                     {"type", "function"},
                                     {"function", {{"name", "read_file"}, {"arguments", R"({"file_path":"a"})"}}}}})}},
       {{"role", "tool"}, {"tool_call_id", "c7"}, {"content", "text"}},
       {{"role", "user"}, {"content", "and go on"}}});
  EXPECT_EQ(body.at("messages"), messages);
  EXPECT_EQ(body.at("tools").size(), FileToolDeclarations()[0]["functionDeclarations"].size());
  EXPECT_EQ(body.at("tools")[0].at("function").at("name"), "write_file");
  EXPECT_EQ(body.at("tools")[0].at("function").at("parameters").at("type"), "object");
  EXPECT_EQ(body.at("max_tokens"), 64);
  EXPECT_EQ(body.at("temperature"), 0);
  EXPECT_EQ(body.at("stream_options").at("include_usage"), true);
  EXPECT_FALSE(body.contains("tool_choice"));
}

TEST(ChatRequest, CallsWithoutIdsGetTheSameIdOnBothSides) {
  const auto call = [](const char* name) { return json{{"functionCall", {{"name", name}, {"args", json::object()}}}}; };
  const auto answer = [](const char* name, const json& response) {
    return json{{"functionResponse", {{"name", name}, {"response", response}}}};
  };
  const json body =
      Body({{"contents",
             json::array({Content("user", {Text("go")}), Content("model", {call("a"), call("b")}),
                          Content("user", {answer("b", {{"error", "no"}}), answer("a", {{"output", "yes"}})}),
                          Content("model", {call("a")}), Content("user", {answer("a", {{"output", "again"}})})})}});
  const json& messages = body.at("messages");
  const json& calls = messages[1].at("tool_calls");
  EXPECT_EQ(messages[2].at("tool_call_id"), calls[1].at("id"));
  EXPECT_EQ(messages[2].at("content"), R"({"error":"no"})");
  EXPECT_EQ(messages[3].at("tool_call_id"), calls[0].at("id"));
  EXPECT_EQ(messages[5].at("tool_call_id"), messages[4].at("tool_calls")[0].at("id"));
  EXPECT_NE(messages[4].at("tool_calls")[0].at("id"), calls[0].at("id"));
}

TEST(ChatRequest, ThoughtsAreNotSentBackAndNeighboursOfOneRoleAreOneMessage) {
  const json thought = {{"text", "hm"}, {"thought", true}};
  const json body =
      Body({{"contents",
             json::array({Content("user", {Text("a")}), Content("model", {thought}), Content("user", {Text("b")})})}});
  EXPECT_EQ(body.at("messages"), json::array({{{"role", "user"}, {"content", "a\n\nb"}}}));
}

TEST(ChatRequest, WhatCannotBeSaidIsRefusedByName) {
  const auto refusal = [](const json& request) { return ToChatRequest(request, "m", true).error().message; };
  const json picture = {{"inlineData", {{"mimeType", "image/png"}}}};
  EXPECT_THAT(refusal({{"contents", json::array({Content("user", {picture})})}}), HasSubstr("inlineData"));
  EXPECT_THAT(refusal({{"contents", json::array()}, {"generationConfig", {{"responseModalities", "AUDIO"}}}}),
              HasSubstr("generationConfig.responseModalities"));
  EXPECT_THAT(refusal({{"contents", 7}}), HasSubstr("not an object"));
  EXPECT_THAT(refusal(json::object()), HasSubstr("unexpected shape"));
}

json Chunk(const json& delta, const json& finish = nullptr) {
  return {{"id", "x"}, {"model", "m-1"}, {"choices", json::array({{{"delta", delta}, {"finish_reason", finish}}})}};
}
json CallDelta(json call) { return {{"tool_calls", json::array({std::move(call)})}}; }
const json& PartsOf(const json& response) { return response.at("candidates")[0].at("content").at("parts"); }
std::string FinishOf(const json& response) { return response.at("candidates")[0].value("finishReason", ""); }

TEST(ChatAnswer, DeltasBecomePartsAndCountsBecomeUsageMetadata) {
  const json response = FromChatChunks(
      {Chunk({{"role", "assistant"}, {"content", ""}}),
       Chunk({{"reasoning_content", "let me "}}),
       Chunk({{"reasoning_content", "see"}}),
       Chunk({{"content", "I wr"}}),
       Chunk({{"content", "ite."}}),
       Chunk(CallDelta({{"index", 0}, {"id", "c1"}, {"function", {{"name", "a"}, {"arguments", R"({"x")"}}}})),
       Chunk(CallDelta({{"index", 1}, {"id", "c2"}, {"function", {{"name", "b"}, {"arguments", ""}}}})),
       Chunk(CallDelta({{"index", 0}, {"function", {{"arguments", ":1}"}}}})),
       Chunk(json::object(), "tool_calls"),
       {{"choices", json::array()},
        {"usage",
         {{"prompt_tokens", 120},
          {"completion_tokens", 40},
          {"prompt_tokens_details", {{"cached_tokens", 100}}},
          {"completion_tokens_details", {{"reasoning_tokens", 15}}}}}}});
  EXPECT_EQ(PartsOf(response),
            json::array({{{"text", "let me see"}, {"thought", true}},
                         {{"text", "I write."}},
                         {{"functionCall", {{"id", "c1"}, {"name", "a"}, {"args", {{"x", 1}}}}}},
                         {{"functionCall", {{"id", "c2"}, {"name", "b"}, {"args", json::object()}}}}}));
  EXPECT_EQ(FinishOf(response), "STOP");
  EXPECT_EQ(response.at("modelVersion"), "m-1");
  const PaidTokens tokens = *ReportedTokens(response);
  EXPECT_EQ(tokens.prompt, 120);
  EXPECT_EQ(tokens.output, 25);
  EXPECT_EQ(tokens.thoughts, 15);
  EXPECT_EQ(tokens.cached, 100);
}

TEST(ChatAnswer, ServersThatDifferGiveTheSame) {
  // Usage beside the finish reason (llama.cpp), calls without index or id, arguments as an object, one whole message.
  json last = Chunk(json::object(), "stop");
  last["usage"] = {{"prompt_tokens", 5}, {"completion_tokens", 2}};
  const json calls = json::array({{{"function", {{"name", "a"}, {"arguments", {{"x", 1}}}}}},
                                  {{"function", {{"name", "a"}, {"arguments", "{}"}}}}});
  const json streamed = FromChatChunks({Chunk({{"tool_calls", calls}}), last});
  EXPECT_EQ(PartsOf(streamed).size(), 2u);
  EXPECT_EQ(ReportedTokens(streamed)->prompt, 5);
  EXPECT_EQ(FinishOf(streamed), "STOP");
  const json whole = FromChatChunks(
      {{{"choices",
         json::array({{{"message", {{"content", nullptr}, {"tool_calls", calls}}}, {"finish_reason", "stop"}}})},
        {"usage", nullptr}}});
  EXPECT_EQ(PartsOf(whole), PartsOf(streamed));
  EXPECT_EQ(ReportedTokens(whole), std::nullopt);
}

TEST(ChatAnswer, FinishReasonsHaveTheNamesThatEndingsHaveHere) {
  const auto finish = [](const char* reason, const json& delta) {
    return FinishOf(FromChatChunks({Chunk(delta, reason)}));
  };
  const json text = {{"content", "x"}};
  EXPECT_EQ(finish("stop", text), "STOP");
  EXPECT_EQ(finish("length", text), "MAX_TOKENS");
  EXPECT_EQ(finish("content_filter", text), "SAFETY");
  EXPECT_EQ(finish("stop", {{"refusal", "I cannot."}}), "SAFETY");
  EXPECT_EQ(finish("abort", text), "OTHER");
  EXPECT_EQ(finish("tool_calls", text), "MALFORMED_FUNCTION_CALL") << "announced and not there";
  for (const char* arguments : {"{\"x\": ", "[1]", "7", "no"}) {
    EXPECT_EQ(finish("tool_calls", CallDelta({{"index", 0}, {"function", {{"name", "a"}, {"arguments", arguments}}}})),
              "MALFORMED_FUNCTION_CALL")
        << arguments;
  }
  const std::string deep = std::string(300, '[') + std::string(300, ']');
  EXPECT_EQ(finish("stop", CallDelta({{"index", 0}, {"function", {{"name", "a"}, {"arguments", deep}}}})),
            "MALFORMED_FUNCTION_CALL");
  EXPECT_EQ(finish("length", CallDelta({{"index", 0}, {"function", {{"name", "a"}, {"arguments", "{\"x"}}}})),
            "MAX_TOKENS");
}

TEST(ChatAnswer, WhateverComesIsNoCrashAndNoEnd) {
  for (const char* text :
       {"7", "[]", "null", R"({"choices": 7})", R"({"choices": [7]})", R"({"choices": [{"delta": 7}]})",
        R"({"choices": [{"delta": {"content": 7, "tool_calls": [7, {"function": 7}, {"id": 7}]}}]})",
        R"({"usage": 7, "model": 7, "id": null})"}) {
    EXPECT_FALSE(IsComplete(FromChatChunks({json::parse(text)}))) << text;
  }
}

TEST(ChatErrors, EveryServersShapeIsRead) {
  const auto message = [](int status, const char* body) { return ClassifyChatError(status, body).message; };
  EXPECT_THAT(message(400, R"({"error":{"message":"too long","code":"context_length_exceeded"}})"),
              HasSubstr("HTTP 400: too long (context_length_exceeded)"));
  EXPECT_THAT(message(503, R"({"error":{"message":"Loading model","type":"unavailable_error","code":503}})"),
              HasSubstr("Loading model (unavailable_error)"));
  EXPECT_THAT(message(404, R"({"error":"model 'x' not found"})"), HasSubstr("model 'x' not found"));
  EXPECT_THAT(message(400, R"({"object":"error","message":"bad","type":"BadRequestError","code":400})"),
              HasSubstr("bad"));
  EXPECT_THAT(message(422, R"({"detail":"no"})"), HasSubstr("no"));
  EXPECT_EQ(ClassifyChatError(503, "<html>").kind, ModelErrorKind::kRetryable);
  EXPECT_EQ(ClassifyChatError(429, "{}").error_class, "RATE_LIMIT");
  EXPECT_EQ(ClassifyChatError(401, "{}").kind, ModelErrorKind::kPermanent);
  const ModelError money = ClassifyChatError(429, R"({"error":{"code":"insufficient_quota","message":"pay"}})");
  EXPECT_EQ(money.kind, ModelErrorKind::kPermanent) << "waiting does not fill an account";
}

TEST(ChatBaseUrlTest, IsTheSameHoweverItIsGiven) {
  for (const char* given : {"http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1",
                            " http://127.0.0.1:8080/v1/ ", "http://127.0.0.1:8080/v1/chat/completions"}) {
    EXPECT_EQ(ChatBaseUrl(given), "http://127.0.0.1:8080/v1") << given;
  }
  EXPECT_EQ(ChatBaseUrl("https://h.example/openai"), "https://h.example/openai/v1");
  EXPECT_EQ(ChatBaseUrl("https://h.example/v1beta/openai/"), "https://h.example/v1beta/openai");
  EXPECT_EQ(ChatBaseUrl(""), "");
}

}  // namespace
}  // namespace wfe::agent
