// Which strategy is tried next: what UCB1 promises, on strategies whose truth is known (LN-4).
#include "activities/optimizer/learning/selector.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>

#include "activities/optimizer/profile/bottleneck.h"
#include "activities/optimizer/strategies/suggestion.h"
#include "tools/demo/memory_records.h"

namespace wfe::optimizer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::vector<std::string> kAll = {"pruning", "parallelization", "tool_selection", "model_selection", "caching",
                                       "batching"};

template <class T>
T Must(Result<T> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
  return *std::move(result);
}

TEST(StrategySelector, GoesByTheBottleneckWhereThereIsNoHistory) {  // LN-4
  const auto first = [](std::string_view bottleneck) { return RankStrategies(bottleneck, kAll, {})[0].strategy; };
  EXPECT_EQ(first(kMissingCaching), kCaching);
  EXPECT_EQ(first(kUnusedOutput), kPruning);
  EXPECT_EQ(first(kSlowNode), kParallelization);
  EXPECT_EQ(first(kExpensiveTool), kToolSelection);
  EXPECT_EQ(first(""), kPruning);
  std::vector<std::string> order;
  for (const RankedStrategy& arm : RankStrategies("", {"caching", "of our own", "tool_selection", "pruning"}, {})) {
    order.push_back(arm.strategy);
    EXPECT_EQ(arm.mean, 0.5);
    EXPECT_EQ(arm.tried, 0);
  }
  EXPECT_THAT(order, ElementsAre("pruning", "tool_selection", "caching", "of our own"));
  EXPECT_THAT(RankStrategies("", {}, {}), SizeIs(0));
}

TEST(StrategySelector, ScoresAsTheFormulaSays) {  // LN-4
  // caching: tried 3 times, 0.9 in all; pruning: once, 0.1; batching never.  With the prior n is 4, 2, 1 and N is 7.
  const RewardHistory history = {{"caching", {3, 0.9}}, {"pruning", {1, 0.1}}, {"of another list", {50, 50}}};
  const auto ranked = RankStrategies("", {"batching", "caching", "pruning"}, history);
  ASSERT_THAT(ranked, SizeIs(3));
  const auto score = [&](std::string_view strategy) {
    return std::ranges::find(ranked, strategy, &RankedStrategy::strategy)->score;
  };
  EXPECT_DOUBLE_EQ(score("caching"), 1.4 / 4 + std::sqrt(2 * std::log(7.0) / 4));
  EXPECT_DOUBLE_EQ(score("pruning"), 0.6 / 2 + std::sqrt(2 * std::log(7.0) / 2));
  EXPECT_DOUBLE_EQ(score("batching"), 0.5 + std::sqrt(2 * std::log(7.0)));
  EXPECT_EQ(ranked[0].strategy, "batching") << "nobody has tried it";
}

/// A strategy's reward: something with this chance, nothing otherwise.
struct Arm {
  double chance;
  double reward;
};

struct Played {
  double regret = 0;
  std::vector<int> times;
};

Played Play(const std::vector<Arm>& arms, int rounds, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1.0p-53; };
  double best = 0;
  for (const Arm& arm : arms) best = std::max(best, arm.chance * arm.reward);
  RewardHistory history;
  Played played{.regret = 0, .times = std::vector<int>(arms.size())};
  for (int i = 0; i < rounds; ++i) {
    const std::string strategy = RankStrategies(kSlowNode, kAll, history)[0].strategy;
    const auto at = static_cast<size_t>(std::ranges::find(kAll, strategy) - kAll.begin());
    ArmHistory& arm = history[strategy];
    ++arm.tried;
    arm.total += uniform() < arms[at].chance ? arms[at].reward : 0;
    played.regret += best - arms[at].chance * arms[at].reward;
    ++played.times[at];
  }
  return played;
}

