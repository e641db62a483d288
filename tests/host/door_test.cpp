// The server's door: how many come in, who is thrown out, and that it never stays shut (SEC-H2, SEC-M1).
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <thread>

#include "engine/host/answer_budget.h"
#include "engine/host/grpc_server.h"
#include "engine/local/host_clock.h"
#include "engine/host/listener.h"
#include "engine/local/file_limit.h"
#include "tests/host/http2_caller.h"
#include "workers/client/blocking_call.h"
#include "workers/client/grpc_client.h"

namespace wfe::host {
namespace {

namespace ws = temporal::api::workflowservice::v1;
using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr size_t kAnswerBytes = 1 << 20;

/// Answers everything with a version, lists of namespaces with a lot more.
class Answers final : public frontend::Dispatcher {
 public:
  void Dispatch(std::string_view, std::string_view method, std::string_view,
                std::shared_ptr<frontend::ServerCall> call) override {
    ws::GetSystemInfoResponse response;
    response.set_server_version(method == "ListNamespaces" ? std::string(kAnswerBytes, 'x') : "small");
    call->Reply(response.SerializeAsString());
  }
};

/// Waits for something that other threads bring about.
bool Becomes(const std::function<bool()>& condition) {
  for (int i = 0; i < 3000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
  return condition();
}

class Door : public testing::Test {
 protected:
  void Open(const std::function<void(GrpcServerOptions&)>& change) {
    GrpcServerOptions options;
    options.listen = "127.0.0.1:0";
    options.monotonic = &clock_;
    options.services = {std::string(client::kWorkflowService)};
    change(options);
    server_ = GrpcServer::Start(options, dispatcher_).value();
  }
  Result<ws::GetSystemInfoResponse> Ask() {
    const auto client = client::NewGrpcClient({.address = server_->address(), .ns = "default", .api_key = {}});
    return client::BlockingCall<ws::GetSystemInfoResponse>(*client, client::kWorkflowService, "GetSystemInfo",
                                                           ws::GetSystemInfoRequest(), 20s);
  }

  const SteadyClock clock_;
  Answers dispatcher_;
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(Door, ClosesConnectionsBeyondItsLimitAndOpensAgainWhenTheyAreGone) {  // SEC-H2
  Open([](GrpcServerOptions& options) { options.max_connections = 5; });
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 8; ++i) {
    idle.push_back(ConnectTo(server_->address()));
    EXPECT_TRUE(idle.back().open());
  }
  EXPECT_TRUE(Becomes([&] { return server_->refused_connections() == 3; }));
  idle.clear();
  // The server hears of it a moment later; a caller that is sooner is refused and comes again.
  EXPECT_TRUE(Becomes([&] { return Ask().has_value(); }));
}

TEST_F(Door, GoesOnAcceptingAfterTheDescriptorsRanOut) {  // SEC-H2: gRPC's own listener never does again
  Open([](GrpcServerOptions&) {});
  ASSERT_TRUE(Ask());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const UniqueFd next(::dup(0));
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(next.get()) + 40;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<UniqueFd> idle;
  // Both ends are this process's, so the descriptors run out at about half, on either side.
  for (int i = 0; i < 100; ++i) idle.push_back(ConnectTo(server_->address()));
  EXPECT_FALSE(idle.back().open());
  idle.clear();
  // The server closes its ends a moment later, and until then the caller finds no descriptor either.
  const bool answered = Becomes([&] { return Ask().has_value(); });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(answered);
}

TEST_F(Door, AThousandConnectionsComeAndGo) {  // SEC-H2
  ASSERT_TRUE(local::RaiseFileLimit());
  Open([](GrpcServerOptions& options) { options.max_connections = 200; });
  for (int round = 0; round < 5; ++round) {
    std::vector<UniqueFd> idle;
    for (int i = 0; i < 300; ++i) idle.push_back(ConnectTo(server_->address()));
  }
  EXPECT_TRUE(Becomes([&] { return Ask().has_value(); }));
}

TEST_F(Door, CallersThatNeverReadHoldBoundedMemoryAndAreEnded) {  // F17, SEC-M1
  Open([](GrpcServerOptions& options) {
    options.max_unread_answer_bytes = 4 * static_cast<int64_t>(kAnswerBytes) + 1000;
    options.answer_patience = 300ms;
  });
  SilentCaller caller(server_->address());
  for (int i = 0; i < 20; ++i) caller.Call("/temporal.api.workflowservice.v1.WorkflowService/ListNamespaces");
  EXPECT_TRUE(Becomes([&] { return server_->unread_answer_bytes() >= static_cast<int64_t>(kAnswerBytes); }));
  EXPECT_LE(server_->unread_answer_bytes(), 4 * static_cast<int64_t>(kAnswerBytes) + 1000);
  EXPECT_TRUE(Becomes([&] { return server_->unread_answer_bytes() == 0; }));
  EXPECT_TRUE(Ask());
}

TEST_F(Door, ListensOnAPathAndLeavesItClean) {
  const std::string path = testing::TempDir() + "door.sock";
  for (int start = 0; start < 2; ++start) {
    Open([&](GrpcServerOptions& options) { options.listen = "unix:" + path; });
    EXPECT_EQ(server_->address(), "unix:" + path);
    EXPECT_TRUE(Ask());
    GrpcServerOptions again;
    again.listen = "unix:" + path;
    again.monotonic = &clock_;
    EXPECT_THAT(GrpcServer::Start(again, dispatcher_).error().message, HasSubstr("a server has it"));
    server_.reset();
  }
}

TEST(AnswerBudgetTest, CountsWhatIsOnItsWay) {  // SEC-M1
  AnswerBudget budget(100, 10s);
  EXPECT_TRUE(budget.Take(1000)) << "one answer always goes out";
  EXPECT_FALSE(budget.Take(1));
  budget.Give(1000);
  EXPECT_TRUE(budget.Take(60));
  EXPECT_FALSE(budget.Take(41));
  EXPECT_TRUE(budget.Take(40));
  EXPECT_EQ(budget.bytes(), 100);
}

TEST(AnswerBudgetTest, EndsWhatWasNotReadInTime) {  // SEC-M1
  AnswerBudget budget(100, 10s);
  const Instant start{};
  int ended = 0;
  budget.Watch(start, [&] { ++ended; });
  const uint64_t read = budget.Watch(start + 1s, [&] { ended += 100; });
  uint64_t inside = 0;
  inside = budget.Watch(start + 2s, [&] { budget.Unwatch(inside); });  // as gRPC does
  budget.Unwatch(read);
  EXPECT_EQ(budget.EndSlow(start + 9s), 0U);
  EXPECT_EQ(budget.EndSlow(start + 10s), 1U);
  EXPECT_EQ(budget.EndSlow(start + 12s), 1U);
  EXPECT_EQ(budget.EndSlow(start + 100s), 0U);
  EXPECT_EQ(ended, 1);
}

TEST(ListenAddressTest, IsLoopbackByItsAddressAndNotByItsName) {
  for (const char* text : {"127.0.0.1:0", "127.9.9.9:7233", "localhost:0", "[::1]:0", "unix:/tmp/x"}) {
    const auto parsed = ListenAddress::Parse(text);
    if (!parsed) continue;  // a machine may have no IPv6
    EXPECT_TRUE(parsed->loopback) << text;
  }
  for (const char* text : {"0.0.0.0:0", "*:0", ":0", "0:0", "[::]:0", "10.0.0.1:0"}) {
    const auto parsed = ListenAddress::Parse(text);
    if (!parsed) continue;
    EXPECT_FALSE(parsed->loopback) << text;
  }
}

TEST(ListenAddressTest, RefusesWhatIsNoAddressNamingIt) {
  for (const char* text : {"127.0.0.1", "localhost", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", "::1:80",
                           "127.evil.invalid:80", "unix:", ""}) {
    const auto parsed = ListenAddress::Parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, StatusCode::kInvalidArgument);
    EXPECT_THAT(parsed.error().message, HasSubstr(text));
  }
}

}  // namespace
}  // namespace wfe::host
