// One decision for each run, before its first call: QF-5, AC-8.
#include "activities/quota/steps/run_gate.h"

#include <gmock/gmock.h>

#include "activities/quota/steps/run_decisions.h"

namespace wfe::quota {
namespace {

using client::BudgetAnswer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Verdict = BudgetAnswer::Verdict;

class Gate : public testing::Test {
 protected:
  void Make(PreflightMode mode) {
    const auto hear = [this](const std::string& said) { said_.push_back(said); };
    gate_ = std::make_unique<RunGate>(RunGate::Setup{.rows = rows_,
                                                     .report = [this](Instant) -> Result<QuotaReport> {
                                                       ++reads_;
                                                       if (unreachable_) return Unavailable("records: gone");
                                                       QuotaReport report;
                                                       report.forecast.quota = 1'000;
                                                       report.forecast.used = used_;
                                                       return report;
                                                     },
                                                     .rules = {},
                                                     .mode = mode,
                                                     .clock = clock_,
                                                     .say = hear});
  }
  BudgetAnswer Ask(const std::string& run) {
    return gate_->Admit({.call_id = "c", .workflow_id = "w", .run_id = run, .workflow_type = "Some", .model = "m"})
        .value();
  }

  std::shared_ptr<MemoryRows> rows_ = std::make_shared<MemoryRows>();
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(*ParseIso8601("2026-11-16T00:00:00.000Z"));
  int64_t used_ = 0;
  int reads_ = 0;
  bool unreachable_ = false;
  std::vector<std::string> said_;
  std::unique_ptr<RunGate> gate_;
};

TEST_F(Gate, DeniedRunMakesNoCallAndIsToldWhyAndWhatToDo) {  // QF-5
  used_ = 1'000;
  Make(PreflightMode::kEnforce);
  const BudgetAnswer answer = Ask("r1");
  EXPECT_EQ(answer.verdict, Verdict::kBlocked);
  EXPECT_THAT(answer.message, HasSubstr("the month's quota of tokens denies this run: with this run 100.0 %"));
  EXPECT_THAT(answer.message, HasSubstr("`wfe quota forecast`"));
  EXPECT_THAT(said_, ElementsAre(HasSubstr("deny for run r1 of Some")));
}

TEST_F(Gate, RunThatHasBegunKeepsItsDecisionHoweverTheMonthGoesOn) {
  Make(PreflightMode::kEnforce);
  EXPECT_EQ(Ask("r1").verdict, Verdict::kAdmitted);
  used_ = 1'000;
  clock_->Advance(std::chrono::hours(1));
  EXPECT_EQ(Ask("r1").verdict, Verdict::kAdmitted);
  EXPECT_EQ(Ask("r2").verdict, Verdict::kBlocked);
  Make(PreflightMode::kEnforce);  // another worker
  EXPECT_EQ(Ask("r1").verdict, Verdict::kAdmitted);
  EXPECT_EQ(Ask("r2").verdict, Verdict::kBlocked);
  EXPECT_EQ(reads_, 2) << "what is decided is not counted again";
}

TEST_F(Gate, ThrottledRunWaitsOnceAndThenGoesOn) {
  used_ = 960;
  Make(PreflightMode::kEnforce);
  const BudgetAnswer answer = Ask("r1");
  ASSERT_EQ(answer.verdict, Verdict::kDeferred);
  // A hundredth of the fifteen days that are left.
  EXPECT_EQ(*answer.resumes - clock_->Now(), std::chrono::seconds(15 * 864));
  clock_->Advance(std::chrono::seconds(15 * 864 - 1));
  EXPECT_EQ(Ask("r1").verdict, Verdict::kDeferred);
  clock_->Advance(std::chrono::seconds(1));
  EXPECT_EQ(Ask("r1").verdict, Verdict::kAdmitted);
}

TEST_F(Gate, WhereItOnlyWarnsEveryRunGoesOnAndTheDecisionIsKept) {
  used_ = 5'000;
  Make(PreflightMode::kTell);
  EXPECT_EQ(Ask("r1").verdict, Verdict::kAdmitted);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("it goes on: quota.preflight is warn")));
  Make(PreflightMode::kEnforce);
  EXPECT_EQ(Ask("r1").verdict, Verdict::kAdmitted) << "a run that has begun is not stopped by a new configuration";
  EXPECT_THAT(*rows_->GetRow("quota_preflights", "r1").value(), HasSubstr("\"decision\":\"deny\""));
}

