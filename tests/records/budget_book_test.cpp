// What budgets decide: QF-2, QF-1.
#include "engine/records/budget_book.h"

#include <gmock/gmock.h>

#include <random>

namespace wfe::records {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Verdict = ReserveAnswer::Verdict;
using Kind = SettleOutcome::Kind;

Money Usd(std::string_view text) { return Money::Parse(text).value(); }
Instant At(std::string_view text) { return ParseIso8601(text).value(); }

/// A book with its disk: what ended is remembered.
class Budgets : public testing::Test {
 protected:
  void Set(BudgetPeriod period, const std::string& limit, OnExceed on_exceed = OnExceed::kBlock,
           const std::string& type = "") {
    book_.SetRule({.name = {.period = period, .workflow_type = type}, .limit = Usd(limit), .on_exceed = on_exceed});
  }
  BudgetCall Call(const std::string& id) const {
    return {.id = id, .workflow_id = "w", .run_id = run_, .workflow_type = type_, .model = "m", .began = now_};
  }
  std::optional<EndedCall> Ended(const std::string& id) const {
    const auto found = ended_.find(id);
    return found == ended_.end() ? std::nullopt : std::optional(found->second);
  }
  void Keep(const BudgetChange& change) {
    for (const auto& [id, call] : change.ended) ended_[id] = call;
    for (const BudgetEvent& event : change.events) {
      events_.push_back(event.budget + " " + event.period + (event.exceeded ? " exceeded" : " warning"));
    }
  }
  Result<ReserveAnswer> TryReserve(const std::string& id, std::optional<Money> most) {
    BudgetChange change;
    book_.Expire(now_, change);
    Keep(change);
    change = {};
    const auto answer = book_.Reserve(Call(id), most, 10min, now_, Ended(id), change);
    Keep(change);
    return answer;
  }
  Verdict Reserve(const std::string& id, const std::string& most) {
    last_ = TryReserve(id, Usd(most)).value();
    return last_.verdict;
  }
  bool Settle(const std::string& id, SettleOutcome outcome) {
    BudgetChange change;
    const bool changed = book_.Settle(Call(id), outcome, now_, Ended(id), change).value();
    Keep(change);
    return changed;
  }
  bool Settle(const std::string& id, const std::string& cost) {
    return Settle(id, {.kind = Kind::kCost, .cost = Usd(cost)});
  }
  BudgetStanding Standing(const std::string& name) {
    for (const BudgetStanding& standing : book_.Standings(now_, run_)) {
      if (standing.rule.name.Text() == name) return standing;
    }
    ADD_FAILURE() << "no budget " << name;
    return {};
  }
  std::string Used(const std::string& name) { return Standing(name).counter.used.ToString(); }
  std::string Held(const std::string& name) { return Standing(name).reserved.ToString(); }

