#include "activities/delivery/rules/regression.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace wfe::delivery {
namespace {

using stats::Tail;

double RelativeIncrease(double before, double after) {
  if (before > 0) return (after - before) / before;
  return after > 0 ? 1 : 0;
}

MetricChange OfMeans(std::string_view metric, const stats::Sample& before, const stats::Sample& after) {
  MetricChange change{.metric = std::string(metric), .before = before.mean, .after = after.mean};
  change.worse_by = RelativeIncrease(before.mean, after.mean);
  const auto test = stats::CompareMeans(before, after, stats::kConfidence, Tail::kHigher);
  if (test) change.p_value = test->p_value;
  return change;
}

MetricChange OfSuccess(stats::Share before, stats::Share after, double rate_before, double rate_after) {
  MetricChange change{.metric = std::string(kSuccessRate), .before = rate_before, .after = rate_after};
  change.worse_by = rate_before - rate_after;
  const auto test = stats::CompareShares(before, after, stats::kConfidence, Tail::kLower);
  if (test) change.p_value = test->p_value;
  return change;
}

std::vector<RunOutcome> ByEnd(std::vector<RunOutcome> runs) {
  std::ranges::sort(runs, [](const RunOutcome& a, const RunOutcome& b) {
    return a.ended != b.ended ? a.ended < b.ended : a.run_id < b.run_id;
  });
  return runs;
}

struct Look {
  int number = 0;
  double alpha = 0;
  int64_t runs = 0;
};

Look LookAt(int64_t have, const RegressionRule& rule) {
  Look look;
  int64_t size = rule.min_samples;
  double alpha = rule.alpha / 2;
  for (int k = 1; k <= kMaxRegressionLooks && size <= have; ++k, size *= 2, alpha /= 2) look = {k, alpha, size};
  return look;
}

RegressionCheck TooFew(int64_t before, int64_t after, const RegressionRule& rule) {
  RegressionCheck check{.runs_before = before, .runs_after = after};
  check.sentence = after < rule.min_samples
                       ? "waits for " + std::to_string(rule.min_samples - after) + " more runs of the new version"
                       : "there are only " + std::to_string(before) + " runs to compare with";
  return check;
}

}  // namespace

void CheckRecord(const RegressionRule& rule) {
  RequireOfRecord(rule.threshold >= 0 && rule.threshold < 10, "threshold must be from 0 to 10");
  RequireOfRecord(rule.alpha > 0 && rule.alpha < 0.5, "alpha must be between 0 and 0.5");
  RequireOfRecord(rule.min_samples >= 2 && rule.min_samples <= 1'000'000, "min_samples must be from 2 to 1000000");
}

std::string ChangeSentence(const MetricChange& change) {
  std::string name = change.metric;
  std::ranges::replace(name, '_', ' ');
  char text[160];
  if (change.metric == kSuccessRate) {
    std::snprintf(text, sizeof(text), "%s is %.1f points %s (%.1f %%, was %.1f %%, p = %.2g)", name.c_str(),
                  100 * std::abs(change.worse_by), change.worse_by < 0 ? "higher" : "lower", 100 * change.after,
                  100 * change.before, change.p_value);
  } else {
    std::snprintf(text, sizeof(text), "%s is %.1f %% %s (%.6g, was %.6g, p = %.2g)", name.c_str(),
                  100 * std::abs(change.worse_by), change.worse_by < 0 ? "lower" : "higher", change.after,
                  change.before, change.p_value);
  }
  return text;
}

