// Entries folded into steps and builds (LG-16, OP-4): what the queries of the audits count.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "activities/analytics/ingest/trace_table.h"

namespace wfe::analytics {

enum class StepKind : uint8_t { kScaffold, kImplement, kFix, kOther };
std::string_view StepKindName(StepKind kind);  ///< "scaffold", "implement", "fix", "other"

/// One agent call and what came of it.  Tokens, times, hashes, file and line are the table's, at `agent_row`.
struct StepRow {
  DictId run = 0;
  DictId step = 0;
  StepKind kind = StepKind::kOther;
  int fix_attempt = 0;                                       ///< N of fix_attempt_N; 0 otherwise.
  size_t agent_row = 0;                                      ///< In the table.
  size_t verification_row = kNoRow;                          ///< kNoRow: nothing verified this step.
  bool agent_failed = false;                                 ///< The agent itself failed (its entry's status is fail).
  DictId fixing_error_type = kNoId;                          ///< Of a fix: the class being repaired.
  EntryStatus outcome_status = EntryStatus::kNotApplicable;  ///< Of the verification; kNotApplicable without one.
  DictId outcome_error_type = kNoId;                         ///< The class that the verification found.
};

enum class BuildEnd : uint8_t { kOpen, kCompleted, kFailed, kCancelled };
std::string_view BuildEndName(BuildEnd end);  ///< "open", "completed", "failed", "cancelled"

/// One run.
struct BuildRow {
  DictId run = 0;
  DictId workflow_id = kNoId;
  DictId workflow_type = kNoId;
  BuildEnd end = BuildEnd::kOpen;  ///< By the last of workflow_completed, workflow_failed, workflow_cancelled.
  DictId end_status =
      kNoId;  ///< ext.status of workflow_completed ("passed", "not_passed" …), failure type of workflow_failed.
  bool success =
      false;  ///< Completed and passed; where workflow_completed has no ext.status: the last verification passed.
  bool verified = false;    ///< There is an initial_verification.
  bool first_pass = false;  ///< The initial_verification passed.
  int fix_attempts = 0;     ///< Fix steps of the agent.
  int attempts = 0;         ///< Times that an implementation was tried: implement steps and fix steps.
  int agent_calls = 0;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t rework_tokens = 0;                                   ///< Of the fix steps.
  double cost_usd = std::numeric_limits<double>::quiet_NaN();  ///< Sum of the known costs; NaN: none is known.
  bool cost_complete = false;                                  ///< Every agent call has a cost.
  bool scripted = false;  ///< Some answer was canned (LG-19): not counted unless asked for.
  int64_t first_timestamp_ms = 0;
  int64_t last_timestamp_ms = 0;
  DictId context_hash = kNoId;      ///< Of the first entry that has one.
  DictId template_name = kNoId;     ///< Likewise.
  DictId experiment_arm = kNoId;    ///< Likewise.
  DictId first_error_type = kNoId;  ///< Of the initial_verification, when it failed.
  bool chained = false;            ///< Every entry is part of the run's hash chain (TR-9).
  bool chain_broken = false;       ///< Some entry does not fit the chain: it was changed, taken out or put in.
  bool beginning_missing = false;  ///< Its entries are numbered and the first one is not among them.
  size_t first_row = 0;             ///< The run's first entry in the table, for its file and line.
  size_t entries = 0;

  /// Open runs are left out of the audits and counted in the header.
  bool completed() const { return end != BuildEnd::kOpen; }
  int64_t total_tokens() const { return prompt_tokens + completion_tokens; }
  /// Share of the tokens spent on fixing; 0 when no tokens are known.
  double rework_share() const {
    return total_tokens() == 0 ? 0.0 : static_cast<double>(rework_tokens) / static_cast<double>(total_tokens());
  }
  int64_t duration_ms() const { return last_timestamp_ms - first_timestamp_ms; }
};

/// Every agent call.  Runs by their first timestamp, then run id; steps of a run in its own order (ext.seq, else time,
/// else arrival).  The order does not depend on the order in which files were read.
std::vector<StepRow> FoldSteps(const TraceTable& table);

/// Every run, also the open ones, in the same order.
std::vector<BuildRow> Builds(const TraceTable& table);

}  // namespace wfe::analytics
