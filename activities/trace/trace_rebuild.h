// Writing audit_trace.jsonl again from workflow history (TR-6).
#pragma once

#include <optional>
#include <span>
#include <string>

#include "activities/trace/log_entry.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::trace {

/// One logAuditEntry activity as its history shows it.
struct HistoryEntry {
  LogEntry entry;                    ///< From the activity's input.
  std::string idempotency_token;     ///< "<run id>/<activity id>".
  std::optional<Instant> logged_at;  ///< Of the activity's completion; absent: the line has no ext.logged_at.
};

/// The line of one entry, with its newline.  INVALID_ARGUMENT for an entry that logAuditEntry would have refused.
Result<std::string> RebuildLine(const HistoryEntry& entry);

/// The file of one run: equal to the one that was written, apart from ext.logged_at.
Result<std::string> RebuildTrace(std::span<const HistoryEntry> entries);

/// A line without ext.logged_at, for comparing; INVALID_ARGUMENT when it is no log entry.
Result<std::string> WithoutLoggedAt(std::string_view line);

}  // namespace wfe::trace
