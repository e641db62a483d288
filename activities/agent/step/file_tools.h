// The only tools a model has: files below the working directory.  A turn's calls are first planned against what is on
// disk plus what the turn itself has changed, which gives whole files; applying those may be repeated at will.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "activities/agent/step/agent_step.h"
#include "activities/agent/step/tool_calls.h"
#include "activities/sandbox/safe_files.h"
#include "engine/base/record_json.h"

namespace wfe::agent {

/// The `tools` field of a generateContent request.
nlohmann::json FileToolDeclarations();

/// One file as it shall be.
struct FileEffect {
  std::string path;
  std::optional<std::string> content;  ///< nullopt: deleted.
  uint32_t mode = 0644;
};
WFE_RECORD(FileEffect, path, content, mode);
constexpr RecordRules RulesOf(const FileEffect*) { return {.whole = true}; }

/// What one turn's calls do.
struct TurnPlan {
  nlohmann::json responses = nlohmann::json::array();  ///< functionResponse parts, one per call, in order.
  std::vector<AgentAction> actions;
  std::vector<FileEffect> effects;
  int64_t writes = 0;  ///< Calls that write or delete and were accepted.
  int64_t written_bytes = 0;
  int64_t refused = 0;          ///< Paths outside, reserved or protected; files too large or with a secret.
  int64_t secret_findings = 0;  ///< Of those: a known secret was in the call, or would have been in the file.
  std::vector<AgentToolCall> tool_calls;  ///< One per call, in order.
};
WFE_RECORD(TurnPlan, responses, actions, effects, writes, written_bytes, refused, secret_findings, tool_calls);
constexpr RecordRules RulesOf(const TurnPlan*) {
  return {.whole = true, .may_lack = "secret_findings", .seldom = "tool_calls"};
}

struct FileToolLimits {
  std::vector<std::string> protected_paths;  ///< Exact, or prefixes ending in '/'.
  int64_t max_file_bytes = 1 << 20;
  /// Whether bytes hold a secret of this worker; such a file is neither written nor changed.  Empty: none is known.
  std::function<bool(std::string_view)> holds_secret;
  /// Indexes of `parts` whose calls held a secret before the journal masked it: they are refused.
  std::set<size_t> secret_parts;
};

/// Plans the function calls among `parts`.  Nothing is written.  An Error is the machine's fault, not the model's.
Result<TurnPlan> PlanTurn(const sandbox::SafeDir& dir, const FileToolLimits& limits, const nlohmann::json& parts);

/// Writes and deletes.  Repeating it is harmless.
Status ApplyEffects(const sandbox::SafeDir& dir, const std::vector<FileEffect>& effects);

}  // namespace wfe::agent
