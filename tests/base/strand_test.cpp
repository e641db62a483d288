#include "engine/base/strand.h"

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <future>
#include <latch>
#include <thread>

#include "engine/base/thread_loop.h"

namespace wfe {
namespace {

/// A pool whose thread is the test's own.
class Held final : public Executor {
 public:
  void Post(Function<void()> work) override { queue_.push_back(std::move(work)); }
  bool OnStrand() const override { return false; }
  void Run() {
    for (Function<void()>& work : std::exchange(queue_, {})) work();
  }

 private:
  std::vector<Function<void()>> queue_;
};

TEST(Strand, RunsWorkOneAtATimeAndInTheOrderOfEachPoster) {
  ThreadLoop pool;
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
  strand.Close();
  for (const std::vector<int>& order : seen) {
    ASSERT_EQ(order.size(), static_cast<size_t>(kEach));
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  }
}

TEST(Strand, RunsWorkOnThePostersThreadOnlyAfterItsFunctionReturned) {
  Held pool;
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

TEST(Strand, LeavesTheRestToThePoolWhenItsTurnIsOver) {  // F16: a thread of the transport is not captured for long
  Held pool;
  Strand strand(pool, WorkLength::kShort, Duration::zero());  // a turn of one function
  std::vector<int> order;
  {
    const InlineScope scope;
    for (int i = 0; i < 5; ++i) strand.Post([&, i] { order.push_back(i); });
    strand.Post([&] { strand.Post([&] { order.push_back(6); }); });
    strand.Post([&] { order.push_back(5); });
  }
  EXPECT_THAT(order, testing::ElementsAre(0));
  pool.Run();
  EXPECT_THAT(order, testing::ElementsAre(0, 1));
  for (int i = 0; i < 10; ++i) pool.Run();
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST(Strand, HandsWorkToThePoolWhenThePosterMayNotBeCaptured) {
  Held pool;
  Strand strand(pool);
  bool ran = false;
  strand.Post([&] { ran = true; });
  EXPECT_FALSE(ran);
  pool.Run();
  EXPECT_TRUE(ran);
}

TEST(Strand, LeavesToThePoolWhatOneCallerShouldNotHaveToDo) {
  Held pool;
  Strand strand(pool);
  int ran = 0;
  std::function<void()> again = [&] {
    if (++ran < 1000) strand.Post([&] { again(); });
  };
  {
    const InlineScope scope;
    strand.Post([&] { again(); });
  }
  EXPECT_LT(ran, 1000);
  for (int i = 0; i < 1000 && ran < 1000; ++i) pool.Run();
  EXPECT_EQ(ran, 1000);
}

TEST(Strand, LongWorkRunsOnAThreadThatLendsItselfBehindAllShortWorkAndOneAtATime) {
  Held pool;
  Held code_thread;
  Strand strand(pool);
  Strand code(code_thread, WorkLength::kMayBeLong);
  std::vector<std::string> order;
  {
    const InlineScope scope(WorkLength::kMayBeLong);
    for (const char* name : {"1", "2"}) {
      code.Post([&, name] {
        EXPECT_TRUE(code.OnStrand());
        EXPECT_FALSE(strand.OnStrand());
        order.push_back(std::string("code ") + name);
        strand.Post([&, name] { order.push_back(std::string("answer ") + name); });
      });
    }
    strand.Post([&] { order.push_back("short"); });
  }
  EXPECT_THAT(order, testing::ElementsAre("short", "code 1", "answer 1", "code 2", "answer 2"));
}

TEST(Strand, LongWorkOfAThreadThatDoesNotLendItselfGoesToItsOwnPool) {
  Held pool;
  Held code_thread;
  Strand strand(pool);
  Strand code(code_thread, WorkLength::kMayBeLong);
  std::vector<std::string> order;
  {
    const InlineScope scope;
    code.Post([&] {
      order.push_back("code");
      strand.Post([&] { order.push_back("answer"); });
    });
    strand.Post([&] { order.push_back("short"); });
  }
  EXPECT_THAT(order, testing::ElementsAre("short"));
  code_thread.Run();  // which then does what the code brought
  EXPECT_THAT(order, testing::ElementsAre("short", "code", "answer"));
}

// RW-D1: a heartbeat that falls due while workflow code computes.
TEST(Strand, ShortWorkNeverWaitsForLongWork) {
  Held pool;
  ThreadLoop code_thread;
  Strand strand(pool);
  Strand code(code_thread, WorkLength::kMayBeLong);
  bool logged = false;
  bool beaten = false;
  {
    const InlineScope scope(WorkLength::kMayBeLong);
    strand.Post([&] {
      code.Post([&] {
        const HandOverScope long_part;
        strand.Post([&] { logged = true; });  // the code itself logs
        pool.Run();
        EXPECT_TRUE(logged);
        std::thread([&] {  // as another thread of gRPC would
          const InlineScope other(WorkLength::kMayBeLong);
          strand.Post([&] { beaten = true; });
        }).join();
        EXPECT_TRUE(beaten);
      });
    });
  }
  EXPECT_TRUE(beaten);
}

TEST(Strand, OnlyOneThreadOfAProcessLendsItselfAtATime) {
  Held pool;
  Held own_thread;
  Strand one(pool, WorkLength::kMayBeLong);
  Strand other(own_thread, WorkLength::kMayBeLong);
  bool ran = false;
  {
    const InlineScope scope(WorkLength::kMayBeLong);
    one.Post([&] {
      const HandOverScope long_part;
      std::thread([&] {
        const InlineScope second(WorkLength::kMayBeLong);
        other.Post([&] { ran = true; });
      }).join();
      EXPECT_FALSE(ran) << "a second thread would be missing at what may not wait";
    });
  }
  own_thread.Run();
  EXPECT_TRUE(ran);
  ran = false;
  {
    const InlineScope scope(WorkLength::kMayBeLong);
    other.Post([&] { ran = true; });
  }
  EXPECT_TRUE(ran) << "the first has long ended";
}

TEST(Strand, ALendingThreadIsNotKeptByOneStreamOfLongWork) {
  Held pool;
  Strand code(pool, WorkLength::kMayBeLong);
  int ran = 0;
  std::function<void()> again = [&] {
    if (++ran < 1000) code.Post([&] { again(); });
  };
  {
    const InlineScope scope(WorkLength::kMayBeLong);
    code.Post([&] { again(); });
  }
  EXPECT_LT(ran, 1000);
  for (int i = 0; i < 1000 && ran < 1000; ++i) pool.Run();
  EXPECT_EQ(ran, 1000);
}

TEST(Strand, CloseWaitsForTheFunctionThatRunsAndNoneRunsAfterIt) {
  ThreadLoop pool;
  Strand strand(pool);
  std::promise<void> entered;
  std::promise<void> leave;
  std::atomic<bool> left = false;
  std::atomic<bool> later = false;
  strand.Post([&] {
    entered.set_value();
    leave.get_future().wait();
    left = true;
  });
  entered.get_future().wait();
  std::thread closer([&] {
    strand.Close();
    EXPECT_TRUE(left);
  });
  leave.set_value();
  closer.join();
  strand.Post([&] { later = true; });
  EXPECT_FALSE(later);
}

}  // namespace
}  // namespace wfe
