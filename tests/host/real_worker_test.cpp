// A worker on its real threads against the real server: what goes on while activities run for long, and while workflow
// code does not yield (RW-D1, SEC-C1, RW-D11, AC-1).
#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "engine/host/server.h"
#include "workers/client/blocking_call.h"
#include "workers/client/grpc_client.h"
#include "workers/core/payload_codec.h"
#include "workers/embedded/direct_client.h"
#include "workers/host/thread_pool_activity_executor.h"
#include "workers/host/worker_group.h"
#include "workers/sdk/workflow.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::HasSubstr;
namespace ws = temporal::api::workflowservice::v1;

constexpr sdk::ActivityType<std::string, std::string> kHold{"hold"};
constexpr sdk::ActivityType<std::string, int> kQuick{"quick"};
// The worker sends one each 3 s, so a loaded machine may be 2 s late.
constexpr Duration kHeartbeat = 5s;

/// What the activities and workflows here wait for, and what they saw.
struct Stage {
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;     // "hold" may end
  bool code_may_go = false;  // the workflow code that does not yield
  bool code_began = false;
  bool holding = false;
  bool cancelled = false;
  bool hold_ended = false;
  int attempts = 0;

  template <class F>
  void Set(F change) {
    const std::lock_guard lock(mutex);
    change();
    changed.notify_all();
  }
  bool Wait(const bool& flag, std::chrono::seconds limit = 60s) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, limit, [&] { return flag; });
  }
};
Stage* stage = nullptr;

sdk::Task<std::string> Holds(sdk::WorkflowContext& ctx, std::string input) {
  ctx.OnQuery<std::string, std::string>("status", std::make_shared<int>(0),
                                        [](const int&, const std::string&) { return std::string("holding"); });
  std::string held =
      co_await ctx.Activity(kHold, input, {.start_to_close = 10min, .heartbeat = kHeartbeat, .retry = {.maximum_attempts = 2}});
  co_return held;
}

sdk::Task<int> Quick(sdk::WorkflowContext& ctx, std::string input) {
  int value = co_await ctx.Activity(kQuick, input, {.start_to_close = 1min});
  co_return value;
}

/// Goes on only when the activity has really ended.
sdk::Task<std::string> WaitsForTheEnd(sdk::WorkflowContext& ctx, std::string input) {
  bool cancelled = false;
  try {
    co_await ctx.Activity(kHold, input,
                          {.start_to_close = 10min,
                           .heartbeat = kHeartbeat,
                           .cancellation = sdk::ActivityCancellationType::kWaitCompleted});
  } catch (const sdk::CancelledFailure&) {
    cancelled = true;
  }
  sdk::ShieldScope shield(ctx);
  int ended = co_await ctx.Activity(kQuick, input, {.start_to_close = 1min});
  co_return std::string(cancelled ? "cancelled" : "completed") + (ended != 0 ? ", after the end" : ", before the end");
}

sdk::Task<int> DoesNotYield(sdk::WorkflowContext&, std::string) {
  stage->Set([] { stage->code_began = true; });
  stage->Wait(stage->code_may_go);
  co_return 1;
}

enum class Way { kUnary, kStream, kEmbedded };

