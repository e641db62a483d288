#include "engine/host/strand.h"

#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <latch>
#include <thread>

namespace wfe::host {
namespace {

TEST(Strand, RunsWorkOneAtATimeAndInTheOrderOfEachPoster) {
  asio::io_context pool;
  auto guard = boost::asio::make_work_guard(pool);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { pool.run(); });
  Strand strand(pool);
  constexpr int kPosters = 4;
  constexpr int kEach = 2000;
  std::latch done(kPosters * kEach);
  std::vector<std::vector<int>> seen(kPosters);
  std::atomic<int> inside = 0;
  std::vector<std::thread> posters;
  for (int poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&, poster] {
      for (int i = 0; i < kEach; ++i) {
        const InlineScope scope;  // half of the work is run by its poster, when the strand is idle
        strand.Post([&, poster, i] {
          EXPECT_EQ(inside.fetch_add(1), 0);
          EXPECT_TRUE(strand.OnStrand());
          seen[static_cast<size_t>(poster)].push_back(i);
          inside.fetch_sub(1);
          done.count_down();
        });
      }
    });
  }
  done.wait();
  for (std::thread& thread : posters) thread.join();
  guard.reset();
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<int>& order : seen) {
    ASSERT_EQ(order.size(), static_cast<size_t>(kEach));
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  }
}

TEST(Strand, RunsWorkOnThePostersThreadOnlyAfterItsFunctionReturned) {
  asio::io_context pool;
  Strand a(pool);
  Strand b(pool);
  std::vector<std::string> order;
  {
    const InlineScope scope;
    a.Post([&] {
      b.Post([&] {
        EXPECT_FALSE(a.OnStrand());
        order.push_back("b");
      });
      order.push_back("a");
    });
    order.push_back("poster");
  }
  EXPECT_THAT(order, testing::ElementsAre("poster", "a", "b"));
}

TEST(Strand, HandsWorkToThePoolWhenThePosterMayNotBeCaptured) {
  asio::io_context pool;
  Strand strand(pool);
  bool ran = false;
  strand.Post([&] { ran = true; });
  EXPECT_FALSE(ran);
  pool.run();
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace wfe::host
