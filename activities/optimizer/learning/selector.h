// Which strategy to try next (LN-4): UCB1 over what trying them brought before in a like situation.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "activities/learning/records/rows.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::optimizer {

/// Table optimizer_rewards, key `<bucket>/<trial>`: one row for each change that was tried.
inline constexpr std::string_view kRewardsTable = "optimizer_rewards";

/// A situation is a bucket, so that situations come again.
struct SelectorContext {
  std::string workflow_type;    ///< Of a graph its id.
  std::string bottleneck_type;  ///< bottleneck.h; empty: none was found.
  std::string size_class;       ///< SizeClassOf
};
WFE_RECORD(SelectorContext, workflow_type, bottleneck_type, size_class);

/// "report.SLOW_NODE.small"; a workflow type that cannot stand in a key goes in as a hash.
std::string BucketOf(const SelectorContext& context);

struct Reward {
  std::string strategy;  ///< OptimizationSuggestion::strategy_type
  double reward = 0;     ///< RewardOf
  std::string at;
};
WFE_RECORD(Reward, strategy, reward, at);
constexpr RecordRules RulesOf(const Reward*) { return {.required = "strategy reward"}; }

/// Of what was measured: the larger one of the reductions of duration and cost, as shares of before, and within 0 to 1;
/// 0 where the change was rejected or taken back.
double RewardOf(double duration_reduction, double cost_reduction, bool kept);

struct ArmHistory {
  int64_t tried = 0;
  double total = 0;  ///< Of the rewards.
};
using RewardHistory = std::map<std::string, ArmHistory, std::less<>>;  ///< By strategy.

struct RankedStrategy {
  std::string strategy;
  double score = 0;  ///< mean + sqrt(2 ln N / n), each strategy having been tried once more, with 0.5.
  double mean = 0;   ///< With that one.
  int64_t tried = 0;
};
WFE_RECORD(RankedStrategy, strategy, score, mean, tried);

/// All candidates, the one to try first; equal scores, as without any history, in the order of HeuristicOrder.  Pure.
std::vector<RankedStrategy> RankStrategies(std::string_view bottleneck_type, const std::vector<std::string>& candidates,
                                           const RewardHistory& history);

/// What helps most often against such a bottleneck, then ST-5 to ST-10 in their order with the first three first.
std::vector<std::string> HeuristicOrder(std::string_view bottleneck_type);

/// False: the trial has had its reward.  INVALID_ARGUMENT: no number from 0 to 1, a trial that cannot be a key.
Result<bool> SaveReward(client::RecordsClient& records, const SelectorContext& context, const std::string& trial,
                        const Reward& reward);

/// The rows of the bucket, added up.  One that cannot be read is a problem and counts for nothing.
Result<RewardHistory> LoadRewards(client::RecordsClient& records, const SelectorContext& context,
                                  learning::RowProblems& problems);

}  // namespace wfe::optimizer
