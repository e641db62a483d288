// What is kept of operations that recur and of the tools that do them (RC-8 to RC-11, RC-13).
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/record_json.h"

namespace wfe::patterns {

/// Tables of the records service.
inline constexpr std::string_view kPatternsTable = "mutable_operation_patterns";  ///< By signature.
inline constexpr std::string_view kOccurrencesTable = "pattern_occurrences";      ///< "<signature>/<run id>/<step>"
inline constexpr std::string_view kToolsTable = "mutable_adw_tools";              ///< By tool_id.
inline constexpr std::string_view kToolCallsTable = "tool_calls";  ///< "<run id>/…", the token of the step that was routed
inline constexpr std::string_view kRefutedCallsTable = "tool_calls_refuted";  ///< The same keys.
inline constexpr std::string_view kSavingsTable = "cost_savings_log";  ///< Shared with the cache; ours: "tool_routing/<key>".
inline constexpr std::string_view kDraftsTable = "pattern_drafts";     ///< By signature: an issue was drafted.

/// OperationPattern::automation_status.
inline constexpr std::string_view kDetected = "detected";
inline constexpr std::string_view kCandidate = "candidate";  ///< The weekly analysis found that a tool would pay.
inline constexpr std::string_view kApproved = "approved";    ///< A person wants a tool, and there is none yet.
inline constexpr std::string_view kActive = "active";        ///< Its tool is tried before an agent is asked.
inline constexpr std::string_view kRetired = "retired";      ///< Its tool failed too often, or a person said so.

/// A kind of operation (RC-8).  Counts and means are sums over its occurrences and can be made again from them; status,
/// tool and the tool's calls cannot.
struct OperationPattern {
  std::string pattern_signature;  ///< "test:pytest:backend"
  int64_t occurrence_count = 0;   ///< Operations, whoever did them.
  std::string first_seen;         ///< ISO 8601, UTC.
  std::string last_seen;
  double confidence_score = 0;  ///< 0 to 100 (PD-3).
  std::string automation_status{kDetected};
  double success_rate = 0;  ///< Of those that an agent did, 0 to 1.
  double consistency = 0;   ///< Share of the most frequent shape among them, 0 to 1.
  double avg_tokens = 0;    ///< Of those that an agent did.
  std::optional<Money> avg_cost_usd;  ///< Of those whose price is known; absent: of none.
  std::string tool_id;
  int64_t agent_count = 0;        ///< Operations that an agent did.
  int64_t tool_calls = 0;         ///< Since it was made active.
  int64_t tool_successes = 0;     ///< Of those, without the ones that a later check refuted.
  std::string changed_at;         ///< When its status changed.
  std::string reason;             ///< Why, in a sentence.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(OperationPattern, pattern_signature, occurrence_count, first_seen, last_seen, confidence_score,
           automation_status, success_rate, consistency, avg_tokens, avg_cost_usd, tool_id, agent_count, tool_calls,
           tool_successes, changed_at, reason);
constexpr RecordRules RulesOf(const OperationPattern*) {
  return {.required = "pattern_signature", .seldom = "tool_calls tool_successes changed_at reason"};
}

/// An operation of a pattern in one step of one run (RC-9).  The documents of a batch are one row with a count.
struct PatternOccurrence {
  std::string pattern_signature;
  std::string workflow_run_id;
  std::string step;
  std::string observed_at;
  int64_t count = 1;
  int64_t successes = 0;
  bool success = false;           ///< All of them.
  int64_t tokens = 0;             ///< Of all of them.
  std::optional<Money> cost_usd;  ///< Of all of them; absent: the price is not known.
  std::string tool_id;            ///< Not empty: a tool did it.
  std::string shape;              ///< How it was done: equal for what was done alike.
  std::string evidence;           ///< The beginning of what it was told from.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(PatternOccurrence, pattern_signature, workflow_run_id, step, observed_at, count, successes, success, tokens,
           cost_usd, tool_id, shape, evidence);
constexpr RecordRules RulesOf(const PatternOccurrence*) {
  return {.required = "pattern_signature workflow_run_id step observed_at", .seldom = "tool_id shape"};
}

/// Something that does an operation without a model (RC-13): an activity of the worker, or a command in the sandbox.
struct Tool {
  std::string tool_id;
  std::string name;
  std::vector<std::string> capabilities;  ///< Signatures that it is made for; for people.
  std::string activity_type;              ///< Either this …
  std::vector<std::string> command;       ///< … or a program and its arguments, with {task}, {step} and {pattern} in them.
  nlohmann::json input = nlohmann::json::object();  ///< Of the activity; a text in it that is "{task}" … stands for it.
  nlohmann::json input_schema;   ///< Of what the tool reads (ToolInput); null: nothing is asked of it.
  nlohmann::json output_schema;  ///< Of what it answers; null: any text will do.
  std::vector<std::string> verify;  ///< A command that must end with 0 after it, in the same place.
  std::string cost_tier = "free";   ///< free, low, medium or high.
  Money avg_cost_usd;               ///< Of one call.
  double avg_duration_ms = 0;       ///< Of its calls so far.
  double success_rate = 0;          ///< Of its calls so far.
  int64_t calls = 0;
  int64_t successes = 0;
  bool deterministic = false;   ///< Equal input gives equal output.
  bool supports_batch = false;  ///< It may be tried for the documents of batches and ad-hoc tasks as well.
  /// Where it may be tried: "build" (it changes files), "generation" (it says a program), "document" (it says an answer).
  std::vector<std::string> steps = {"build"};
  std::string status = "registered";  ///< registered or disabled.
  int64_t timeout_s = 60;
  std::string registered_at;
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(Tool, tool_id, name, capabilities, activity_type, command, input, input_schema, output_schema, verify,
           cost_tier, avg_cost_usd, avg_duration_ms, success_rate, calls, successes, deterministic, supports_batch,
           steps, status, timeout_s, registered_at);
constexpr RecordRules RulesOf(const Tool*) {
  return {.subject = "tool",
          .required = "tool_id",
          .seldom = "activity_type command input input_schema output_schema verify registered_at"};
}
void CheckRecord(const Tool& tool);

/// One call of a tool (RC-10).
struct ToolCall {
  std::string workflow_run_id;
  std::string step;
  std::string tool;
  std::string pattern_signature;
  std::string called_at;
  std::string input_hash;   ///< SHA-256.
  std::string output_hash;  ///< SHA-256; empty where there is no output.
  int64_t duration_ms = 0;
  bool success = false;
  std::string why;  ///< Of a failure, one sentence.
  Money cost_usd;
  bool cache_hit = false;
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(ToolCall, workflow_run_id, step, tool, pattern_signature, called_at, input_hash, output_hash, duration_ms,
           success, why, cost_usd, cache_hit);
constexpr RecordRules RulesOf(const ToolCall*) {
  return {.required = "workflow_run_id step tool success", .seldom = "why cache_hit"};
}

/// What something has saved (RC-11).  A negative row takes back what a later check has refuted.
struct Saving {
  std::string saved_at;
  std::string optimization_type;  ///< tool_routing, cache, model_selection, context_trim, batching or prompt.
  std::string workflow_run_id;
  std::string pattern_signature;
  int64_t tokens_saved = 0;
  std::optional<Money> cost_saved_usd;  ///< Absent: the price of what was saved is not known.
  std::string baseline;                 ///< How it was computed.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(Saving, saved_at, optimization_type, workflow_run_id, pattern_signature, tokens_saved, cost_saved_usd,
           baseline);
constexpr RecordRules RulesOf(const Saving*) {
  return {.required = "saved_at optimization_type", .seldom = "pattern_signature"};
}

}  // namespace wfe::patterns
