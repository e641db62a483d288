// What is told only when it survives a crash (ARCHITECTURE D5).
#include "engine/shard/durable_gate.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/support/event_loop.h"

namespace wfe::shard {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DurableGateTest : public ::testing::Test {
 protected:
  void Note(uint64_t commit, const std::string& what) {
    gate_.WhenDurable(commit, [this, what] { told_.push_back(what); });
  }
  /// The store has synced it.
  void Sync(storage::DurableCallback& commit) { loop_.OnLoop([&] { commit.run(); }); }

  support::EventLoop loop_;
  DurableGate gate_{loop_};
  std::vector<std::string> told_;
};

TEST_F(DurableGateTest, WhatRestsOnNoCommitIsToldAtOnce) {
  Note(0, "a");
  EXPECT_THAT(told_, ElementsAre("a"));
  EXPECT_EQ(gate_.handed_in(), 0U);
}

TEST_F(DurableGateTest, WhatWaitsForACommitIsToldWhenItIsDurableInTheOrderItCame) {
  auto first = gate_.NextCommit();
  Note(gate_.handed_in(), "a");
  auto second = gate_.NextCommit();
  Note(gate_.handed_in(), "c");
  Note(1, "b");
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_FALSE(gate_.IsDurable(1));
  Sync(first);
  EXPECT_THAT(told_, ElementsAre("a", "b"));
  EXPECT_TRUE(gate_.IsDurable(1));
  EXPECT_FALSE(gate_.IsDurable(2));
  Note(1, "late");
  Sync(second);
  EXPECT_THAT(told_, ElementsAre("a", "b", "late", "c"));
}

TEST_F(DurableGateTest, ARefusalWaitsForTheCommitItTellsOf) {
  auto commit = gate_.NextCommit();
  std::vector<Result<int>> answers;
  const auto take = [&](Result<int> answer) { answers.push_back(std::move(answer)); };
  gate_.Answer<int>(1, take, NotFound("already completed"));
  gate_.Answer<int>(1, take, 7);
  EXPECT_TRUE(answers.empty());
  Sync(commit);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].error().message, "already completed");
  EXPECT_EQ(*answers[1], 7);
}

TEST_F(DurableGateTest, WhatATellingAsksForIsToldAtOnce) {
  auto commit = gate_.NextCommit();
  gate_.WhenDurable(1, [this] {
    told_.push_back("first");
    Note(1, "asked by the first");
  });
  Note(1, "second");
  gate_.WhenAllDurable([this] { told_.push_back("all"); });
  Sync(commit);
  EXPECT_THAT(told_, ElementsAre("first", "asked by the first", "second", "all"));
}

TEST_F(DurableGateTest, CommitsBecomeDurableInOrderOrTheProcessStops) {
  auto first = gate_.NextCommit();
  auto second = gate_.NextCommit();
  EXPECT_DEATH(Sync(second), "out of order");
  EXPECT_DEATH(Note(3, "x"), "nobody has made");
}

}  // namespace
}  // namespace wfe::shard
