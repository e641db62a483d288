// A step or a call that a registered tool may do instead of a model (PD-6); what decides that stands in
// activities/patterns, which this module knows nothing of.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "workers/sdk/activity.h"

namespace wfe::agent {

struct ToolOffer {
  std::string token;        ///< The same in every attempt, and no other step's.
  std::string step_name;
  std::string text;         ///< The instruction, or the first part of a prompt.
  std::string input;        ///< The rest of a prompt.
  std::string working_dir;  ///< Of a step; empty: words are wanted.  It is left as it is: a tool works on a copy.
  std::vector<std::string> protected_paths;  ///< Paths, or prefixes ending in '/', that may not be changed.
  bool must_change = false;                  ///< A tool that changes no file has not done it.
};

/// What a tool made.
struct ToolAnswer {
  std::string tool_id;
  std::string pattern_signature;
  std::string text;
  std::string tree_blob_hash;  ///< The directory after it, as a packed tree; empty where words were wanted.
  int64_t duration_ms = 0;
  int64_t tokens_saved = 0;  ///< What an agent takes for it on average,
  std::optional<Money> cost_saved_usd;  ///< and costs; absent: its price is not known.
};
WFE_RECORD(ToolAnswer, tool_id, pattern_signature, text, tree_blob_hash, duration_ms, tokens_saved, cost_saved_usd);
constexpr RecordRules RulesOf(const ToolAnswer*) { return {.required = "tool_id pattern_signature"}; }

/// nullopt: no tool is for it, or the one that is has failed; then the agent is asked as usual.  Never a failure of the
/// step: what goes wrong here is noted there.  Called from activity threads.
using OfferToTools = std::function<std::optional<ToolAnswer>(sdk::ActivityContext& context, const ToolOffer& offer)>;

/// What stands for a model in replies that a tool gave.
inline std::string ToolModelName(const std::string& tool_id) { return "tool/" + tool_id; }

}  // namespace wfe::agent
