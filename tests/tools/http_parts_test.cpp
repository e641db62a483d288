// The parts of the HTTP listener that need no socket (HT-1, HT-3).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tools/http/host_check.h"
#include "tools/http/openapi.h"
#include "tools/http/router.h"
#include "tools/http/target.h"

namespace wfe::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Target, IsDecodedSegmentBySegment) {
  const auto target = ParseTarget("/api/runs/a%2Fb%20c?limit=5&type=A+B%26C&empty");
  ASSERT_TRUE(target.has_value());
  EXPECT_THAT(target->segments, ElementsAre("api", "runs", "a/b c"));
  EXPECT_THAT(target->query, ElementsAre(Pair("empty", ""), Pair("limit", "5"), Pair("type", "A B&C")));
  EXPECT_THAT(ParseTarget("/")->segments, IsEmpty());
  EXPECT_THAT(ParseTarget("/runs/")->segments, ElementsAre("runs", ""));
}

TEST(Target, OfTheAbsoluteFormNamesItsHost) {
  const auto target = ParseTarget("http://evil.example:80/health?x=1");
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->authority, "evil.example:80");
  EXPECT_THAT(target->segments, ElementsAre("health"));
  EXPECT_EQ(ParseTarget("http://localhost")->path, "/");
}

TEST(Target, ThatIsNoneIsRefusedInOneSentence) {
  for (const char* wrong :
       {"", "*", "health", "/a%", "/a%2", "/a%zz", "/a%ff", "/%c0%af", "/../etc/passwd", "/a/%2e%2e/b", "/./a",
        "/a?x=1&x=2", "/a#b", "http://", "ftp://x/", "/a?b=%80"}) {
    const auto target = ParseTarget(wrong);
    EXPECT_FALSE(target.has_value()) << wrong;
  }
}

TEST(Target, AnythingEncodedIsReadBackTheSame) {
  std::string every;
  for (char32_t c = 0x20; c < 0x7f; ++c) every += static_cast<char>(c);
  every += "äß\xe2\x82\xac";
  EXPECT_EQ(*PercentDecode(PercentEncode(every), false), every);
  EXPECT_EQ(*PercentDecode(PercentEncode(every), true), every);
}

TEST(HostCheck, KnowsOwnNamesAndAddressesButNoOthers) {  // DNS rebinding
  const HostCheck check("127.0.0.1:8233", {"Wfe.Example"});
  for (const char* ours : {"localhost", "LOCALHOST:8233", "127.0.0.1", "127.0.0.1:80", "[::1]:8233", "10.0.0.7:1",
                           "wfe.example", "wfe.example.:443"}) {
    EXPECT_TRUE(check.Allows(ours)) << ours;
  }
  for (const char* other :
       {"", "evil.example", "localhost.evil.example", "evil.example:8233", "127.0.0.1.evil.example", "localhost:x",
        "localhost:123456", "[::1", "127.1.evil", "localhost@evil.example", "0x7f.1"}) {
    EXPECT_FALSE(check.Allows(other)) << other;
  }
}

Router MakeRouter(const std::string& token) {
  Router router(token);
  Operation show{.method = "GET", .path = "/api/things/{name}", .id = "getThing", .summary = "A thing"};
  show.parameters = {
      {.name = "name", .description = "Its name", .schema = {{"type", "string"}, {"maxLength", 5}}, .in_path = true},
      {.name = "limit", .description = "", .schema = {{"type", "integer"}, {"minimum", 1}, {"maximum", 9}}},
      {.name = "kind", .description = "", .schema = {{"type", "string"}, {"enum", {"a", "b"}}}},
      {.name = "since", .description = "", .schema = {{"type", "string"}, {"format", "date"}}}};
  show.answer = {{"type", "object"}};
  show.handle = [](const Request& request) {
    if (request.values.at("name") == "throw") throw std::runtime_error("a secret");
    return Response{.body = request.values.at("name"), .headers = {}};
  };
  router.Add(show);
  Operation change{.method = "POST", .path = "/api/things/{name}", .id = "changeThing", .summary = "Change it"};
  change.parameters = {show.parameters[0]};
  change.body = {
      {"type", "object"},
      {"required", {"to"}},
      {"properties", {{"to", {{"type", "string"}, {"minLength", 1}, {"maxLength", 3}}}, {"input", {{"default", 1}}}}}};
  change.success = 202;
  change.needs_token = true;
  change.handle = [](const Request& request) {
    return Response{.status = 202, .body = BodyOf(request).dump(), .headers = {}};
  };
  router.Add(change);
  return router;
}

Request Of(const std::string& method, const std::string& target, const std::string& body = "") {
  const auto parsed = ParseTarget(target);
  Request request{.method = method, .path = parsed->path, .segments = parsed->segments, .query = parsed->query};
  request.content_type = "application/json; charset=utf-8";
  request.body = body;
  return request;
}

