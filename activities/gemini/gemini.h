// executeGeminiAgent and its neighbours: all that a workflow needs to know (AC-2, AC-5).
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/sdk/activity.h"

namespace wfe::activities {

/// What one agent step may use.  0 means the worker's default.
struct AgentLimits {
  int max_turns = 0;            ///< Model calls of one step.  Default 30.
  int max_output_tokens = 0;    ///< Per model call; 0 leaves it to the model.
  int64_t max_files = 0;        ///< File actions that write, per step.  Default 1,000.
  int64_t max_file_bytes = 0;   ///< Per file.  Default 1 MiB.
  int64_t max_total_bytes = 0;  ///< Written by one step.  Default 16 MiB.
};
void to_json(nlohmann::json& json, const AgentLimits& limits);
void from_json(const nlohmann::json& json, AgentLimits& limits);

struct AgentRequest {
  std::string step_name;    ///< scaffold, implement_v1, fix_attempt_N …; selects the scripted answer.
  std::string instruction;  ///< What to do, with the error log already in it.
  std::string working_dir;  ///< Absolute; the only place the agent can read and write.
  std::string model;        ///< Empty: the worker's default model.
  std::string backend;      ///< "gemini", "scripted", "gemini-cli" …; empty: the worker's default backend.

  /// The GEMINI.md of this step: inline text, or a blob, or (both empty) a file in the working directory.
  std::string context_text;
  std::string context_blob_hash;
  std::string context_path = "GEMINI.md";
  /// SHA-256 the context must have; empty: not checked.  A difference fails the step before any model is called.
  std::string context_file_hash;

  /// Paths (or prefixes ending in '/') the agent may read but not change: the checks' own configuration.
  std::vector<std::string> protected_paths;
  /// A step that must change files and changes none is an AGENT_ERROR.
  bool requires_file_changes = true;
  /// `session_blob_hash` of an earlier reply, to continue its conversation; empty: a new one.
  std::string session_blob_hash;
  /// Keep the conversation and the directory's snapshot as blobs (needs a blob store on the worker).
  bool keep_session = false;
  bool keep_snapshot = false;
  AgentLimits limits;
};
void to_json(nlohmann::json& json, const AgentRequest& request);
void from_json(const nlohmann::json& json, AgentRequest& request);

/// One file action, without the content.
struct AgentAction {
  std::string tool;    ///< write_file, replace, delete_file, read_file, list_directory
  std::string path;    ///< As the model gave it, redacted.
  std::string status;  ///< "ok" or "error"
  std::string error;   ///< Why not.
};
void to_json(nlohmann::json& json, const AgentAction& action);
void from_json(const nlohmann::json& json, AgentAction& action);

/// `token_count_source` values (LG-19).
inline constexpr std::string_view kTokensReported = "reported";
inline constexpr std::string_view kTokensTokenizer = "tokenizer";
inline constexpr std::string_view kTokensEstimated = "estimated";
inline constexpr std::string_view kTokensScripted = "scripted";

struct AgentReply {
  std::string text;                        ///< The model's last visible text, redacted.
  std::vector<AgentAction> actions;        ///< In order; at most 200 are listed.
  int64_t action_count = 0;                ///< All of them.
  int64_t refused_action_count = 0;        ///< Paths outside, protected, or over a limit.
  std::vector<std::string> files_touched;  ///< LG-12: by comparing snapshots; sorted.

  /// Sums over all model calls of the step (a loop of N turns bills the context N times).  prompt includes cached;
  /// completion includes thoughts, as LG-4 and LG-5 want.
  int64_t prompt_token_count = 0;
  int64_t completion_token_count = 0;
  int64_t thoughts_token_count = 0;
  int64_t cached_token_count = 0;
  std::string token_count_source;
  /// Of the instruction and of the context alone; counted here, never reported by a backend.
  int64_t instruction_token_count = 0;
  int64_t context_token_count = 0;
  std::string instruction_hash;   ///< SHA-256 of the instruction text.
  std::string context_file_hash;  ///< SHA-256 of the context used (LG-7); empty when there was none.

