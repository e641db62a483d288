// Host ids (EN-5) and the pool of threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include "engine/base/strand.h"
#include "engine/base/thread_loop.h"
#include "workers/host/host_id.h"
#include "workers/host/thread_pool_activity_executor.h"

namespace wfe::worker {
namespace {

class HostIdTest : public testing::Test {
 protected:
  HostIdTest() {
    std::string name = (std::filesystem::temp_directory_path() / "wfe-host-id-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~HostIdTest() override { std::filesystem::remove_all(root_); }

  std::filesystem::path root_;
  SystemIdSource ids_;
};

TEST_F(HostIdTest, IsMadeOnceAndFoundAgain) {
  const auto first = HostId(root_, ids_);
  ASSERT_TRUE(first) << first.error().ToString();
  EXPECT_EQ(*HostId(root_, ids_), *first);
  struct stat info{};
  ASSERT_EQ(::stat((root_ / "host-id").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(root_), {}), 1) << "nothing is left over";
  EXPECT_EQ(HostQueueName("builds", "x"), "builds@host-x");
}

TEST_F(HostIdTest, IsTheSameForAllWhoMakeItAtOnce) {
  std::vector<std::string> made(8);
  std::vector<std::thread> threads;
  for (std::string& id : made) threads.emplace_back([&] { id = HostId(root_, ids_).value(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(made, testing::Each(made[0]));
}

TEST_F(HostIdTest, ThatIsDamagedIsRefusedByName) {
  std::ofstream(root_ / "host-id") << "../../etc";
  const auto id = HostId(root_, ids_);
  ASSERT_FALSE(id);
  EXPECT_THAT(id.error().message, testing::HasSubstr((root_ / "host-id").string()));
}

TEST_F(HostIdTest, NeedsAWorkRootThatExists) { EXPECT_FALSE(HostId(root_ / "missing", ids_)); }

TEST(ThreadPool, RunsAtMostItsNumberOfActivitiesAtATime) {
  std::mutex mutex;
  std::condition_variable changed;
  int running = 0;
  int most = 0;
  int done = 0;
  {
    ThreadPoolActivityExecutor pool(2);
    for (int i = 0; i < 20; ++i) {
      pool.Execute(
          nullptr,
          [&]() -> sdk::ActivityResult<nlohmann::json> {
            {
              const std::lock_guard lock(mutex);
              most = std::max(most, ++running);
            }
            std::this_thread::yield();
            const std::lock_guard lock(mutex);
            --running;
            return nlohmann::json(1);
          },
          [&](const sdk::ActivityResult<nlohmann::json>& result) {
            const std::lock_guard lock(mutex);
            done += result.value().get<int>();
            changed.notify_all();
          });
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done == 20; });
  }
  EXPECT_LE(most, 2);
}

TEST(ThreadPool, EndsOnlyWhenWhatItAcceptedHasRun) {
  std::atomic<int> done = 0;
  {
    ThreadPoolActivityExecutor pool(1);
    for (int i = 0; i < 5; ++i) {
      pool.Execute(
          nullptr, [] { return sdk::ActivityResult<nlohmann::json>(nlohmann::json()); },
          [&](const sdk::ActivityResult<nlohmann::json>&) { ++done; });
    }
  }
  EXPECT_EQ(done, 5);
}

// RW-D1, SEC-C1: what an activity posts while it runs (its heartbeats) is done at once, and by others.
TEST(ThreadPool, AnActivityThatPostsToTheStrandDoesNotHoldItUntilItEnds) {
  ThreadLoop loop;
  Strand strand(loop);
  std::promise<void> reached;
  std::promise<bool> done;
  ThreadPoolActivityExecutor pool(1);
  pool.Execute(
      nullptr,
      [&]() -> sdk::ActivityResult<nlohmann::json> {
        strand.Post([&] { reached.set_value(); });
        return nlohmann::json(reached.get_future().wait_for(std::chrono::seconds(30)) == std::future_status::ready);
      },
      [&](const sdk::ActivityResult<nlohmann::json>& result) { done.set_value(result.value().get<bool>()); });
  EXPECT_TRUE(done.get_future().get());
  strand.Close();
}

}  // namespace
}  // namespace wfe::worker
