// Many deadlines, one timer; and whose time comes in what turn.
#include "engine/shard/deadline_timer.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "engine/shard/due_timers.h"
#include "tests/support/event_loop.h"

namespace wfe::shard {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DeadlineTimerTest : public ::testing::Test {
 protected:
  void Arm(Duration in) {
    loop_.OnLoop([&] { timer_.Arm(loop_.Now() + in); });
  }
  support::EventLoop loop_;
  Instant start_ = loop_.Now();
  std::vector<Duration> woken_;
  DeadlineTimer timer_{loop_, loop_, loop_, [this] { woken_.push_back(loop_.Now() - start_); }};
};

TEST_F(DeadlineTimerTest, TheEarliestDeadlineWakesOnce) {
  Arm(10s);
  Arm(3s);
  Arm(7s);
  loop_.RunFor(30s);
  EXPECT_THAT(woken_, ElementsAre(3s)) << "whoever has more deadlines says so when woken";
  Arm(1s);
  loop_.RunFor(5s);
  EXPECT_THAT(woken_, ElementsAre(3s, 31s));
}

TEST_F(DeadlineTimerTest, ADeadlineThatHasPassedWakesInATurnOfItsOwn) {
  loop_.OnLoop([&] {
    timer_.Arm(loop_.Now() - 5s);
    EXPECT_THAT(woken_, IsEmpty());
  });
  loop_.RunFor(0s);
  EXPECT_THAT(woken_, ElementsAre(0s));
}

TEST_F(DeadlineTimerTest, NoSleepIsLongerThanAMinute) {  // F8: the machine may sleep meanwhile
  Arm(10min);
  loop_.RunFor(5min);
  EXPECT_THAT(woken_, ElementsAre(60s));
}

TEST_F(DeadlineTimerTest, NothingWakesOnceItIsStopped) {
  Arm(1s);
  loop_.OnLoop([&] { timer_.Stop(); });
  Arm(1s);
  loop_.RunFor(5s);
  EXPECT_THAT(woken_, IsEmpty());
}

ExecutionKey Key(const std::string& id) { return {Namespace("ns"), WorkflowId(id), RunId("r")}; }

class DueTimersTest : public ::testing::Test {
 protected:
  void Set(const std::string& id, Duration in) {
    loop_.OnLoop([&] {
      timers_.Set(Key(id), loop_.Now() + in);
      timers_.Arm();
    });
  }
  support::EventLoop loop_;
  std::vector<std::string> due_;
  std::vector<std::string> stuck_;
  bool moves_ = true;
  Duration again_in_ = Duration::max();  // a key that was due is due again then
  DueTimers timers_{{.clock = loop_,
                     .timers = loop_,
                     .strand = loop_,
                     .due =
                         [this](const ExecutionKey& key) {
                           due_.push_back(key.workflow_id.value());
                           if (again_in_ != Duration::max()) timers_.Set(key, loop_.Now() + again_in_);
                           return moves_;
                         },
                     .stuck = [this](const ExecutionKey& key) { stuck_.push_back(key.workflow_id.value()); }},
                    2};
};

TEST_F(DueTimersTest, KeysGetTheirTurnInDueOrderAndLeave) {
  Set("c", 3s);
  Set("a", 1s);
  Set("b", 2s);
  Set("never", 2s);
  loop_.OnLoop([&] { timers_.Set(Key("never"), std::nullopt); });
  EXPECT_EQ(timers_.Due(Key("b")), loop_.Now() + 2s);
  loop_.RunFor(10s);
  EXPECT_THAT(due_, ElementsAre("a", "b", "c"));
  EXPECT_EQ(timers_.size(), 0U);
}

TEST_F(DueTimersTest, AStormIsServedInTurnsThatLeaveRoomForOthers) {  // F16
  std::string order;
  for (const char* id : {"a", "b", "c", "d", "e"}) Set(id, 1s);
  loop_.After(1s, loop_, [&] { order += std::to_string(due_.size()); });
  loop_.RunFor(1s);
  EXPECT_EQ(order, "2") << "the first turn is over, the others come after what was waiting";
  EXPECT_THAT(due_, ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(DueTimersTest, WhatMovesMayBeDueAgainAtOnce) {
  again_in_ = 0s;
  Set("a", 1s);
  loop_.After(1s, loop_, [&] { again_in_ = Duration::max(); });
  loop_.RunFor(1s);
  EXPECT_THAT(due_, ElementsAre("a", "a"));
  EXPECT_THAT(stuck_, IsEmpty());
}

TEST_F(DueTimersTest, ADeadlineThatDoesNotMoveIsNamedAndTakesNoTimeFromOthers) {
  moves_ = false;
  again_in_ = 0s;
  Set("a", 1s);
  loop_.RunFor(3s + 500ms);
  EXPECT_THAT(due_, ElementsAre("a", "a", "a"));
  EXPECT_THAT(stuck_, ElementsAre("a", "a", "a")) << "it is said each time";
}

TEST_F(DueTimersTest, ATurnThatMovesNothingAndLeavesNothingDueIsNoFault) {
  moves_ = false;
  again_in_ = 5s;
  Set("a", 1s);
  loop_.RunFor(2s);
  EXPECT_THAT(due_, ElementsAre("a"));
  EXPECT_THAT(stuck_, IsEmpty());
}

}  // namespace
}  // namespace wfe::shard
