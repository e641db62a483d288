// The function-call loop of one agent step: ask the model, journal the answer, do what it asks with files, answer it,
// until it asks for nothing more.  Everything that decides here is a function of the request and of what the journal
// holds, so a retry takes exactly the same path up to the point where the last attempt stopped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/agent/step/context_files.h"
#include "activities/agent/step/file_tools.h"
#include "activities/agent/step/step_call.h"

namespace wfe::agent {

/// Built-in limits, for those that neither request nor worker set.
AgentLimits EffectiveLimits(const AgentLimits& request, const AgentLimits& worker);

struct LoopInput {
  const AgentRequest& request;
  std::string context;                  ///< The standing context; may be empty.
  std::vector<std::string> file_names;  ///< What the directory held before the step.
  std::vector<GivenFile> given;         ///< Whose content is in the first message.
  nlohmann::json earlier_contents;      ///< Of the session that goes on; null for a new one.
  std::string model;
  AgentLimits limits;  ///< All set.
  std::vector<std::string> protected_paths;
};

/// How often a step asks again for a change, given whether the answer was empty.
int NudgesOf(const AgentRequest& request, bool answer_was_empty);
/// What it asks then.
std::string NudgeText(const AgentRequest& request);
/// Whether the words are a refusal to change anything: "NOTHING TO DO …".
bool SaysNothingToDo(std::string_view text);
/// Fills the loop's part of `reply` (text, actions, tokens, cost, turns …), whatever the outcome.
LoopOutcome RunAgentLoop(const LoopInput& input, ModelBackend& backend, StepServices& services, AgentReply& reply);

}  // namespace wfe::agent
