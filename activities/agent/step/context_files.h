// Files that a step is given before its first call, and the events about what it was given and touched (CE-4, CE-5).
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "activities/agent/step/agent_step.h"
#include "activities/agent/step/hook_events.h"
#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/tree_snapshot.h"
#include "workers/sdk/activity.h"

namespace wfe::agent {

/// A file as it is in the first message.
struct GivenFile {
  std::string path;
  std::string text;
  int64_t tokens = 0;
};
WFE_RECORD(GivenFile, path, text, tokens);
constexpr RecordRules RulesOf(const GivenFile*) { return {.whole = true}; }

using CountTokens = std::function<int64_t(std::string_view)>;

/// Reads the chosen files that are there, in the order of their paths: text of at most kMaxGivenBytes, nothing private
/// (`.env` and its like), and no more than `choice.max_tokens` together; a file that does not fit is passed over.
inline constexpr size_t kMaxGivenBytes = 256 << 10;
std::vector<GivenFile> ReadGivenFiles(const sandbox::SafeDir& dir, const sandbox::TreeSnapshot& tree,
                                      const FileChoice& choice, const CountTokens& count);

/// The files between tags of their own, for the message that lists the directory.
std::string GivenFilesText(const std::vector<GivenFile>& files);

/// What the events of a step are made from.
struct HookFacts {
  const std::vector<GivenFile>& given;
  /// The step's own part of the conversation; null where a program ran, or where none is there.
  const nlohmann::json& conversation;
  const AgentReply& reply;  ///< Before it is bounded.
  bool program = false;
  std::string working_dir;
  std::string context_path;  ///< Of the standing context; empty: there was none, or it was no file.
};

/// Which step it is and what it cost; what it was given and touched is not filled in.
StepHooks DescribeHooks(const sdk::ActivityInfo& info, const AgentRequest& request, const AgentReply& reply,
                        const FileChoice& choice);

/// Of a conversation what follows on the session that it goes on with; null where there is none.
nlohmann::json OwnPart(const nlohmann::json& contents, const nlohmann::json& session);

/// At most kMaxHookEvents; `left_out` counts the rest.  Costs are not filled in.
std::vector<HookEvent> HookEventsOf(const HookFacts& facts, const sandbox::SafeDir& dir, const CountTokens& count,
                                    int64_t& left_out);

}  // namespace wfe::agent
