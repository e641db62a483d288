// Asking a model once, as a turn of an agent's loop or as a call of its own: journalled before anything follows from
// the answer, in the ledger, without the worker's secrets.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "activities/agent/backends/model_backend.h"
#include "activities/agent/step/step_call.h"

namespace wfe::agent {

/// The journalled answer to call `call.turn` of the step, or the one that the backend gives now (AnswerToCall says the
/// rest).  `max_output_tokens`: of the call, 0 where the model decides; what the call can cost is reserved by it.
/// `answer` has "response", "tokens", "redactions", and "secret_parts": the indexes of function calls that held
/// a secret of this worker, which the journal does not.
std::optional<LoopOutcome> AskModel(const AgentRequest& request, CallServices& services, AgentReply& reply,
                                    ModelBackend& backend, const ModelCall& call, int max_output_tokens,
                                    nlohmann::json& answer);

/// How an answer ended, in the service's words; "PROMPT_BLOCKED" where there is none, with the reason in `why`.
std::string FinishReasonOf(const nlohmann::json& response, std::string* why);

/// The parts of an answer; an empty array where it has none.
nlohmann::json PartsOf(const nlohmann::json& response);

/// What the parts say, without thoughts.
std::string VisibleText(const nlohmann::json& parts);

/// What the service says has answered; empty: it does not say.
std::string ModelVersionOf(const nlohmann::json& response);

}  // namespace wfe::agent
