// When a version is called worse than the one before it, and how often one that is not.
#include "activities/delivery/rules/regression.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <random>

namespace wfe::delivery {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const Instant kStart = *ParseIso8601("2026-03-02T00:00:00.000Z");

/// Runs from a seed: durations with a long tail (a coefficient of variation of one half).
class Runs {
 public:
  explicit Runs(uint64_t seed) : random_(seed) {}
  std::vector<RunOutcome> Make(int n, double duration_ms, double cost, double success, int stratum = 0) {
    std::lognormal_distribution<> tail(-0.1116, 0.4724);
    std::uniform_real_distribution<> uniform(0, 1);
    std::vector<RunOutcome> runs;
    for (int i = 0; i < n; ++i) {
      ++count_;
      runs.push_back({.run_id = "run-" + std::to_string(count_),
                      .ended = kStart + count_ * 1s,
                      .stratum = stratum,
                      .duration_ms = duration_ms * tail(random_),
                      .cost_usd = cost * tail(random_),
                      .success = uniform(random_) < success});
    }
    return runs;
  }

 private:
  std::mt19937_64 random_;
  int count_ = 0;
};

PerformanceWindow Window(int64_t runs, double duration, double cost, double success) {
  return {.runs = runs,
          .mean_duration_ms = duration,
          .duration_stddev = duration / 2,
          .mean_cost_usd = cost,
          .cost_stddev = cost / 2,
          .success_rate = success};
}

TEST(Regression, IsTheLargestOfThreeThatIsAboveTheThresholdAndSignificant) {  // RB-2
  struct Case {
    const char* name;
    PerformanceWindow after;
    std::string metric;
  };
  const PerformanceWindow before = Window(1000, 1000, 0.01, 0.95);
  const Case cases[] = {
      {"equal", Window(1000, 1000, 0.01, 0.95), ""},
      {"better", Window(1000, 500, 0.005, 0.99), ""},
      {"slower by 9 %", Window(100'000, 1090, 0.01, 0.95), ""},
      {"slower by 30 %", Window(1000, 1300, 0.01, 0.95), "mean_duration"},
      {"slower by 30 %, of 5 runs", Window(5, 1300, 0.01, 0.95), ""},
      {"dearer by 30 %", Window(1000, 1000, 0.013, 0.95), "mean_cost"},
      {"dearer by 50 %, slower by 30 %", Window(1000, 1300, 0.015, 0.95), "mean_cost"},
      {"fails 9 points more", Window(1000, 1000, 0.01, 0.86), ""},
      {"fails 12 points more", Window(1000, 1000, 0.01, 0.83), "success_rate"},
      {"fails 12 points more, slower by 11 %", Window(1000, 1110, 0.01, 0.83), "success_rate"},
      {"faster and fails more", Window(1000, 300, 0.01, 0.80), "success_rate"},
  };
  for (const Case& each : cases) {
    const RegressionCheck check = Compare(before, each.after, {}, 0.05);
    EXPECT_EQ(check.regression, !each.metric.empty()) << each.name << ": " << check.sentence;
    EXPECT_EQ(check.metric, each.metric) << each.name << ": " << check.sentence;
  }
}

TEST(Regression, CostWhereThereWasNoneCountsAsAWholeIncrease) {  // RB-2, a zero baseline
  PerformanceWindow before = Window(1000, 1000, 0, 1);
  PerformanceWindow after = Window(1000, 1000, 0.01, 1);
  RegressionCheck check = Compare(before, after, {}, 0.05);
  EXPECT_EQ(check.metric, kMeanCost);
  EXPECT_EQ(check.amount, 1);
  after.mean_cost_usd = after.cost_stddev = 0;
  check = Compare(before, after, {}, 0.05);
  EXPECT_FALSE(check.regression);
  EXPECT_THAT(check.sentence, HasSubstr("no regression in 1000 runs"));
}

TEST(Regression, NothingIsComparedBelowFiftyRuns) {  // RB-2
  Runs runs(1);
  const auto before = runs.Make(500, 1000, 0.01, 0.95);
  auto after = runs.Make(49, 9000, 0.01, 0.2);
  RegressionCheck check = CheckRegression(before, after, {});
  EXPECT_FALSE(check.regression);
  EXPECT_EQ(check.look, 0);
  EXPECT_EQ(check.sentence, "waits for 1 more runs of the new version");
  after = runs.Make(50, 9000, 0.01, 0.2);
  check = CheckRegression(before, after, {});
  EXPECT_TRUE(check.regression);
  EXPECT_EQ(check.look, 1);
  EXPECT_EQ(check.metric, kMeanDuration);
  check = CheckRegression(runs.Make(3, 1, 1, 1), after, {});
  EXPECT_FALSE(check.regression) << "and there must be something to compare with";
}

TEST(Regression, ChecksBetweenTwoLooksSeeTheSame) {  // RB-2
  Runs runs(2);
  const auto before = runs.Make(400, 1000, 0.01, 0.95);
  const auto after = runs.Make(199, 1100, 0.01, 0.95);
  std::vector<RunOutcome> first(after.begin(), after.begin() + 100);
  const RegressionCheck at_100 = CheckRegression(before, first, {});
  const RegressionCheck at_199 = CheckRegression(before, after, {});
  EXPECT_EQ(at_100.look, 2);
  EXPECT_EQ(nlohmann::json(at_100), nlohmann::json(at_199));
}

/// A check after every run, up to 400.
bool EverCalledWorse(uint64_t seed, double slower, double success) {
  Runs control(seed);
  Runs variant(seed + 1'000'000);
  const auto before = control.Make(400, 1000, 0.01, 0.95);
  const auto after = variant.Make(400, 1000 * slower, 0.01, success);
  for (const size_t n : {50, 100, 200, 400}) {
    if (CheckRegression(before, {after.begin(), after.begin() + static_cast<long>(n)}, {}).regression) return true;
  }
  return false;
}

TEST(Regression, VersionThatIsAsGoodIsCalledWorseInAtMostFiveOfAHundredHoweverOftenOneLooks) {  // RB-2
  int good = 0;
  int slow = 0;
  int failing = 0;
  constexpr int kWorlds = 400;
  for (uint64_t seed = 1; seed <= kWorlds; ++seed) {
    good += EverCalledWorse(seed, 1, 0.95) ? 1 : 0;
    slow += EverCalledWorse(seed, 1.3, 0.95) ? 1 : 0;
    failing += EverCalledWorse(seed, 1, 0.75) ? 1 : 0;
  }
  std::printf("of %d: as good and called worse %d; 30 %% slower and found %d; 20 points more failures and found %d\n",
              kWorlds, good, slow, failing);
  EXPECT_LE(good, kWorlds / 20);
  EXPECT_GE(slow, kWorlds * 95 / 100);
  EXPECT_GE(failing, kWorlds * 95 / 100);
}

TEST(Regression, LoadThatMovesWithTheHourIsNoRegression) {  // RB-2
  // Few runs go to the variant in the fast hours and many in the slow ones; version by version nothing differs.
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Runs runs(seed);
    std::vector<RunOutcome> control = runs.Make(1900, 1000, 0.01, 0.95, 0);
    std::vector<RunOutcome> variant = runs.Make(100, 1000, 0.01, 0.95, 0);
    for (const RunOutcome& run : runs.Make(1000, 2000, 0.01, 0.95, 3)) control.push_back(run);
    for (const RunOutcome& run : runs.Make(1000, 2000, 0.01, 0.95, 3)) variant.push_back(run);
    const RegressionCheck check = CheckRegression(control, variant, {});
    EXPECT_FALSE(check.regression) << check.sentence;
    std::vector<RunOutcome> common;
    EXPECT_NEAR(DescribeAs(control, variant, common).mean_duration_ms, Describe(variant).mean_duration_ms, 150);
    EXPECT_LT(Describe(control).mean_duration_ms, 1500) << "as a plain mean would have it";
  }
}

TEST(Regression, HarmIsSeenUnderSharesThatGrowAndRarelyWhereThereIsNone) {  // RB-2, XB-4
  int false_alarms = 0;
  int found = 0;
  constexpr int kWorlds = 300;
  for (uint64_t seed = 1; seed <= kWorlds; ++seed) {
    for (const bool harmful : {false, true}) {
      std::mt19937_64 random(seed);
      std::uniform_real_distribution<> uniform(0, 1);
      std::vector<HarmStage> stages;
      bool alarm = false;
      for (const double share : {0.05, 0.10, 0.25, 0.50}) {
        stages.push_back({.share = share});
        for (int run = 0; run < 300 && !alarm; ++run) {
          const bool variant = uniform(random) < share;
          const double failure = variant && harmful ? 0.4 : 0.05;
          if (uniform(random) >= failure) continue;
          ++(variant ? stages.back().errors_variant : stages.back().errors_control);
          alarm = WatchStages(stages, 0.05).harmful;
        }
      }
      (harmful ? found : false_alarms) += alarm ? 1 : 0;
    }
  }
  std::printf("of %d: false alarms %d, harm found %d\n", kWorlds, false_alarms, found);
  EXPECT_LE(false_alarms, kWorlds / 20);
  EXPECT_GE(found, kWorlds * 95 / 100);
}

TEST(Regression, StoredBaselineTakesThePlaceOfTheControlAtAHundredPercent) {  // RO-2, RB-2
  Runs runs(5);
  const PerformanceWindow baseline = Describe(runs.Make(500, 1000, 0.01, 0.95));
  EXPECT_FALSE(CheckAgainst(baseline, runs.Make(200, 1000, 0.01, 0.95), {}).regression);
  const RegressionCheck check = CheckAgainst(baseline, runs.Make(200, 1400, 0.01, 0.95), {});
  EXPECT_TRUE(check.regression);
  EXPECT_EQ(check.look, 3);
  EXPECT_THAT(CheckAgainst({}, runs.Make(200, 1400, 0.01, 0.95), {}).sentence, HasSubstr("only 0 runs"));
}

}  // namespace
}  // namespace wfe::delivery
