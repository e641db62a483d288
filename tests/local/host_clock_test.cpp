// The logical clock: never backwards, and never still (F8, SEC-H3).
#include "engine/local/host_clock.h"

#include <gtest/gtest.h>

namespace wfe::local {
namespace {

using namespace std::chrono_literals;

class HostClockTest : public testing::Test {
 protected:
  /// Time passes on both clocks.
  void Pass(Duration duration) {
    wall_.Advance(duration);
    monotonic_.Advance(duration);
  }

  const Instant noon_ = ManualClock().Now();
  ManualClock wall_{noon_};
  ManualClock monotonic_{Instant(1000s)};
  HostClock clock_{wall_, monotonic_};
};

TEST_F(HostClockTest, FollowsTheWall) {
  EXPECT_EQ(clock_.Now(), noon_);
  Pass(5s);
  EXPECT_EQ(clock_.Now(), noon_ + 5s);
  wall_.Advance(1h);  // put forward
  EXPECT_EQ(clock_.Now(), noon_ + 1h + 5s);
  EXPECT_EQ(clock_.Ahead(), 0s);
}

TEST_F(HostClockTest, GoesOnWhenTheStoreHasSeenALaterTime) {  // SEC-H3
  clock_.NotBefore(noon_ + 24h);
  EXPECT_EQ(clock_.Ahead(), 24h);
  EXPECT_EQ(clock_.Now(), noon_ + 24h);
  Pass(4s);
  EXPECT_EQ(clock_.Now(), noon_ + 24h + 3s);  // a timer of 3 s has fired
  Pass(40s);
  EXPECT_EQ(clock_.Now(), noon_ + 24h + 33s);
  EXPECT_EQ(clock_.Ahead(), 24h - 11s);
}

TEST_F(HostClockTest, MeetsTheWallInTheEnd) {  // SEC-H3
  clock_.NotBefore(noon_ + 1h);
  for (int minute = 0; minute < 240; ++minute) {
    const Instant before = clock_.Now();
    Pass(1min);
    EXPECT_GE(clock_.Now() - before, 45s);
    EXPECT_LE(clock_.Now() - before, 60s);
  }
  EXPECT_EQ(clock_.Now(), noon_ + 4h);
  EXPECT_EQ(clock_.Ahead(), 0s);
  Pass(1s);
  EXPECT_EQ(clock_.Now(), noon_ + 4h + 1s);
}

TEST_F(HostClockTest, NeverGoesBackWhenTheWallIsPutBack) {  // F8
  Pass(10s);
  EXPECT_EQ(clock_.Now(), noon_ + 10s);
  wall_.Set(noon_ - 1h);
  EXPECT_EQ(clock_.Now(), noon_ + 10s);
  Pass(8s);
  EXPECT_EQ(clock_.Now(), noon_ + 16s);
  wall_.Set(noon_ + 1min);  // put right again
  EXPECT_EQ(clock_.Now(), noon_ + 1min);
  wall_.Set(noon_);  // and back a second time: the pause in between does not count
  EXPECT_EQ(clock_.Now(), noon_ + 1min);
  monotonic_.Advance(4s);
  EXPECT_EQ(clock_.Now(), noon_ + 1min + 3s);
}

TEST_F(HostClockTest, AReadingThatAnotherThreadOvertookIsNoJump) {
  clock_.NotBefore(noon_ + 100us);
  EXPECT_EQ(clock_.Now(), noon_ + 100us);
  EXPECT_EQ(clock_.Ahead(), 0s);
  monotonic_.Advance(1h);
  EXPECT_EQ(clock_.Now(), noon_ + 100us);
}

}  // namespace
}  // namespace wfe::local
