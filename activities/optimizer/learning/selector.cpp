#include "activities/optimizer/learning/selector.h"

#include <algorithm>
#include <cmath>

#include "activities/optimizer/profile/bottleneck.h"
#include "activities/optimizer/strategies/suggestion.h"
#include "engine/base/hash.h"

namespace wfe::optimizer {
namespace {

constexpr double kPriorReward = 0.5;
constexpr size_t kMaxTypeInKey = 100;

std::vector<std::string_view> FirstAgainst(std::string_view bottleneck) {
  if (bottleneck == kSlowNode || bottleneck == kDominantNode) return {kParallelization, kModelSelection, kCaching};
  if (bottleneck == kUnreliableNode) return {kToolSelection, kPruning};
  if (bottleneck == kExpensiveTool) return {kToolSelection, kModelSelection, kCaching, kBatching};
  if (bottleneck == kMissingCaching) return {kCaching};
  if (bottleneck == kRedundantOperation) return {kPruning, kCaching};
  if (bottleneck == kUnusedOutput) return {kPruning};
  return {};
}

}  // namespace

std::string BucketOf(const SelectorContext& context) {
  std::string type = context.workflow_type;
  if (!learning::IsRowId(type) || type.size() > kMaxTypeInKey) type = ToHex(Sha256(type)).substr(0, 32);
  return type + "." + (context.bottleneck_type.empty() ? "none" : context.bottleneck_type) + "." +
         (context.size_class.empty() ? "unknown" : context.size_class);
}

double RewardOf(double duration_reduction, double cost_reduction, bool kept) {
  const double reduction = std::max(duration_reduction, cost_reduction);
  return kept && std::isfinite(reduction) ? std::clamp(reduction, 0.0, 1.0) : 0;
}

std::vector<std::string> HeuristicOrder(std::string_view bottleneck_type) {
  std::vector<std::string> order;
  const auto add = [&](std::string_view strategy) {
    if (std::ranges::find(order, strategy) == order.end()) order.emplace_back(strategy);
  };
  for (const std::string_view strategy : FirstAgainst(bottleneck_type)) add(strategy);
  for (const std::string_view strategy :
       {kPruning, kParallelization, kToolSelection, kModelSelection, kCaching, kBatching}) {
    add(strategy);
  }
  return order;
}

std::vector<RankedStrategy> RankStrategies(std::string_view bottleneck_type, const std::vector<std::string>& candidates,
                                           const RewardHistory& history) {
  std::vector<std::string> order;
  for (std::string& strategy : HeuristicOrder(bottleneck_type)) {
    if (std::ranges::find(candidates, strategy) != candidates.end()) order.push_back(std::move(strategy));
  }
  for (const std::string& candidate : candidates) {
    if (std::ranges::find(order, candidate) == order.end()) order.push_back(candidate);
  }
  std::vector<RankedStrategy> ranked;
  int64_t all = 0;
  for (const std::string& strategy : order) {
    const auto found = history.find(strategy);
    const ArmHistory arm = found == history.end() ? ArmHistory() : found->second;
    const auto n = static_cast<double>(arm.tried + 1);
    ranked.push_back({.strategy = strategy, .mean = (kPriorReward + arm.total) / n, .tried = arm.tried});
    all += arm.tried + 1;
  }
  for (RankedStrategy& arm : ranked) {
    arm.score = arm.mean + std::sqrt(2 * std::log(static_cast<double>(all)) / static_cast<double>(arm.tried + 1));
  }
  std::ranges::stable_sort(ranked, std::greater<>(), &RankedStrategy::score);
  return ranked;
}

Result<bool> SaveReward(client::RecordsClient& records, const SelectorContext& context, const std::string& trial,
                        const Reward& reward) {
  WFE_RETURN_IF_ERROR(learning::CheckRowId("the id of a trial", trial));
  const std::string bucket = BucketOf(context);
  WFE_RETURN_IF_ERROR(learning::CheckRowId("a bucket of the selector", bucket));
  if (!(reward.reward >= 0 && reward.reward <= 1)) {
    return InvalidArgument("the reward of trial " + trial + " is not between 0 and 1");
  }
  return records.AppendRow(std::string(kRewardsTable), bucket + "/" + trial, learning::RowText(reward));
}

Result<RewardHistory> LoadRewards(client::RecordsClient& records, const SelectorContext& context,
                                  learning::RowProblems& problems) {
  RewardHistory history;
  WFE_RETURN_IF_ERROR(records.ScanRows(
      std::string(kRewardsTable), BucketOf(context) + "/", [&](const std::string& key, const std::string& value) {
        const Result<Reward> row = learning::ReadRow<Reward>(kRewardsTable, key, value);
        if (!row) {
          problems.push_back(row.error().message);
        } else if (!(row->reward >= 0 && row->reward <= 1)) {
          problems.push_back("row " + key + " of table " + std::string(kRewardsTable) +
                             " has a reward that is not between 0 and 1");
        } else {
          ArmHistory& arm = history[row->strategy];
          ++arm.tried;
          arm.total += row->reward;
        }
      }));
  return history;
}

}  // namespace wfe::optimizer
