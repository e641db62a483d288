// Every way of a call from a client to a dispatcher, which needs no engine here: over gRPC one by one or in a stream, and
// inside one process.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "engine/base/steady_clock.h"
#include "engine/base/thread_loop.h"
#include "engine/host/grpc_server.h"
#include "temporal/api/errordetails/v1/message.pb.h"
#include "workers/client/blocking_call.h"
#include "workers/client/grpc_client.h"
#include "workers/embedded/direct_client.h"

namespace wfe::host {
namespace {

namespace ws = temporal::api::workflowservice::v1;
using testing::HasSubstr;

/// Answers GetSystemInfo, fails StartWorkflowExecution with details, parks polls, serves nothing else.
class FakeDispatcher final : public frontend::Dispatcher {
 public:
  void Dispatch(std::string_view, std::string_view method, std::string_view request,
                std::shared_ptr<frontend::ServerCall> call) override {
    if (method == "GetSystemInfo") {
      ws::GetSystemInfoResponse response;
      response.set_server_version("fake");
      call->Reply(response.SerializeAsString());
    } else if (method == "StartWorkflowExecution") {
      ws::StartWorkflowExecutionRequest start;
      ASSERT_TRUE(start.ParseFromArray(request.data(), static_cast<int>(request.size())));
      temporal::api::errordetails::v1::WorkflowExecutionAlreadyStartedFailure detail;
      detail.set_run_id("run-1");
      Error error = AlreadyExists("workflow " + start.workflow_id() + " is running");
      error.details.push_back({detail.GetTypeName(), detail.SerializeAsString()});
      call->Reply(std::move(error));
    } else if (method == "PollWorkflowTaskQueue") {
      call->OnCancel([this, call] {
        call->Reply(Cancelled("gone"));
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
        changed_.notify_all();
      });
      const std::lock_guard lock(mutex_);
      parked_ = true;
      ++polls_;
      changed_.notify_all();
    } else {
      call->Reply(Unimplemented(std::string(method) + " is not served by wfe"));
    }
  }

  void WaitParked() { Wait(parked_); }
  void WaitCancelled() { Wait(cancelled_); }
  void WaitForPolls(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return polls_ >= count; });
  }

 private:
  void Wait(bool& flag) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return flag; });
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool parked_ = false;
  bool cancelled_ = false;
  int polls_ = 0;  // parked so far
};

GrpcServerOptions OptionsFor(const Clock& clock, std::vector<std::string> services) {
  GrpcServerOptions options;
  options.listen = "127.0.0.1:0";
  options.monotonic = &clock;
  options.services = std::move(services);
  return options;
}

enum class Way { kUnary, kStream, kDirect };

class EveryTransport : public testing::TestWithParam<Way> {
 protected:
  EveryTransport() {
    if (GetParam() == Way::kDirect) {
      client_ = std::make_unique<embedded::DirectClient>(embedded::DirectWay{
          .dispatcher = dispatcher_, .monotonic = clock_, .timers = loop_, .answers = loop_});
      return;
    }
    const auto options = OptionsFor(
        clock_, {std::string(client::kWorkflowService), "temporal.api.operatorservice.v1.OperatorService",
                 std::string(client::kRecordsService), "wfe.calls.v1.CallService"});
    server_ = GrpcServer::Start(options, dispatcher_).value();
    auto made = client::NewGrpcClient(
        {.address = server_->address(), .ns = "default", .api_key = {}, .call_stream = GetParam() == Way::kStream});
    // The first calls go alone, until the server has taken the stream.
    while (GetParam() == Way::kStream && !made->streaming()) {
      client::BlockingCall<ws::GetSystemInfoResponse>(*made, client::kWorkflowService, "GetSystemInfo",
                                                      ws::GetSystemInfoRequest())
          .value();
    }
    client_ = std::move(made);
  }

  const SteadyClock clock_;
  FakeDispatcher dispatcher_;
  ThreadLoop loop_;
  std::unique_ptr<GrpcServer> server_;  // null for kDirect
  std::unique_ptr<client::ServiceClient> client_;
};

std::string NameOf(const testing::TestParamInfo<Way>& way) {
  return way.param == Way::kUnary ? "Unary" : way.param == Way::kStream ? "Stream" : "Direct";
}
INSTANTIATE_TEST_SUITE_P(Ways, EveryTransport, testing::Values(Way::kUnary, Way::kStream, Way::kDirect), NameOf);

