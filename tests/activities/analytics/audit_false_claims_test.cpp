// "Done when" of the audits: without a planted cause a report rarely claims one, and with one its intervals are honest.
#include <gtest/gtest.h>

#include <cstdio>

#include "activities/analytics/audits/report.h"
#include "activities/statistics/statistics.h"
#include "tests/activities/analytics/synthetic_builds.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;

json Report(const SyntheticBuilds& plan) {
  const ReportInput input{.report_id = "r", .generated_at = "2026-11-21T02:00:00.000Z"};
  return BuildReport(MakeTable(plan), {}, input).value();
}

bool AnyClaim(const json& report) {
  for (const json& finding : report.at("findings")) {
    if (finding.at("significant").get<bool>()) return true;
  }
  return false;
}

TEST(FalseClaims, ReportsWithoutAPlantedCauseClaimOneInAtMostFivePercent) {  // OP-14, XB-2
  // Unequal sizes of the cohorts are where approximate tests are worst.
  for (const int builds : {60, 150, 300}) {
    stats::Share claims;
    double hypotheses = 0;
    for (uint64_t seed = 1; seed <= 250; ++seed) {
      const json report = Report(
          {.seed = seed, .builds = builds, .rule_at = 0.25, .prompt_at = 0.8, .churn_every = seed % 2 == 0 ? 9 : 0});
      ++claims.n;
      claims.hits += AnyClaim(report) ? 1 : 0;
      hypotheses += report["appendix"]["thresholds"]["hypotheses"].get<double>();
    }
    const stats::Interval interval = stats::ClopperPearson(claims);
    std::printf(
        "no planted cause, %d builds: %lld of %lld reports with a claim (%.3f, 95 %% interval %.4f to %.4f), "
        "%.1f hypotheses a report\n",
        builds, static_cast<long long>(claims.hits), static_cast<long long>(claims.n), claims.rate(), interval.lo,
        interval.hi, hypotheses / static_cast<double>(claims.n));
    EXPECT_LE(interval.lo, 0.05) << builds << " builds";
    EXPECT_GT(hypotheses, 0);
  }
}

TEST(FalseClaims, PlantedCausesAreFoundAndTheirIntervalsAreHonest) {
  struct Cause {
    const char* name;
    std::string rule_prefix;
    std::string measure;
    double truth;
    stats::Share found{};
    stats::Share covered{};
  };
  const SyntheticBuilds plan = SyntheticBuilds().WithCauses();
  Cause causes[] = {
      {"costly class", "TSC_ERROR", "difference in mean tokens per repair from the other classes", plan.CostlyEffect()},
      {"constraint change", "context:", "difference in share of builds with ESLINT_ERROR_NO_ANY", plan.RuleEffect()},
      {"worse prompt", "prompt:typescript-package@3", "difference in first-pass rate", plan.PromptEffect()},
  };
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SyntheticBuilds seeded = plan;
    seeded.seed = seed;
    const json report = Report(seeded);
    for (Cause& cause : causes) {
      ++cause.found.n;
      for (const json& finding : report.at("findings")) {
        if (finding.at("effect").at("measure") != cause.measure) continue;
        if (!finding.at("rule_key").get<std::string>().starts_with(cause.rule_prefix)) continue;
        if (finding.contains("p_value") && !finding.at("significant").get<bool>()) continue;
        ++cause.found.hits;
        ++cause.covered.n;
        const json& interval = finding.at("effect").at("interval");
        cause.covered.hits += interval[0].get<double>() <= cause.truth && cause.truth <= interval[1].get<double>();
      }
    }
  }
  for (const Cause& cause : causes) {
    std::printf("%s: found in %.2f of the reports, the interval holds the truth in %.2f\n", cause.name,
                cause.found.rate(), cause.covered.rate());
    EXPECT_GE(cause.found.rate(), 0.95) << cause.name;
    EXPECT_GE(stats::ClopperPearson(cause.covered).hi, 0.95) << cause.name;
  }
}

}  // namespace
}  // namespace wfe::analytics