class RealWorker : public testing::TestWithParam<Way> {
 protected:
  RealWorker() {
    stage = &stage_;
    std::string pattern = (std::filesystem::temp_directory_path() / "wfe-real-worker-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    host::ServerOptions server;
    server.engine.data_dir = directory_ + "/data";
    server.listen = "127.0.0.1:0";
    server_ = host::Server::Start(server).value();
    client_ = NewClient();
    group_ = std::make_unique<worker::WorkerGroup>(NewClient(), [this](worker::LogLevel, std::string_view line) {
      const std::lock_guard lock(stage_.mutex);
      log_ += std::string(line) + "\n";
    });
    workflows_.Register("Holds", &Holds);
    workflows_.Register("Quick", &Quick);
    workflows_.Register("WaitsForTheEnd", &WaitsForTheEnd);
    workflows_.Register("DoesNotYield", &DoesNotYield);
    activities_.Register(kHold, [](sdk::ActivityContext& context, const std::string&) -> sdk::ActivityResult<std::string> {
      stage->Set([&] {
        stage->holding = true;
        ++stage->attempts;
      });
      while (!context.WaitForCancel(50ms)) {
        context.Heartbeat(nullptr);
        const std::lock_guard lock(stage->mutex);
        if (stage->released) return "attempt " + std::to_string(context.info().attempt);
      }
      stage->Set([] { stage->cancelled = true; });
      std::this_thread::sleep_for(200ms);  // what it does to end in order
      stage->Set([] { stage->hold_ended = true; });
      return sdk::ActivityCancelled{.details = nullptr};
    });
    activities_.Register(kQuick, [](sdk::ActivityContext&, const std::string&) -> sdk::ActivityResult<int> {
      const std::lock_guard lock(stage->mutex);
      return stage->hold_ended ? 1 : 0;
    });
    worker::WorkerOptions options;
    options.task_queue = "q";
    options.identity = "worker";
    options.max_concurrent_activities = 4;
    options.slow_workflow_code = 500ms;
    group_->Add(executor_, workflows_, activities_, options);
  }

  ~RealWorker() override {
    stage_.Set([this] { stage_.released = stage_.code_may_go = true; });
    group_->StopAll();
    group_.reset();
    client_.reset();
    server_->Stop(1s);
    std::filesystem::remove_all(directory_);
  }

  std::unique_ptr<client::ServiceClient> NewClient() {
    if (GetParam() == Way::kEmbedded) {
      return std::make_unique<embedded::DirectClient>(embedded::WayInto(server_->engine()));
    }
    return client::NewGrpcClient({.address = server_->address(), .call_stream = GetParam() == Way::kStream});
  }

  template <class Response>
  Result<Response> Call(const std::string& method, const google::protobuf::MessageLite& request, Duration timeout = 60s) {
    return client::BlockingCall<Response>(*client_, client::kWorkflowService, method, request, timeout);
  }
  void Start(const std::string& id, const std::string& type) {
    ws::StartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id(id);
    request.set_request_id(id);
    request.mutable_workflow_type()->set_name(type);
    request.mutable_task_queue()->set_name("q");
    *request.mutable_input() = core::EncodePayloads("input");
    ASSERT_TRUE(Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request));
  }
  void CancelRun(const std::string& id) {
    ws::RequestCancelWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(id);
    ASSERT_TRUE(Call<ws::RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", request));
  }
  Result<ws::QueryWorkflowResponse> Query(const std::string& id) {
    ws::QueryWorkflowRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(id);
    request.mutable_query()->set_query_type("status");
    *request.mutable_query()->mutable_query_args() = core::EncodePayloads("");
    return Call<ws::QueryWorkflowResponse>("QueryWorkflow", request, 20s);
  }
  /// Waits for the end of the run; its result.
  nlohmann::json ResultOf(const std::string& id) {
    ws::GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(id);
    request.set_wait_new_event(true);
    request.set_history_event_filter_type(temporal::api::enums::v1::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
    while (true) {
      auto answer = Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request, 70s);
      if (!answer) return answer.error().ToString();
      for (const auto& event : answer->history().events()) {
        if (event.has_workflow_execution_completed_event_attributes()) {
          return *core::DecodePayloads(event.workflow_execution_completed_event_attributes().result());
        }
        return event.ShortDebugString();
      }
      request.set_next_page_token(answer->next_page_token());
    }
  }
  worker::WorkerStats Stats() { return group_->Stats().at(0); }

  Stage stage_;
  std::string directory_;
  std::unique_ptr<host::Server> server_;
  std::unique_ptr<client::ServiceClient> client_;
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  std::string log_;  // guarded by stage_.mutex
  worker::ThreadPoolActivityExecutor executor_{4};
  std::unique_ptr<worker::WorkerGroup> group_;
};

INSTANTIATE_TEST_SUITE_P(Ways, RealWorker, testing::Values(Way::kUnary, Way::kStream, Way::kEmbedded),
                         [](const auto& way) {
                           return way.param == Way::kUnary ? "Unary" : way.param == Way::kStream ? "Stream" : "Embedded";
                         });

// The activity runs until the test has its answers, so each of them came while it ran.
TEST_P(RealWorker, WhileAnActivityRunsForManyHeartbeatTimeoutsEverythingElseGoesOn) {
  Start("long", "Holds");
  ASSERT_TRUE(stage_.Wait(stage_.holding));
  const auto until = steady_clock::now() + 2 * kHeartbeat + 1s;
  int rounds = 0;
  while (steady_clock::now() < until) {
    const auto answer = Query("long");
    ASSERT_TRUE(answer) << answer.error().ToString();
    EXPECT_EQ(*core::DecodePayloads(answer->query_result()), nlohmann::json("holding"));
    const std::string other = "other-" + std::to_string(++rounds);
    Start(other, "Quick");
    EXPECT_EQ(ResultOf(other), nlohmann::json(0));
    std::this_thread::sleep_for(500ms);
  }
  EXPECT_GE(rounds, 3) << "a second run is not delayed";
  stage_.Set([this] { stage_.released = true; });
  EXPECT_EQ(ResultOf("long"), nlohmann::json("attempt 1"));
  EXPECT_EQ(stage_.attempts, 1);
  EXPECT_EQ(Stats().silent_activities, 0u);
}

// RW-D11: the workflow goes on when the activity has really ended, and the activity learns of the cancel within AC-1's time.
TEST_P(RealWorker, ACancelReachesARunningActivityAndTheWorkflowWaitsForItsEnd) {
  Start("w", "WaitsForTheEnd");
  ASSERT_TRUE(stage_.Wait(stage_.holding));
  const auto asked = steady_clock::now();
  CancelRun("w");
  ASSERT_TRUE(stage_.Wait(stage_.cancelled));
  // 3 s between two heartbeats; the rest is for the machine that runs this test.
  EXPECT_LT(steady_clock::now() - asked, 10s);
  EXPECT_EQ(ResultOf("w"), nlohmann::json("cancelled, after the end"));
}

// Code that blocks is wrong, but the worker's promises to the server do not hang on it.
TEST_P(RealWorker, WorkflowCodeThatDoesNotYieldStopsNoHeartbeatAndIsNamed) {
  Start("long", "Holds");
  ASSERT_TRUE(stage_.Wait(stage_.holding));
  Start("stuck", "DoesNotYield");
  ASSERT_TRUE(stage_.Wait(stage_.code_began));
  std::this_thread::sleep_for(2 * kHeartbeat + 1s);  // its heartbeats are real time
  stage_.Set([this] { stage_.released = true; });
  for (int i = 0; i < 600 && Stats().activities_completed == 0; ++i) std::this_thread::sleep_for(100ms);
  EXPECT_EQ(Stats().activities_completed, 1u) << "the report does not wait for the workflow code either";
  EXPECT_EQ(Stats().slow_workflow_tasks, 1u);
  {
    const std::lock_guard lock(stage_.mutex);
    EXPECT_THAT(log_, HasSubstr("the code of workflow stuck, run "));
    EXPECT_THAT(log_, HasSubstr("(DoesNotYield) has been running for "));
  }
  stage_.Set([this] { stage_.code_may_go = true; });
  EXPECT_EQ(ResultOf("long"), nlohmann::json("attempt 1"));
}

}  // namespace
}  // namespace wfe
