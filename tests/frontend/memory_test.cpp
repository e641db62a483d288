// What a parked or busy engine keeps in memory.
#include <gmock/gmock.h>

#include "engine/runtime/poll_broker.h"
#include "engine/shard/shard.h"
#include "engine/shard/task_token.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages

/// One shard over the fixture's store, so that its inside can be looked at.
class ShardMemory : public testing::EngineFixture {
 protected:
  void SetUp() override {
    EngineFixture::SetUp();
    engine_.reset();
    loop_.DropEverything();
    shard_ = std::make_unique<shard::Shard>(shard_options_, shard::Shard::Host{.clock = loop_,
                                                                               .ids = ids_,
                                                                               .timers = loop_,
                                                                               .executor = shard_strands_[0],
                                                                               .store = store_->executions(),
                                                                               .sink = *broker_,
                                                                               .tokens = tokens_});
  }
  void TearDown() override {
    loop_.DropEverything();
    shard_.reset();
    EngineFixture::TearDown();
  }

  void Start(const std::string& id, bool delayed) {
    auto request = StartRequest(id);
    if (delayed) request.mutable_workflow_start_delay()->set_seconds(3600);
    bool started = false;
    shard_strands_[0].Post([&, request = std::move(request)]() mutable {
      shard_->Start(std::move(request), [&](Result<shard::StartOutcome> outcome) { started = outcome.has_value(); });
    });
    loop_.RunReady();
    EXPECT_TRUE(started);
  }

  shard::Options shard_options_;
  shard::TokenCodec tokens_{"secret", 1};
  std::shared_ptr<runtime::PollBroker> broker_ =
      std::make_shared<runtime::PollBroker>(shard_options_, loop_, loop_, matching_strand_);
  std::unique_ptr<shard::Shard> shard_;
};

TEST_F(ShardMemory, AParkedExecutionLeavesMemoryButKeepsItsTimer) {
  for (int i = 0; i < 20; ++i) Start("w" + std::to_string(i), /*delayed=*/true);
  EXPECT_EQ(shard_->cached_executions(), 20U);
  loop_.Advance(20s);
  EXPECT_EQ(shard_->cached_executions(), 0U);
  EXPECT_EQ(shard_->timer_count(), 20U);
  loop_.Advance(1h);
  EXPECT_EQ(shard_->timer_count(), 0U) << "the first tasks are offered and wait for a poller";
}

TEST_F(ShardMemory, TheCacheStaysWithinItsNumber) {  // F17
  shard_options_.max_cached_executions = 8;
  for (int i = 0; i < 50; ++i) {
    Start("w" + std::to_string(i), /*delayed=*/false);
    EXPECT_LE(shard_->cached_executions(), 9U);
  }
}

TEST_F(ShardMemory, AStormOfTimersIsHandledInTurnsAndCompletely) {  // F16
  shard_options_.max_timers_per_turn = 7;
  for (int i = 0; i < 100; ++i) Start("w" + std::to_string(i), /*delayed=*/true);
  loop_.Advance(1h + 1s);
  EXPECT_EQ(shard_->timer_count(), 0U);
}

