// executeGeminiAgent and its neighbours: all that a workflow needs to know (AC-2, AC-5).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "workers/sdk/activity.h"

namespace wfe::agent {

/// What one agent step may use.  0 means the worker's default.
struct AgentLimits {
  int max_turns = 0;            ///< Model calls of one step.  Default 30.
  int max_output_tokens = 0;    ///< Per model call; 0 leaves it to the model.
  int64_t max_files = 0;        ///< File actions that write, per step.  Default 1,000.
  int64_t max_file_bytes = 0;   ///< Per file.  Default 1 MiB.
  int64_t max_total_bytes = 0;  ///< Written by one step.  Default 16 MiB.
};
WFE_RECORD(AgentLimits, max_turns, max_output_tokens, max_files, max_file_bytes, max_total_bytes);

struct AgentRequest {
  std::string step_name;    ///< scaffold, implement_v1, fix_attempt_N …; selects the scripted answer.
  std::string instruction;  ///< What to do, with the error log already in it.
  std::string working_dir;  ///< Absolute; the only place the agent can read and write.
  std::string model;        ///< A model, or a tier ("small", "medium", "large"); empty: the worker's default model.
  std::string backend;      ///< "gemini", "openai", "scripted" …; empty: the tier's, or the worker's default backend.

  /// The standing context of this step: inline text, or a blob, or (both empty) a file in the working directory.
  std::string context_text;
  std::string context_blob_hash;
  std::string context_path = ".wfe/context.md";
  /// SHA-256 the context must have; empty: not checked.  A difference fails the step before any model is called.
  std::string context_file_hash;

  /// Paths (or prefixes ending in '/') the agent may read but not change: the checks' own configuration.
  std::vector<std::string> protected_paths;
  /// A step that must change files and changes none is asked again (`nudges`), then an AGENT_ERROR with the model's
  /// words.  False: such a step succeeds with `no_change`.
  bool requires_file_changes = true;
  /// How often an answer without a change is asked again.  -1: 3 times where changes are required or the answer was
  /// empty; an answer in words is taken at once where a step may change nothing.
  int nudges = -1;
  /// How long the model may be unavailable (rate limits, 5xx, network, a day's quota) before the step gives up, counted
  /// from the first failure since the last good answer.
  int64_t patience_s = 86'400;
  /// What is left of the run's budget; checked before every model call.  Absent: no limit; 0 buys nothing.
  std::optional<int64_t> max_total_tokens;
  std::optional<Money> max_cost_usd;
  /// `session_blob_hash` of an earlier reply, to continue its conversation; empty: a new one.
  std::string session_blob_hash;
  /// Keep the conversation and the directory's snapshot as blobs (needs a blob store on the worker).
  bool keep_session = false;
  bool keep_snapshot = false;
  AgentLimits limits;
  /// never | auto | always: whether a kept answer to the same question is taken, and this one's kept (CE-3).  Empty:
  /// never.
  std::string cache;
};
WFE_RECORD(AgentRequest, step_name, instruction, working_dir, model, backend, context_text, context_blob_hash,
           context_path, context_file_hash, protected_paths, requires_file_changes, nudges, patience_s,
           max_total_tokens, max_cost_usd, session_blob_hash, keep_session, keep_snapshot, limits, cache);
constexpr RecordRules RulesOf(const AgentRequest*) {
  return {.required = "step_name instruction working_dir", .seldom = "nudges cache"};
}

/// One file action, without the content.
struct AgentAction {
  std::string tool;    ///< write_file, replace, delete_file, read_file, list_directory
  std::string path;    ///< As the model gave it, redacted.
  std::string status;  ///< "ok" or "error"
  std::string error;   ///< Why not.
};
WFE_RECORD(AgentAction, tool, path, status, error);
constexpr RecordRules RulesOf(const AgentAction*) { return {.seldom = "error"}; }

/// `token_count_source` values (LG-19).
inline constexpr std::string_view kTokensReported = "reported";
inline constexpr std::string_view kTokensTokenizer = "tokenizer";
inline constexpr std::string_view kTokensEstimated = "estimated";
inline constexpr std::string_view kTokensScripted = "scripted";

struct AgentReply {
  std::string text;  ///< The model's last visible text, redacted; at most kMaxReplyTextBytes, cut with a mark.
  std::string text_blob_hash;              ///< The whole text, where `text` was cut and the worker has a blob store.
  std::vector<AgentAction> actions;        ///< In order; at most 200 are listed.
  int64_t action_count = 0;                ///< All of them.
  int64_t refused_action_count = 0;        ///< Paths outside, protected, holding a secret, or over a limit.
  int64_t secret_findings = 0;             ///< Of those: files that would have held a secret of this worker.
  std::vector<std::string> files_touched;  ///< LG-12: by comparing snapshots; sorted; at most kMaxReplyPathBytes.
  int64_t files_touched_count = 0;         ///< All of them.
  /// Paths that a program reported as written and that are as before the step, or not there; at most 20.
  std::vector<std::string> claimed_not_written = {};
  bool no_change = false;                  ///< The step succeeded and changed nothing; `text` says why.
  bool budget_exhausted = false;  ///< The budget was used up before the next call; what was done so far stands.

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

