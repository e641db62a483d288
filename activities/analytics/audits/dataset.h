// The rows of one report: which runs count (OP-2, LG-19), as frames that queries run over.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "activities/analytics/audits/frame.h"
#include "activities/analytics/ingest/fold.h"
#include "activities/analytics/ingest/trace_table.h"
#include "engine/base/record.h"

namespace wfe::analytics {

/// What to look at.  The same options must go into every section of one report.
struct AuditOptions {
  int64_t min_runs = 24;  ///< OP-5
  /// Runs whose last entry lies in [from, to), milliseconds since the Unix epoch; absent: open on that side.
  std::optional<int64_t> from_ms;
  std::optional<int64_t> to_ms;
  std::vector<std::string> workflow_types;  ///< Empty: all.
};
WFE_RECORD(AuditOptions, min_runs, from_ms, to_ms, workflow_types);

/// OP-14: no claim when either side has fewer rows.
inline constexpr int64_t kMinRowsPerSide = 10;

/// Completed runs within the options.  Runs with a canned answer are left out, unless there is nothing else: then
/// `scripted_only` is true and money is absent.  Row i of a frame is element i of the vector beside it.
struct Dataset {
  const TraceTable* table = nullptr;  ///< Must outlive the dataset.
  std::vector<BuildRow> build_rows;
  std::vector<StepRow> step_rows;  ///< Agent calls of these builds.
  /// words run, status, context, constraints, template, template_id, bucket; numbers success, first_pass (absent when
  /// never verified), attempts, tokens, success_tokens, cost_usd, rework_tokens, rework_share, duration_ms, started_ms
  Frame builds;
  /// words run, step, phase, outcome, error, fixing, context, constraints, version, instruction, token_source; numbers
  /// build, attempt, turns, prompt_tokens, completion_tokens, tokens, context_tokens, instruction_tokens,
  /// prompt_with_context, context_in_prompt and instruction_in_prompt (every turn of a step sends both again),
  /// rest_of_prompt, passed, rework_factor, error_chars, cost_usd
  Frame steps;
  /// One row for each build and named section of its context.  words run, section, hash; numbers build, changed (0 or
  /// 1 against the build before of the same template; absent for the first), since_change (builds since the last
  /// change; absent before the first change), first_pass
  Frame sections;

  bool scripted_only = false;
  int64_t runs = 0;  ///< All within the options: completed, open and scripted.
  int64_t incomplete_runs = 0;
  int64_t scripted_runs_left_out = 0;
  int64_t beginning_missing_runs = 0;  ///< Their older part is not there: left out, for nobody knows what it held.
  int64_t unchained_runs = 0;          ///< Counted, but nothing shows that they are as they were written (TR-9).
  int64_t unchained_entries = 0;       ///< Of those.
  int64_t broken_chain_runs = 0;       ///< Counted, and something in them was changed, taken out or put in.
  std::map<std::string, double> token_source_share;  ///< Of the tokens of completed runs, also of those left out.
  std::string bucket_name;                           ///< "hour", "day" or "week": of the column `bucket`.

  int64_t build_count() const { return static_cast<int64_t>(build_rows.size()); }
};

Dataset MakeDataset(const TraceTable& table, const AuditOptions& options);

}  // namespace wfe::analytics