TEST(StrategySelector, LosesLessAndLessAgainstTheBestStrategy) {  // LN-4
  // Parallelization, which is tried first against a slow node, is the second worst here.
  const std::vector<Arm> arms = {{0.5, 0.2}, {0.2, 0.3}, {0.6, 0.5}, {0.9, 0.8}, {0.7, 0.4}, {0.1, 0.1}};
  constexpr int kSeeds = 50;
  std::printf("%8s %12s %12s %14s\n", "tries", "lost each", "by chance", "best taken");
  const double by_chance = 0.72 - (0.1 + 0.06 + 0.3 + 0.72 + 0.28 + 0.01) / 6;
  double before = 1;
  for (const int rounds : {10, 30, 100, 300, 1'000}) {
    double lost = 0;
    double best_taken = 0;
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      const Played played = Play(arms, rounds, seed);
      lost += played.regret / rounds / kSeeds;
      best_taken += static_cast<double>(played.times[3]) / rounds / kSeeds;
    }
    std::printf("%8d %12.3f %12.3f %13.0f%%\n", rounds, lost, by_chance, 100 * best_taken);
    EXPECT_LT(lost, before);
    before = lost;
  }
  EXPECT_LT(before, 0.3 * by_chance);
}

TEST(StrategySelector, IsNeverStuck) {  // LN-4
  // The best one gives nothing at its first tries: it is come back to.  None is given up for good.
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    RewardHistory unlucky = {{"model_selection", {8, 0}}, {"pruning", {20, 6}}};
    std::mt19937_64 random(seed);
    std::map<std::string, int> times;
    for (int i = 0; i < 3'000; ++i) {
      const std::string strategy = RankStrategies("", kAll, unlucky)[0].strategy;
      ArmHistory& arm = unlucky[strategy];
      ++arm.tried;
      ++times[strategy];
      const double chance = strategy == "model_selection" ? 0.9 : 0.3;
      arm.total += static_cast<double>(random() >> 11) * 0x1.0p-53 < chance ? 1 : 0;
    }
    EXPECT_GT(times["model_selection"], 2'000) << "seed " << seed;
    for (const std::string& strategy : kAll) EXPECT_GE(times[strategy], 5) << strategy << ", seed " << seed;
  }
}

TEST(StrategySelector, KeepsRewardsByBucketAndEachTrialOnce) {  // LN-4, LN-5
  wfe::demo::MemoryRecords rows;
  client::RecordsClient records(rows);
  learning::RowProblems problems;
  const SelectorContext slow{"report", "SLOW_NODE", "small"};
  EXPECT_EQ(BucketOf(slow), "report.SLOW_NODE.small");
  EXPECT_EQ(BucketOf({"", "", ""}).size(), 32 + std::string(".none.unknown").size());
  EXPECT_TRUE(Must(SaveReward(records, slow, "t1", {.strategy = "caching", .reward = 0.4})));
  EXPECT_FALSE(Must(SaveReward(records, slow, "t1", {.strategy = "caching", .reward = 0.9}))) << "it had its reward";
  EXPECT_TRUE(Must(SaveReward(records, slow, "t2", {.strategy = "caching", .reward = 0.2})));
  EXPECT_TRUE(Must(SaveReward(records, {"report", "SLOW_NODE", "large"}, "t3", {.strategy = "pruning", .reward = 1})));
  EXPECT_TRUE(Must(SaveReward(records, {"a type/with odd signs", "", ""}, "t4", {.strategy = "pruning"})));
  for (const double wrong : {-0.1, 1.1, std::nan("")}) {
    EXPECT_EQ(SaveReward(records, slow, "t5", {.strategy = "caching", .reward = wrong}).error().code,
              StatusCode::kInvalidArgument);
  }
  auto& table = rows.tables[std::string(kRewardsTable)];
  table["report.SLOW_NODE.small/t6"] = R"({"strategy":"caching","reward":7})";
  table["report.SLOW_NODE.small/t7"] = "no JSON";
  const RewardHistory history = Must(LoadRewards(records, slow, problems));
  ASSERT_EQ(history.size(), 1U);
  EXPECT_EQ(history.at("caching").tried, 2);
  EXPECT_DOUBLE_EQ(history.at("caching").total, 0.6);
  EXPECT_THAT(problems, ElementsAre(HasSubstr("not between 0 and 1"), HasSubstr("not JSON")));
}

TEST(StrategySelector, RewardIsWhatWasRealized) {  // LN-4
  EXPECT_EQ(RewardOf(0.3, 0.1, true), 0.3);
  EXPECT_EQ(RewardOf(-0.2, 0.1, true), 0.1);
  EXPECT_EQ(RewardOf(-0.2, -0.1, true), 0);
  EXPECT_EQ(RewardOf(1.7, 0, true), 1);
  EXPECT_EQ(RewardOf(0.5, 0.5, false), 0) << "it was taken back";
  EXPECT_EQ(RewardOf(std::nan(""), 0.5, true), 0);
}

}  // namespace
}  // namespace wfe::optimizer