  /// Calls that were made and gave no answer that was used: failed, cut or lost with a killed worker.  The counts are
  /// what their services reported; a call that reported nothing counts as a call only.
  int64_t lost_calls = 0;
  int64_t lost_prompt_token_count = 0;
  int64_t lost_completion_token_count = 0;

  /// Of all calls, lost ones included.  Absent when the price is unknown or nothing was bought.
  std::optional<Money> cost_usd;
  std::string price_version;  ///< `valid_from` of the price used.
  std::string model;          ///< As the backend names it; "scripted/<cassette>" for canned answers.
  std::string model_tier;     ///< The tier that was asked for; empty: a model by its name.
  std::string model_version;  ///< What the service says has answered; empty: it does not say.
  std::string backend;
  std::string finish_reason;
  int turns = 0;           ///< Model calls whose answers were used; runs, of a program.
  int nudges = 0;          ///< Of those, how many asked again for a change.
  int replayed_turns = 0;  ///< Of those, taken from the journal of an earlier attempt.
  int64_t latency_ms = 0;  ///< Time spent in model calls, over all attempts of the step.
  int attempt = 1;         ///< Of the activity.
  int64_t redaction_count = 0;
  std::string tree_hash;           ///< Of the directory after the step.
  std::string snapshot_blob_hash;  ///< Archive of the directory; empty when not stored.
  std::string session_blob_hash;   ///< Conversation; empty when not stored.
  /// MODEL_UNAVAILABLE: when the first failure since the last good answer was.
  std::string unavailable_since;
  /// BUDGET_DEFERRED: when the next period of the budget begins.
  std::string resumes_at;
  bool cache_hit = false;    ///< The reply is a kept one: no model was called, and the counts are those of no call.
  int64_t tokens_saved = 0;  ///< What the kept answer had taken …
  std::optional<Money> cost_saved_usd;  ///< … and cost, where that is known.
  std::string cache_problem;            ///< Why a reply that was to be kept is not.
  /// A registered tool did the step and no model was called (PD-6); `tokens_saved` and `cost_saved_usd` are what an agent
  /// takes for this kind of step on average.
  std::string tool_id;
  std::string pattern_signature;
  /// Empty in a successful reply.  In the details of an AGENT_ERROR: why the step failed.
  std::string error;
};
WFE_RECORD(AgentReply, text, text_blob_hash, actions, action_count, refused_action_count, secret_findings,
           files_touched, files_touched_count, claimed_not_written, no_change, budget_exhausted, prompt_token_count,
           completion_token_count, thoughts_token_count, cached_token_count, token_count_source,
           instruction_token_count, context_token_count, instruction_hash, context_file_hash, lost_calls,
           lost_prompt_token_count, lost_completion_token_count, cost_usd, price_version, model, model_tier,
           model_version, backend, finish_reason, turns, nudges, replayed_turns, latency_ms, attempt, redaction_count, tree_hash, snapshot_blob_hash,
           session_blob_hash, unavailable_since, resumes_at, cache_hit, tokens_saved, cost_saved_usd, cache_problem,
           tool_id, pattern_signature, error);
constexpr RecordRules RulesOf(const AgentReply*) {
  return {.seldom =
              "text_blob_hash unavailable_since resumes_at cache_hit tokens_saved cache_problem tool_id pattern_signature "
              "secret_findings "
              "files_touched_count lost_calls "
              "lost_prompt_token_count lost_completion_token_count nudges claimed_not_written no_change "
              "budget_exhausted model_tier model_version"};
}
/// Bounds that keep a reply well under an engine's 2 MiB payload.
inline constexpr size_t kMaxReplyTextBytes = 16 << 10;
inline constexpr size_t kMaxReplyPathBytes = 256 << 10;

/// What the model said at last, for a trace: one text of at most kMaxSaidBytes, cut with a mark.
inline constexpr size_t kMaxSaidBytes = 2000;
std::string SaidBy(const AgentReply& reply);

/// Puts what the reply knows into the agent's log entry fields (LG-4 … LG-7, LG-12, LG-15).  `Entry` is a LogEntry;
/// a template, so that this header needs nothing of the audit module.  What is not known is left out: a step that
/// failed before its first answer has no token counts, not counts of 0 (RW-D10).
template <class Entry>
void FillAgentEntry(Entry& entry, const AgentReply& reply) {
  const bool counted = !reply.token_count_source.empty();
  if (counted) {
    entry.prompt_token_count = reply.prompt_token_count;
    entry.completion_token_count = reply.completion_token_count;
    entry.total_token_cost = reply.prompt_token_count + reply.completion_token_count;
    entry.ext["token_count_source"] = reply.token_count_source;
    entry.ext["thoughts_token_count"] = reply.thoughts_token_count;
    entry.ext["cached_token_count"] = reply.cached_token_count;
  }
  if (!reply.context_file_hash.empty()) entry.context_file_hash = reply.context_file_hash;
  entry.validation_status = reply.error.empty() ? "N/A" : "fail";
  if (!reply.error.empty() && !entry.validation_error_type) entry.validation_error_type = "AGENT_ERROR";
  entry.files_touched = reply.files_touched;
  entry.ext["kind"] = "agent";
  entry.ext["attempt"] = reply.attempt;
  entry.ext["turns"] = reply.turns;
  entry.ext["refused_action_count"] = reply.refused_action_count;
  entry.ext["duration_ms"] = reply.latency_ms;
  entry.ext["redaction_count"] = reply.redaction_count;
  const auto text = [&entry](const char* key, const std::string& value) {
    if (!value.empty()) entry.ext[key] = value;
  };
  text("backend", reply.backend);
  text("model", reply.model);
  text("model_tier", reply.model_tier);
  text("model_version", reply.model_version);
  text("finish_reason", reply.finish_reason);
  text("text_blob_hash", reply.text_blob_hash);
  text("agent_text", SaidBy(reply));
  if (!reply.claimed_not_written.empty()) entry.ext["claimed_not_written"] = reply.claimed_not_written;
  text("price_version", reply.price_version);
  text("unavailable_since", reply.unavailable_since);
  if (!reply.instruction_hash.empty()) {
    entry.ext["instruction_hash"] = reply.instruction_hash;
    entry.ext["instruction_token_count"] = reply.instruction_token_count;
    entry.ext["context_token_count"] = reply.context_token_count;
  }
  const auto count = [&entry](const char* key, int64_t value) {
    if (value > 0) entry.ext[key] = value;
  };
  count("nudges", reply.nudges);
  count("secret_findings", reply.secret_findings);
  count("lost_calls", reply.lost_calls);
  count("lost_prompt_token_count", reply.lost_prompt_token_count);
  count("lost_completion_token_count", reply.lost_completion_token_count);
  if (reply.files_touched_count > static_cast<int64_t>(reply.files_touched.size())) {
    entry.ext["files_touched_count"] = reply.files_touched_count;
  }
  if (reply.no_change) entry.ext["no_change"] = true;
  if (reply.cache_hit) entry.ext["cache_hit"] = true;
  count("tokens_saved", reply.tokens_saved);
  if (reply.cost_saved_usd) entry.ext["cost_saved_usd"] = *reply.cost_saved_usd;
  text("cache_problem", reply.cache_problem);
  text("tool_id", reply.tool_id);
  text("pattern_signature", reply.pattern_signature);
  if (reply.budget_exhausted) entry.ext["budget_exhausted"] = true;
  if (reply.cost_usd) entry.ext["cost_usd"] = *reply.cost_usd;
}

/// Runs one agent step.  At least once: every model answer is journalled on the worker before it is applied, so a retry
/// on the same machine continues where the last attempt stopped and calls no model twice (AB-5).
/// Failures, by type:
///   AGENT_ERROR       not retryable: safety block, refused request or key, turn or file limit, truncated or malformed
///                     after one repair, no file changed where one was required; with the model's words.
///                     `details` is an AgentReply with `error` set and the tokens spent so far.
///   MODEL_UNAVAILABLE rate limit, a day's quota, 5xx, network, cut stream.  Retryable, with the delay to wait, until
///                     `patience_s` is over; then not retryable.  Details as above.  Give the activity no limit of
///                     attempts: the step itself says when to stop.
///   BUDGET_EXCEEDED   not retryable: a budget of the records service is used up, or has less than the call may cost
///   BUDGET_DEFERRED   likewise, but the budget defers: retryable when its next period begins, at `resumes_at` of the
///                     details; a workflow whose activity may not wait so long waits on a timer and runs it again
///   BUDGET_BUSY       there is room once other calls under way have ended: retryable, in seconds
///   WORKING_DIR_GONE  not retryable here
///   INVALID_INPUT     not retryable: unknown backend, context hash differs, missing fields
///   TOOL_IO           this machine refused (disk full, read-only): retryable, but not after 5 attempts in a row
///   UNAVAILABLE       the records service does not answer: retryable, but not after 60 attempts in a row
inline constexpr sdk::ActivityType<AgentRequest, AgentReply> kExecuteGeminiAgent{"executeGeminiAgent"};
inline constexpr std::string_view kAgentErrorType = "AGENT_ERROR";
inline constexpr std::string_view kModelUnavailableType = "MODEL_UNAVAILABLE";
inline constexpr std::string_view kBudgetExceededType = "BUDGET_EXCEEDED";
inline constexpr std::string_view kBudgetDeferredType = "BUDGET_DEFERRED";
inline constexpr std::string_view kBudgetBusyType = "BUDGET_BUSY";
inline constexpr std::string_view kWorkingDirGoneType = "WORKING_DIR_GONE";

/// Whether a backend of this worker could be called at all: its key, its program, its sandbox.  No model is called.
struct CheckAgentInput {
  std::string backend;  ///< Empty: the tier's, or the worker's default.
  std::string model;    ///< A model or a tier; empty: the worker's default.
};
WFE_RECORD(CheckAgentInput, backend, model);
struct CheckAgentOutput {
  std::string backend;  ///< As resolved.
  std::string model;
  std::string sandbox;  ///< "bwrap", "none", or empty for a backend that runs no program.
};
WFE_RECORD(CheckAgentOutput, backend, model, sandbox);
/// Failure: AGENT_UNUSABLE, not retryable, with one sentence that says what is missing.
inline constexpr sdk::ActivityType<CheckAgentInput, CheckAgentOutput> kCheckAgent{"checkAgent"};
inline constexpr std::string_view kAgentUnusableType = "AGENT_UNUSABLE";

/// Whether a run may spend at all (QF-5), asked before anything is made for it.  The answer is the one that its calls of
/// models will get, and is not asked for a second time.  A run that has to wait is admitted: its first call waits.
struct AdmitRunInput {
  std::string backend;
  std::string model;
};
WFE_RECORD(AdmitRunInput, backend, model);
constexpr RecordRules RulesOf(const AdmitRunInput*) { return {.seldom = "backend model"}; }
/// Failures: BUDGET_EXCEEDED, not retryable, with the sentence of who denies it; UNAVAILABLE: it could not be decided.
inline constexpr sdk::ActivityType<AdmitRunInput, sdk::Nothing> kAdmitRun{"admitRun"};

/// Puts a directory back to a stored snapshot.
struct RestoreSnapshotInput {
  std::string snapshot_blob_hash;
  std::string working_dir;
};
WFE_RECORD(RestoreSnapshotInput, snapshot_blob_hash, working_dir);
constexpr RecordRules RulesOf(const RestoreSnapshotInput*) { return {.whole = true}; }
struct RestoreSnapshotOutput {
  std::string tree_hash;
  int64_t file_count = 0;
};
WFE_RECORD(RestoreSnapshotOutput, tree_hash, file_count);
inline constexpr sdk::ActivityType<RestoreSnapshotInput, RestoreSnapshotOutput> kRestoreSnapshot{"restoreSnapshot"};

/// Renders the context of the agent from a template, adds the project's own notes (GEMINI.md, AGENTS.md, which are left
/// as they are), writes it to the working directory and stores it as a blob (AC-5).
inline constexpr std::string_view kContextPath = ".wfe/context.md";
struct PrepareContextInput {
  std::string working_dir;
  std::string template_id;
  /// 0: the active one of the template store, or that of the run's arm while an experiment runs.
  int template_version = 0;
  std::map<std::string, std::string> values;  ///< For {{placeholders}}; a missing or an unused one is an error.
  /// For placeholders that `values` says nothing about; unused ones are fine.
  std::map<std::string, std::string> defaults;
  /// Where it is written, below the working directory.  A GEMINI.md there is the user's and is never overwritten: asked
  /// for that name (older inputs), the activity writes kContextPath and says so in `path`.
  std::string file_name = std::string(kContextPath);
};
WFE_RECORD(PrepareContextInput, working_dir, template_id, template_version, values, defaults, file_name);
constexpr RecordRules RulesOf(const PrepareContextInput*) { return {.required = "working_dir template_id"}; }
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
  std::string experiment_arm;  ///< "<experiment>/<arm>"; empty: no experiment ran on the template (AB-10).
};
WFE_RECORD(PreparedContext, context_file_hash, stored, path, template_id, template_version, section_hashes,
           context_token_count, token_count_source, size_bytes, experiment_arm);
constexpr RecordRules RulesOf(const PreparedContext*) { return {.seldom = "experiment_arm"}; }
/// The active version is the template store's (activities/prompts); the one that ships where nothing was ever
/// activated. Failures: INVALID_INPUT (unknown template, version or placeholder), WORKING_DIR_GONE, both not retryable;
/// UNAVAILABLE (the template store cannot be read) and TOOL_IO, which are.
inline constexpr sdk::ActivityType<PrepareContextInput, PreparedContext> kPrepareContext{"prepareContext"};

/// Worker-side set-up: backends, journal, prices, blobs.  In activities/agent/step/config.h.
struct GeminiConfig;
class AgentWorker;
/// Adds executeGeminiAgent, restoreSnapshot, prepareContext, checkAgent and callModel.
void RegisterGeminiActivities(sdk::ActivityRegistry& registry, const GeminiConfig& config);
/// The same on a worker that is shared with others, such as a ModelCaller.
void RegisterGeminiActivities(sdk::ActivityRegistry& registry, const std::shared_ptr<AgentWorker>& worker);

}  // namespace wfe::agent
