// A service of OpenAI's protocol behind the one interface of models: the same script gives the same answers, endings
// and costs as through the Gemini API (AC-2, AC-12, AB-6).
#include "activities/agent/backends/openai_backend.h"

#include "activities/agent/backends/http_backend.h"
#include "tests/activities/agent/agent_step_test_support.h"
#include "tests/support/imitation/imitation_model.h"

namespace wfe::agent {
namespace {

using imitation::ImitationModel;
using imitation::ModelAnswer;
using ::testing::HasSubstr;
using ::testing::Not;

std::shared_ptr<ModelBackend> OpenAi(const ImitationModel& model, bool stream = true) {
  return *MakeOpenAiBackend({.base_url = ChatBaseUrl(model.root_url()), .stream = stream});
}
std::shared_ptr<ModelBackend> Gemini(const ImitationModel& model) {
  return *MakeHttpBackend({.base_url = model.gemini_url(), .api_key = "test-key-123456"});
}
ModelOutcome Ask(ModelBackend& backend, const CallControl& control = {}) {
  const json request = {{"contents", json::array({{{"role", "user"}, {"parts", json::array({TextPart("go")})}}})}};
  return backend.Generate({.step_name = "s", .turn = 1, .model = "m", .request = request}, control);
}
ModelAnswer Writes(int turn) {
  return {.turn = turn,
          .text = "I write.",
          .calls = {{.name = "write_file", .args = {{"file_path", "a.txt"}, {"content", "x\n"}}}},
          .tokens = {.prompt = 1000, .output = 90, .thoughts = 10, .cached = 400}};
}

TEST(OpenAiBackend, AnswersAreTheSameAsThroughGeminiStreamedOrNot) {
  const ImitationModel model({Writes(0)});
  const auto gemini = Gemini(model);
  const json wanted = Ask(*gemini).response();
  for (const bool stream : {true, false}) {
    const auto backend = OpenAi(model, stream);
    const ModelOutcome outcome = Ask(*backend);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    json response = outcome.response();
    std::string text;
    for (const json& part : wanted["candidates"][0]["content"]["parts"]) text += part.value("text", "");
    const json& parts = response["candidates"][0]["content"]["parts"];
    EXPECT_EQ(parts[0].at("text"), text);
    EXPECT_EQ(parts[1].at("functionCall").at("args"), Writes(0).calls[0].args);
    EXPECT_EQ(response["candidates"][0]["finishReason"], wanted["candidates"][0]["finishReason"]);
    EXPECT_EQ(ReportedTokens(response)->prompt, 1000);
    EXPECT_EQ(ReportedTokens(response)->output, 90);
    EXPECT_EQ(ReportedTokens(response)->thoughts, 10);
    EXPECT_EQ(ReportedTokens(response)->cached, 400);
  }
  EXPECT_EQ(model.calls(), 3);
}

TEST(OpenAiBackend, EveryFaultMeansTheSameThroughBothProtocols) {
  for (const auto& [fault, error_class] :
       std::vector<std::pair<std::string, std::string>>{{"429", "RATE_LIMIT"},
                                                        {"500", "HTTP_500"},
                                                        {"503", "HTTP_503"},
                                                        {"504", "HTTP_504"},
                                                        {"cut", "CUT_STREAM"},
                                                        {"torn", "CUT_STREAM"},
                                                        {"bad_chunk", "CUT_STREAM"},
                                                        {"error_in_stream", "HTTP_503"}}) {
    const ImitationModel model({{.text = "Some words.", .fault = fault}});
    for (const auto& backend : {Gemini(model), OpenAi(model)}) {
      const ModelOutcome outcome = Ask(*backend);
      ASSERT_FALSE(outcome.ok()) << fault;
      EXPECT_EQ(outcome.error().kind, ModelErrorKind::kRetryable) << fault << ": " << outcome.error().message;
      EXPECT_EQ(outcome.error().error_class, error_class) << fault;
    }
    EXPECT_EQ(model.calls(), 2);
  }
  for (const std::string fault : {"bad_key", "blocked"}) {
    const ImitationModel model({{.fault = fault}});
    EXPECT_EQ(Ask(*OpenAi(model)).error().kind, ModelErrorKind::kPermanent) << fault;
  }
  for (const auto& [fault, reason] :
       std::vector<std::pair<std::string, std::string>>{{"safety", "SAFETY"},
                                                        {"max_tokens", "MAX_TOKENS"},
                                                        {"malformed_call", "MALFORMED_FUNCTION_CALL"},
                                                        {"empty", "STOP"}}) {
    ModelAnswer answer = Writes(0);
    answer.fault = fault;
    const ImitationModel model({answer});
    for (const auto& backend : {Gemini(model), OpenAi(model), OpenAi(model, false)}) {
      const ModelOutcome outcome = Ask(*backend);
      ASSERT_TRUE(outcome.ok()) << fault << ": " << outcome.error().message;
      EXPECT_EQ(outcome.response()["candidates"][0]["finishReason"], reason) << fault;
    }
  }
}

TEST(OpenAiBackend, DelayThatAServiceAsksForIsKept) {
  const ImitationModel model({{.times = 2, .fault = "429", .retry_after_s = 3}, {.fault = "503", .retry_after_s = 2}});
  EXPECT_EQ(Ask(*OpenAi(model)).error().retry_delay, Duration(std::chrono::seconds(3)));
  EXPECT_EQ(Ask(*Gemini(model)).error().retry_delay, Duration(std::chrono::seconds(3)));
  EXPECT_EQ(Ask(*OpenAi(model)).error().retry_delay, Duration(std::chrono::seconds(2))) << "the header Retry-After";
  EXPECT_EQ(Ask(*Gemini(model)).error().retry_delay, Duration(std::chrono::seconds(2)));
}

TEST(OpenAiBackend, SlowStreamIsReadAndASilentOneEndsWithCancelOrItsLimit) {  // AC-1
  const ImitationModel model({{.times = 1, .text = "slow words", .fault = "slow"}, {.fault = "silent"}});
  const auto backend = OpenAi(model);
  EXPECT_TRUE(Ask(*backend).ok());
  const ModelOutcome cancelled = Ask(*backend, {.is_cancelled = [&] { return model.hanging() > 0; }, .progress = {}});
  EXPECT_EQ(cancelled.error().kind, ModelErrorKind::kCancelled);

  const std::string origin = *outbound::OriginOf(model.root_url(), "it");
  const auto impatient = std::make_shared<outbound::HttpClient>(
      std::vector<std::string>{origin}, outbound::HttpLimits{.total_timeout = std::chrono::milliseconds(300)});
  const auto limited = *MakeOpenAiBackend({.base_url = model.openai_url(), .client = impatient});
  const ModelOutcome late = Ask(*limited);
  EXPECT_EQ(late.error().kind, ModelErrorKind::kRetryable);
  EXPECT_EQ(late.error().error_class, "NETWORK") << late.error().message;
}

TEST(OpenAiBackend, KeyIsAHeaderAndNeverTravelsInTheClear) {
  const ImitationModel model({{.text = "x"}});
  const auto keyed =
      MakeOpenAiBackend({.base_url = model.openai_url(), .api_key = "key-1234", .key_variable = "MY_KEY"});
  EXPECT_TRUE(Ask(**keyed).ok());
  EXPECT_TRUE(Ask(*OpenAi(model)).ok());
  EXPECT_THAT(model.served()[0].head, HasSubstr("Authorization: Bearer key-1234"));
  EXPECT_THAT(model.served()[1].head, Not(HasSubstr("Authorization")));

  const auto without = MakeOpenAiBackend({.base_url = model.openai_url(), .key_variable = "MY_KEY"});
  EXPECT_THAT(Ask(**without).error().message, HasSubstr("MY_KEY is not set"));
  EXPECT_EQ(model.calls(), 2) << "without its key it is not called";
  EXPECT_FALSE(MakeOpenAiBackend({.base_url = "http://gpu.example/v1"}).has_value());
  EXPECT_TRUE(MakeOpenAiBackend({.base_url = "http://gpu.example/v1", .plain_http = true}).has_value());
  EXPECT_FALSE(
      MakeOpenAiBackend({.base_url = "http://gpu.example/v1", .api_key = "k", .plain_http = true}).has_value());
}

class OpenAiStep : public AgentTest {
 protected:
  std::pair<AgentReply, std::vector<json>> RunStep(const std::shared_ptr<ModelBackend>& backend,
                                                   const std::string& id) {
    std::vector<json> rows;
    config_.backends["gemini"] = backend;
    config_.record_call = [&rows](const json& row) { rows.push_back(row); };
    std::filesystem::remove_all(Dir());
    std::filesystem::create_directories(Dir());
    AgentRequest request = Request();
    request.model = "gemini-2.5-flash";
    auto result = Run(request, 1, id);
    EXPECT_TRUE(result.has_value()) << result.failure()->message;
    return {result.has_value() ? result.value() : AgentReply(), rows};
  }
};

TEST_F(OpenAiStep, AgentLoopDoesNotKnowTheDifference) {
  const ImitationModel model({Writes(1), {.turn = 2, .text = "Wrote a.txt."}});
  auto [gemini, gemini_rows] = RunStep(Gemini(model), "gemini");
  for (const bool stream : {true, false}) {
    auto [reply, rows] = RunStep(OpenAi(model, stream), stream ? "streamed" : "whole");
    EXPECT_EQ(File("a.txt"), "x\n");
    reply.latency_ms = gemini.latency_ms;
    reply.model_version = gemini.model_version;
    EXPECT_EQ(json(reply), json(gemini));
    ASSERT_EQ(rows.size(), gemini_rows.size());
    EXPECT_EQ(rows.size(), 4u) << "two rows for each of two calls";
    EXPECT_EQ(rows[1]["cost_usd"], gemini_rows[1]["cost_usd"]);
  }
  EXPECT_EQ(model.calls(), 6);
}

TEST_F(OpenAiStep, CutAnswerAndMalformedCallAreRepairedOnceAndEmptyAnswersAreAskedAgain) {
  ModelAnswer malformed = Writes(1);
  malformed.fault = "malformed_call";
  malformed.times = 1;
  const ImitationModel model({malformed, {.times = 1, .fault = "empty"}, Writes(1), {.turn = 2, .text = "Done."}});
  const auto [reply, rows] = RunStep(OpenAi(model), "1");
  EXPECT_EQ(reply.nudges, 1);
  EXPECT_EQ(reply.turns, 4);
  EXPECT_EQ(model.calls(), 4);
  EXPECT_THAT(model.served()[1].body, HasSubstr("MALFORMED_FUNCTION_CALL"));
}

}  // namespace
}  // namespace wfe::agent
