// The context cache: CE-1, CE-2, CE-3, RC-7, RC-11, AC-9.
#include "activities/agent/cache/context_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace wfe::agent {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::HasSubstr;

class CacheTest : public testing::Test {
 protected:
  CacheQuestion Question() const {
    return {.task = "count the words", .model = "m", .parameters = {{"t", 0}}, .files = {{"b.py", "2"}, {"a.py", "1"}}};
  }
  Status Store(const std::string& result = "the answer", std::optional<Money> cost = Money::Nanos(5'000'000)) {
    return cache_.Store(Question(), {.tokens = 1200, .cost_usd = cost, .workflow_run_id = "run-1", .step_name = "s"},
                        result);
  }
  std::optional<CacheHit> Look(const std::string& token) {
    return cache_.Look(CacheKey(Question()), {.token = token, .workflow_run_id = "run-2"}).value();
  }
  std::vector<json> Rows(std::string_view table) {
    std::vector<json> rows;
    EXPECT_TRUE(
        rows_
            ->ScanRows(std::string(table), "",
                       [&](const std::string&, const std::string& value) { rows.push_back(json::parse(value)); })
            .has_value());
    return rows;
  }

  std::shared_ptr<MemoryRows> rows_ = std::make_shared<MemoryRows>();
  std::shared_ptr<MemoryBlobs> blobs_ = std::make_shared<MemoryBlobs>();
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(*ParseIso8601("2026-11-26T12:00:00.000Z"));
  ContextCache cache_{rows_, blobs_, blobs_, clock_};
};

TEST_F(CacheTest, TheKeyIsOfEverythingThatWasAskedAndOfNothingElse) {
  const std::string key = CacheKey(Question());
  EXPECT_EQ(key.size(), 64u);
  CacheQuestion other = Question();
  std::swap(other.files[0], other.files[1]);
  other.parameters = json::parse(R"({ "t" : 0 })");
  EXPECT_EQ(CacheKey(other), key) << "neither the order of files nor how JSON is written matters";
  std::set<std::string> keys = {key};
  const auto differs = [&](auto change) {
    CacheQuestion changed = Question();
    change(changed);
    EXPECT_TRUE(keys.insert(CacheKey(changed)).second);
  };
  differs([](CacheQuestion& q) { q.task += "."; });
  differs([](CacheQuestion& q) { q.task += "\xff"; });
  differs([](CacheQuestion& q) { q.task += "\xfe"; });
  differs([](CacheQuestion& q) { q.model = "n"; });
  differs([](CacheQuestion& q) { q.parameters["t"] = 1; });
  differs([](CacheQuestion& q) { q.files[0].sha256 = "3"; });
  differs([](CacheQuestion& q) { q.files[0].path = "c.py"; });
  differs([](CacheQuestion& q) { q.files.pop_back(); });
  differs([](CacheQuestion& q) { q.files = {{"a.py", "2"}, {"b.py", "1"}}; });
}

TEST_F(CacheTest, AnAnswerIsFoundWhileItIsFreshAndEachLookUpIsOneRow) {
  EXPECT_FALSE(Look("t1").has_value());
  ASSERT_TRUE(Store().has_value());
  const auto hit = Look("t2");
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->result, "the answer");
  EXPECT_TRUE(Look("t2").has_value()) << "the same look-up, tried again";
  clock_->Advance(24h);
  EXPECT_TRUE(Look("t3").has_value());
  clock_->Advance(1ms);
  EXPECT_FALSE(Look("t4").has_value()) << "older than max_age_hours";
  const CacheStatistics statistics = cache_.Statistics().value();
  EXPECT_EQ(statistics.entries, 1);
  EXPECT_EQ(statistics.result_bytes, 10);
  EXPECT_EQ(statistics.hits, 2);
  EXPECT_EQ(statistics.misses, 2);
  EXPECT_EQ(statistics.HitRate(), 0.5);
  EXPECT_EQ(statistics.tokens_saved, 2400);
  EXPECT_EQ(statistics.cost_saved_usd.ToString(), "0.01");
  EXPECT_EQ(Rows(kContextCacheTable)[0]["hits"], 2);
}

