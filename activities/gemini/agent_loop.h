// The function-call loop of one agent step: ask the model, journal the answer, do what it asks with files, answer it,
// until it asks for nothing more.  Everything that decides here is a function of the request and of what the journal
// holds, so a retry takes exactly the same path up to the point where the last attempt stopped.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "activities/compliance/safe_files.h"
#include "activities/gemini/call_log.h"
#include "activities/gemini/file_tools.h"
#include "activities/gemini/gemini.h"
#include "activities/gemini/journal.h"
#include "activities/gemini/model_backend.h"
#include "activities/gemini/redactor.h"
#include "activities/gemini/token_estimator.h"

namespace wfe::activities {

/// Built-in limits, for those that neither request nor worker set.
AgentLimits EffectiveLimits(const AgentLimits& request, const AgentLimits& worker);

struct LoopInput {
  const AgentRequest& request;
  std::string context;                  ///< The standing context; may be empty.
  std::vector<std::string> file_names;  ///< What the directory held before the step.
  nlohmann::json earlier_contents;      ///< Of the session that goes on; null for a new one.
  std::string model;
  AgentLimits limits;  ///< All set.
  std::vector<std::string> protected_paths;
};

struct LoopServices {
  ModelBackend& backend;
  const SafeDir& dir;
  StepJournal& journal;
  const Redactor& redactor;
  TokenCounter& tokens;
  CallLog& calls;
  std::function<Instant()> now;
  CallControl control;
};

struct LoopOutcome {
  enum class Kind { kDone, kAgentError, kRetry, kCancelled, kMachine };
  Kind kind = Kind::kDone;
  std::string message;                    ///< Not for kDone.
  std::optional<ModelError> unavailable;  ///< kRetry: what the model's service said.
  nlohmann::json contents;                ///< The conversation, for keep_session.
  int64_t writes = 0;                     ///< Accepted writing actions.
};

/// How often a step asks again for a change, given whether the answer was empty.
int NudgesOf(const AgentRequest& request, bool answer_was_empty);
/// What it asks then.
std::string NudgeText(const AgentRequest& request);
/// Whether the words are a refusal to change anything: "NOTHING TO DO …".
bool SaysNothingToDo(std::string_view text);
/// Whether the request's budget is used up by what the step has spent.
bool BudgetSpent(const AgentRequest& request, const AgentReply& reply, const CallLog& calls);

/// Fills the loop's part of `reply` (text, actions, tokens, cost, turns …), whatever the outcome.
LoopOutcome RunAgentLoop(const LoopInput& input, LoopServices& services, AgentReply& reply);

}  // namespace wfe::activities
