// Budgets on the disk and as calls of the records service: QF-2.
#include "engine/records/budget_store.h"

#include <gmock/gmock.h>

#include "engine/base/hash.h"
#include "engine/records/records_service.h"
#include "tests/storage/storage_test_support.h"

namespace wfe::records {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Verdict = ReserveAnswer::Verdict;
using Kind = SettleOutcome::Kind;

Money Usd(std::string_view text) { return Money::Parse(text).value(); }

class BudgetStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    machine_.clock.Set(ParseIso8601("2026-11-26T12:00:00.000Z").value());
    Restart();
  }
  /// As after a power cut: what was not acknowledged may be gone, what was is there.
  void Restart() {
    service_.reset();
    budgets_.reset();
    records_.reset();
    store_.reset();
    machine_.disk->Crash();
    store_ = machine_.Start();
    records_ = RecordsStore::Open(store_->stage()).value();
    budgets_ = BudgetStore::Open(store_->stage(), machine_.clock, options_, [this](const BudgetEvent& event) {
                 told_.push_back(EventName(event));
               }).value();
    service_ = std::make_unique<RecordsService>(*records_, *budgets_, "test");
  }
  static std::string EventName(const BudgetEvent& event) {
    return event.budget + (event.exceeded ? " exceeded" : " warning");
  }
  static BudgetCall Call(const std::string& id) {
    return {.id = id, .workflow_id = "w", .run_id = "r", .workflow_type = "T", .model = "m", .began = {}};
  }
  Verdict Reserve(const std::string& id, const std::string& most) {
    return budgets_->Reserve(Call(id), Usd(most), 10min)->verdict;
  }
  bool Settle(const std::string& id, const std::string& cost) {
    return budgets_->Settle(Call(id), {.kind = Kind::kCost, .cost = Usd(cost)}).value();
  }
  BudgetStanding Daily() { return budgets_->Standings("").value().front(); }

  storage::MemoryMachine machine_;
  BudgetOptions options_{.defaults = {{.name = {}, .limit = Usd("1")}}, .max_rules = 3, .max_holds = 5};
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<RecordsStore> records_;
  std::unique_ptr<BudgetStore> budgets_;
  std::unique_ptr<RecordsService> service_;
  std::vector<std::string> told_;
};

TEST_F(BudgetStoreTest, EveryAnswerSurvivesACrashOfTheServer) {
  EXPECT_EQ(Reserve("a", "0.60"), Verdict::kAdmitted);
  Restart();
  EXPECT_EQ(Daily().reserved, Usd("0.60"));
  EXPECT_EQ(Reserve("b", "0.60"), Verdict::kBusy);
  EXPECT_EQ(Reserve("a", "0.60"), Verdict::kAdmitted) << "asked again";
  EXPECT_TRUE(Settle("a", "0.85"));
  Restart();
  EXPECT_FALSE(Settle("a", "0.85"));
  EXPECT_EQ(Daily().counter.used, Usd("0.85"));
  EXPECT_EQ(Daily().reserved, Money());
  EXPECT_THAT(told_, testing::ElementsAre("daily warning"));
  EXPECT_EQ(Reserve("c", "0.14"), Verdict::kAdmitted);
  Settle("c", "0.14");
  EXPECT_EQ(told_.size(), 1u) << "once, also through restarts";
  EXPECT_EQ(records_->ScanRows("budget_events", "", "", 0)->rows.size(), 1u);
  EXPECT_THAT(records_->AppendRow("budget_events", "k", "v").error().message, HasSubstr("by the server alone"));
  machine_.clock.Advance(24h);
  EXPECT_EQ(Daily().counter.used, Money()) << "another day";
  EXPECT_EQ(Daily().period, "2026-11-27");
}

TEST_F(BudgetStoreTest, WhatRanOutIsGivenBackAlsoAfterARestart) {
  EXPECT_EQ(Reserve("dead", "1"), Verdict::kAdmitted);
  Restart();
  machine_.clock.Advance(10min);
  EXPECT_EQ(Reserve("b", "1"), Verdict::kAdmitted);
  Restart();
  EXPECT_EQ(Daily().reserved, Usd("1"));
  EXPECT_TRUE(budgets_->Settle(Call("dead"), {.kind = Kind::kUnknown}).value()) << "what it had reserved is known";
  EXPECT_EQ(Daily().counter.assumed, Usd("1"));
}

TEST_F(BudgetStoreTest, BudgetsThatAreSetOutlastTheServerAndCanBeReset) {
  ASSERT_TRUE(budgets_->Set({.name = {}, .limit = Usd("7"), .on_exceed = OnExceed::kDefer}).has_value());
  Restart();
  EXPECT_EQ(Daily().rule.limit, Usd("7"));
  EXPECT_FALSE(Daily().is_default);
  ASSERT_TRUE(budgets_->Set({.name = {}, .limit = std::nullopt}).has_value());
  EXPECT_EQ(Reserve("a", "100"), Verdict::kAdmitted) << "no limit";
  ASSERT_TRUE(budgets_->Reset({}).has_value());
  Restart();
  EXPECT_EQ(Daily().rule.limit, Usd("1"));
  EXPECT_TRUE(Daily().is_default);
}

