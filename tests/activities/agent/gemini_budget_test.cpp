// Every call of an agent reserves before it is made and settles when it has ended: QF-2, AC-8.
#include "activities/agent/cost/call_log.h"
#include "activities/agent/cost/prices.h"
#include "tests/activities/agent/agent_step_test_support.h"

namespace wfe::agent {
namespace {

using client::BudgetAnswer;
using client::CallCharge;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Verdict = BudgetAnswer::Verdict;

/// Answers as told and remembers what it was asked.
class ToldKeeper final : public client::BudgetKeeper {
 public:
  Result<BudgetAnswer> Reserve(const client::BudgetedCall& call, std::optional<Money> most, Duration lease) override {
    said.push_back("reserve " + (most ? most->ToString() : "unpriced"));
    calls.push_back(call);
    leases.push_back(lease);
    if (unreachable) return Unavailable("records service, ReserveBudget: gone");
    return answer;
  }
  Status Settle(const client::BudgetedCall& call, const CallCharge& charge) override {
    const char* kinds[] = {"cost", "unpriced", "unknown", "not made"};
    said.push_back(std::string("settle ") + kinds[static_cast<int>(charge.kind)] + " " + charge.cost.ToString());
    calls.push_back(call);
    if (unreachable) return Unavailable("records service, SettleBudget: gone");
    return Ok();
  }
  std::vector<std::string> said;
  std::vector<client::BudgetedCall> calls;
  std::vector<Duration> leases;
  BudgetAnswer answer;
  bool unreachable = false;
};

class BudgetedAgent : public AgentTest {
 protected:
  BudgetedAgent() {
    config_.budgets = &keeper_;
    config_.record_call = [this](const json& row) { rows_.push_back(row); };
  }
  void Refuse(Verdict verdict, const char* resumes = nullptr) {
    keeper_.answer = {.verdict = verdict, .budget = "daily", .message = "the budget \"daily\" is used up"};
    if (resumes != nullptr) keeper_.answer.resumes = ParseIso8601(resumes);
  }
  ToldKeeper keeper_;
  std::vector<json> rows_;
};

TEST_F(BudgetedAgent, ReservesTheMostThatACallCanCostAndSettlesWhatItDidCost) {
  size_t said_before_call = 0;
  backend_ = std::make_shared<PreparedBackend>(
      std::vector<ModelOutcome>{Answer({Write("a", "x")}), Answer({TextPart("done")})});
  backend_->before_call = [&](int turn) {
    if (turn == 1) said_before_call = keeper_.said.size();
  };
  config_.backends["gemini"] = backend_;
  AgentRequest request = Request();
  request.limits.max_output_tokens = 1000;
  ASSERT_TRUE(Run(request).has_value());
  EXPECT_EQ(said_before_call, 1u);
  ASSERT_EQ(keeper_.said.size(), 4u);
  const Money most = Money::Parse(keeper_.said[0].substr(8)).value();
  EXPECT_GT(most, Money::Nanos(1000 * 2500)) << "the longest answer";
  EXPECT_LT(most, Money::Nanos(1000 * 2500 + 3000 * 300)) << "and the prompt, estimated upwards";
  EXPECT_EQ(keeper_.said[1], "settle cost 0.000575") << "1,000 at 0.30 and 110 at 2.50, per million";
  EXPECT_EQ(keeper_.calls[0].call_id, keeper_.calls[1].call_id);
  EXPECT_NE(keeper_.calls[0].call_id, keeper_.calls[2].call_id);
  EXPECT_EQ(keeper_.calls[0].began, keeper_.calls[1].began);
  EXPECT_FALSE(keeper_.calls[0].run_id.empty());
  EXPECT_EQ(rows_[1]["charged"], "reported");
  ASSERT_TRUE(Run(request, 2).has_value());  // all of it from the journal
  EXPECT_EQ(backend_->turns.size(), 2u);
  for (size_t i = 4; i < keeper_.said.size(); ++i) EXPECT_THAT(keeper_.said[i], HasSubstr("settle cost 0.000575"));
}

TEST_F(BudgetedAgent, AModelWithoutAPriceIsLeftOutAndSaidToBe) {
  config_.default_model = "some-other-model";
  ASSERT_TRUE(Play({Answer({Write("a", "x")}), Answer({TextPart("done")})}).has_value());
  EXPECT_THAT(keeper_.said,
              ElementsAre("reserve unpriced", "settle unpriced 0.00", "reserve unpriced", "settle unpriced 0.00"));
  EXPECT_EQ(rows_[1]["charged"], "unpriced");
  EXPECT_FALSE(rows_[1].contains("cost_usd"));
}

TEST_F(BudgetedAgent, ARefusedCallChargesNothingAndABrokenOneTheMostItCanHaveCost) {
  const auto fail = [&](const char* error_class) {
    keeper_.said.clear();
    EXPECT_FALSE(Play({ModelError{.kind = ModelErrorKind::kRetryable, .message = "no", .error_class = error_class}})
                     .has_value());
    std::filesystem::remove_all(config_.work_root + "/journal");
    return keeper_.said.back() + ", " + rows_.back()["charged"].get<std::string>();
  };
  for (const char* refused : {"RATE_LIMIT", "QUOTA_DAY", "HTTP_503", "NETWORK"}) {
    EXPECT_EQ(fail(refused), "settle cost 0.00, nothing") << refused;
  }
  for (const char* unknown : {"CUT_STREAM", "TIMEOUT", "SOMETHING_NEW"}) {
    EXPECT_EQ(fail(unknown), "settle unknown 0.00, assumed") << unknown;
  }
}

TEST_F(BudgetedAgent, ABlockingBudgetFailsTheStepForGoodBeforeAnyCall) {
  Refuse(Verdict::kBlocked);
  const auto result = Play({Answer({Write("a", "x")})});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.failure()->type, "BUDGET_EXCEEDED");
  EXPECT_TRUE(result.failure()->non_retryable);
  EXPECT_THAT(result.failure()->message, HasSubstr("\"daily\" is used up"));
  EXPECT_TRUE(backend_->turns.empty());
  EXPECT_TRUE(rows_.empty()) << "no call, no row (AC-8)";
}

TEST_F(BudgetedAgent, ADeferringBudgetSaysWhenTheNextPeriodBegins) {
  Refuse(Verdict::kDeferred, "2026-11-22T00:00:00.000Z");
  auto result = Play({Answer({Write("a", "x")}), Answer({TextPart("done")})});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.failure()->type, "BUDGET_DEFERRED");
  EXPECT_FALSE(result.failure()->non_retryable);
  EXPECT_EQ(result.failure()->details["resumes_at"], "2026-11-22T00:00:00.000Z");
  EXPECT_EQ(result.failure()->next_retry_delay, std::chrono::hours(19) + std::chrono::seconds(1));
  keeper_.answer = {};
  result = Run(Request(), 2);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_EQ(result.value().lost_calls, 0);
}

