// The Gemini HTTP backend against an imitation of the API on this machine (AC-2, AB-6).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "activities/agent/backends/api_errors.h"
#include "activities/agent/backends/http_backend.h"
#include "activities/agent/backends/sse_parser.h"
#include "tests/activities/agent/agent_test_support.h"
#include "tests/support/imitation/imitation_server.h"

namespace wfe::agent {
namespace {

using imitation::ImitationServer;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Sample(const std::string& name) {
  return ReadAll(std::string(WFE_SOURCE_DIR) + "/tests/testdata/gemini/" + name);
}

ModelOutcome CallServer(const ImitationServer& server, const CallControl& control = {}) {
  const auto backend = MakeHttpBackend({.base_url = server.url(), .api_key = "test-key-123456"});
  const json request = {{"contents", json::array()}};
  return (*backend)->Generate({.step_name = "s", .turn = 1, .model = "gemini-2.5-flash", .request = request}, control);
}

std::string ErrorBody(const char* name) { return json::parse(Sample("gemini-errors.json")).at(name).dump(); }

TEST(GeminiHttp, StreamBecomesOneResponseWithPartsVerbatim) {
  const ImitationServer server({{.pieces = {Sample("gemini-sse-functioncall.txt")}}});
  const ModelOutcome outcome = CallServer(server);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  const json& response = outcome.response();
  const json& parts = response.at("candidates").at(0).at("content").at("parts");
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[1].at("thoughtSignature"), "c2lnbmF0dXJl");
  EXPECT_EQ(response.at("candidates").at(0).at("finishReason"), "STOP");
  EXPECT_EQ(response.at("usageMetadata").at("candidatesTokenCount"), 42)
      << "the last usageMetadata counts, not the sum";

  const ImitationServer::Request request = server.requests().at(0);
  EXPECT_THAT(request.head, HasSubstr("POST /v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse "));
  EXPECT_THAT(request.head, HasSubstr("x-goog-api-key: test-key-123456"));
  EXPECT_THAT(request.head.substr(0, request.head.find('\n')), Not(HasSubstr("test-key"))) << "never in the URL";
}

TEST(GeminiHttp, StreamWithPlainNewlinesInOddPiecesIsTheSame) {
  std::string text = Sample("gemini-sse-functioncall.txt");
  ASSERT_NE(text.find("\r\n"), std::string::npos) << "the sample has CRLF";
  std::erase(text, '\r');
  std::vector<std::string> pieces;
  for (size_t at = 0; at < text.size(); at += 97) pieces.push_back(text.substr(at, 97));
  const ImitationServer server({{.pieces = pieces}});
  const ModelOutcome outcome = CallServer(server);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome.response().at("candidates").at(0).at("content").at("parts").size(), 2u);
}

TEST(GeminiHttp, SseParserTakesOneByteAtATime) {
  std::vector<std::string> events;
  SseParser parser([&](std::string data) { events.push_back(std::move(data)); });
  for (const char c : std::string(": hi\r\ndata: a\r\ndata:b\r\n\r\nevent: x\n\ndata: last")) parser.Feed({&c, 1});
  parser.Finish();
  EXPECT_THAT(events, ElementsAre("a\nb", "last"));
}

