// Activities of one report share its tables (OP-3).
#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "activities/analytics/steps/table_cache.h"

namespace wfe::analytics {
namespace {

Status GoOn() { return Ok(); }

TEST(TableCache, TablesAreLoadedOnceWhileSomebodyHasThem) {
  TableCache cache;
  std::atomic<int> loads = 0;
  const auto load = [&loads]() -> Result<LoadedTables> { return LoadedTables{.table = {}, .duplicates = ++loads}; };
  {
    const auto first = cache.Get("a b", load, GoOn);
    const auto second = cache.Get("a b", load, GoOn);
    EXPECT_EQ(first->get(), second->get());
    EXPECT_EQ(loads, 1);
    EXPECT_EQ(cache.Get("a", load, GoOn).value()->duplicates, 2) << "other tables are other tables";
  }
  EXPECT_EQ(cache.Get("a", load, GoOn).value()->duplicates, 3) << "nobody had them any more";
}

TEST(TableCache, ThreadsWaitForTheOneThatLoadsAndShareWhatItGot) {
  TableCache cache;
  std::promise<void> loading;
  std::promise<void> go;
  std::atomic<int> loads = 0;
  const auto load = [&]() -> Result<LoadedTables> {
    if (++loads == 1) loading.set_value();
    go.get_future().wait();
    return LoadedTables();
  };
  std::vector<std::shared_ptr<const LoadedTables>> got(4);
  std::vector<std::thread> threads;
  threads.emplace_back([&] { got[0] = cache.Get("t", load, GoOn).value(); });
  loading.get_future().wait();
  for (size_t i = 1; i < got.size(); ++i) threads.emplace_back([&, i] { got[i] = cache.Get("t", load, GoOn).value(); });
  go.set_value();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(loads, 1);
  for (const auto& tables : got) EXPECT_EQ(tables, got[0]);
}

TEST(TableCache, OneThatWaitsGivesUpWhenItIsCancelled) {
  TableCache cache;
  std::promise<void> loading;
  std::promise<void> go;
  std::thread slow([&] {
    const auto load = [&]() -> Result<LoadedTables> {
      loading.set_value();
      go.get_future().wait();
      return LoadedTables();
    };
    EXPECT_TRUE(cache.Get("t", load, GoOn).has_value());
  });
  loading.get_future().wait();
  const auto got = cache.Get(
      "t", []() -> Result<LoadedTables> { return LoadedTables(); },
      [] { return Status(Cancelled("the activity was cancelled")); });
  EXPECT_EQ(got.error().code, StatusCode::kCancelled);
  go.set_value();
  slow.join();
}

TEST(TableCache, FailureToLoadIsNotKept) {
  TableCache cache;
  const auto fail = []() -> Result<LoadedTables> { return Unavailable("no records"); };
  EXPECT_EQ(cache.Get("t", fail, GoOn).error().code, StatusCode::kUnavailable);
  EXPECT_TRUE(cache.Get("t", []() -> Result<LoadedTables> { return LoadedTables(); }, GoOn).has_value());
}

}  // namespace
}  // namespace wfe::analytics
