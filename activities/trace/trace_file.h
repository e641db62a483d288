// The bytes of audit_trace.jsonl on disk: appending a line durably and once, and reading lines one by one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/trace/log_entry.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::trace {

/// The entry as it stands in the file, apart from ext.logged_at: with ext.entry_id from `idempotency_token` where it
/// has none.  INVALID_ARGUMENT when LG-1 or LG-2 is missing, or when it is sealed without an entry id.
Result<LogEntry> CompleteEntry(LogEntry entry, std::string_view idempotency_token);

enum class AppendOutcome { kAppended, kAlreadyThere };

/// Appends `entry` (which has an ext.entry_id) to `working_dir`/audit_trace.jsonl with ext.logged_at = `now`, or finds
/// it there.  Durable when it returns.  Safe against other writers and against being killed at any instant (TR-2,
/// TR-3). NOT_FOUND: the directory is gone; RESOURCE_EXHAUSTED: no space; UNAVAILABLE: anything else the system
/// refused.
Result<AppendOutcome> AppendEntry(const std::string& working_dir, LogEntry entry, Instant now);

/// The parts of a trace that was rotated, oldest first: `path`.2, `path`.1, `path`.  Only parts that follow each other
/// count, as the tools that rotate logs number them; `path` alone where there are none.
std::vector<std::string> TraceParts(const std::string& path);

/// Lines longer than this are reported by their number only.
inline constexpr size_t kMaxTraceLineBytes = 16u << 20;

struct TraceLine {
  int64_t number = 0;     ///< 1-based.
  std::string_view text;  ///< Without the newline; valid until the next call of Next.
  bool ended = true;      ///< False: the file stops before a newline (TR-4).
  bool too_long = false;  ///< Longer than kMaxTraceLineBytes; `text` is empty.
};

/// Reads a file line by line in constant memory.  Used from one thread.
class TraceLineReader {
 public:
  /// NOT_FOUND or UNAVAILABLE, naming the file.
  static Result<TraceLineReader> Open(const std::string& path);
  /// Reads lines from an open file from its start; does not own `fd`.
  static TraceLineReader FromDescriptor(int fd, std::string name);

  TraceLineReader(TraceLineReader&&) noexcept;
  TraceLineReader& operator=(TraceLineReader&&) noexcept;
  ~TraceLineReader();

  /// The next line; nullopt at the end.
  Result<std::optional<TraceLine>> Next();

 private:
  struct Impl;
  explicit TraceLineReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::trace