TEST(Router, AnswersWhatIsDeclaredAndNamesWhatIsNot) {
  const Router router = MakeRouter("");
  EXPECT_EQ(router.Handle(Of("GET", "/api/things/a%2Fb?limit=9&kind=b&since=2026-01-31")).body, "a/b");
  const auto says = [&](const std::string& target, int status, const std::string& text) {
    const Response response = router.Handle(Of("GET", target));
    EXPECT_EQ(response.status, status) << target;
    EXPECT_THAT(response.body, HasSubstr(text)) << target;
    EXPECT_TRUE(nlohmann::json::accept(response.body));
  };
  says("/api/things/x?limit=0", 400, "limit must be from 1 to 9");
  says("/api/things/x?limit=3x", 400, "limit must be a whole number");
  says("/api/things/x?limit=99999999999999999999", 400, "whole number");
  says("/api/things/x?kind=c", 400, "kind must be one of");
  says("/api/things/x?since=yesterday", 400, "a day like 2026-11-21");
  says("/api/things/x?other=1", 400, "other is no parameter");
  says("/api/things/toolong", 400, "at most 5 characters");
  says("/api/things/", 404, "there is no /api/things/");
  says("/api/things/x/y", 404, "/api/openapi.json");
  says("/api/things/throw", 500, "could not be made");
  EXPECT_THAT(router.Handle(Of("GET", "/api/things/throw")).body, Not(HasSubstr("secret")));
  const Response wrong_method = router.Handle(Of("DELETE", "/api/things/x"));
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_THAT(wrong_method.headers, ElementsAre(Pair("Allow", "GET, HEAD, POST")));
}

TEST(Router, ChangesNothingWithoutTheToken) {  // HT-3
  Request request = Of("POST", "/api/things/x", R"({"to":"y"})");
  request.authorization = "Bearer anything";
  EXPECT_EQ(MakeRouter("").Handle(request).status, 403);
  const Router router = MakeRouter("sesame");
  for (const char* wrong :
       {"", "sesame", "Bearer", "Bearer ", "Bearer sesam", "Bearersesame", "Basic sesame"}) {
    request.authorization = wrong;
    const Response refused = router.Handle(request);
    EXPECT_EQ(refused.status, 401) << wrong;
    EXPECT_THAT(refused.headers, ElementsAre(Pair("WWW-Authenticate", "Bearer")));
  }
  for (const char* in_any_case : {"bearer sesame", "BEARER  sesame "}) {
    request.authorization = in_any_case;
    EXPECT_LT(router.Handle(request).status, 300) << in_any_case;
  }
  request.authorization = "Bearer sesame";
  EXPECT_EQ(router.Handle(request).status, 202);
}

TEST(Router, RefusesABodyThatIsNotAsDeclared) {
  const Router router = MakeRouter("sesame");
  const auto status = [&](const std::string& body, const std::string& type = "application/json") {
    Request request = Of("POST", "/api/things/x", body);
    request.authorization = "Bearer sesame";
    request.content_type = type;
    return router.Handle(request).status;
  };
  EXPECT_EQ(status(R"({"to":"y","input":{"any":[1]}})"), 202);
  for (const char* wrong : {"", "[]", "7", "{", R"({"to":7})", R"({"to":""})", R"({"to":"long"})", R"({"input":1})",
                            R"({"to":"y","more":1})", "{\"to\":\"\xff\"}"}) {
    EXPECT_EQ(status(wrong), 400) << wrong;
  }
  EXPECT_EQ(status(std::string(100'000, '[')), 400);
  EXPECT_EQ(status(R"({"to":"y"})", "text/plain"), 415);
}

TEST(OpenApi, DescribesEveryOperationWithItsErrors) {
  const nlohmann::json document = OpenApiDocument(MakeRouter("sesame"), "t", "1", {{"Thing", {{"type", "object"}}}});
  const nlohmann::json& paths = document["paths"]["/api/things/{name}"];
  EXPECT_EQ(paths["get"]["operationId"], "getThing");
  EXPECT_EQ(paths["get"]["parameters"].size(), 4u);
  EXPECT_TRUE(paths["post"]["responses"].contains("401"));
  EXPECT_TRUE(paths["post"]["responses"].contains("202"));
  EXPECT_FALSE(paths["get"]["responses"].contains("401"));
  EXPECT_TRUE(document["components"]["schemas"].contains("Thing"));
  EXPECT_TRUE(document["components"]["schemas"].contains("Error"));
}

TEST(OpenApi, OfAServerWithoutATokenPromisesNoChange) {
  const nlohmann::json document = OpenApiDocument(MakeRouter(""), "t", "1", {{"Thing", {{"type", "object"}}}});
  const nlohmann::json& post = document["paths"]["/api/things/{name}"]["post"];
  EXPECT_TRUE(post["responses"].contains("403"));
  EXPECT_FALSE(post["responses"].contains("202"));
  EXPECT_FALSE(post["responses"].contains("401"));
  EXPECT_FALSE(post.contains("security"));
  EXPECT_FALSE(document["components"].contains("securitySchemes"));
}

}  // namespace
}  // namespace wfe::http