TEST_F(ShardMemory, TheCacheStaysWithinItsBytes) {  // SEC-M1
  shard_options_.max_cached_bytes = 100'000;
  for (int i = 0; i < 50; ++i) {
    auto request = StartRequest("w" + std::to_string(i));
    (*request.mutable_memo()->mutable_fields())["m"].set_data(std::string(20'000, 'm'));
    shard_strands_[0].Post([&, request]() mutable { shard_->Start(std::move(request), [](const auto&) {}); });
    loop_.RunReady();
    EXPECT_LE(shard_->cached_bytes(), 150'000);
  }
  loop_.Advance(20s);
  EXPECT_EQ(shard_->cached_executions(), 0U);
  EXPECT_EQ(shard_->cached_bytes(), 0);
}

TEST_F(ShardMemory, QueriesThatWaitHaveANumber) {  // SEC-M1
  shard_options_.max_queries_per_run = 3;
  shard_options_.max_queries = 5;
  shard_options_.max_buffered_queries = 100;
  for (const char* id : {"a", "b"}) Start(id, /*delayed=*/false);
  std::vector<Error> refused;
  int answered = 0;
  const auto ask = [&](const std::string& id) {
    shard::QueryRequest query;
    query.target = {{Namespace("default"), WorkflowId(id)}, {}, {}};
    query.deadline = loop_.Now() + 30s;
    shard_strands_[0].Post([&, query = std::move(query)]() mutable {
      shard_->Query(std::move(query), [&](Result<std::string> answer) {
        ++answered;
        if (!answer && answer.error().code == StatusCode::kResourceExhausted) refused.push_back(answer.error());
      });
    });
    loop_.RunReady();
  };
  // The runs have a workflow task that nobody takes: queries wait for it.
  for (int i = 0; i < 4; ++i) ask("a");
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_THAT(refused[0].message, ::testing::HasSubstr("max_queries_per_run"));
  for (int i = 0; i < 3; ++i) ask("b");
  ASSERT_EQ(refused.size(), 2U);
  EXPECT_THAT(refused[1].message, ::testing::HasSubstr("(max_queries)"));
  loop_.Advance(31s);  // the others run out of time
  EXPECT_EQ(answered, 7);
  refused.clear();
  ask("a");
  EXPECT_TRUE(refused.empty());
}

TEST_F(ShardMemory, ALookAtEverythingLeavesTurnsToOthers) {  // F16
  std::vector<ExecutionKey> open;
  for (int i = 0; i < 300; ++i) Start("w" + std::to_string(i), /*delayed=*/true);
  ASSERT_TRUE(store_->executions().ForEachOpenKey([&](ExecutionKey key) { open.push_back(std::move(key)); }));
  ASSERT_EQ(open.size(), 300U);
  std::string order;
  shard_strands_[0].Post([&] {
    shard_->CheckDerived(open, [&](shard::DerivedDifference found) {
      EXPECT_EQ(found.executions, 300);
      order += "checked";
    });
  });
  // What comes while the look is under way is served before it ends.
  shard_strands_[0].Post([&] { order += "served "; });
  loop_.RunReady();
  EXPECT_EQ(order, "served checked");
}

TEST_F(ShardMemory, OnlyTheQueuesThatHaveRoomAgainGetTheirTasksAnew) {  // F16
  for (const char* id : {"a", "b"}) {
    auto request = StartRequest(id);
    request.mutable_task_queue()->set_name(id);
    shard_strands_[0].Post([&, request]() mutable { shard_->Start(std::move(request), [](const auto&) {}); });
    loop_.RunReady();
  }
  std::vector<ExecutionKey> open;
  ASSERT_TRUE(store_->executions().ForEachOpenKey([&](ExecutionKey key) { open.push_back(std::move(key)); }));
  const auto backlog = [&](const std::string& queue) {
    int64_t found = 0;
    broker_->Describe({Namespace("default"), matching::QueueType::kWorkflow, queue},
                      [&](runtime::PollBroker::QueueDescription described) { found = described.backlog; });
    loop_.RunReady();
    return found;
  };
  for (const ExecutionKey& key : open) broker_->WithdrawExecution(key);
  EXPECT_EQ(backlog("a") + backlog("b"), 0);
  bool done = false;
  shard_strands_[0].Post([&] {
    shard_->OfferAgain(open, {{Namespace("default"), matching::QueueType::kWorkflow, "a"}}, [&] { done = true; });
  });
  loop_.RunReady();
  EXPECT_TRUE(done);
  EXPECT_EQ(backlog("a"), 1);
  EXPECT_EQ(backlog("b"), 0);
}

}  // namespace
}  // namespace wfe
