// Where the simulated builds' traces go: the bytes that logAuditEntry would have written, kept in memory.
#pragma once

#include <map>
#include <set>
#include <string>

#include "activities/trace/log_entry.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::demo {

class TraceSink {
 public:
  /// What AppendEntry does to a file, done to a string: the same line, the same once-only rule, no disk to sync.
  void Append(const std::string& folder, trace::LogEntry entry, Instant now);

  /// Folder -> content of its audit_trace.jsonl.
  const std::map<std::string, std::string>& traces() const { return traces_; }
  int64_t entries() const { return static_cast<int64_t>(entry_ids_.size()); }

 private:
  std::map<std::string, std::string> traces_;
  std::set<std::string> entry_ids_;
};

}  // namespace wfe::demo