TEST(GeminiHttp, RateLimitIsRetriedAfterTheServersDelay) {
  const ImitationServer server({{.status = "429 Too Many Requests",
                                 .content_type = "application/json",
                                 .pieces = {ErrorBody("429_per_minute")}}});
  const ModelOutcome outcome = CallServer(server);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().kind, ModelErrorKind::kRetryable);
  EXPECT_EQ(outcome.error().retry_delay, Duration(45'837'906'927));
}

TEST(GeminiHttp, DailyQuotaIsRetriedNotBeforeItsResetAndSaysWhenThatIs) {
  const ImitationServer server(
      {{.status = "429 Too Many Requests", .content_type = "application/json", .pieces = {ErrorBody("429_per_day")}}});
  const ModelOutcome outcome = CallServer(server);
  EXPECT_EQ(outcome.error().kind, ModelErrorKind::kRetryable);
  EXPECT_TRUE(outcome.error().daily_quota);
  EXPECT_FALSE(outcome.error().retry_delay.has_value());
  EXPECT_THAT(outcome.error().message, HasSubstr("midnight Pacific"));
}

TEST(GeminiHttp, ServerErrorsAreRetriedAndRefusalsAreNot) {
  for (const auto& [status, kind] :
       std::vector<std::pair<const char*, ModelErrorKind>>{{"500", ModelErrorKind::kRetryable},
                                                           {"503", ModelErrorKind::kRetryable},
                                                           {"504", ModelErrorKind::kRetryable},
                                                           {"403", ModelErrorKind::kPermanent},
                                                           {"404", ModelErrorKind::kPermanent}}) {
    EXPECT_EQ(ClassifyApiError(std::atoi(status), ErrorBody(status)).kind, kind) << status;
  }
  EXPECT_THAT(ClassifyApiError(400, ErrorBody("400_bad_key")).message, HasSubstr("API_KEY_INVALID"));
  EXPECT_EQ(ClassifyApiError(400, ErrorBody("400_bad_key")).kind, ModelErrorKind::kPermanent);
  EXPECT_EQ(ClassifyApiError(503, "<html>").kind, ModelErrorKind::kRetryable) << "no JSON: the status decides";
}

TEST(GeminiHttp, CutStreamIsRetryable) {
  const std::string whole = Sample("gemini-sse-functioncall.txt");
  const ImitationServer server({{.pieces = {whole.substr(0, whole.find("\n\n") + 2)}},
                                {.pieces = {whole.substr(0, whole.size() / 2)}, .cut = true}});
  for (int i = 0; i < 2; ++i) {
    const ModelOutcome outcome = CallServer(server);
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().kind, ModelErrorKind::kRetryable) << outcome.error().message;
  }
}

TEST(GeminiHttp, NobodyListeningIsRetryable) {
  const auto backend = MakeHttpBackend({.base_url = "http://127.0.0.1:1", .api_key = "k"});
  const json request = json::object();
  const ModelOutcome outcome =
      (*backend)->Generate({.step_name = "s", .turn = 1, .model = "m", .request = request}, {});
  EXPECT_EQ(outcome.error().kind, ModelErrorKind::kRetryable);
}

TEST(GeminiHttp, CancellationEndsAnOpenStream) {  // AC-1, AB-7
  const ImitationServer server({{.pieces = {"data: {}\n\n"}, .hang = true}});
  const ModelOutcome outcome = CallServer(server, {.is_cancelled = [&] { return server.hanging(); }, .progress = {}});
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().kind, ModelErrorKind::kCancelled);
}

TEST(GeminiHttp, KeyIsOnlySentOverHttpsOrToThisMachine) {
  EXPECT_TRUE(MakeHttpBackend({.base_url = "https://example.com/v1beta", .api_key = "k"}).has_value());
  EXPECT_TRUE(MakeHttpBackend({.base_url = "http://localhost:8080", .api_key = "k"}).has_value());
  for (const char* url : {"http://example.com", "http://127.0.0.1.example.com", "http://localhost@example.com",
                          "ftp://localhost", "https://user:pw@example.com", "nonsense://", ""}) {
    EXPECT_FALSE(MakeHttpBackend({.base_url = url, .api_key = "k"}).has_value()) << url;
  }
}

TEST(GeminiHttp, MissingKeyAndOddModelNamesFailWithoutACall) {
  const ImitationServer server({});
  const json request = json::object();
  const auto no_key = MakeHttpBackend({.base_url = server.url(), .api_key = ""});
  EXPECT_THAT((*no_key)->Generate({.step_name = "s", .turn = 1, .model = "m", .request = request}, {}).error().message,
              HasSubstr("GEMINI_API_KEY"));
  const auto backend = MakeHttpBackend({.base_url = server.url(), .api_key = "k"});
  for (const char* model : {"", "../x", "m?key=1", "m:other"}) {
    const ModelOutcome outcome =
        (*backend)->Generate({.step_name = "s", .turn = 1, .model = model, .request = request}, {});
    EXPECT_EQ(outcome.error().kind, ModelErrorKind::kPermanent) << model;
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST(GeminiHttp, DurationsHaveUpToNineDigits) {
  EXPECT_EQ(ParseProtoDuration("7s"), std::chrono::seconds(7));
  EXPECT_EQ(ParseProtoDuration("0.5s"), std::chrono::milliseconds(500));
  for (const char* text : {"", "s", "7", "-1s", "1.1234567890s", "1e3s", "99999999999s"}) {
    EXPECT_EQ(ParseProtoDuration(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace wfe::agent
