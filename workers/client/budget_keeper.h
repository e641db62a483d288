// Budgets as whoever makes model calls uses them (QF-2): reserve before the call, settle after it.  The records service
// is the usual place behind it (budget_client.h).
#pragma once

#include <optional>
#include <string>

#include "engine/base/money.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::client {

/// A call of a model; the same in both requests about it.
struct BudgetedCall {
  std::string call_id;  ///< Its reservation's and its settlement's idempotency key; never used for another call.
  std::string workflow_id;
  std::string run_id;
  std::string workflow_type;
  std::string model;
  Instant began{};
};

struct BudgetAnswer {
  enum class Verdict {
    kAdmitted,
    kBusy,      ///< There would be room, if other calls under way cost less than they may: ask again.
    kDeferred,  ///< Not before `resumes`.
    kBlocked,
  };
  Verdict verdict = Verdict::kAdmitted;
  // Of the budget that refused:
  std::string budget;
  Money limit;
  Money used;
  std::string message;  ///< One sentence for people.
  std::optional<Instant> resumes;
};

/// How a call ended, as far as money goes.
struct CallCharge {
  enum class Kind {
    kCost,
    kUnpriced,  ///< The model has no price: the cost is left out and said to be.
    kUnknown,   ///< Nobody reported what it cost: the budget counts the largest possible cost.
    kNotMade,   ///< Nothing was spent.
  };
  Kind kind = Kind::kCost;
  Money cost;  ///< kCost.
};

/// Callable from any thread; each call may block for a while.  Either may be repeated and then changes nothing.
class BudgetKeeper {
 public:
  virtual ~BudgetKeeper() = default;
  /// `most`: the largest possible cost; nullopt: the model has no price.  Who has not settled within `lease` is taken
  /// for dead, and what was reserved is given back.
  virtual Result<BudgetAnswer> Reserve(const BudgetedCall& call, std::optional<Money> most, Duration lease) = 0;
  virtual Status Settle(const BudgetedCall& call, const CallCharge& charge) = 0;
};

}  // namespace wfe::client
