// Which executions stay in memory (F17, SEC-M1).
#include "engine/shard/execution_cache.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/shard/held_run.h"
#include "tests/support/event_loop.h"

namespace wfe::shard {
namespace {

using namespace std::chrono_literals;

ExecutionKey Key(const std::string& id) { return {Namespace("ns"), WorkflowId(id), RunId("r")}; }

class ExecutionCacheTest : public ::testing::Test {
 protected:
  Execution& Insert(const std::string& id) {
    Execution* inserted = nullptr;
    loop_.OnLoop([&] { inserted = &cache_.Insert(Key(id), storage::LoadedRun()); });
    return *inserted;
  }
  /// Gives it a tail of so many bytes.
  void Grow(const std::string& id, size_t bytes) {
    loop_.OnLoop([&] {
      Execution& execution = *cache_.Find(Key(id));
      temporal::api::history::v1::HistoryEvent event;
      event.set_event_id(1);
      event.mutable_marker_recorded_event_attributes()->set_marker_name(std::string(bytes, 'x'));
      execution.tail.Append(1, 1, storage::EventBatch::Encode({event}).bytes);
      cache_.Weigh(execution);
    });
  }
  bool Has(const std::string& id) const { return cache_.Peek(Key(id)) != nullptr; }

  support::EventLoop loop_;
  Options options_;
  DurableGate gate_{loop_};
  ExecutionCache cache_{options_, loop_, loop_, loop_, gate_};
};

TEST_F(ExecutionCacheTest, WhatNobodyUsesLeavesAndItsBytesWithIt) {
  Insert("a");
  Grow("a", 1000);
  EXPECT_GE(cache_.bytes(), 1000);
  Insert("b");
  loop_.RunFor(6s);
  loop_.OnLoop([&] { EXPECT_NE(cache_.Find(Key("b")), nullptr); });
  loop_.RunFor(6s);
  EXPECT_FALSE(Has("a"));
  EXPECT_TRUE(Has("b")) << "it was used";
  loop_.RunFor(20s);
  EXPECT_EQ(cache_.size(), 0U);
  EXPECT_EQ(cache_.bytes(), 0);
}

TEST_F(ExecutionCacheTest, APeekKeepsNothingInMemory) {
  Insert("a");
  for (int i = 0; i < 15; ++i) {
    Has("a");
    loop_.RunFor(1s);
  }
  loop_.RunFor(6s);
  EXPECT_FALSE(Has("a"));
}

TEST_F(ExecutionCacheTest, AFullCacheLosesTheLongestUnusedDownToThreeQuarters) {
  options_.max_cached_executions = 8;
  for (int i = 0; i < 8; ++i) {
    Insert(std::to_string(i));
    loop_.RunFor(100ms);
  }
  loop_.OnLoop([&] { cache_.Find(Key("0")); });
  Insert("8");
  EXPECT_EQ(cache_.size(), 6U);
  EXPECT_TRUE(Has("0") && Has("8"));
  EXPECT_FALSE(Has("1") || Has("2") || Has("3"));
}

TEST_F(ExecutionCacheTest, BytesAreBoundedToo) {
  options_.max_cached_bytes = 100'000;
  for (int i = 0; i < 20; ++i) {
    Insert(std::to_string(i));
    Grow(std::to_string(i), 20'000);
    loop_.RunFor(100ms);
    EXPECT_LE(cache_.bytes(), 130'000);
  }
  EXPECT_TRUE(Has("19"));
}

TEST_F(ExecutionCacheTest, WhatTheStoreDoesNotHoldYetStays) {
  options_.max_cached_executions = 2;
  auto commit = gate_.NextCommit();
  Insert("committing").last_commit = gate_.handed_in();
  Insert("held").state = HeldRun(3);
  for (int i = 0; i < 5; ++i) Insert(std::to_string(i));
  loop_.RunFor(60s);
  EXPECT_TRUE(Has("committing")) << "its commit is under way";
  EXPECT_TRUE(Has("held")) << "that a worker holds its task is in memory only";
  EXPECT_EQ(cache_.size(), 2U);
  loop_.OnLoop([&] { commit.run(); });
  loop_.RunFor(20s);
  EXPECT_FALSE(Has("committing"));
}

}  // namespace
}  // namespace wfe::shard