/// Over a socket.
class GrpcTransport : public EveryTransport {};
INSTANTIATE_TEST_SUITE_P(Ways, GrpcTransport, testing::Values(Way::kUnary, Way::kStream), NameOf);

TEST_P(EveryTransport, CarriesARequestAndItsAnswer) {  // EN-12
  const auto response = client::BlockingCall<ws::GetSystemInfoResponse>(*client_, client::kWorkflowService,
                                                                        "GetSystemInfo", ws::GetSystemInfoRequest());
  ASSERT_TRUE(response) << response.error().ToString();
  EXPECT_EQ(response->server_version(), "fake");
}

TEST_P(EveryTransport, CarriesAnErrorWithItsDetails) {  // pitfall 12
  ws::StartWorkflowExecutionRequest request;
  request.set_workflow_id("w1");
  const auto response = client::BlockingCall<ws::StartWorkflowExecutionResponse>(*client_, client::kWorkflowService,
                                                                                 "StartWorkflowExecution", request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, StatusCode::kAlreadyExists);
  EXPECT_EQ(response.error().message, "workflow w1 is running");
  ASSERT_EQ(response.error().details.size(), 1u);
  temporal::api::errordetails::v1::WorkflowExecutionAlreadyStartedFailure detail;
  EXPECT_EQ(response.error().details[0].type_name, detail.GetTypeName());
  ASSERT_TRUE(detail.ParseFromString(response.error().details[0].bytes));
  EXPECT_EQ(detail.run_id(), "run-1");
}

TEST_P(EveryTransport, NamesAMethodThatIsNotServed) {  // EN-12
  const auto response = client::BlockingCall<ws::CreateScheduleResponse>(*client_, client::kWorkflowService,
                                                                         "CreateSchedule", ws::CreateScheduleRequest());
  EXPECT_EQ(response.error().code, StatusCode::kUnimplemented);
  EXPECT_THAT(response.error().message, HasSubstr("CreateSchedule"));
}

TEST_P(EveryTransport, TellsTheDispatcherWhenACallerGivesUp) {  // pitfall 19
  std::shared_ptr<client::CallHandle> handle =
      client_->Call(client::kWorkflowService, "PollWorkflowTaskQueue", ws::PollWorkflowTaskQueueRequest(), {},
                    [](const Result<std::string>& answer) { EXPECT_EQ(answer.error().code, StatusCode::kCancelled); });
  dispatcher_.WaitParked();
  handle->Cancel();
  dispatcher_.WaitCancelled();
}

TEST_P(EveryTransport, EndsACallThatIsNotAnsweredInTimeAndTellsTheDispatcher) {
  const auto answer = client::BlockingCallBytes(*client_, client::kWorkflowService, "PollWorkflowTaskQueue",
                                                ws::PollWorkflowTaskQueueRequest(), std::chrono::milliseconds(100));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, StatusCode::kDeadlineExceeded) << answer.error().ToString();
  dispatcher_.WaitCancelled();
}

TEST_P(EveryTransport, DeliversOnTheCallersExecutorAndNeverInsideTheCall) {
  ThreadLoop mine;
  std::promise<bool> on_mine;
  std::atomic<bool> inside = false;
  std::promise<void> called;
  mine.Post([&] {
    inside = true;
    client_->Call(client::kWorkflowService, "GetSystemInfo", ws::GetSystemInfoRequest(), {.executor = &mine},
                  [&](const Result<std::string>& answer) {
                    EXPECT_TRUE(answer);
                    EXPECT_FALSE(inside);
                    on_mine.set_value(mine.OnStrand());
                  });
    inside = false;
    called.set_value();
  });
  called.get_future().wait();
  EXPECT_TRUE(on_mine.get_future().get());
}