TEST_F(CacheTest, AHitIsInTheSavingsWithItsBaseline) {
  ASSERT_TRUE(Store().has_value());
  Look("t");
  const json saving = Rows(kCostSavingsTable).at(0);
  EXPECT_EQ(saving["optimization_type"], "cache");
  EXPECT_EQ(saving["workflow_run_id"], "run-2");
  EXPECT_EQ(saving["tokens_saved"], 1200);
  EXPECT_EQ(saving["cost_saved_usd"].dump(), "0.005");
  EXPECT_THAT(saving["baseline"].get<std::string>(), HasSubstr("run run-1 at 2026-11-26T12:00:00.000Z"));
}

TEST_F(CacheTest, AnAnswerWithoutAPriceSavesTokensAndNoGuessedMoney) {
  ASSERT_TRUE(Store("x", std::nullopt).has_value());
  Look("t");
  EXPECT_FALSE(Rows(kCostSavingsTable).at(0).contains("cost_saved_usd"));
  EXPECT_EQ(cache_.Statistics()->cost_saved_usd, Money());
}

TEST_F(CacheTest, TheFirstAnswerStaysUntilItIsTooOldOrInvalidated) {
  ASSERT_TRUE(Store("first").has_value());
  ASSERT_TRUE(Store("second").has_value());
  EXPECT_EQ(Look("t1")->result, "first");
  clock_->Advance(25h);
  ASSERT_TRUE(Store("third").has_value());
  EXPECT_EQ(Look("t2")->result, "third");
  EXPECT_TRUE(cache_.Invalidate(CacheKey(Question())).value());
  EXPECT_FALSE(cache_.Invalidate(CacheKey(Question())).value());
  EXPECT_FALSE(Look("t3").has_value());
}

TEST_F(CacheTest, ClearingTakesWhatIsOlderAndSaysHowMuch) {
  for (int i = 0; i < 5; ++i) {
    CacheQuestion question = Question();
    question.task += std::to_string(i);
    ASSERT_TRUE(cache_.Store(question, {}, "x").has_value());
    clock_->Advance(24h);
  }
  EXPECT_EQ(cache_.ClearOlderThan(3).value(), 2);
  EXPECT_EQ(cache_.ClearOlderThan(3).value(), 0);
  EXPECT_EQ(cache_.Statistics()->entries, 3);
  EXPECT_EQ(cache_.ClearOlderThan(0).value(), 3);
}

TEST_F(CacheTest, WhatAnotherVersionWroteOrABlobThatIsGoneIsAMiss) {
  ASSERT_TRUE(Store().has_value());
  const std::string key = CacheKey(Question());
  const auto row = rows_->GetRow(std::string(kContextCacheTable), key);
  json changed = json::parse(**row);
  changed["result"] = std::string(64, '0');
  ASSERT_TRUE(rows_->PutRow(std::string(kContextCacheTable), key, changed.dump(), **row).has_value());
  EXPECT_FALSE(Look("t1").has_value());
  ASSERT_TRUE(rows_->PutRow(std::string(kContextCacheTable), key, "not JSON", changed.dump()).has_value());
  EXPECT_FALSE(Look("t2").has_value());
  ASSERT_TRUE(Store("new").has_value());
  EXPECT_EQ(Look("t3")->result, "new");
}

TEST_F(CacheTest, ThePolicyDecidesAndAutoLooksAtFilesAndContext) {
  EXPECT_EQ(ParseCachePolicy(""), CachePolicy::kNever);
  EXPECT_EQ(ParseCachePolicy("sometimes"), std::nullopt);
  EXPECT_TRUE(cache_.Applies(CachePolicy::kAlways, 0, 0));
  EXPECT_FALSE(cache_.Applies(CachePolicy::kNever, 1000, 1'000'000));
  EXPECT_FALSE(cache_.Applies(CachePolicy::kAuto, 4, 99'999));
  EXPECT_TRUE(cache_.Applies(CachePolicy::kAuto, 5, 0));
  EXPECT_TRUE(cache_.Applies(CachePolicy::kAuto, 0, 100'000));
}

}  // namespace
}  // namespace wfe::agent
