// HTTP leaves by one way: named origins only, within limits, counted (AC-12, AC-1).
#include "activities/outbound/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/imitation/imitation_server.h"

namespace wfe::outbound {
namespace {

using imitation::ImitationServer;
using ::testing::HasSubstr;
using ::testing::Not;

std::string OriginOfServer(const ImitationServer& server) { return *OriginOf(server.url(), "it"); }
HttpAnswer Post(const HttpClient& client, const std::string& url, std::string* body = nullptr,
                const HttpWatch& watch = {}) {
  return client.Post(
      {.url = url, .headers = {"X-Key: secret-key"}, .body = "{}"},
      [body](const HttpAnswer&, std::string_view bytes) {
        if (body != nullptr) *body += bytes;
      },
      watch);
}

TEST(HttpClientTest, OnlyNamedOriginsAreCalledAndNothingIsSentToOthers) {
  const ImitationServer named({{.pieces = {"hello"}}});
  const ImitationServer other({{.pieces = {"hello"}}});
  MetricsRegistry metrics;
  const HttpClient client({OriginOfServer(named)}, {}, metrics);
  std::string body;
  EXPECT_EQ(Post(client, named.url(), &body).end, HttpEnd::kWhole);
  EXPECT_EQ(body, "hello");
  const HttpAnswer refused = Post(client, other.url());
  EXPECT_EQ(refused.end, HttpEnd::kRefused);
  EXPECT_THAT(refused.why, HasSubstr(OriginOfServer(other) + " is no address that the configuration names"));
  EXPECT_TRUE(other.requests().empty());
  for (const char* odd : {"", "nonsense", "ftp://127.0.0.1/", "file:///etc/passwd"}) {
    EXPECT_EQ(Post(client, odd).end, HttpEnd::kRefused) << odd;
  }
  EXPECT_THAT(metrics.Text(),
              HasSubstr("wfe_outbound_calls_total{origin=\"" + OriginOfServer(named) + "\",end=\"200\"} 1"));
  EXPECT_THAT(metrics.Text(), HasSubstr("wfe_outbound_calls_total{origin=\"other\",end=\"refused\"} 5"));
  EXPECT_THAT(metrics.Text(),
              HasSubstr("wfe_outbound_received_bytes_total{origin=\"" + OriginOfServer(named) + "\"} 5"));
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("secret-key")));
}

TEST(HttpClientTest, RedirectIsAnAnswerAndIsNotFollowed) {
  const ImitationServer other({{.pieces = {"never"}}});
  const ImitationServer server(
      {{.status = "302 Found", .pieces = {"moved"}, .headers = {"Location: " + other.url(), "Retry-After: 4"}}});
  const HttpClient client({OriginOfServer(server), OriginOfServer(other)});
  const HttpAnswer answer = Post(client, server.url());
  EXPECT_EQ(answer.end, HttpEnd::kWhole);
  EXPECT_EQ(answer.status, 302);
  EXPECT_EQ(answer.error_body, "moved");
  EXPECT_EQ(answer.retry_after, Duration(std::chrono::seconds(4)));
  EXPECT_TRUE(other.requests().empty());
}

TEST(HttpClientTest, LimitsOfTimeAndSizeEndARequest) {
  const ImitationServer server({{.pieces = {"begin"}, .hang = true},
                                {.pieces = {std::string(5000, 'x')}},
                                {.status = "500 Error", .pieces = {std::string(200'000, 'x')}},
                                {.pieces = {"half"}, .cut = true},
                                {.pieces = {"begin"}, .hang = true}});
  const HttpClient quick({OriginOfServer(server)}, {.total_timeout = std::chrono::milliseconds(300)});
  EXPECT_EQ(Post(quick, server.url()).end, HttpEnd::kTooSlow);
  const HttpClient small({OriginOfServer(server)}, {.max_answer_bytes = 4000});
  EXPECT_EQ(Post(small, server.url()).end, HttpEnd::kTooLarge);
  const HttpClient client({OriginOfServer(server)});
  EXPECT_LE(Post(client, server.url()).error_body.size(), size_t{64} << 10);
  EXPECT_EQ(Post(client, server.url()).end, HttpEnd::kCut);
  int64_t told = 0;
  const HttpAnswer cancelled =
      Post(client, server.url(), nullptr,
           {.is_cancelled = [&] { return told > 0; }, .progress = [&](int64_t n) { told = n; }});
  EXPECT_EQ(cancelled.end, HttpEnd::kCancelled);
  const HttpClient nobody({"http://127.0.0.1:1"});
  EXPECT_EQ(Post(nobody, "http://127.0.0.1:1/x").end, HttpEnd::kUnreachable);
}

TEST(HttpClientTest, OriginIsSchemeHostAndPort) {
  EXPECT_EQ(*OriginOf("https://Example.COM/path?q", "it"), "https://example.com:443");
  EXPECT_EQ(*OriginOf("http://[::1]:8080", "it"), "http://[::1]:8080");
  for (const char* url : {"https://user:pw@example.com", "ftp://localhost", "nonsense://", ""}) {
    EXPECT_FALSE(OriginOf(url, "it").has_value()) << url;
  }
  EXPECT_TRUE(SafeOriginOf("http://localhost:80", "it").has_value());
  EXPECT_TRUE(SafeOriginOf("http://example.com", "it", true).has_value());
  for (const char* url : {"http://example.com", "http://127.0.0.1.example.com", "http://localhost@example.com"}) {
    EXPECT_FALSE(SafeOriginOf(url, "it").has_value()) << url;
  }
}

}  // namespace
}  // namespace wfe::outbound