TEST_F(Gate, UnreachableLedgerHoldsUpARunOnlyWhereDecisionsAreEnforced) {
  unreachable_ = true;
  Make(PreflightMode::kTell);
  EXPECT_EQ(Ask("r1").verdict, Verdict::kAdmitted);
  Make(PreflightMode::kEnforce);
  const auto answer = gate_->Admit({.run_id = "r2"});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, StatusCode::kUnavailable);
  unreachable_ = false;
  EXPECT_EQ(Ask("r2").verdict, Verdict::kAdmitted);
}

TEST_F(Gate, OffAsksNobody) {
  used_ = 5'000;
  Make(PreflightMode::kOff);
  EXPECT_EQ(Ask("r1").verdict, Verdict::kAdmitted);
  EXPECT_EQ(reads_, 0);
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(Gate, ManyRunsOfAMinuteReadTheLedgerOnce) {
  Make(PreflightMode::kEnforce);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Ask("r" + std::to_string(i)).verdict, Verdict::kAdmitted);
  EXPECT_EQ(reads_, 1);
}

TEST_F(Gate, WorkflowThatAskedByItselfIsNotHeldUpTwice) {
  used_ = 960;
  Make(PreflightMode::kEnforce);
  ASSERT_TRUE(gate_->Note({.run_id = "r1", .workflow_type = "Some"},
                          {.decision = std::string(kThrottle), .reason = "so", .delay_s = 600}));
  EXPECT_EQ(Ask("r1").verdict, Verdict::kAdmitted);
  ASSERT_TRUE(gate_->Note({.run_id = "r2"}, {.decision = std::string(kDeny), .reason = "so"}));
  EXPECT_EQ(Ask("r2").verdict, Verdict::kBlocked);
}

TEST_F(Gate, RowThatCannotBeReadIsSaidToBe) {
  ASSERT_TRUE(rows_->AppendRow("quota_preflights", "r1", "{}").has_value());
  Make(PreflightMode::kEnforce);
  const auto answer = gate_->Admit({.run_id = "r1"});
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().message, HasSubstr("row r1 of table quota_preflights cannot be read"));
}

TEST_F(Gate, DecisionsAreReadBackNewestFirstAndAllAreCounted) {  // RP-7
  Make(PreflightMode::kEnforce);
  Ask("r1");
  clock_->Advance(std::chrono::seconds(1));
  Ask("r2");
  used_ = 1'000;
  Make(PreflightMode::kEnforce);
  clock_->Advance(std::chrono::seconds(1));
  Ask("r3");
  ASSERT_TRUE(rows_->AppendRow(std::string(kQuotaPreflightsTable), "r4", "no decision").has_value());
  const auto decisions = ReadRunDecisions(*rows_, 2);
  ASSERT_TRUE(decisions.has_value());
  EXPECT_EQ(decisions->by_decision.at("allow"), 2);
  EXPECT_EQ(decisions->by_decision.at("deny"), 1);
  EXPECT_EQ(decisions->enforced, 1);
  EXPECT_EQ(decisions->problems, 1);
  ASSERT_EQ(decisions->newest.size(), 2u);
  EXPECT_EQ(decisions->newest[0].run_id, "r3");
  EXPECT_EQ(decisions->newest[1].run_id, "r2");
}

}  // namespace
}  // namespace wfe::quota
