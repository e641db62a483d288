// The listener before clients that behave and clients that do not (HT-1, HT-3, SEC-H2).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "tests/support/http_talk.h"
#include "tools/http/server.h"

namespace wfe::http {
namespace {

using test::AskHttp;
using test::GetHttp;
using test::HttpTalk;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

/// Says what it was asked.
Response Echo(const Request& request) {
  return {
      .content_type = "text/plain", .body = request.method + " " + request.path + " " + request.body, .headers = {}};
}

class Listener : public ::testing::Test {
 protected:
  void Start(Handler handler = &Echo) {
    options_.listen = "127.0.0.1:0";
    options_.metrics = &metrics_;
    auto server = Server::Start(options_, std::move(handler));
    ASSERT_TRUE(server.has_value()) << server.error().message;
    server_ = *std::move(server);
  }
  const std::string& address() const { return server_->address(); }
  int StatusOf(const std::string& request) { return AskHttp(address(), request).status; }

  ServerOptions options_;
  MetricsRegistry metrics_;
  std::unique_ptr<Server> server_;
};

TEST_F(Listener, AnswersAndSaysThatNothingIsToBeKeptFramedOrFetched) {
  Start();
  const auto answer = GetHttp(address(), "/a/b");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "GET /a/b ");
  EXPECT_EQ(answer.headers.at("cache-control"), "no-store");
  EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
  EXPECT_THAT(answer.headers.at("content-security-policy"), HasSubstr("frame-ancestors 'none'"));
  EXPECT_EQ(answer.headers.count("access-control-allow-origin"), 0u);
  EXPECT_THAT(answer.headers.at("date"), HasSubstr("GMT"));
}

TEST_F(Listener, AnswersAHeadLikeAGetWithoutItsBody) {
  Start();
  HttpTalk talk(address());
  talk.Send("HEAD /a HTTP/1.1\r\nHost: localhost\r\n\r\nGET /b HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto head = talk.Read(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), "7");
  EXPECT_EQ(talk.Read().body, "GET /b ");
}

TEST_F(Listener, AnswersRequestsThatComeAtOnceInTheirOrder) {  // pipelining
  Start();
  HttpTalk talk(address());
  std::string all;
  for (int i = 0; i < 50; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  talk.Send(all);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(talk.Read().body, "GET /" + std::to_string(i) + " ");
}

TEST_F(Listener, SpeaksTheOldVersionAndNoNewerOne) {
  Start();
  HttpTalk talk(address());
  talk.Send("GET /old HTTP/1.0\r\n\r\n");
  EXPECT_EQ(talk.Read().body, "GET /old ");
  EXPECT_TRUE(talk.Ends());
  EXPECT_EQ(StatusOf("GET /old HTTP/1.0\r\nHost: evil.example\r\n\r\n"), 421);
  EXPECT_EQ(StatusOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
}

TEST_F(Listener, RefusesAHostThatIsNotItsOwn) {  // DNS rebinding
  options_.hosts = {"wfe.example"};
  Start();
  const auto ask = [this](const std::string& host) { return StatusOf("GET / HTTP/1.1\r\n" + host + "\r\n\r\n"); };
  EXPECT_EQ(ask("Host: localhost:1"), 200);
  EXPECT_EQ(ask("Host: wfe.example"), 200);
  EXPECT_EQ(ask("Host: evil.example"), 421);
  EXPECT_EQ(ask("Host: localhost\r\nHost: evil.example"), 400);
  EXPECT_EQ(ask("X: y"), 400);
  EXPECT_EQ(StatusOf("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n"), 421);
  EXPECT_EQ(StatusOf("GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421);
  EXPECT_EQ(StatusOf("GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
}

TEST_F(Listener, RefusesWhatIsNoRequestInOneSentence) {
  Start();
  const auto wrong = [this](const std::string& request, int status) {
    const auto answer = AskHttp(address(), request);
    EXPECT_EQ(answer.status, status) << request.substr(0, 60);
    EXPECT_THAT(answer.body, HasSubstr("\"detail\":")) << request.substr(0, 60);
  };
  wrong("nonsense\r\n\r\n", 400);
  wrong("GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
  wrong("GET /%2e%2e/%2e%2e/etc HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
  wrong("GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
  wrong("GET / HTTP/1.1\r\nHost: localhost\r\nBad Header\r\n\r\n", 400);
  wrong("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414);
  wrong("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414);
  wrong("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n", 431);
  wrong("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
  wrong("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400);
  wrong("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400);
  wrong("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400);
}

TEST_F(Listener, TakesBodiesUpToItsLimitAndReadsThoseThatComeInPieces) {
  options_.max_body_bytes = 1000;
  Start();
  const std::string post = "POST /p HTTP/1.1\r\nHost: localhost\r\n";
  EXPECT_EQ(AskHttp(address(), post + "Content-Length: 5\r\n\r\nhello").body, "POST /p hello");
  EXPECT_EQ(AskHttp(address(), post + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n").body,
            "POST /p hello");
  EXPECT_EQ(StatusOf(post + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'a')), 413);
  EXPECT_EQ(StatusOf(post + "Content-Length: 99999999999999999999\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf(post + "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'a') + "\r\n0\r\n\r\n"),
            413);
  HttpTalk talk(address());
  talk.Send(post + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(talk.Read().status, 100);
  talk.Send("hello");
  EXPECT_EQ(talk.Read().body, "POST /p hello");
}

TEST_F(Listener, EndsAnEarlyGoodbyeQuietly) {
  Start();
  for (const char* part : {"", "GET", "GET / HTTP/1.1\r\nHost: loc",
                           "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhal"}) {
    HttpTalk talk(address());
    talk.Send(part);
    talk.CloseWriting();
    EXPECT_TRUE(talk.Ends()) << part;
  }
  EXPECT_EQ(GetHttp(address(), "/").status, 200);
}

TEST_F(Listener, GivesARequestOnlySoLongToArrive) {  // slow loris
  options_.request_timeout = 200ms;
  options_.idle_timeout = 200ms;
  Start();
  HttpTalk slow(address());
  slow.Send("GET / HTTP/1.1\r\nHost: local");
  EXPECT_EQ(slow.Read().status, 408);
  EXPECT_TRUE(slow.Ends());
  HttpTalk body(address());
  body.Send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhello");
  EXPECT_EQ(body.Read().status, 408);
  HttpTalk silent(address());
  EXPECT_TRUE(silent.Ends());
  HttpTalk idle(address());
  idle.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(idle.Read().status, 200);
  EXPECT_TRUE(idle.Ends());
}

TEST_F(Listener, TenThousandSlowClientsKeepNobodyOut) {
  rlimit files{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const size_t clients = std::min<size_t>(10'000, files.rlim_cur > 3000 ? files.rlim_cur - 2000 : 500);
  options_.max_connections = 64;
  options_.request_timeout = 60s;
  Start();
  std::vector<std::unique_ptr<HttpTalk>> slow;
  for (size_t i = 0; i < clients; ++i) {
    slow.push_back(std::make_unique<HttpTalk>(address()));
    slow.back()->Send("GET / HTTP/1.1\r\nX-Slow: ");
  }
  // Whoever asks is let in as soon as a silent one has been silent for a moment; until then 503 says when to come back.
  int status = 0;
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (status != 200 && std::chrono::steady_clock::now() < until) {
    const auto answer = GetHttp(address(), "/in");
    status = answer.status;
    EXPECT_TRUE(status != 503 || answer.headers.at("retry-after") == "1");
  }
  EXPECT_EQ(status, 200);
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("wfe_http_refused_total"));
}

TEST_F(Listener, RefusesMoreRequestsThanMayWait) {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int inside = 0;
  options_.handler_threads = 1;
  options_.max_waiting = 1;
  Start([&](const Request& request) {
    std::unique_lock lock(mutex);
    ++inside;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
    return Echo(request);
  });
  const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  HttpTalk first(address());
  first.Send(request);
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return inside == 1; });
  }
  HttpTalk second(address());
  HttpTalk third(address());
  second.Send(request);
  third.Send(request);
  // One of the two waits; the other is told so.
  while (!second.HasAnswer(10) && !third.HasAnswer(10)) continue;
  EXPECT_EQ((second.HasAnswer(0) ? second : third).Read().status, 503);
  {
    const std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
  EXPECT_EQ(first.Read().status, 200);
}

TEST_F(Listener, SaysThatItsAddressIsTakenOrNotAllowed) {
  Start();
  ServerOptions again;
  again.listen = address();
  const auto taken = Server::Start(again, &Echo);
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code, StatusCode::kUnavailable);
  EXPECT_THAT(taken.error().message, HasSubstr(address()));
  for (const char* wrong : {"0.0.0.0:0", "[::]:0", "unix:/tmp/x", "nonsense", "127.0.0.1:99999"}) {
    again.listen = wrong;
    const auto refused = Server::Start(again, &Echo);
    ASSERT_FALSE(refused.has_value()) << wrong;
    EXPECT_EQ(refused.error().code, StatusCode::kInvalidArgument) << wrong;
  }
}

TEST_F(Listener, StopsWithConnectionsAndRequestsUnderWay) {
  Start();
  HttpTalk idle(address());
  HttpTalk half(address());
  half.Send("GET / HT");
  HttpTalk kept(address());
  kept.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(kept.Read().status, 200);
  server_.reset();
  EXPECT_TRUE(idle.Ends());
  EXPECT_TRUE(half.Ends());
  EXPECT_TRUE(kept.Ends());
}

}  // namespace
}  // namespace wfe::http
