#include "tools/demo/trace_sink.h"

#include <utility>

namespace wfe::demo {

void TraceSink::Append(const std::string& folder, activities::LogEntry entry, Instant now) {
  if (!entry_ids_.insert(activities::ExtString(entry, "entry_id")).second) return;
  entry.ext["logged_at"] = FormatIso8601Millis(now);
  traces_[folder] += activities::SerializeLogEntry(entry) + "\n";
}

}  // namespace wfe::demo
