#include "engine/base/thread_loop.h"

#include <gmock/gmock.h>

#include <latch>

namespace wfe {
namespace {

using namespace std::chrono_literals;

TEST(ThreadLoop, RunsPostedWorkInOrderOnItsOwnThread) {
  ThreadLoop loop;
  std::latch done(3);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    loop.Post([&, i] {
      EXPECT_TRUE(loop.OnStrand());
      order.push_back(i);
      done.count_down();
    });
  }
  done.wait();
  EXPECT_FALSE(loop.OnStrand());
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2));
}

TEST(ThreadLoop, FiresTimersByTheirTimeAndNotTheCancelledOnes) {
  ThreadLoop loop;
  std::latch done(2);
  std::vector<int> order;
  loop.After(20ms, loop, [&] {
    order.push_back(2);
    done.count_down();
  });
  loop.After(1ms, loop, [&] {
    order.push_back(1);
    done.count_down();
  });
  const TimerService::TimerId never = loop.After(5ms, loop, [&] { order.push_back(3); });
  loop.Cancel(never);
  done.wait();
  EXPECT_THAT(order, testing::ElementsAre(1, 2));
}

}  // namespace
}  // namespace wfe