  std::optional<double> cost_usd;  ///< Absent when the price is unknown or nothing was bought.
  std::string price_version;       ///< `valid_from` of the price used.
  std::string model;               ///< As the backend names it; "scripted/<cassette>" for canned answers.
  std::string backend;
  std::string finish_reason;
  int turns = 0;           ///< Model calls whose answers were used.
  int replayed_turns = 0;  ///< Of those, taken from the journal of an earlier attempt.
  int64_t latency_ms = 0;  ///< Time spent in model calls, over all attempts of the step.
  int attempt = 1;         ///< Of the activity.
  int64_t redaction_count = 0;
  std::string tree_hash;           ///< Of the directory after the step.
  std::string snapshot_blob_hash;  ///< Archive of the directory; empty when not stored.
  std::string session_blob_hash;   ///< Conversation; empty when not stored.
  /// Empty in a successful reply.  In the details of an AGENT_ERROR: why the step failed.
  std::string error;
};
void to_json(nlohmann::json& json, const AgentReply& reply);
void from_json(const nlohmann::json& json, AgentReply& reply);

/// Puts what the reply knows into the agent's log entry fields (LG-4 … LG-7, LG-12, LG-15).  `Entry` is a LogEntry;
/// a template, so that this header needs nothing of the audit module.
template <class Entry>
void FillAgentEntry(Entry& entry, const AgentReply& reply) {
  entry.prompt_token_count = reply.prompt_token_count;
  entry.completion_token_count = reply.completion_token_count;
  entry.total_token_cost = reply.prompt_token_count + reply.completion_token_count;
  if (!reply.context_file_hash.empty()) entry.context_file_hash = reply.context_file_hash;
  entry.validation_status = reply.error.empty() ? "N/A" : "fail";
  if (!reply.error.empty() && !entry.validation_error_type) entry.validation_error_type = "AGENT_ERROR";
  entry.files_touched = reply.files_touched;
  entry.ext["kind"] = "agent";
  entry.ext["backend"] = reply.backend;
  entry.ext["model"] = reply.model;
  entry.ext["attempt"] = reply.attempt;
  entry.ext["token_count_source"] = reply.token_count_source;
  entry.ext["instruction_hash"] = reply.instruction_hash;
  entry.ext["instruction_token_count"] = reply.instruction_token_count;
  entry.ext["context_token_count"] = reply.context_token_count;
  entry.ext["thoughts_token_count"] = reply.thoughts_token_count;
  entry.ext["cached_token_count"] = reply.cached_token_count;
  entry.ext["duration_ms"] = reply.latency_ms;
  entry.ext["redaction_count"] = reply.redaction_count;
  if (reply.cost_usd) entry.ext["cost_usd"] = *reply.cost_usd;
  if (!reply.price_version.empty()) entry.ext["price_version"] = reply.price_version;
}

/// Runs one agent step.  At least once: every model answer is journalled on the worker before it is applied, so a retry
/// on the same machine continues where the last attempt stopped and calls no model twice (AB-5).
/// Failures, by type:
///   AGENT_ERROR       not retryable: safety block, refused request or key, day's quota used up, turn or file limit,
///                     truncated or malformed after one repair, no file changed where one was required.
///                     `details` is an AgentReply with `error` set and the tokens spent so far.
///   MODEL_UNAVAILABLE retryable: rate limit (with the server's delay), 5xx, network, cut stream; details as above
///   WORKING_DIR_GONE  not retryable here
///   INVALID_INPUT     not retryable: unknown backend, context hash differs, missing fields
///   TOOL_IO           retryable: this machine's disk refused (full, read-only)
inline constexpr sdk::ActivityType<AgentRequest, AgentReply> kExecuteGeminiAgent{"executeGeminiAgent"};
inline constexpr std::string_view kAgentErrorType = "AGENT_ERROR";
inline constexpr std::string_view kModelUnavailableType = "MODEL_UNAVAILABLE";
inline constexpr std::string_view kWorkingDirGoneType = "WORKING_DIR_GONE";

/// Puts a directory back to a stored snapshot.
struct RestoreSnapshotInput {
  std::string snapshot_blob_hash;
  std::string working_dir;
};
void to_json(nlohmann::json& json, const RestoreSnapshotInput& input);
void from_json(const nlohmann::json& json, RestoreSnapshotInput& input);
struct RestoreSnapshotOutput {
  std::string tree_hash;
  int64_t file_count = 0;
};
void to_json(nlohmann::json& json, const RestoreSnapshotOutput& output);
void from_json(const nlohmann::json& json, RestoreSnapshotOutput& output);
inline constexpr sdk::ActivityType<RestoreSnapshotInput, RestoreSnapshotOutput> kRestoreSnapshot{"restoreSnapshot"};

/// Renders GEMINI.md from a template, writes it to the working directory and stores it as a blob (AC-5).
struct PrepareContextInput {
  std::string working_dir;
  std::string template_id;
  int template_version = 0;                   ///< 0: the active one of the template store.
  std::map<std::string, std::string> values;  ///< For {{placeholders}}; a missing or an unused one is an error.
  /// For placeholders that `values` says nothing about; unused ones are fine.
  std::map<std::string, std::string> defaults;
  std::string file_name = "GEMINI.md";
};
void to_json(nlohmann::json& json, const PrepareContextInput& input);
void from_json(const nlohmann::json& json, PrepareContextInput& input);
struct PreparedContext {
  std::string context_file_hash;  ///< SHA-256 of the file, also its blob's name.
  bool stored = false;            ///< False when the worker has no blob store.
  std::string path;               ///< Relative to the working directory.
  std::string template_id;
  int template_version = 0;
  std::map<std::string, std::string> section_hashes;  ///< Section name -> SHA-256 of its text.
  int64_t context_token_count = 0;
  std::string token_count_source;
  int64_t size_bytes = 0;
};
void to_json(nlohmann::json& json, const PreparedContext& context);
void from_json(const nlohmann::json& json, PreparedContext& context);
/// The active version is the template store's (activities/prompts); the one that ships where nothing was ever activated.
/// Failures: INVALID_INPUT (unknown template, version or placeholder), WORKING_DIR_GONE, both not retryable; UNAVAILABLE
/// (the template store cannot be read) and TOOL_IO, which are.
inline constexpr sdk::ActivityType<PrepareContextInput, PreparedContext> kPrepareContext{"prepareContext"};

/// Worker-side set-up: backends, journal, prices, blobs.  In activities/gemini/config.h.
struct GeminiConfig;
/// Adds executeGeminiAgent, restoreSnapshot and prepareContext.
void RegisterGeminiActivities(sdk::ActivityRegistry& registry, const GeminiConfig& config);

}  // namespace wfe::activities
