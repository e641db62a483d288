// Budgets of types, the decision before a run, and the report from a ledger (QF-3 to QF-5).
#include <gmock/gmock.h>

#include "activities/quota/steps/quota_report.h"

namespace wfe::quota {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Instant kNow = ParseIso8601("2026-11-16T00:00:00.000Z").value();

PreflightFacts Facts(int64_t used, int64_t run_budget) {
  return {.workflow_type = "Some", .quota = 1'000, .used = used, .run_budget = run_budget, .expected = std::nullopt};
}

std::string Decide(const PreflightFacts& facts) { return DecidePreflight(facts, {}, kNow).decision; }

TEST(Preflight, WhatIsUsedWithThisRunDecidesByTheThreeThresholds) {  // QF-5
  EXPECT_EQ(Decide(Facts(700, 99)), kAllow);
  EXPECT_EQ(Decide(Facts(700, 100)), kWarn);
  EXPECT_EQ(Decide(Facts(700, 249)), kWarn);
  EXPECT_EQ(Decide(Facts(700, 250)), kThrottle);
  EXPECT_EQ(Decide(Facts(700, 300)), kThrottle);
  EXPECT_EQ(Decide(Facts(700, 301)), kDeny);
}

TEST(Preflight, UsedUpQuotaDeniesARunOfWhichNothingIsKnown) {
  EXPECT_EQ(Decide(Facts(999, 0)), kThrottle);
  EXPECT_EQ(Decide(Facts(1'000, 0)), kDeny);
}

TEST(Preflight, ForecastWarnsAndDelaysButNeverDenies) {
  PreflightFacts facts = Facts(100, 10);
  facts.expected = 790;
  EXPECT_EQ(Decide(facts), kAllow);
  facts.expected = 800;
  EXPECT_EQ(Decide(facts), kWarn);
  facts.expected = 5'000;
  facts.today = 10;
  facts.plan_today = 30;
  EXPECT_EQ(Decide(facts), kWarn);
  facts.today = 30;
  const PreflightDecision decision = DecidePreflight(facts, {}, kNow);
  EXPECT_EQ(decision.decision, kThrottle);
  EXPECT_THAT(decision.reason, HasSubstr("on its way to 500.0 %"));
}

TEST(Preflight, DelaySpreadsWhatIsLeftOverTheMonth) {
  // Fifteen days are left, and the run takes a hundredth of the tokens that are.
  PreflightFacts facts = Facts(960, 0);
  EXPECT_EQ(DecidePreflight(facts, {}, kNow).delay_s, 15 * 864);
  facts.run_budget = 20;
  EXPECT_EQ(DecidePreflight(facts, {}, kNow).delay_s, 86'400);
  EXPECT_EQ(DecidePreflight(Facts(960, 0), {}, ParseIso8601("2026-11-30T23:59:59.000Z").value()).delay_s, 60);
}

TEST(Preflight, ThresholdsAreTheOnesThatAreGiven) {
  const PreflightRules rules{.warn_at_percent = 10, .throttle_at_percent = 20, .deny_at_percent = 30};
  const auto decide = [&](int64_t used) { return DecidePreflight(Facts(used, 1), rules, kNow).decision; };
  EXPECT_EQ(decide(98), kAllow);
  EXPECT_EQ(decide(99), kWarn);
  EXPECT_EQ(decide(199), kThrottle);
  EXPECT_EQ(decide(300), kDeny);
}

TEST(Preflight, QuotaOfNothingDeniesAndNoQuotaAllows) {
  PreflightFacts facts = Facts(0, 0);
  facts.quota = 0;
  const PreflightDecision decision = DecidePreflight(facts, {}, kNow);
  EXPECT_EQ(decision.decision, kDeny);
  EXPECT_EQ(decision.reason, "the quota is 0: it buys nothing");
  facts.quota.reset();
  EXPECT_EQ(Decide(facts), kAllow);
}

std::vector<RunTokens> Runs(const std::string& type, const std::vector<int64_t>& tokens) {
  std::vector<RunTokens> runs;
  for (size_t i = 0; i < tokens.size(); ++i) {
    runs.push_back({.workflow_type = type, .began = kNow + std::chrono::hours(i), .tokens = tokens[i]});
  }
  return runs;
}

TEST(TypeBudgets, AreNineTenthsOfRunsAndAFifthMore) {  // QF-4
  const auto learned = LearnTypeBudgets(Runs("Build", {100, 200, 300, 400, 500, 600, 700, 800, 900, 1'000, 1'100}));
  ASSERT_THAT(learned, SizeIs(1));
  EXPECT_EQ(learned[0].runs, 11);
  EXPECT_EQ(learned[0].median, 600);
  EXPECT_EQ(learned[0].p90, 1'000);
  EXPECT_EQ(learned[0].budget, 1'200);
  // 600 against 1.2 x 460, and so on: each is more than those before it allow.
  EXPECT_EQ(learned[0].checked, 6);
  EXPECT_EQ(learned[0].within, 0);
  EXPECT_GT(learned[0].median_error, 0.3);
}

TEST(TypeBudgets, StayWithinWhereRunsAreAlike) {
  std::vector<int64_t> tokens;
  for (int64_t i = 0; i < 100; ++i) tokens.push_back(10'000 + i * 7919 % 997);
  const auto learned = LearnTypeBudgets(Runs("Build", tokens));
  EXPECT_EQ(learned[0].within, 1);
  EXPECT_LT(learned[0].median_error, 0.05);
}

TEST(TypeBudgets, FewRunsHaveNoneAndRunsWithoutTokensDoNotCount) {
  const auto learned = LearnTypeBudgets(Runs("Build", {100, 0, 200, 300, 400}));
  EXPECT_EQ(learned[0].runs, 4);
  EXPECT_EQ(learned[0].budget, 0);
  EXPECT_THAT(LearnTypeBudgets({}), IsEmpty());
  EXPECT_EQ(FindBudget(learned, "Other"), nullptr);
}

TEST(TypeBudgets, OldRunsAreForgotten) {
  const auto learned = LearnTypeBudgets(Runs("Build", {9'000, 9'000, 10, 10, 10, 10, 10}), {.last_runs = 5});
  EXPECT_EQ(learned[0].runs, 5);
  EXPECT_EQ(learned[0].budget, 12);
}

/// Twelve days, each with two runs of one call.
agent::CostReport Ledger() {
  agent::CostReport ledger;
  for (int day = 4; day <= 15; ++day) {
    for (const int run : {1, 2}) {
      const std::string id = std::to_string(day) + "-" + std::to_string(run);
      const std::string date = (day < 10 ? "2026-11-0" : "2026-11-") + std::to_string(day);
      nlohmann::json row = {{"call_id", id},         {"workflow_id", "w" + id},
                            {"workflow_run_id", id}, {"workflow_type", "Build"},
                            {"status", "started"},   {"started", date + "T05:00:00.000Z"}};
      EXPECT_TRUE(ledger.Add(row.dump()));
      row["status"] = "done";
      row["time"] = date + "T05:01:00.000Z";
      row["input_tokens"] = 900;
      row["output_tokens"] = 100;
      EXPECT_TRUE(ledger.Add(row.dump()));
    }
  }
  return ledger;
}

TEST(QuotaReport, CountsEachCallOfALedgerOnce) {
  const QuotaReport report = ReportOfCalls(Ledger(), {.monthly_tokens = 100'000}, kNow);
  EXPECT_EQ(report.forecast.days_of_data, 12);
  EXPECT_EQ(report.forecast.used, 24'000);
  EXPECT_EQ(report.forecast.expected, 24'000 + 15 * 2'000);
  ASSERT_THAT(report.types, SizeIs(1));
  EXPECT_EQ(report.types[0].type, "Build");
  EXPECT_EQ(report.types[0].budget, 1'200);
  EXPECT_EQ(SentenceOf(report.forecast),
            "24.0 % of 100000 tokens used; 54000 expected by the month's end (54000 to 54000); the quota lasts");
}

TEST(QuotaReport, OfAnEarlierTimeDoesNotKnowWhatCameLater) {
  const QuotaReport report =
      ReportOfCalls(Ledger(), {.monthly_tokens = 100'000}, ParseIso8601("2026-11-08T00:00:00.000Z").value());
  EXPECT_EQ(report.forecast.days_of_data, 4);
  EXPECT_FALSE(report.forecast.forecast);
  EXPECT_EQ(report.forecast.used, 8'000);
}

TEST(QuotaReport, FactsOfADecisionAreThoseOfTheReport) {
  const QuotaReport report = ReportOfCalls(Ledger(), {.monthly_tokens = 25'000}, kNow);
  const PreflightFacts facts = FactsOf(report, "Build");
  EXPECT_EQ(facts.used, 24'000);
  EXPECT_EQ(facts.run_budget, 1'200);
  EXPECT_EQ(Decide(facts), kDeny);
  EXPECT_EQ(FactsOf(report, "Other").run_budget, 0);
  EXPECT_EQ(Decide(FactsOf(report, "Other")), kThrottle);
}

}  // namespace
}  // namespace wfe::quota
