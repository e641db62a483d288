// Every model call that a step makes, from before it is made: its place in the step's journal, its two rows in the cost
// ledger, and what is paid for answers that nobody got (AC-8, RC-6, RW-D5).
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

#include "activities/agent/backends/model_backend.h"
#include "activities/agent/backends/patience.h"
#include "activities/agent/step/journal.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::agent {

class PriceTable;
struct AgentReply;

/// The ledger's table in the records service.
inline constexpr std::string_view kCostLedgerTable = "cost_ledger";

class CallLog {
 public:
  struct Setup {
    std::string token;                      ///< Idempotency token of the activity; ids of calls come from it.
    nlohmann::json base;                    ///< What every row says: workflow, run, step, attempt, model, backend.
    std::string model;                      ///< Whose price counts, unless an answer names another.  Empty: none.
    bool several_prompts_per_call = false;  ///< A program's run: a price with tiers cannot be applied to its sums.
    const PriceTable* prices = nullptr;
    std::optional<PaidTokens> left_behind;  ///< What a call that was lost with its worker is known to have cost.
    std::function<Instant()> now;
    std::function<void(const nlohmann::json& row)> record;  ///< Empty: no ledger.
  };
  /// Reads what earlier attempts left.  Calls that they began and did not end are lost now, unless their answer is in
  /// the journal.
  static Result<CallLog> Open(StepJournal& journal, Setup setup);

  struct Begun {
    std::string id;
    std::string started;
  };
  /// A call is about to be made; durable when it returns.
  Result<Begun> Begin(int turn);
  /// The call failed; what it cost is kept.
  Status Failed(const std::string& id, const ModelError& error, int64_t latency_ms);
  /// The call's answer is in the journal, with its `call_id`, `started`, `tokens`, `time`, `latency_ms`, and `model` where
  /// the program that was run names it.  May come again for the same answer.
  Status Answered(const nlohmann::json& answer, int turn);

  /// Cost of one call on a day; nullopt when the price is unknown.  `model`: empty for that of the setup.
  std::optional<double> Cost(const PaidTokens& tokens, std::string_view day, std::string* version,
                             const std::string& model) const;

  /// Adds the lost calls to the reply: counts, tokens, cost.
  void AddLost(AgentReply& reply) const;
  int64_t lost_tokens() const { return lost_.prompt + lost_.output + lost_.thoughts; }
  double lost_cost_usd() const { return lost_cost_usd_; }

  /// One more failure in a row, and since when; durable.
  Result<Unavailability> CountFailure();

 private:
  struct OpenCall {
    int turn = 0;
    std::string started;
  };

  CallLog(StepJournal& journal, Setup setup) : journal_(&journal), setup_(std::move(setup)) {}
  Status Save();
  nlohmann::json Row(const std::string& id, const OpenCall& call, std::string_view status, std::string_view time) const;
  void AddCost(nlohmann::json& row, const PaidTokens& tokens, std::string_view day, const std::string& model);
  void Lose(const std::string& id, const OpenCall& call, const std::string& error_class,
            const std::optional<PaidTokens>& paid, const std::string& model, int64_t latency_ms,
            std::string_view status);

  StepJournal* journal_;
  Setup setup_;
  // What calls.json holds.
  int64_t calls_ = 0;                     // made so far
  std::map<std::string, OpenCall> open_;  // by id: begun and not ended
  int64_t lost_calls_ = 0;
  PaidTokens lost_;
  double lost_cost_usd_ = 0;
  Unavailability unavailable_;
};

}  // namespace wfe::agent
