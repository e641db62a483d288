#include "engine/base/thread_loop.h"

#include <gmock/gmock.h>

#include <future>
#include <latch>
#include <thread>

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

// The wait reads the time it was given once more when it ends, and by then this timer is gone (seen with
// AddressSanitizer).
TEST(ThreadLoop, TimerCancelledWhileTheLoopWaitsForItDoesNotFire) {
  ThreadLoop loop;
  bool fired = false;
  for (int i = 0; i < 200; ++i) {
    const auto timer = loop.After(1h, loop, [&fired] { fired = true; });
    std::promise<void> waiting;
    loop.Post([&waiting] { waiting.set_value(); });
    waiting.get_future().wait();
    std::this_thread::yield();
    loop.Cancel(timer);
    std::promise<void> woken;
    loop.Post([&woken] { woken.set_value(); });
    woken.get_future().wait();
  }
  EXPECT_FALSE(fired);
}

}  // namespace
}  // namespace wfe
