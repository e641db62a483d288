// OptimizationLogEntry: one line of audit_trace.jsonl (requirements 2.1), and the hash chain over the lines of a run
// (TR-9).  Everything here is a pure function of its arguments, so workflow code may call it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"
#include "engine/base/result.h"

namespace wfe::trace {

/// The values of `validation_status`.
inline constexpr std::string_view kValidationPass = "pass";
inline constexpr std::string_view kValidationFail = "fail";
inline constexpr std::string_view kValidationNotApplicable = "N/A";

/// The values of `ext.kind`.
inline constexpr std::string_view kKindAgent = "agent";
inline constexpr std::string_view kKindVerification = "verification";
inline constexpr std::string_view kKindWorkflowEvent = "workflow_event";

/// `ext.schema_version` of entries written by this code.
inline constexpr int kLogEntrySchemaVersion = 1;

/// One record per agent interaction, per verification and per critical workflow event.
/// An absent optional is omitted from the JSON, never written as null or 0.  Keys this code does not know survive:
/// top-level ones in `unknown`, those of `ext` inside `ext`.
struct LogEntry {
  std::string workflow_run_id;  ///< LG-1
  std::string step_name;  ///< LG-2: scaffold, implement_v1, initial_verification, fix_attempt_N, workflow_started …
  std::string timestamp;  ///< LG-3: completion time, FormatIso8601Millis
  std::optional<int64_t> prompt_token_count;      ///< LG-4
  std::optional<int64_t> completion_token_count;  ///< LG-5, with billed thinking tokens
  std::optional<int64_t> total_token_cost;        ///< LG-6, tokens, not money; SetTokenCounts keeps it right
  std::optional<std::string> context_file_hash;   ///< LG-7
  std::optional<std::string> validation_status;   ///< LG-8: kValidationPass, kValidationFail, kValidationNotApplicable
  std::optional<std::string> validation_error_type;            ///< LG-9
  std::optional<int64_t> error_log_size_chars;                 ///< LG-10, Unicode code points
  std::optional<double> rework_cost_factor;                    ///< LG-11; SetReworkCostFactor computes it
  std::optional<std::vector<std::string>> files_touched;       ///< LG-12
  std::optional<std::string> error_full;                       ///< LG-13; CutErrorLog limits it
  std::optional<std::vector<std::string>> commands_attempted;  ///< LG-14
  nlohmann::json ext = nlohmann::json::object();               ///< LG-15; omitted when empty
  nlohmann::json unknown = nlohmann::json::object();           ///< Top-level keys of others.

  friend bool operator==(const LogEntry&, const LogEntry&) = default;
};

void to_json(nlohmann::json& json, const LogEntry& entry);
/// Throws nlohmann::json::exception when a known field has the wrong type or the value is no object.  null is absent.
void from_json(const nlohmann::json& json, LogEntry& entry);

/// The entry as one compact JSON object, without a newline.  The bytes are fixed by the value: the fourteen fields in
/// the order of the struct, then unknown keys, then `ext`; keys of unknown and nested objects in byte order; no spaces;
/// UTF-8 unescaped (bytes that are not UTF-8 become U+FFFD); numbers in the shortest form that reads back equal.
std::string SerializeLogEntry(const LogEntry& entry);

/// Reads a line, which may begin with a byte order mark.  INVALID_ARGUMENT says what is wrong with it, also when it is
/// nested deeper than kMaxJsonDepth.
Result<LogEntry> ParseLogEntry(std::string_view line);

/// Sets LG-4, LG-5 and their sum LG-6.
void SetTokenCounts(LogEntry& entry, int64_t prompt_tokens, int64_t completion_tokens);

/// Sets LG-11 = completion_token_count / error_log_size_chars, or clears it when the divisor is 0 or missing.
void SetReworkCostFactor(LogEntry& entry);

/// Unicode code points in UTF-8 text (a byte that is not part of a valid sequence counts as one).
int64_t CodePointCount(std::string_view text);

inline constexpr int64_t kErrorFullMaxCodePoints = 65'536;

/// A count beyond this is nobody's; sums of counts stay far from overflowing.
inline constexpr int64_t kMaxCount = int64_t{1} << 50;

struct CutText {
  std::string text;
  bool truncated = false;
};
/// At most `max_code_points` of `text`: head and tail around a marker that says how much is missing (LG-13, AB-4).
CutText CutErrorLog(std::string_view text, int64_t max_code_points = kErrorFullMaxCodePoints);

/// `ext.entry_id` for an activity's idempotency token (TR-3): 32 hex digits.
std::string EntryIdFromToken(std::string_view idempotency_token);

/// The token under which a workflow logs its `seq`-th entry: "<run id>/audit-<seq>".  Giving the logAuditEntry activity
/// the activity id "audit-<seq>" makes it the activity's own idempotency token.
std::string AuditToken(std::string_view workflow_run_id, int64_t seq);

/// The hash of one entry in its run's chain (TR-9), lower-case hex:
///   SHA-256( previous_hash  SerializeLogEntry(entry without ext.entry_hash and ext.logged_at) )
/// where `previous_hash` is the 64 hex digits of the entry before it, or nothing for the first.  `ext` disappears when
/// nothing else is in it.
std::string ComputeEntryHash(const LogEntry& entry, std::string_view previous_hash);

/// The end of a run's chain.  A workflow keeps one as a local variable.
struct TraceChain {
  int64_t seq = 0;        ///< Of the last sealed entry.
  std::string last_hash;  ///< Of the last sealed entry; empty before the first.
};
WFE_RECORD(TraceChain, seq, last_hash);
constexpr RecordRules RulesOf(const TraceChain*) { return {.whole = true}; }

/// Makes `entry` the next of its run: sets ext.schema_version, ext.seq, ext.entry_id (from AuditToken) and
/// ext.entry_hash, and moves the chain on.  Call it last, when every other field is final.
void SealEntry(LogEntry& entry, TraceChain& chain);

/// "" or the text of a string key of `ext`; 0 or the value of an integer key.
std::string ExtString(const LogEntry& entry, std::string_view key);
int64_t ExtInteger(const LogEntry& entry, std::string_view key);

}  // namespace wfe::trace
