#include "tools/demo/trace_sink.h"

#include <utility>

namespace wfe::demo {

void TraceSink::Append(const std::string& folder, trace::LogEntry entry, Instant now) {
  if (!entry_ids_.insert(trace::ExtString(entry, "entry_id")).second) return;
  entry.ext["logged_at"] = FormatIso8601Millis(now);
  traces_[folder] += trace::SerializeLogEntry(entry) + "\n";
}

}  // namespace wfe::demo
