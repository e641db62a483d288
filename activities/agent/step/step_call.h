// One paid call of an agent step, whoever makes it: a turn of our own loop with a model, or a run of a program.  Its
// answer is journalled before anything follows from it, and its cost is in the ledger, however the worker ends
// (AC-2, AC-8, RW-D5).
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "activities/agent/backends/model_backend.h"
#include "activities/agent/cost/call_log.h"
#include "activities/agent/cost/token_estimator.h"
#include "activities/agent/step/agent_step.h"
#include "activities/agent/step/journal.h"
#include "activities/agent/step/redactor.h"
#include "activities/agent/step/tool_calls.h"
#include "activities/sandbox/safe_files.h"

namespace wfe::agent {

/// What a call works with; all of it outlives the call.
struct CallServices {
  StepJournal& journal;
  const Redactor& redactor;
  TokenCounter& tokens;
  CallLog& calls;
  std::function<Instant()> now;
  CallControl control;
};

/// And what a step works with.
struct StepServices : CallServices {
  const sandbox::SafeDir& dir;
  ToolCallNotes& tool_calls;
};

/// How a step, or a call of it, ended.
struct LoopOutcome {
  enum class Kind { kDone, kAgentError, kRetry, kCancelled, kMachine, kBudget };
  Kind kind = Kind::kDone;
  std::string message;                    ///< Not for kDone.
  std::optional<ModelError> unavailable;  ///< kRetry: what the model's service said.
  nlohmann::json contents;                ///< The conversation, for keep_session.
  int64_t writes = 0;                     ///< Accepted writing actions.
  bool records_down = false;              ///< kMachine: not this machine, the records service did not answer.
  std::optional<client::BudgetAnswer> refusal = std::nullopt;  ///< kBudget.

  static LoopOutcome AgentError(std::string message);
  static LoopOutcome Machine(const Error& error);
};

/// How an activity fails whose call a budget has refused (QF-2).
struct RefusedCall {
  std::string_view type;  ///< kBudgetBusyType, kBudgetDeferredType or kBudgetExceededType.
  std::string message;
  std::optional<Duration> delay;  ///< Until it may be tried again; empty: never.
  std::string resumes_at;         ///< kBudgetDeferredType: when the budget's next period begins; else empty.
};
/// `chance` in [0, 1) spreads the tries of many.
RefusedCall OfRefusal(const client::BudgetAnswer& refusal, Instant now, double chance);

/// The parts of an answer that depend on who gave it, from the response that came: at least "tokens" (prompt, output,
/// thoughts, cached, source) and "redactions".  An outcome: the step is over, and the answer is not kept.
using Digest = std::function<std::optional<LoopOutcome>(nlohmann::json response, nlohmann::json& answer)>;

/// The journalled answer to call `number` of the step, or the one that `ask` gets, digested and journalled.  nullopt:
/// `answer` is there.  Otherwise how the step ends: the request's budget is used up (kDone, with
/// reply.budget_exhausted), a budget of the records service has no room (kBudget), the call failed, or this machine
/// did.  `bound`: how large the call can get, asked before it is made; empty, or nullopt: nobody can say.
std::optional<LoopOutcome> AnswerToCall(const AgentRequest& request, CallServices& services, AgentReply& reply,
                                        int number, const std::function<ModelOutcome()>& ask, const Digest& digest,
                                        nlohmann::json& answer,
                                        const std::function<std::optional<CallBound>()>& bound = {});

/// Adds an answer's tokens, time and cost to the reply, and its row to the ledger.  `bought`: false for canned answers.
Status AccountForCall(CallServices& services, AgentReply& reply, int number, const nlohmann::json& answer, bool bought);

/// Whether the request's budget is used up by what the step has spent.
bool BudgetSpent(const AgentRequest& request, const AgentReply& reply, const CallLog& calls);

/// Endings after which asking once more can help.
bool IsRepairable(const std::string& finish_reason);

}  // namespace wfe::agent
