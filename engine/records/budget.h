// The nouns of budgets (QF-2): rules, calls, counters, and what becomes of a call's reservation.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/time.h"

namespace wfe::records {

enum class BudgetPeriod { kDay, kMonth, kRun };
enum class OnExceed { kWarn, kBlock, kDefer };

/// Which budget: of a period, for all workflows or for those of one type.
struct BudgetName {
  BudgetPeriod period = BudgetPeriod::kDay;
  std::string workflow_type;  ///< Empty: all.
  /// "daily", "monthly", "run", "daily of AuditedBuildWorkflow".
  std::string Text() const;
  friend auto operator<=>(const BudgetName&, const BudgetName&) = default;
};

struct BudgetRule {
  BudgetName name;
  std::optional<Money> limit;  ///< nullopt: none.
  int warn_at_percent = 80;    ///< Of the limit; 0: no warning.
  OnExceed on_exceed = OnExceed::kBlock;
};

struct BudgetCall {
  std::string id;
  std::string workflow_id;
  std::string run_id;
  std::string workflow_type;
  std::string model;
  Instant began{};
};

/// What one period has cost so far, for everything, a run or a type of workflow: it counts whether there is a budget or
/// not, so that a new budget knows what was spent before it was made.
struct BudgetCounter {
  /// A budget said once that it is nearly or wholly used up; a changed limit may say so again.
  struct Told {
    std::string budget;
    bool exceeded = false;
    Money limit;
    friend bool operator==(const Told&, const Told&) = default;
  };
  Money used;
  Money assumed;  ///< Of `used`: the largest possible cost of calls whose cost nobody reported.
  int64_t calls = 0;
  int64_t unpriced = 0;
  std::vector<Told> told;
};

/// A reservation that has not been settled.
struct BudgetHold {
  BudgetCall call;
  std::string day;            ///< On whose counters it is: that of its reservation, "2026-11-26".
  std::optional<Money> most;  ///< nullopt: the model has no price.
  Instant expires{};
};

/// How a call ended.
struct SettleOutcome {
  enum class Kind { kCost, kUnpriced, kUnknown, kNotMade };
  Kind kind = Kind::kCost;
  Money cost;  ///< kCost.
};

/// What is known of a call that has no hold any more.
struct EndedCall {
  std::string day;
  bool settled = false;       ///< False: its reservation was returned.
  std::optional<Money> cost;  ///< Settled, with a price.
  std::optional<Money> most;  ///< Returned: what it had reserved.
};

enum class CallState { kNone, kHeld, kReturned, kSettled };
enum class CallInput { kReserve, kSettle, kReturn, kExpire };
enum class CallEffect {
  kNothing,
  kHold,         ///< Reserve, if the budgets admit it.
  kSpend,        ///< The hold becomes what was spent.
  kSpendUnheld,  ///< What was spent counts although nothing was reserved any more.
  kGiveBack,     ///< The hold is gone.
  kRefuse,       ///< An id cannot be used for a second call.
};

struct CallMove {
  CallState from;
  CallInput on;
  CallState to;
  CallEffect effect;
};

/// Every state with every input: what is repeated changes nothing, and money that was spent counts however late it is
/// told.
// clang-format off
inline constexpr auto kCallMoves = std::to_array<CallMove>({
    // from                 on                   to                    effect
    {CallState::kNone,       CallInput::kReserve, CallState::kHeld,     CallEffect::kHold},
    {CallState::kNone,       CallInput::kSettle,  CallState::kSettled,  CallEffect::kSpendUnheld},
    {CallState::kNone,       CallInput::kReturn,  CallState::kNone,     CallEffect::kNothing},
    {CallState::kNone,       CallInput::kExpire,  CallState::kNone,     CallEffect::kNothing},
    {CallState::kHeld,       CallInput::kReserve, CallState::kHeld,     CallEffect::kNothing},
    {CallState::kHeld,       CallInput::kSettle,  CallState::kSettled,  CallEffect::kSpend},
    {CallState::kHeld,       CallInput::kReturn,  CallState::kReturned, CallEffect::kGiveBack},
    {CallState::kHeld,       CallInput::kExpire,  CallState::kReturned, CallEffect::kGiveBack},
    {CallState::kReturned,   CallInput::kReserve, CallState::kHeld,     CallEffect::kHold},
    {CallState::kReturned,   CallInput::kSettle,  CallState::kSettled,  CallEffect::kSpendUnheld},
    {CallState::kReturned,   CallInput::kReturn,  CallState::kReturned, CallEffect::kNothing},
    {CallState::kReturned,   CallInput::kExpire,  CallState::kReturned, CallEffect::kNothing},
    {CallState::kSettled,    CallInput::kReserve, CallState::kSettled,  CallEffect::kRefuse},
    {CallState::kSettled,    CallInput::kSettle,  CallState::kSettled,  CallEffect::kNothing},
    {CallState::kSettled,    CallInput::kReturn,  CallState::kSettled,  CallEffect::kNothing},
    {CallState::kSettled,    CallInput::kExpire,  CallState::kSettled,  CallEffect::kNothing},
});
// clang-format on

/// How many there are for a state and an input, and which is the last.
struct FoundMove {
  int count = 0;
  size_t at = 0;
};
constexpr FoundMove FindMove(CallState from, CallInput on) {
  FoundMove found;
  for (size_t i = 0; i < kCallMoves.size(); ++i) {
    if (kCallMoves[i].from == from && kCallMoves[i].on == on) found = {.count = found.count + 1, .at = i};
  }
  return found;
}
constexpr bool EveryMoveIsThereOnce() {
  for (int from = 0; from < 4; ++from) {
    for (int on = 0; on < 4; ++on) {
      if (FindMove(static_cast<CallState>(from), static_cast<CallInput>(on)).count != 1) return false;
    }
  }
  return true;
}
static_assert(EveryMoveIsThereOnce());
constexpr const CallMove& MoveOf(CallState from, CallInput on) { return kCallMoves[FindMove(from, on).at]; }

/// "2026-11-26" and "2026-11" in UTC.
std::string BudgetDay(Instant now);
/// Of a day.
std::string BudgetMonth(std::string_view day);
/// When the period that `now` is in ends: the next midnight, the first of the next month; nullopt for a run.
std::optional<Instant> PeriodEnd(BudgetPeriod period, Instant now);

/// The counters that a call on a day is on: "day/2026-11-26", "month/2026-11", both again with "/<type>" behind, and
/// "run/<run id>".
std::vector<std::string> CountersOf(const BudgetCall& call, const std::string& day);
/// The one that a budget looks at, for a call on a day; nullopt: the budget is not about such calls.
std::optional<std::string> CounterOf(const BudgetName& name, const BudgetCall& call, const std::string& day);

}  // namespace wfe::records