/// A port whose connections stay half-way: nobody accepts, and the queue of one is full.
class StalledPort {
 public:
  StalledPort() {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    auto* const address = reinterpret_cast<sockaddr*>(&address_);
    EXPECT_EQ(::bind(sockets_[0], address, size), 0);
    EXPECT_EQ(::listen(sockets_[0], 0), 0);
    EXPECT_EQ(::getsockname(sockets_[0], address, &size), 0);
    for (const int filler : {sockets_[1], sockets_[2]}) {
      EXPECT_TRUE(::connect(filler, address, size) == 0 || errno == EINPROGRESS);
    }
  }
  ~StalledPort() {
    for (const int socket : sockets_) ::close(socket);
  }
  StalledPort(const StalledPort&) = delete;
  StalledPort& operator=(const StalledPort&) = delete;
  std::string address() const { return "127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }

 private:
  static int Open() { return ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }
  const int sockets_[3] = {Open(), Open(), Open()};
  sockaddr_in address_{};
};

TEST_P(GrpcTransport, WaitsForASlowConnectionAsLongAsTheCallMayTake) {
  // A machine under load connects in tenths of a second; that is no server that is gone.
  const StalledPort stalled;
  const auto client = client::NewGrpcClient({.address = stalled.address(), .ns = "default", .api_key = {}});
  const auto response = client::BlockingCall<ws::GetSystemInfoResponse>(
      *client, client::kWorkflowService, "GetSystemInfo", ws::GetSystemInfoRequest(), std::chrono::milliseconds(700));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, StatusCode::kDeadlineExceeded) << response.error().ToString();
}

TEST_P(GrpcTransport, RefusesAPortThatIsInUseNamingIt) {
  GrpcServerOptions options;
  options.listen = server_->address();
  options.monotonic = &clock_;
  options.services = {std::string(client::kWorkflowService)};
  const auto second = GrpcServer::Start(options, dispatcher_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr(server_->address()));
}

TEST_P(GrpcTransport, EndsTheCallsOfAServerThatStops) {
  Result<std::string> answer = std::string("none");
  std::promise<void> answered;
  client_->Call(client::kWorkflowService, "PollWorkflowTaskQueue", ws::PollWorkflowTaskQueueRequest(), {},
                [&](Result<std::string> end) {
                  answer = std::move(end);
                  answered.set_value();
                });
  dispatcher_.WaitParked();
  server_->Shutdown(std::chrono::milliseconds(10));
  answered.get_future().wait();
  EXPECT_FALSE(answer);
}

TEST_P(GrpcTransport, ACallThatWaitsForAConnectionLeavesWhenTheServerIsBack) {  // F1
  const std::string address = server_->address();
  server_->Shutdown(std::chrono::milliseconds(0));
  server_.reset();
  const auto ask = [&](bool waits) {
    auto answer = std::make_shared<std::promise<Result<std::string>>>();
    client_->Call(client::kWorkflowService, "GetSystemInfo", ws::GetSystemInfoRequest(), {.waits_for_connection = waits},
                  [answer](Result<std::string> end) { answer->set_value(std::move(end)); });
    return answer->get_future();
  };
  EXPECT_EQ(ask(false).get().error().code, StatusCode::kUnavailable);
  auto waiting = ask(true);
  auto options = OptionsFor(clock_, {std::string(client::kWorkflowService)});
  options.listen = address;
  server_ = GrpcServer::Start(options, dispatcher_).value();
  const auto answer = waiting.get();
  EXPECT_TRUE(answer) << answer.error().ToString();
}

TEST_P(EveryTransport, LosesNoCallWhenTheClientGoes) {
  std::atomic<int> ended = 0;
  for (int i = 0; i < 50; ++i) {
    client_->Call(client::kWorkflowService, "PollWorkflowTaskQueue", ws::PollWorkflowTaskQueueRequest(), {},
                  [&](const Result<std::string>& end) {
                    EXPECT_EQ(end.error().code, StatusCode::kCancelled) << end.error().ToString();
                    ++ended;
                  });
  }
  client_.reset();
  EXPECT_EQ(ended, 50);
}


TEST(CallStreams, AreNotUsedWhereTheServerDoesNotServeThem) {
  const SteadyClock clock;
  FakeDispatcher dispatcher;
  const auto options = OptionsFor(clock, {std::string(client::kWorkflowService)});  // as a Temporal server is
  const auto server = GrpcServer::Start(options, dispatcher).value();
  const auto client = client::NewGrpcClient({.address = server->address(), .call_stream = true});
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(client::BlockingCall<ws::GetSystemInfoResponse>(*client, client::kWorkflowService, "GetSystemInfo",
                                                                ws::GetSystemInfoRequest()));
    EXPECT_FALSE(client->streaming());
  }
}

