#include "activities/trace/trace_rebuild.h"

#include <utility>

#include "activities/trace/trace_file.h"

namespace wfe::trace {

Result<std::string> RebuildLine(const HistoryEntry& entry) {
  WFE_ASSIGN_OR_RETURN(LogEntry complete, CompleteEntry(entry.entry, entry.idempotency_token));
  if (entry.logged_at) complete.ext["logged_at"] = FormatIso8601Millis(*entry.logged_at);
  return SerializeLogEntry(complete) + "\n";
}

Result<std::string> RebuildTrace(std::span<const HistoryEntry> entries) {
  std::string file;
  for (const HistoryEntry& entry : entries) {
    WFE_ASSIGN_OR_RETURN(const std::string line, RebuildLine(entry));
    file += line;
  }
  return file;
}

Result<std::string> WithoutLoggedAt(std::string_view line) {
  WFE_ASSIGN_OR_RETURN(LogEntry entry, ParseLogEntry(line));
  entry.ext.erase("logged_at");
  return SerializeLogEntry(entry);
}

}  // namespace wfe::trace