  BudgetBook book_;
  Instant now_ = At("2026-11-26T12:00:00.000Z");
  std::string run_ = "r1";
  std::string type_ = "Build";
  ReserveAnswer last_;
  std::map<std::string, EndedCall> ended_;
  std::vector<std::string> events_;
};

TEST_F(Budgets, WhatIsReservedCountsUntilItIsSettledForWhatItCost) {
  Set(BudgetPeriod::kDay, "1");
  EXPECT_EQ(Reserve("a", "0.60"), Verdict::kAdmitted);
  EXPECT_EQ(Held("daily"), "0.60");
  EXPECT_EQ(Reserve("b", "0.60"), Verdict::kBusy) << "there is room if a costs less than it may";
  EXPECT_THAT(last_.message,
              HasSubstr("no room at the moment: 0.00 of 1.00 USD used in 2026-11-26, 0.60 USD reserved"));
  EXPECT_TRUE(Settle("a", "0.01"));
  EXPECT_EQ(Reserve("b", "0.60"), Verdict::kAdmitted);
  EXPECT_TRUE(Settle("b", "0.50"));
  EXPECT_EQ(Used("daily"), "0.51");
  EXPECT_EQ(Held("daily"), "0.00");
  EXPECT_EQ(Reserve("c", "0.60"), Verdict::kBlocked);
  EXPECT_THAT(last_.message,
              HasSubstr("used up: 0.51 of 1.00 USD used in 2026-11-26, and this call may cost up to 0.60 USD"));
  EXPECT_EQ(Reserve("c", "0.49"), Verdict::kAdmitted) << "to the last nano-dollar";
}

TEST_F(Budgets, RepeatedRequestsChangeNothing) {
  Set(BudgetPeriod::kDay, "1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Reserve("a", "0.60"), Verdict::kAdmitted);
  EXPECT_EQ(Held("daily"), "0.60");
  EXPECT_TRUE(Settle("a", "0.10"));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(Settle("a", "0.10"));
  EXPECT_FALSE(Settle("a", {.kind = Kind::kNotMade})) << "what was spent stays spent";
  EXPECT_EQ(Used("daily"), "0.10");
  EXPECT_EQ(Standing("daily").counter.calls, 1);
  EXPECT_EQ(TryReserve("a", Usd("0.1")).error().code, StatusCode::kFailedPrecondition);
}

TEST_F(Budgets, ReservationsOfDeadCallsAreReturnedAndALateSettlementStillCounts) {
  Set(BudgetPeriod::kDay, "1");
  EXPECT_EQ(Reserve("dead", "0.90"), Verdict::kAdmitted);
  EXPECT_EQ(Reserve("b", "0.50"), Verdict::kBusy);
  now_ += 10min;
  EXPECT_EQ(Reserve("b", "0.50"), Verdict::kAdmitted);
  EXPECT_TRUE(Settle("dead", "0.80"));
  EXPECT_EQ(Used("daily"), "0.80");
  EXPECT_FALSE(Settle("dead", "0.80"));
  EXPECT_EQ(Held("daily"), "0.50");
  now_ += 1h;
  EXPECT_EQ(Held("daily"), "0.50") << "given back when somebody looks";
  EXPECT_EQ(Reserve("c", "0.20"), Verdict::kAdmitted);
  EXPECT_EQ(Held("daily"), "0.20");
}

TEST_F(Budgets, ACallThatWasNotMadeGivesBackWhatItReservedAndMayReserveAgain) {
  Set(BudgetPeriod::kDay, "1");
  EXPECT_EQ(Reserve("a", "1"), Verdict::kAdmitted);
  EXPECT_TRUE(Settle("a", {.kind = Kind::kNotMade}));
  EXPECT_FALSE(Settle("a", {.kind = Kind::kNotMade}));
  EXPECT_EQ(Held("daily"), "0.00");
  EXPECT_EQ(Standing("daily").counter.calls, 0);
  EXPECT_EQ(Reserve("a", "1"), Verdict::kAdmitted);
  EXPECT_TRUE(Settle("a", "0.20"));
  EXPECT_EQ(Used("daily"), "0.20");
}

TEST_F(Budgets, ACallOfUnknownCostCountsWithTheMostItCanHaveCost) {
  Set(BudgetPeriod::kDay, "1");
  EXPECT_EQ(Reserve("lost", "0.70"), Verdict::kAdmitted);
  EXPECT_TRUE(Settle("lost", {.kind = Kind::kUnknown}));
  EXPECT_EQ(Used("daily"), "0.70");
  EXPECT_EQ(Standing("daily").counter.assumed.ToString(), "0.70");
  EXPECT_EQ(Reserve("gone", "0.20"), Verdict::kAdmitted);
  now_ += 11min;
  EXPECT_EQ(Reserve("x", "0.01"), Verdict::kAdmitted);
  EXPECT_TRUE(Settle("gone", {.kind = Kind::kUnknown})) << "after its reservation ran out";
  EXPECT_EQ(Used("daily"), "0.90");
}

TEST_F(Budgets, ACallWithoutAPriceIsLeftOutAndCounted) {
  Set(BudgetPeriod::kDay, "1");
  EXPECT_EQ(TryReserve("a", std::nullopt)->verdict, Verdict::kAdmitted);
  EXPECT_TRUE(Settle("a", {.kind = Kind::kUnpriced}));
  EXPECT_EQ(Used("daily"), "0.00");
  EXPECT_EQ(Standing("daily").counter.unpriced, 1);
  EXPECT_EQ(Reserve("b", "1"), Verdict::kAdmitted);
  EXPECT_TRUE(Settle("b", "1"));
  EXPECT_EQ(TryReserve("c", std::nullopt)->verdict, Verdict::kBlocked) << "what is used up buys nothing";
}

TEST_F(Budgets, ABudgetOfZeroBuysNothing) {
  Set(BudgetPeriod::kMonth, "0");
  EXPECT_EQ(TryReserve("a", std::nullopt)->verdict, Verdict::kBlocked);
  EXPECT_EQ(Reserve("b", "0"), Verdict::kBlocked);
  EXPECT_THAT(last_.message, HasSubstr("\"monthly\" is used up: 0.00 of 0.00 USD used in 2026-11"));
  EXPECT_THAT(events_, ElementsAre("monthly 2026-11 exceeded"));
}

TEST_F(Budgets, WarningsAreToldOncePerPeriodAndAgainForAnotherLimit) {
  Set(BudgetPeriod::kDay, "1");
  for (int i = 0; i < 20; ++i) {
    const std::string id = "c" + std::to_string(i);
    ASSERT_EQ(Reserve(id, "0.05"), Verdict::kAdmitted);
    Settle(id, "0.05");
    EXPECT_EQ(events_.size(), i < 15 ? 0u : i < 19 ? 1u : 2u) << i;
  }
  EXPECT_THAT(events_, ElementsAre("daily 2026-11-26 warning", "daily 2026-11-26 exceeded"));
  EXPECT_EQ(Reserve("more", "0.05"), Verdict::kBlocked);
  EXPECT_EQ(events_.size(), 2u);
  Set(BudgetPeriod::kDay, "1.10");
  EXPECT_EQ(Reserve("more", "0.05"), Verdict::kAdmitted);
  Settle("more", "0.05");
  EXPECT_EQ(events_.back(), "daily 2026-11-26 warning") << "of the new limit";
  now_ = At("2026-11-27T00:00:00.000Z");
  EXPECT_EQ(Reserve("next", "1"), Verdict::kAdmitted);
  Settle("next", "1");
  EXPECT_EQ(events_.back(), "daily 2026-11-27 warning");
}

TEST_F(Budgets, OnExceedWarnsOrDefersToTheNextPeriodInUtc) {
  Set(BudgetPeriod::kDay, "1", OnExceed::kWarn);
  Settle("before", "5");
  EXPECT_EQ(Reserve("a", "1"), Verdict::kAdmitted);
  EXPECT_THAT(events_, ElementsAre("daily 2026-11-26 warning", "daily 2026-11-26 exceeded"));
  Set(BudgetPeriod::kDay, "1", OnExceed::kDefer);
  EXPECT_EQ(Reserve("b", "1"), Verdict::kDeferred);
  EXPECT_EQ(last_.resumes, At("2026-11-27T00:00:00.000Z"));
  Set(BudgetPeriod::kMonth, "5", OnExceed::kDefer);
  EXPECT_EQ(Reserve("b", "1"), Verdict::kDeferred);
  EXPECT_EQ(last_.resumes, At("2026-12-01T00:00:00.000Z")) << "the later of the two";
  Set(BudgetPeriod::kRun, "5", OnExceed::kDefer);
  EXPECT_EQ(Reserve("b", "1"), Verdict::kBlocked) << "a run has no next period";
  run_ = "r2";
  EXPECT_EQ(Reserve("b", "1"), Verdict::kDeferred);
}

TEST_F(Budgets, PeriodsEndAtMidnightAndWithTheMonthAndYear) {
  EXPECT_EQ(PeriodEnd(BudgetPeriod::kDay, At("2028-02-28T23:59:59.999Z")), At("2028-02-29T00:00:00.000Z"));
  EXPECT_EQ(PeriodEnd(BudgetPeriod::kMonth, At("2028-02-29T10:00:00.000Z")), At("2028-03-01T00:00:00.000Z"));
  EXPECT_EQ(PeriodEnd(BudgetPeriod::kMonth, At("2026-12-31T23:59:59.999Z")), At("2027-01-01T00:00:00.000Z"));
  EXPECT_EQ(PeriodEnd(BudgetPeriod::kMonth, At("2026-01-31T00:00:00.000Z")), At("2026-02-01T00:00:00.000Z"));
  EXPECT_EQ(PeriodEnd(BudgetPeriod::kRun, now_), std::nullopt);
}

TEST_F(Budgets, ACallBelongsToThePeriodInWhichItReserved) {
  Set(BudgetPeriod::kDay, "1");
  Set(BudgetPeriod::kMonth, "2");
  now_ = At("2026-11-30T23:59:00.000Z");
  EXPECT_EQ(Reserve("late", "1"), Verdict::kAdmitted);
  now_ = At("2026-12-01T00:01:00.000Z");
  EXPECT_EQ(Reserve("new", "1"), Verdict::kAdmitted);
  EXPECT_TRUE(Settle("late", "0.9"));
  EXPECT_EQ(Used("daily"), "0.00");
  EXPECT_EQ(Used("monthly"), "0.00");
  now_ = At("2026-11-30T23:59:30.000Z");  // a clock that was put back: the same period goes on
  EXPECT_EQ(Used("daily"), "0.90");
  EXPECT_EQ(Used("monthly"), "0.90");
  EXPECT_EQ(Reserve("again", "0.2"), Verdict::kBlocked);
}

TEST_F(Budgets, ANewBudgetKnowsWhatWasSpentBeforeItAndEachKindCountsItsOwn) {
  Settle("a", "3");
  type_ = "Other";
  run_ = "r2";
  Settle("b", "2");
  Set(BudgetPeriod::kDay, "5");
  Set(BudgetPeriod::kMonth, "2.5", OnExceed::kBlock, "Other");
  Set(BudgetPeriod::kRun, "4");
  EXPECT_EQ(Used("daily"), "5.00");
  EXPECT_EQ(Used("monthly of Other"), "2.00");
  EXPECT_EQ(Used("run"), "2.00");
  EXPECT_EQ(Reserve("c", "0.6"), Verdict::kBlocked);
  book_.ResetRule({.period = BudgetPeriod::kDay, .workflow_type = {}});
  EXPECT_EQ(Reserve("c", "0.6"), Verdict::kBlocked);
  EXPECT_THAT(last_.message, HasSubstr("\"monthly of Other\""));
  type_ = "Build";
  EXPECT_EQ(Reserve("d", "0.6"), Verdict::kAdmitted);
}

TEST_F(Budgets, ASumThatWouldNotFitIsRefusedAndNothingChanges) {
  Settle("a", {.kind = Kind::kCost, .cost = Money::Most()});
  BudgetChange change;
  const auto refused = book_.Settle(Call("b"), {.kind = Kind::kCost, .cost = Usd("1")}, now_, {}, change);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, StatusCode::kOutOfRange);
  EXPECT_TRUE(change.empty());
  EXPECT_EQ(Standing("daily").counter.calls, 1);
}

/// Everything at random, compared with a recount: what is used is what settled calls cost, what is reserved is what
/// open ones hold, and neither depends on how often something is told.
TEST_F(Budgets, AnyOrderOfRequestsAndClockStepsGivesWhatARecountGives) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&random](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
    book_ = {};
    ended_.clear();
    now_ = At("2026-11-30T20:00:00.000Z");
    Set(BudgetPeriod::kMonth, std::to_string(below(40)));
    struct Known {
      std::string day;
      std::optional<Money> cost;
    };
    std::map<std::string, Known> settled;
    for (int step = 0; step < 200; ++step) {
      const std::string id = "c" + std::to_string(below(30));
      const Money amount = Money::Nanos(below(2'000'000'000));
      const int64_t what = below(10);
      if (what < 4) {
        const auto answer = TryReserve(id, below(8) == 0 ? std::nullopt : std::optional(amount));
        ASSERT_EQ(answer.has_value(), !settled.contains(id)) << "seed " << seed;
      } else if (what < 8) {
        const Kind kind = static_cast<Kind>(below(4));
        const BudgetHold* const hold = book_.FindHold(id);
        const auto ended = Ended(id);
        const std::string day = hold != nullptr ? hold->day : ended ? ended->day : BudgetDay(now_);
        const std::optional<Money> most = hold != nullptr ? hold->most : ended ? ended->most : std::nullopt;
        if (Settle(id, {.kind = kind, .cost = amount}) && kind != Kind::kNotMade) {
          ASSERT_TRUE(settled
                          .emplace(id, Known{day, kind == Kind::kCost      ? std::optional(amount)
                                                  : kind == Kind::kUnknown ? most
                                                                           : std::nullopt})
                          .second)
              << "seed " << seed << ": settled twice";
        }
      } else {
        now_ += std::chrono::minutes(below(40) - 10);
      }
      std::map<std::string, Money> used;
      for (const auto& [_, call] : settled) {
        Money& sum = used["day/" + call.day];
        sum = sum.Plus(call.cost.value_or(Money())).value();
      }
      for (const auto& [counter, sum] : used) {
        ASSERT_EQ(book_.counter(counter).used, sum) << "seed " << seed << " step " << step;
      }
    }
    now_ += 24h * 40;
    EXPECT_EQ(TryReserve("last", Money())->verdict == Verdict::kAdmitted ? book_.holds() : 1u, 1u);
    EXPECT_EQ(Held("monthly"), "0.00");
  }
}

}  // namespace
}  // namespace wfe::records
