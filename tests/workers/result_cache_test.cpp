// Results that a worker keeps: for a time, the ones used last, within a size; and the activity that asks for it (ST-18,
// ST-21).
#include "workers/host/result_cache.h"

#include "tests/workers/worker_fixture.h"
#include "workers/core/payload_codec.h"
#include "workers/core/result_caching.h"

namespace wfe::worker {
namespace {

using nlohmann::json;

const Instant kNow{1'000s};

TEST(ResultCache, GivesWhatWasKeptUntilItIsTooOld) {
  ResultCache cache;
  const std::string key = ResultCache::KeyOf("ns", "embed", {{"b", 1}, {"a", 2}});
  EXPECT_EQ(key, ResultCache::KeyOf("ns", "embed", {{"a", 2}, {"b", 1}}));
  EXPECT_NE(key, ResultCache::KeyOf("ns2", "embed", {{"a", 2}, {"b", 1}}));
  EXPECT_FALSE(cache.Look("embed", key, 10s, kNow).has_value());
  cache.Store("embed", key, "vector", 0, kNow);
  EXPECT_EQ(cache.Look("embed", key, 10s, kNow + 10s), json("vector"));
  EXPECT_FALSE(cache.Look("embed", key, 10s, kNow + 11s).has_value());
  EXPECT_FALSE(cache.Look("embed", key, 1h, kNow + 11s).has_value()) << "what was too old is gone";
  const ResultCacheStatistics statistics = cache.Statistics().at("embed");
  EXPECT_EQ(statistics.hits, 1u);
  EXPECT_EQ(statistics.misses, 3u);
  EXPECT_EQ(statistics.expired, 1u);
  EXPECT_EQ(statistics.entries, 0u);
  EXPECT_EQ(statistics.bytes, 0u);
}

TEST(ResultCache, KeepsTheOnesUsedLast) {
  ResultCache cache;
  for (const char* const key : {"a", "b"}) cache.Store("t", key, key, 2, kNow);
  EXPECT_TRUE(cache.Look("t", "a", 1h, kNow).has_value());
  cache.Store("t", "c", "c", 2, kNow);
  EXPECT_FALSE(cache.Look("t", "b", 1h, kNow).has_value());
  EXPECT_TRUE(cache.Look("t", "a", 1h, kNow).has_value());
  EXPECT_EQ(cache.Statistics().at("t").evicted, 1u);
}

TEST(ResultCache, StaysWithinItsSizeOverAllTypes) {
  ResultCache cache(1'000);
  for (int i = 0; i < 50; ++i) cache.Store(i % 2 == 0 ? "x" : "y", std::to_string(i), std::string(90, 'r'), 0, kNow);
  const auto all = cache.Statistics();
  EXPECT_LE(all.at("x").bytes + all.at("y").bytes, 1'000u);
  EXPECT_GE(all.at("x").entries + all.at("y").entries, 9u);
  EXPECT_TRUE(cache.Look("y", "49", 1h, kNow).has_value());
  EXPECT_FALSE(cache.Look("x", "0", 1h, kNow).has_value());
  cache.Store("x", "large", std::string(200, 'r'), 0, kNow);
  EXPECT_FALSE(cache.Look("x", "large", 1h, kNow).has_value()) << "one result does not push out all others";
}

class WorkerResultCacheTest : public WorkerTest {
 protected:
  WorkerResultCacheTest() { options_.result_cache = &cache_; }
  ws::PollActivityTaskQueueResponse CachedTask(const std::string& input, Duration ttl = 60s) {
    ws::PollActivityTaskQueueResponse task = ActivityTask("echo", input);
    core::AskForCaching({.ttl = ttl, .max_entries = 5}, *task.mutable_header());
    return task;
  }
  temporal::api::common::v1::Payloads LastResult() const {
    return service_.Last<ws::RespondActivityTaskCompletedRequest>("RespondActivityTaskCompleted").result();
  }
  ResultCache cache_;
};

TEST_F(WorkerResultCacheTest, TheSameInputIsAnsweredWithoutRunningItAndSaysSo) {
  service_.Always("RespondActivityTaskCompleted", ws::RespondActivityTaskCompletedResponse());
  MakeAndStart(false);
  GiveActivity(CachedTask("\"hello\""));
  FinishActivity();
  EXPECT_FALSE(core::IsFromCache(LastResult()));
  GiveActivity(CachedTask("\"hello\""));
  EXPECT_TRUE(executor_.items.empty());
  EXPECT_EQ(*core::DecodePayloads(LastResult()), json("hello"));
  EXPECT_TRUE(core::IsFromCache(LastResult()));
  EXPECT_EQ(worker_->stats().activities_completed, 2u);
  EXPECT_EQ(worker_->stats().activities_from_cache, 1u);

  GiveActivity(CachedTask("\"other\""));
  EXPECT_EQ(executor_.items.size(), 1u);
  FinishActivity();
  loop_.RunFor(61s);
  GiveActivity(CachedTask("\"hello\""));
  EXPECT_EQ(executor_.items.size(), 1u) << "too old";
}

TEST_F(WorkerResultCacheTest, WhoDoesNotAskAndWhatFailsIsNotKept) {
  service_.Always("RespondActivityTaskCompleted", ws::RespondActivityTaskCompletedResponse());
  service_.Always("RespondActivityTaskFailed", ws::RespondActivityTaskFailedResponse());
  activities_.RegisterErased(
      "fails", [](sdk::ActivityContext&, const json&) { return sdk::ActivityResult<json>(Unavailable("not now")); });
  MakeAndStart(false);
  for (int i = 0; i < 2; ++i) {
    GiveActivity(ActivityTask());
    EXPECT_EQ(executor_.items.size(), 1u);
    FinishActivity();
    auto failing = CachedTask("1");
    failing.mutable_activity_type()->set_name("fails");
    GiveActivity(failing);
    EXPECT_EQ(executor_.items.size(), 1u);
    FinishActivity();
  }
  EXPECT_EQ(worker_->stats().activities_from_cache, 0u);
  EXPECT_EQ(cache_.Statistics().count("echo"), 0u);
}

TEST(CachingHeader, WhatCannotBeReadAsksForNothing) {
  temporal::api::common::v1::Header header;
  EXPECT_FALSE(core::CachingAskedFor(header).has_value());
  for (const json& value : {json(3), json::object(), json({{"ttl_ms", "x"}}), json({{"ttl_ms", -5}})}) {
    (*header.mutable_fields())["wfe-cache"] = core::EncodePayload(value);
    EXPECT_FALSE(core::CachingAskedFor(header).has_value()) << value.dump();
  }
  core::AskForCaching({.ttl = 2s, .max_entries = 7}, header);
  EXPECT_EQ(core::CachingAskedFor(header)->ttl, 2s);
  EXPECT_EQ(core::CachingAskedFor(header)->max_entries, 7);
}

}  // namespace
}  // namespace wfe::worker