/// Opens a stream and waits for its welcome, or for its end.
class BareStream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  BareStream(const std::shared_ptr<grpc::Channel>& channel, std::atomic<int>& settled)
      : stub_(channel), settled_(settled) {
    stub_.PrepareBidiStreamingCall(&context_, "/wfe.calls.v1.CallService/Open", {}, this);
    StartRead(&read_);
    StartCall();
  }
  ~BareStream() override {
    context_.TryCancel();
    over_.get_future().wait();
  }
  void OnReadDone(bool ok) override {
    if (ok) Settle();
  }
  void OnDone(const grpc::Status& status) override {
    refused_ = status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
    Settle();
    over_.set_value();
  }
  bool refused() const { return refused_; }

 private:
  void Settle() {
    if (!settled_once_.exchange(true)) ++settled_;
  }
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::ByteBuffer read_;
  std::atomic<int>& settled_;
  std::atomic<bool> settled_once_ = false;
  std::atomic<bool> refused_ = false;
  std::promise<void> over_;
};

TEST(CallStreams, AreRefusedBeyondTheirNumberAndTheCallsGoAlone) {
  const SteadyClock clock;
  FakeDispatcher dispatcher;
  auto options = OptionsFor(clock, {std::string(client::kWorkflowService), "wfe.calls.v1.CallService"});
  options.max_call_streams = 20;
  const auto server = GrpcServer::Start(options, dispatcher).value();
  const auto channel = grpc::CreateChannel(server->address(), grpc::InsecureChannelCredentials());
  constexpr int kStreams = 10'000;
  std::atomic<int> settled = 0;
  std::deque<BareStream> streams;
  // Up to the connection's own bound at once; each is welcomed or refused.
  for (int i = 0; i < kStreams; ++i) streams.emplace_back(channel, settled);
  while (settled < kStreams) std::this_thread::yield();
  EXPECT_EQ(std::count_if(streams.begin(), streams.end(), [](const BareStream& one) { return !one.refused(); }), 20);
  const auto client = client::NewGrpcClient({.address = server->address(), .call_stream = true});
  const auto ask = [&] {
    return client::BlockingCall<ws::GetSystemInfoResponse>(*client, client::kWorkflowService, "GetSystemInfo",
                                                           ws::GetSystemInfoRequest());
  };
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(ask());
  EXPECT_FALSE(client->streaming());
  streams.clear();
  const auto another = client::NewGrpcClient({.address = server->address(), .call_stream = true});
  while (!another->streaming()) {
    EXPECT_TRUE(client::BlockingCall<ws::GetSystemInfoResponse>(*another, client::kWorkflowService, "GetSystemInfo",
                                                                ws::GetSystemInfoRequest()));
  }
}

TEST(CallStreams, KeepNoPollWaitingForWantOfCredits) {
  const SteadyClock clock;
  FakeDispatcher dispatcher;
  auto options = OptionsFor(clock, {std::string(client::kWorkflowService), "wfe.calls.v1.CallService"});
  options.max_polls_per_stream = 2;
  const auto server = GrpcServer::Start(options, dispatcher).value();
  const auto client = client::NewGrpcClient({.address = server->address(), .call_stream = true});
  while (!client->streaming()) {
    EXPECT_TRUE(client::BlockingCall<ws::GetSystemInfoResponse>(*client, client::kWorkflowService, "GetSystemInfo",
                                                                ws::GetSystemInfoRequest()));
  }
  // All of them at once, as those of a worker of many queues: each of these may have a task now.
  std::vector<std::shared_ptr<client::CallHandle>> polls;
  for (int i = 0; i < 20; ++i) {
    polls.push_back(client->Call(client::kWorkflowService, "PollWorkflowTaskQueue", ws::PollWorkflowTaskQueueRequest(),
                                 {.polls_for_task = true}, [](Result<std::string>) {}));
  }
  dispatcher.WaitForPolls(20);
}

TEST(CallStreams, ComeBackWithTheServer) {
  const SteadyClock clock;
  FakeDispatcher dispatcher;
  auto options = OptionsFor(clock, {std::string(client::kWorkflowService), "wfe.calls.v1.CallService"});
  auto server = GrpcServer::Start(options, dispatcher).value();
  const auto client = client::NewGrpcClient({.address = server->address(), .call_stream = true});
  const auto ask = [&] {
    return client::BlockingCall<ws::GetSystemInfoResponse>(*client, client::kWorkflowService, "GetSystemInfo",
                                                           ws::GetSystemInfoRequest());
  };
  while (!client->streaming()) EXPECT_TRUE(ask());
  options.listen = server->address();
  server.reset();
  EXPECT_FALSE(ask());
  EXPECT_FALSE(client->streaming());
  server = GrpcServer::Start(options, dispatcher).value();
  while (!client->streaming()) (void)ask();
  EXPECT_TRUE(ask());
}

}  // namespace
}  // namespace wfe::host