TEST_F(BudgetedAgent, ABusyBudgetIsAskedAgainInSeconds) {
  Refuse(Verdict::kBusy);
  const auto result = Play({Answer({Write("a", "x")})});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.failure()->type, "BUDGET_BUSY");
  EXPECT_FALSE(result.failure()->non_retryable);
  EXPECT_EQ(result.failure()->next_retry_delay, std::chrono::seconds(3));
}

TEST_F(BudgetedAgent, WithoutTheRecordsNoCallIsMadeAndWhatEndedIsInTheLedger) {
  keeper_.unreachable = true;
  const auto result = Play({Answer({Write("a", "x")}), Answer({TextPart("done")})});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.failure()->type, "UNAVAILABLE");
  EXPECT_FALSE(result.failure()->non_retryable);
  EXPECT_TRUE(backend_->turns.empty());
  keeper_.unreachable = false;
  backend_->before_call = [this](int) { keeper_.unreachable = true; };
  EXPECT_FALSE(Run(Request(), 2).has_value()) << "the second call";
  ASSERT_EQ(rows_.size(), 2u);
  const auto charge = ChargeOf(rows_[1]);
  ASSERT_TRUE(charge.has_value()) << "the settlement that could not be told is in the row";
  EXPECT_EQ(charge->first.call_id, keeper_.calls.front().call_id);
  EXPECT_EQ(charge->first.run_id, keeper_.calls.front().run_id);
  EXPECT_EQ(charge->second.cost.ToString(), "0.000575");
  EXPECT_FALSE(ChargeOf(rows_[0]).has_value()) << "it had only begun";
  EXPECT_FALSE(ChargeOf(json{{"call_id", "of an earlier version"}, {"cost_usd", 0.1}}).has_value());
}

TEST_F(BudgetedAgent, AnotherMachineNeverUsesTheIdOfACallAgain) {  // RC-6
  ASSERT_TRUE(Play({Answer({Write("a", "x")}), Answer({TextPart("done")})}).has_value());
  std::filesystem::remove_all(config_.work_root + "/journal");  // as on a machine that has none
  backend_->turns.clear();
  ASSERT_TRUE(Run(Request(), 2).has_value());
  std::set<std::string> ids;
  for (const json& row : rows_) ids.insert(row["call_id"].get<std::string>());
  EXPECT_EQ(ids.size(), 4u) << "four calls were paid, and four are in the ledger";
}

TEST_F(BudgetedAgent, CannedAnswersReserveNothing) {
  class Canned final : public ModelBackend {
    bool scripted() const override { return true; }
    ModelOutcome Generate(const ModelCall& call, const CallControl&) override {
      return call.turn == 1 ? Answer({Write("a", "x")}) : Answer({TextPart("done")});
    }
  };
  config_.backends["gemini"] = std::make_shared<Canned>();
  ASSERT_TRUE(Run(Request()).has_value());
  EXPECT_TRUE(keeper_.said.empty());
}

}  // namespace
}  // namespace wfe::agent
