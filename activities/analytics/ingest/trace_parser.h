// Reading audit_trace.jsonl into a table, fast and forgiving: one bad line never loses the rest (TR-4, OP-3).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "activities/analytics/ingest/parse_report.h"
#include "activities/analytics/ingest/trace_table.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::analytics {

struct ParseOptions {
  /// Timestamps more than a minute after this are a problem; absent: not looked at.
  std::optional<Instant> now;
  /// Follow the hash chain of each run through each file (TR-9).
  bool verify_chain = true;
};

/// Parses lines into one table and one report.  A line that is no entry, or lacks workflow_run_id, step_name or a
/// readable timestamp, gives no row.  Any other problem is reported and the row is kept, without the field that is ill
/// formed. Memory does not grow with the size of a file (only with its number of runs).  Used from one thread.
class TraceParser {
 public:
  /// `table` and `report` must outlive the parser.
  TraceParser(TraceTable& table, ParseReport& report, ParseOptions options = {});
  ~TraceParser();
  TraceParser(const TraceParser&) = delete;
  TraceParser& operator=(const TraceParser&) = delete;

  /// The parts of a rotated trace in their order (TraceParts), as one file.  NOT_FOUND or UNAVAILABLE when a part cannot
  /// be opened or read on; rows read until then are kept.
  Status ParseFile(const std::string& path);

  /// The same for lines that come from elsewhere: chain and clock start anew with each file.
  void BeginFile(std::string name);
  /// `line` without its newline.
  void ParseLine(std::string_view line, int64_t number);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One file.
Status ParseTraceFile(const std::string& path, TraceTable& table, ParseReport& report,
                      const ParseOptions& options = {});

}  // namespace wfe::analytics