RegressionCheck Compare(const PerformanceWindow& before, const PerformanceWindow& after, const RegressionRule& rule,
                        double alpha) {
  RegressionCheck check{.alpha = alpha, .runs_before = before.runs, .runs_after = after.runs};
  check.changes = {OfMeans(kMeanDuration, before.duration(), after.duration()),
                   OfMeans(kMeanCost, before.cost(), after.cost()),
                   OfSuccess(before.success(), after.success(), before.success_rate, after.success_rate)};
  std::vector<double> p_values;
  for (const MetricChange& change : check.changes) p_values.push_back(change.p_value);
  const std::vector<double> adjusted = stats::HolmAdjust(p_values);
  const MetricChange* worst = &check.changes.front();
  for (size_t i = 0; i < check.changes.size(); ++i) {
    MetricChange& change = check.changes[i];
    change.p_adjusted = adjusted[i];
    change.regressed = change.worse_by > rule.threshold && change.p_adjusted < alpha;
    if (change.regressed && (!check.regression || change.worse_by > check.amount)) {
      check.regression = true;
      check.metric = change.metric;
      check.amount = change.worse_by;
      worst = &change;
    } else if (!check.regression && change.worse_by > worst->worse_by) {
      worst = &change;
    }
  }
  if (check.regression) {
    check.sentence = ChangeSentence(*worst);
  } else {
    check.sentence = "no regression in " + std::to_string(after.runs) + " runs";
    if (worst->worse_by > 0) check.sentence += "; the most: " + ChangeSentence(*worst);
  }
  return check;
}

RegressionCheck CheckRegression(const std::vector<RunOutcome>& before, const std::vector<RunOutcome>& after,
                                const RegressionRule& rule) {
  const auto have = static_cast<int64_t>(after.size());
  const Look look = LookAt(have, rule);
  if (look.number == 0) return TooFew(static_cast<int64_t>(before.size()), have, rule);
  std::vector<RunOutcome> used = ByEnd(after);
  used.resize(static_cast<size_t>(look.runs));
  std::vector<RunOutcome> control;
  for (const RunOutcome& run : before) {
    if (run.ended <= used.back().ended) control.push_back(run);
  }
  std::vector<RunOutcome> common;
  const PerformanceWindow of_control = DescribeAs(control, used, common);
  const auto compared = static_cast<int64_t>(common.size());
  if (of_control.runs < std::min<int64_t>(rule.min_samples, look.runs) || compared < rule.min_samples) {
    return TooFew(std::min(of_control.runs, compared), have, rule);
  }
  RegressionCheck check = Compare(of_control, Describe(common), rule, look.alpha);
  check.look = look.number;
  return check;
}

RegressionCheck CheckAgainst(const PerformanceWindow& baseline, const std::vector<RunOutcome>& after,
                             const RegressionRule& rule) {
  const auto have = static_cast<int64_t>(after.size());
  const Look look = LookAt(have, rule);
  if (look.number == 0 || baseline.runs < 2) return TooFew(baseline.runs, have, rule);
  std::vector<RunOutcome> used = ByEnd(after);
  used.resize(static_cast<size_t>(look.runs));
  RegressionCheck check = Compare(baseline, Describe(used), rule, look.alpha);
  check.look = look.number;
  return check;
}

learning::HarmWatch WatchStages(const std::vector<HarmStage>& stages, double alpha) {
  learning::HarmWatch all{.log_limit = -std::log(alpha)};
  for (const HarmStage& stage : stages) {
    if (!(stage.share > 0 && stage.share < 1)) continue;  // nothing is divided, so nothing is shown
    const auto watch = learning::WatchForHarm(stage.errors_control, stage.errors_variant, stage.share, alpha);
    all.errors_control += stage.errors_control;
    all.errors_variant += stage.errors_variant;
    all.log_evidence += watch.log_evidence;
  }
  all.harmful = all.log_evidence >= all.log_limit && all.errors_variant >= kLeastHarmErrors;
  return all;
}

void AddHarm(RegressionCheck& check, const learning::HarmWatch& harm) {
  check.harm = harm;
  if (!harm.harmful || check.regression) return;
  check.regression = true;
  check.metric = kErrors;
  check.amount = 0;
  check.sentence = std::to_string(harm.errors_variant) + " of " +
                   std::to_string(harm.errors_variant + harm.errors_control) +
                   " failures are the new version's, more than its share of the traffic explains";
}

}  // namespace wfe::delivery