TEST_F(BudgetStoreTest, WhatIsUnboundedIsRefused) {
  EXPECT_THAT(budgets_->Reserve(Call(""), Usd("1"), 1min).error().message, HasSubstr("an id of 1 to 200 bytes"));
  EXPECT_THAT(budgets_->Reserve(Call("a"), Usd("-1"), 1min).error().message, HasSubstr("from 0 to 10000.00 USD"));
  EXPECT_THAT(budgets_->Reserve(Call("a"), Usd("1"), 26h).error().message, HasSubstr("at most 25 hours"));
  EXPECT_THAT(budgets_->Reserve(Call("a"), Usd("1"), 0s).error().message, HasSubstr("at most 25 hours"));
  EXPECT_THAT(budgets_->Settle(Call("a"), {.kind = Kind::kCost, .cost = Usd("-1")}).error().message,
              HasSubstr("cannot be negative"));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Reserve("h" + std::to_string(i), "0"), Verdict::kAdmitted);
  EXPECT_EQ(budgets_->Reserve(Call("h5"), Usd("0"), 1min).error().code, StatusCode::kResourceExhausted);
  EXPECT_EQ(Reserve("h1", "0"), Verdict::kAdmitted) << "is there";
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(
        budgets_->Set({.name = {.period = BudgetPeriod::kDay, .workflow_type = std::to_string(i)}}).has_value());
  }
  EXPECT_EQ(budgets_->Set({.name = {.period = BudgetPeriod::kRun}}).error().code, StatusCode::kResourceExhausted);
}

TEST_F(BudgetStoreTest, TheServiceSaysWhatIsWrongWithARequest) {
  const auto set = [&](const v1::BudgetRule& rule) {
    v1::SetBudgetRequest request;
    *request.mutable_rule() = rule;
    const auto response = service_->SetBudget(request);
    return response ? "" : response.error().message;
  };
  v1::BudgetRule rule;
  EXPECT_THAT(set(rule), HasSubstr("a day, a month or a run"));
  rule.set_period(v1::BUDGET_PERIOD_MONTH);
  EXPECT_THAT(set(rule), HasSubstr("\"monthly\": on_exceed is warn, block or defer"));
  rule.set_on_exceed(v1::BUDGET_ON_EXCEED_BLOCK);
  rule.set_warn_at_percent(101);
  EXPECT_THAT(set(rule), HasSubstr("from 0 (no warning) to 100"));
  rule.set_warn_at_percent(50);
  rule.set_limit_nanos(-1);
  EXPECT_THAT(set(rule), HasSubstr("cannot be negative"));
  rule.set_limit_nanos(5);
  EXPECT_EQ(set(rule), "");
  v1::SettleBudgetRequest settle;
  settle.mutable_call()->set_call_id("x");
  EXPECT_THAT(service_->SettleBudget(settle).error().message, HasSubstr("does not say how the call ended"));
  v1::ReserveBudgetRequest reserve;
  *reserve.mutable_call() = settle.call();
  reserve.set_lease_ms(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(service_->ReserveBudget(reserve).error().code, StatusCode::kInvalidArgument);
}

TEST_F(BudgetStoreTest, RowsOfMutableTablesChangeOnlyUnderThoseWhoHaveSeenThem) {  // CE-2
  const auto hash = [](std::string_view value) { return std::string(AsBytes(Sha256(value))); };
  EXPECT_THAT(records_->PutRow("cost_ledger", "k", "v", "").error().message, HasSubstr("are never changed"));
  EXPECT_THAT(records_->DeleteRow("cost_ledger", "k", "").error().message, HasSubstr("are never changed"));
  ASSERT_TRUE(records_->PutRow("mutable_things", "k", "one", "").has_value());
  EXPECT_TRUE(records_->PutRow("mutable_things", "k", "one", "").has_value()) << "asked again";
  EXPECT_EQ(records_->PutRow("mutable_things", "k", "two", "").error().code, StatusCode::kAborted);
  ASSERT_TRUE(records_->PutRow("mutable_things", "k", "two", hash("one")).has_value());
  EXPECT_EQ(records_->PutRow("mutable_things", "k", "three", hash("one")).error().code, StatusCode::kAborted);
  Restart();
  EXPECT_EQ(records_->DeleteRow("mutable_things", "k", hash("one")).error().code, StatusCode::kAborted);
  EXPECT_FALSE(records_->DeleteRow("mutable_things", "k", hash("two")).value());
  EXPECT_TRUE(records_->DeleteRow("mutable_things", "k", hash("two")).value());
  Restart();
  EXPECT_TRUE(records_->ScanRows("mutable_things", "", "", 0)->rows.empty());
}

}  // namespace
}  // namespace wfe::records
