// Every model call that a step makes, from before it is made: its place in the step's journal, its reservation in the
// budgets, its two rows in the cost ledger, and what is paid for answers that nobody got (AC-8, RC-6, QF-2, RW-D5).
//
// A call is in the journal as begun before it is made.  Ended calls leave only sums there; a call that is found begun
// by a later attempt was lost with its worker.  A ledger row is written when a call begins and another when it ends,
// both under the call's id; the second may come again after a crash and is then the same.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "activities/agent/backends/model_backend.h"
#include "activities/agent/backends/patience.h"
#include "activities/agent/step/journal.h"
#include "engine/base/money.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/budget_keeper.h"

namespace wfe::agent {

class PriceTable;
struct AgentReply;
struct ModelPrice;

/// The ledger's table in the records service.
inline constexpr std::string_view kCostLedgerTable = "cost_ledger";

/// How large a call can get, estimated upwards.
struct CallBound {
  int64_t prompt_tokens = 0;
  int64_t output_tokens = 0;  ///< 0: as much as the model gives.
};

class CallLog {
 public:
  struct Setup {
    std::string token;                      ///< Idempotency token of the activity; ids of calls come from it.
    nlohmann::json base;  ///< What every row says: workflow (id, run, type), step, attempt, model, backend.
    std::string model;                      ///< Whose price counts, unless an answer names another.  Empty: none.
    bool several_prompts_per_call = false;  ///< A program's run: a price with tiers cannot be applied to its sums.
    const PriceTable* prices = nullptr;
    std::optional<PaidTokens> left_behind;  ///< What a call that was lost with its worker is known to have cost.
    std::function<Instant()> now;
    std::function<void(const nlohmann::json& row)> record;  ///< Empty: no ledger.
    /// Whether the run may spend at all, asked before the budgets are.  Empty: it may.
    std::function<Result<client::BudgetAnswer>(const client::BudgetedCall&)> admit;
    client::BudgetKeeper* budgets = nullptr;                ///< nullptr: nothing is reserved.
    Duration lease = std::chrono::minutes(40);  ///< Longer than a call can take: then its worker is taken for dead.
    Money unbounded = Money::Usd(1);            ///< Reserved for a call of which nobody can say how large it gets.
  };
  /// Reads what earlier attempts left.  Calls that they began and did not end are lost now, unless their answer is in
  /// the journal.
  static Result<CallLog> Open(StepJournal& journal, Setup setup);

  struct Begun {
    std::string id;
    std::string started;
  };
  /// A call is about to be made; durable when it returns.  RESOURCE_EXHAUSTED with refusal(): the quota refuses its run
  /// or a budget has no room for it, and it is not to be made.
  Result<Begun> Begin(int turn, const std::optional<CallBound>& bound = std::nullopt);
  /// What was said by whoever refused the last Begin.
  const std::optional<client::BudgetAnswer>& refusal() const { return refusal_; }
  /// The call failed; what it cost is kept.
  Status Failed(const std::string& id, const ModelError& error, int64_t latency_ms);
  /// The call's answer is in the journal, with its `call_id`, `started`, `tokens`, `time`, `latency_ms`, and `model` where
  /// the program that was run names it.  May come again for the same answer.
  Status Answered(const nlohmann::json& answer, int turn);

  /// Cost of one call on a day; nullopt when the price is unknown.  `model`: empty for that of the setup.
  std::optional<Money> Cost(const PaidTokens& tokens, std::string_view day, std::string* version,
                            const std::string& model) const;

  /// Adds the lost calls to the reply: counts, tokens, cost.
  void AddLost(AgentReply& reply) const;
  int64_t lost_tokens() const { return lost_.prompt + lost_.output + lost_.thoughts; }
  Money lost_cost_usd() const { return lost_cost_usd_; }

  /// One more failure in a row, and since when; durable.
  Result<Unavailability> CountFailure();

 private:
  struct OpenCall {
    int turn = 0;
    std::string started;
  };

  CallLog(StepJournal& journal, Setup setup) : journal_(&journal), setup_(std::move(setup)) {}
  Status Save();
  const ModelPrice* Price(std::string_view day, const std::string& model) const;
  std::optional<Money> MostCost(const std::optional<CallBound>& bound, std::string_view day) const;
  Status Reserve(const std::string& id, const std::string& started, const std::optional<CallBound>& bound);
  /// Ends the row with what is charged, and tells the budgets and the ledger.
  void End(nlohmann::json& row, const client::CallCharge& charge);
  nlohmann::json Row(const std::string& id, const OpenCall& call, std::string_view status, std::string_view time) const;
  client::CallCharge AddCost(nlohmann::json& row, const PaidTokens& tokens, std::string_view day,
                             const std::string& model);
  void Lose(const std::string& id, const OpenCall& call, const std::string& error_class,
            const std::optional<PaidTokens>& paid, const std::string& model, int64_t latency_ms,
            std::string_view status);

  StepJournal* journal_;
  Setup setup_;
  std::optional<client::BudgetAnswer> refusal_;
  // What calls.json holds.
  int64_t calls_ = 0;                     // made so far
  int64_t made_by_attempt_ = 0;           // the journal was begun by it: no other machine's calls have these ids
  std::map<std::string, OpenCall> open_;  // by id: begun and not ended
  int64_t lost_calls_ = 0;
  PaidTokens lost_;
  Money lost_cost_usd_;
  Unavailability unavailable_;
};

/// The call of an ended row and what is charged for it; nullopt for a row that is none, such as one of an earlier
/// version.
std::optional<std::pair<client::BudgetedCall, client::CallCharge>> ChargeOf(const nlohmann::json& row);

}  // namespace wfe::agent
