// What reads much has threads of its own, so that everything else goes on without it.
#include "engine/local/blocking_pool.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>

#include "engine/base/strand.h"
#include "engine/base/thread_loop.h"
#include "engine/frontend/engine.h"
#include "engine/storage/ledger.h"
#include "engine/storage/memory_key_value_store.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"

namespace wfe::local {
namespace {

namespace ws = temporal::api::workflowservice::v1;
using namespace std::chrono_literals;

/// A gate that holds every thread that comes to it until it is opened.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void WaitFor(int arrived) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= arrived; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool open_ = false;
};

class WaitingCall final : public frontend::ServerCall {
 public:
  Instant Deadline() const override { return Instant::max(); }
  bool IsCancelled() const override { return false; }
  void OnCancel(Function<void()>) override {}
  void Reply(Result<std::string> response) override {
    const std::lock_guard lock(mutex_);
    reply_ = std::move(response);
    changed_.notify_all();
  }
  bool answered() {
    const std::lock_guard lock(mutex_);
    return reply_.has_value();
  }
  Result<std::string> Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return reply_.has_value(); });
    return *reply_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Result<std::string>> reply_;
};

/// An engine as the server has it: strands over a pool, a thread for commits, and the blocking pool.
class EngineOverThreads : public testing::Test {
 protected:
  static constexpr int kThreads = 4;
  static constexpr int kQueue = 8;

  EngineOverThreads() {
    storage::StoreOptions store_options;
    store_options.clock = &clock_;
    store_options.ids = &ids_;
    store_options.commit_thread = true;
    store_ = storage::Store::Open(std::make_shared<storage::MemoryKeyValueStore>(),
                                  std::make_shared<storage::MemoryLedger>(), store_options)
                 .value();
    frontend::EngineOptions options;
    options.admission.max_blocking_calls = kThreads + kQueue;
    engine_ = std::make_unique<frontend::Engine>(options, frontend::EngineHost{.clock = clock_,
                                                                               .ids = ids_,
                                                                               .timers = pool_,
                                                                               .shard_executors = {&shard_},
                                                                               .matching_executor = matching_,
                                                                               .blocking_executor = blocking_,
                                                                               .store = *store_});
    EXPECT_TRUE(engine_->Start());
  }
  ~EngineOverThreads() override {
    blocking_.Stop();
    shard_.Close();
    matching_.Close();
    EXPECT_TRUE(store_->Close());
  }

  template <class Request>
  std::shared_ptr<WaitingCall> Send(const char* method, const Request& request) {
    auto call = std::make_shared<WaitingCall>();
    const InlineScope scope;  // as on a thread of the transport
    engine_->dispatcher().Dispatch("temporal.api.workflowservice.v1.WorkflowService", method,
                                   request.SerializeAsString(), call);
    return call;
  }

  SystemClock clock_;
  SystemIdSource ids_;
  ThreadLoop pool_;
  Strand shard_{pool_};
  Strand matching_{pool_};
  Gate gate_;  // Outlives the threads that stand in it, the last of which leaves it some time after it is open.
  BlockingPool blocking_{kThreads};
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<frontend::Engine> engine_;
};

TEST_F(EngineOverThreads, AStartIsAnsweredWhileAllBlockingThreadsAreHeld) {
  for (int i = 0; i < kThreads; ++i) blocking_.Post([this] { gate_.Pass(); });
  gate_.WaitFor(kThreads);
  ws::ListWorkflowExecutionsRequest list;
  list.set_namespace_("default");
  std::vector<std::shared_ptr<WaitingCall>> lists;
  for (int i = 0; i < kThreads + kQueue; ++i) lists.push_back(Send("ListWorkflowExecutions", list));
  EXPECT_EQ(Send("ListWorkflowExecutions", list)->Wait().error().code, StatusCode::kResourceExhausted);

  ws::StartWorkflowExecutionRequest start;
  start.set_namespace_("default");
  start.set_workflow_id("w");
  start.mutable_workflow_type()->set_name("T");
  start.mutable_task_queue()->set_name("tq");
  EXPECT_TRUE(Send("StartWorkflowExecution", start)->Wait());

  for (const auto& call : lists) EXPECT_FALSE(call->answered());
  gate_.Open();
  for (const auto& call : lists) EXPECT_TRUE(call->Wait());
}

TEST(BlockingPoolTest, StopsAfterWhatRunsAndDropsWhatWaits) {
  Gate gate;
  std::atomic<bool> ran = false;
  auto pool = std::make_unique<BlockingPool>(1);
  pool->Post([&gate] { gate.Pass(); });
  gate.WaitFor(1);
  pool->Post([&ran] { ran = true; });
  std::thread opener([&gate] { gate.Open(); });
  pool.reset();
  opener.join();
  SUCCEED() << ran;  // either way nothing hangs
}

}  // namespace
}  // namespace wfe::local
