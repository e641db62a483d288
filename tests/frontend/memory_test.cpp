// What a parked or busy engine keeps in memory.
#include <gmock/gmock.h>

#include "engine/shard/poll_broker.h"
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
  std::shared_ptr<shard::PollBroker> broker_ =
      std::make_shared<shard::PollBroker>(shard_options_, loop_, loop_, matching_strand_);
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

}  // namespace
}  // namespace wfe
