// Whether a version is worse than the one before it, by enough and by more than chance (RB-2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/delivery/rules/performance.h"
#include "activities/learning/experiments/harm_watch.h"
#include "engine/base/record_json.h"

namespace wfe::delivery {

/// The values of MetricChange::metric, and of RegressionCheck::metric.
inline constexpr std::string_view kMeanDuration = "mean_duration";
inline constexpr std::string_view kMeanCost = "mean_cost";
inline constexpr std::string_view kSuccessRate = "success_rate";
inline constexpr std::string_view kErrors = "errors";  ///< The watch for harm, which may end a rollout at any time.

struct RegressionRule {
  double threshold = 0.10;  ///< Worse by more than this: relative for means, in shares of all runs for success.
  double alpha = 0.05;      ///< Of all looks together.
  int64_t min_samples = 50;
};
WFE_RECORD(RegressionRule, threshold, alpha, min_samples);
constexpr RecordRules RulesOf(const RegressionRule*) { return {.refuses_unknown = true}; }
/// Throws for a threshold, level or number that none can be.
void CheckRecord(const RegressionRule& rule);

struct MetricChange {
  std::string metric;
  double before = 0;
  double after = 0;
  /// How much worse: the relative increase of a mean, the drop of the success rate; negative is better.  A mean that
  /// was zero before and is not any more counts as 1.
  double worse_by = 0;
  double p_value = 1;     ///< One-sided.
  double p_adjusted = 1;  ///< After Holm, over the three metrics.
  bool regressed = false;
};
WFE_RECORD(MetricChange, metric, before, after, worse_by, p_value, p_adjusted, regressed);

struct RegressionCheck {
  bool regression = false;
  std::string metric;  ///< The one that regressed most.
  double amount = 0;   ///< Its worse_by.
  int look = 0;        ///< 0: too few runs to look.
  double alpha = 0;    ///< Of this look.
  int64_t runs_before = 0;
  int64_t runs_after = 0;  ///< That the look used.
  std::vector<MetricChange> changes;
  std::optional<learning::HarmWatch> harm;
  std::string sentence;  ///< What was found, for people.
};
WFE_RECORD(RegressionCheck, regression, metric, amount, look, alpha, runs_before, runs_after, changes, harm, sentence);
constexpr RecordRules RulesOf(const RegressionCheck*) { return {.seldom = "metric amount"}; }

/// Pure.  One comparison at the level `alpha`.  A metric has regressed when it is worse by more than the threshold and
/// significantly so (Welch's t for means; two proportions, exact for small counts, for success); the check names the
/// largest of those.
RegressionCheck Compare(const PerformanceWindow& before, const PerformanceWindow& after, const RegressionRule& rule,
                        double alpha);

/// At most so many looks, at 50, 100, 200 … runs.
inline constexpr int kMaxRegressionLooks = 8;

/// Pure.  Both in any order.  A check every five minutes asks again and again, so looks are taken when the version has
/// 50, 100, 200 … runs, the k-th with alpha / 2^k: all together call a version that is as good in at most 5 of 100
/// cases worse.  A look uses exactly the first so many runs, and those of the version before that had ended by then; so
/// all checks between two looks see the same.
RegressionCheck CheckRegression(const std::vector<RunOutcome>& before, const std::vector<RunOutcome>& after,
                                const RegressionRule& rule);
/// The same against a stored baseline, where no runs of the version before are left.
RegressionCheck CheckAgainst(const PerformanceWindow& baseline, const std::vector<RunOutcome>& after,
                             const RegressionRule& rule);

/// Failures by arm while the variant had one share of the traffic.
struct HarmStage {
  double share = 0;
  int64_t errors_control = 0;
  int64_t errors_variant = 0;
};

/// Of the variant; at 5 % of the traffic two failures in a row would be evidence enough by themselves.
inline constexpr int64_t kLeastHarmErrors = 3;

/// The watch for harm over a rollout, whose share grows: the evidence of its stages, each under its own share, adds up.
/// Without harm it ever reaches the limit with probability alpha at most, however often one asks.
learning::HarmWatch WatchStages(const std::vector<HarmStage>& stages, double alpha);
/// Notes it in the check; one that shows harm is a regression in errors.
void AddHarm(RegressionCheck& check, const learning::HarmWatch& harm);

/// "mean duration is 23.0 % worse (p = 0.0012)"
std::string ChangeSentence(const MetricChange& change);

}  // namespace wfe::delivery
