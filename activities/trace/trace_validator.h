// Judging audit_trace.jsonl: against its schema, its arithmetic, its chain (TR-8, TR-9) and the workflow history.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "activities/trace/log_entry.h"
#include "activities/trace/trace_rebuild.h"
#include "engine/base/result.h"

namespace wfe::trace {

struct TraceProblem {
  int64_t line = 0;  ///< 1-based; 0: of the file as a whole.
  std::string message;
  std::string file = {};  ///< The part of a rotated trace that it is in; empty: the file that was asked for.
};

struct TraceReport {
  int64_t lines = 0;
  int64_t entries = 0;
  int64_t foreign_lines = 0;
  bool torn_last_line = false;
  std::map<std::string, int64_t> entries_of_run;
  /// Runs without workflow_completed, workflow_failed or workflow_cancelled: they still run, or the end of the file was
  /// cut off.  The file alone cannot tell, so it is no problem; their history can.
  std::vector<std::string> open_runs;
  /// Empty: the file is sound.  At most kMaxTraceProblems; `more_problems` counts the rest.
  std::vector<TraceProblem> problems;
  int64_t more_problems = 0;

  bool ok() const { return problems.empty(); }
};
inline constexpr size_t kMaxTraceProblems = 1000;

/// Reads the parts of a rotated trace in their order (TraceParts).  Checks every line: schema, LG-6, LG-11, canonical bytes, and the chain of each run.  Memory grows with the number of
/// runs in the file, not with its size.  NOT_FOUND or UNAVAILABLE when the file cannot be read.
Result<TraceReport> ValidateTrace(const std::string& path);

/// Problems of one entry by itself: schema and arithmetic.
std::vector<std::string> CheckEntry(const LogEntry& entry);

/// The names of the workflow events after which a run logs nothing more.
bool IsEndOfRun(std::string_view step_name);

/// Compares the lines of one run with what its history says (TR-9): a cut tail, a changed, missing or added entry.
Result<TraceReport> CompareTraceWithHistory(const std::string& path, const std::string& run_id,
                                            std::span<const HistoryEntry> history);

struct TraceReadSummary {
  int64_t entries = 0;
  int64_t bad_lines = 0;              ///< Foreign lines, torn last line, wrong types.
  std::vector<TraceProblem> skipped;  ///< The first 100 of them.
};
/// Hands every readable entry to `visit(line number, entry)`; one bad line never loses a file (TR-4).
Result<TraceReadSummary> ReadTrace(const std::string& path, const std::function<void(int64_t, LogEntry)>& visit);

}  // namespace wfe::trace
