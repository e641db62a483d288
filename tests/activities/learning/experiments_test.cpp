// Experiments: assignment, comparison, harm (XB-1, XB-2, XB-4, AB-10).
#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "activities/learning/experiments/assignment.h"
#include "activities/learning/experiments/judge.h"

namespace wfe::learning {
namespace {

using testing::HasSubstr;

const Instant kStart = *ParseIso8601("2026-01-01T00:00:00.000Z");

Experiment OfPrompts(double share = 0.5, int64_t min_samples = 100) {
  Experiment experiment;
  experiment.experiment_id = "e1";
  experiment.subject = "template:generation-python";
  experiment.control = "1";
  experiment.variant = "2";
  experiment.metrics = {{.name = "quality", .kind = "mean", .higher_is_better = true},
                        {.name = "success", .kind = "share", .higher_is_better = true, .tolerated_loss = 0.05}};
  experiment.variant_share = share;
  experiment.min_samples = min_samples;
  experiment.started_at = FormatIso8601Millis(kStart);
  return experiment;
}

std::string RunId(int i) { return "run-" + std::to_string(i); }

/// Runs whose quality and errors are drawn for each arm.
std::vector<Observation> Runs(const Experiment& experiment, int n, uint64_t seed, double quality_gain,
                              double control_errors, double variant_errors) {
  std::mt19937_64 random(seed);
  std::normal_distribution<> noise(0.8, 0.1);
  std::uniform_real_distribution<> uniform(0, 1);
  std::vector<Observation> runs;
  for (int i = 0; i < n; ++i) {
    const std::string id = RunId(i) + "/" + std::to_string(seed);
    const std::string arm(ArmOf(experiment, id));
    const bool variant = arm == kVariantArm;
    const bool error = uniform(random) < (variant ? variant_errors : control_errors);
    runs.push_back(
        {.run_id = id,
         .arm = arm,
         .error = error,
         .metrics = {{"quality", noise(random) + (variant ? quality_gain : 0)}, {"success", error ? 0.0 : 1.0}}});
  }
  return runs;
}

ABTestResult JudgeRuns(const Experiment& experiment, const std::vector<Observation>& runs,
                       Duration after = std::chrono::hours(1)) {
  return Judge(experiment, Summarize(experiment, runs), kStart + after);
}

TEST(Assignment, RunKeepsItsArmAndTheSharesAreAsAskedFor) {  // XB-1, AB-10
  const Experiment experiment = OfPrompts(0.1);
  int variants = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string_view arm = ArmOf(experiment, RunId(i));
    EXPECT_EQ(arm, ArmOf(experiment, RunId(i)));
    if (arm == kVariantArm) ++variants;
  }
  EXPECT_NEAR(variants, 2000, 4 * std::sqrt(20'000 * 0.1 * 0.9));
}

TEST(Assignment, ExperimentsAssignTheSameRunsIndependently) {  // XB-1
  Experiment first = OfPrompts(0.5);
  Experiment second = OfPrompts(0.5);
  second.experiment_id = "e2";
  int together = 0;
  for (int i = 0; i < 10'000; ++i) together += ArmOf(first, RunId(i)) == ArmOf(second, RunId(i)) ? 1 : 0;
  EXPECT_NEAR(together, 5000, 200);
}

TEST(Assignment, WhereOneIdEndsAndTheNextBeginsCounts) { EXPECT_NE(Draw("ab", "c"), Draw("a", "bc")); }

TEST(Assignment, DrawStaysWhatItWasInEarlierVersions) {  // a run that is retried after an upgrade keeps its arm
  EXPECT_NEAR(Draw("e1", "run-1"), 0.09962280992332062, 1e-15);
}

TEST(Judge, NothingIsComparedBeforeBothArmsHaveTheirSamples) {  // XB-1, XB-4: no early stop on significance
  const Experiment experiment = OfPrompts();
  const ABTestResult result = JudgeRuns(experiment, Runs(experiment, 150, 1, 0.5, 0, 0));
  EXPECT_FALSE(result.decided());
  EXPECT_TRUE(result.tests.empty());
  EXPECT_GT(result.expected_requests, 20);
  EXPECT_THAT(result.reason, HasSubstr("more runs"));
  ASSERT_TRUE(result.expected_hours.has_value());
  EXPECT_NEAR(*result.expected_hours, static_cast<double>(result.expected_requests) / 150, 1e-9);
}

TEST(Judge, TenPercentOfTheTrafficNeedsAboutAThousandRequests) {  // XB-1
  EXPECT_EQ(JudgeRuns(OfPrompts(0.1), {}).expected_requests, 1000);
}

TEST(Judge, BetterVariantWins) {  // XB-2, XB-4
  const Experiment experiment = OfPrompts();
  const ABTestResult result = JudgeRuns(experiment, Runs(experiment, 400, 2, 0.08, 0.1, 0.1));
  EXPECT_EQ(result.winner, kWinnerVariant) << result.reason;
  ASSERT_EQ(result.tests.size(), 2U);
  EXPECT_EQ(result.tests[0].test, "Welch t");
  EXPECT_TRUE(result.tests[0].t_statistic.has_value());
  EXPECT_GE(result.tests[0].p_adjusted, result.tests[0].p_value);
  EXPECT_NEAR(result.tests[0].stddev_control, 0.1, 0.02);
}

TEST(Judge, LossBeyondWhatIsToleratedIsNotOutweighed) {  // XB-3, XB-4
  const Experiment experiment = OfPrompts();
  std::vector<Observation> runs = Runs(experiment, 400, 3, 0.2, 0.0, 0.0);
  int n = 0;
  for (Observation& run : runs) {
    if (run.arm == kVariantArm && ++n % 14 == 0) run.metrics["success"] = 0;  // 7 %
  }
  const ABTestResult result = JudgeRuns(experiment, runs);
  EXPECT_EQ(result.winner, kWinnerControl) << result.reason;
  EXPECT_THAT(result.reason, HasSubstr("success"));
}

TEST(Judge, BetterHereAndWorseThereIsLeftToAPerson) {
  Experiment experiment = OfPrompts();
  experiment.metrics[1] = {.name = "cost_usd", .kind = "mean", .higher_is_better = false};
  std::vector<Observation> runs = Runs(experiment, 400, 4, 0.2, 0, 0);
  std::mt19937_64 random(4);
  std::normal_distribution<> cost(1, 0.1);
  for (Observation& run : runs) run.metrics["cost_usd"] = cost(random) + (run.arm == kVariantArm ? 0.3 : 0);
  EXPECT_EQ(JudgeRuns(experiment, runs).winner, kWinnerTradeoff);
}

TEST(Judge, TooFewSamplesWhenTheTimeIsOverDecideNothing) {  // XB-1
  const Experiment experiment = OfPrompts(0.1);
  const ABTestResult result = JudgeRuns(experiment, Runs(experiment, 300, 5, 0.5, 0, 0), std::chrono::hours(25));
  EXPECT_EQ(result.winner, kWinnerInconclusive);
  EXPECT_TRUE(result.tests.empty());
}

TEST(Judge, SecondObservationOfARunAndStrangeArmsDoNotCount) {
  const Experiment experiment = OfPrompts();
  const ArmSummaries arms = Summarize(experiment, {{.run_id = "a", .arm = "control"},
                                                   {.run_id = "a", .arm = "control", .error = true},
                                                   {.run_id = "b", .arm = "third"},
                                                   {.run_id = "c", .arm = "variant", .error = true}});
  EXPECT_EQ(arms.control.samples, 1);
  EXPECT_EQ(arms.control.errors, 0);
  EXPECT_EQ(arms.variant.errors, 1);
}

TEST(Judge, EqualVersionsAreCalledDifferentAsSeldomAsAlphaSays) {  // XB-2: Holm over several metrics
  const Experiment experiment = OfPrompts();
  int different = 0;
  constexpr int kExperiments = 1000;
  for (uint64_t seed = 1; seed <= kExperiments; ++seed) {
    Experiment strict = experiment;
    strict.metrics[1].tolerated_loss = 0;
    const ABTestResult result = JudgeRuns(strict, Runs(strict, 260, seed, 0, 0.2, 0.2));
    if (result.decided() && result.winner != kWinnerEqual) ++different;
  }
  std::printf("equal versions called different: %d of %d\n", different, kExperiments);
  EXPECT_LE(different, 0.05 * kExperiments + 4 * std::sqrt(0.05 * 0.95 * kExperiments));
}

TEST(HarmWatch, HarmlessVariantIsSeldomStoppedThoughOneLooksAfterEveryRun) {  // XB-4
  std::mt19937_64 random(7);
  std::uniform_real_distribution<> uniform(0, 1);
  int stopped = 0;
  constexpr int kWorlds = 2000;
  for (int world = 0; world < kWorlds; ++world) {
    int64_t errors[2] = {0, 0};
    for (int run = 0; run < 1000; ++run) {
      const double rate = run % 200 < 20 ? 0.9 : 0.1;  // outages now and then hit both arms
      const bool variant = uniform(random) < 0.1;
      if (uniform(random) >= rate) continue;
      ++errors[variant ? 1 : 0];
      if (WatchForHarm(errors[0], errors[1], 0.1, 0.05).harmful) {
        ++stopped;
        break;
      }
    }
  }
  std::printf("harmless variants stopped: %d of %d\n", stopped, kWorlds);
  EXPECT_LE(stopped, 0.05 * kWorlds + 3 * std::sqrt(0.05 * 0.95 * kWorlds));
}

TEST(HarmWatch, HarmfulVariantIsStoppedLongBeforeItHasItsSamples) {  // XB-4
  std::mt19937_64 random(8);
  std::uniform_real_distribution<> uniform(0, 1);
  int stopped = 0;
  int64_t variant_runs = 0;
  constexpr int kWorlds = 500;
  for (int world = 0; world < kWorlds; ++world) {
    int64_t errors[2] = {0, 0};
    for (int run = 0; run < 1000; ++run) {
      const bool variant = uniform(random) < 0.1;
      variant_runs += variant ? 1 : 0;
      if (uniform(random) >= (variant ? 0.5 : 0.1)) continue;
      ++errors[variant ? 1 : 0];
      if (WatchForHarm(errors[0], errors[1], 0.1, 0.05).harmful) {
        ++stopped;
        break;
      }
    }
  }
  const double mean = static_cast<double>(variant_runs) / kWorlds;
  std::printf("harmful variants stopped: %d of %d, after %.1f runs of the variant on average\n", stopped, kWorlds,
              mean);
  EXPECT_GE(stopped, 0.99 * kWorlds);
  EXPECT_LT(mean, 40);
}

TEST(HarmWatch, NoErrorsAreNoEvidence) {
  EXPECT_FALSE(WatchForHarm(0, 0, 0.1, 0.05).harmful);
  EXPECT_NEAR(WatchForHarm(0, 0, 0.1, 0.05).log_evidence, 0, 1e-12);
  EXPECT_FALSE(WatchForHarm(1'000'000, 0, 0.1, 0.05).harmful);
  EXPECT_TRUE(WatchForHarm(0, 1000, 0.1, 0.05).harmful);
}

TEST(Judge, HarmEndsAnExperimentEarlyAndSaysSo) {  // XB-4
  const Experiment experiment = OfPrompts(0.1);
  const ABTestResult result = JudgeRuns(experiment, Runs(experiment, 400, 6, 0, 0.05, 0.9));
  EXPECT_EQ(result.winner, kWinnerControl);
  EXPECT_THAT(result.reason, HasSubstr("stopped early"));
  EXPECT_TRUE(result.tests.empty());
}

TEST(ExperimentRecord, WhatCannotBeIsRefusedByName) {
  const nlohmann::json good = OfPrompts();
  const auto refused = [&](const char* key, const nlohmann::json& value) -> std::string {
    nlohmann::json bad = good;
    bad[key] = value;
    try {
      bad.get<Experiment>();
      return "accepted";
    } catch (const nlohmann::json::exception& e) {
      return e.what();
    }
  };
  EXPECT_THAT(refused("variant_share", 1.5), HasSubstr("variant_share must be"));
  EXPECT_THAT(refused("min_samples", 0), HasSubstr("min_samples must be"));
  EXPECT_THAT(refused("variant", "1"), HasSubstr("two versions"));
  EXPECT_THAT(refused("alpha", 0), HasSubstr("alpha must be"));
  EXPECT_THAT(refused("metrics", nlohmann::json::array()), HasSubstr("at least one"));
  nlohmann::json newer = good;
  newer["stages"] = 5;
  EXPECT_EQ(nlohmann::json(newer.get<Experiment>())["stages"], 5) << "keys of a newer version are kept";
}

}  // namespace
}  // namespace wfe::learning
