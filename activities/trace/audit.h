// logAuditEntry: appends one entry to audit_trace.jsonl in the run's working directory (requirements 2.2, AC-4).
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "activities/trace/log_entry.h"
#include "engine/base/record_json.h"
#include "engine/base/time.h"
#include "workers/sdk/activity.h"

namespace wfe::trace {

inline constexpr std::string_view kTraceFileName = "audit_trace.jsonl";

struct LogAuditEntryInput {
  std::string working_dir;
  /// Sealed by the workflow (SealEntry) where the run has a chain.  Without ext.entry_id the id comes from the
  /// activity's idempotency token.
  LogEntry entry;
};
WFE_RECORD(LogAuditEntryInput, working_dir, entry);
constexpr RecordRules RulesOf(const LogAuditEntryInput*) { return {.whole = true}; }

/// Appends the entry, durably and once, however often it runs (TR-1, TR-2, TR-3, TR-5).  Failures:
///   INVALID_ENTRY      not retryable: LG-1 or LG-2 is missing, or a sealed entry without ext.entry_id
///   WORKING_DIR_GONE   not retryable here: the directory does not exist on this worker
///   DISK_FULL          retryable
///   TRACE_IO           retryable: anything else the file system refused
inline constexpr sdk::ActivityType<LogAuditEntryInput, sdk::Nothing> kLogAuditEntry{"logAuditEntry"};

struct AuditConfig {
  /// Gives ext.logged_at; nullptr: the machine's clock.
  std::shared_ptr<const Clock> clock;
  /// Also hands each entry to the central `traces` store (TR-7): key "<run id>/<entry id>", value the line without
  /// newline and ext.logged_at.  Called after the file is durable; a failure makes the activity retry.  Empty: none.
  std::function<Status(const std::string& key, const std::string& line)> ingest;
};

/// Adds logAuditEntry to a worker's activities.
void RegisterAuditActivities(sdk::ActivityRegistry& registry, AuditConfig config = {});

}  // namespace wfe::trace
