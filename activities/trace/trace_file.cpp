#include "activities/trace/trace_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "activities/trace/audit.h"
#include "engine/base/unique_fd.h"

namespace wfe::trace {
namespace {

Error SystemError(const std::string& what, int error) {
  std::string message = what + ": " + std::strerror(error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ResourceExhausted(message + "; nothing was appended, free some space");
    default:
      return Unavailable(std::move(message));
  }
}

template <class F>
auto RetryInterrupted(F call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

/// The size of the file up to and including its last newline.
Result<off_t> EndOfLastLine(int fd, off_t size, const std::string& path) {
  char piece[16 << 10];
  while (size > 0) {
    const auto length = static_cast<size_t>(std::min<off_t>(size, sizeof(piece)));
    const ssize_t got = RetryInterrupted([&] { return pread(fd, piece, length, size - static_cast<off_t>(length)); });
    if (got != static_cast<ssize_t>(length)) return SystemError("cannot read " + path, got < 0 ? errno : EIO);
    const std::string_view view(piece, length);
    const size_t newline = view.rfind('\n');
    if (newline != std::string_view::npos) return size - static_cast<off_t>(length - newline - 1);
    size -= static_cast<off_t>(length);
  }
  return 0;
}

/// Whether a line of the file has this entry id.
Result<bool> Contains(int fd, const std::string& path, const std::string& entry_id) {
  // Inside a JSON string quotes are escaped, so this text can only be a key and its value; the parse settles where.
  const std::string needle = "\"entry_id\":" + nlohmann::json(entry_id).dump();
  TraceLineReader reader = TraceLineReader::FromDescriptor(fd, path);
  while (true) {
    WFE_ASSIGN_OR_RETURN(const std::optional<TraceLine> line, reader.Next());
    if (!line) return false;
    if (line->text.find(needle) == std::string_view::npos) continue;
    const Result<LogEntry> entry = ParseLogEntry(line->text);
    if (entry && ExtString(*entry, "entry_id") == entry_id) return true;
  }
}

Status Sync(int fd, const std::string& path) {
  if (RetryInterrupted([&] { return fsync(fd); }) != 0) return SystemError("cannot sync " + path, errno);
  return Ok();
}

}  // namespace

std::vector<std::string> TraceParts(const std::string& path) {
  static constexpr int kMaxParts = 1000;
  std::vector<std::string> parts = {path};
  for (int i = 1; i < kMaxParts; ++i) {
    const std::string part = path + "." + std::to_string(i);
    struct stat info{};
    if (stat(part.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) break;
    parts.push_back(part);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

Result<LogEntry> CompleteEntry(LogEntry entry, std::string_view idempotency_token) {
  if (entry.workflow_run_id.empty()) return InvalidArgument("the log entry has no workflow_run_id (LG-1)");
  if (entry.step_name.empty()) return InvalidArgument("the log entry has no step_name (LG-2)");
  if (!entry.ext.is_object()) return InvalidArgument("the log entry's ext is not an object (LG-15)");
  if (ExtString(entry, "entry_id").empty()) {
    if (entry.ext.contains("entry_hash")) {
      return InvalidArgument("the log entry " + entry.step_name + " of run " + entry.workflow_run_id +
                             " has ext.entry_hash but no ext.entry_id: adding one would break its hash (TR-9)");
    }
    entry.ext["entry_id"] = EntryIdFromToken(idempotency_token);
  }
  return entry;
}

Result<AppendOutcome> AppendEntry(const std::string& working_dir, LogEntry entry, Instant now) {
  const std::string path = working_dir + "/" + std::string(kTraceFileName);
  const UniqueFd dir(open(working_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir.get() < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) {
      return NotFound("the working directory " + working_dir + " does not exist on this worker");
    }
    return SystemError("cannot open the working directory " + working_dir, error);
  }
  const UniqueFd file(openat(dir.get(), std::string(kTraceFileName).c_str(),
                             O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (file.get() < 0) return SystemError("cannot open " + path, errno);
  if (RetryInterrupted([&] { return flock(file.get(), LOCK_EX); }) != 0) {
    return SystemError("cannot lock " + path, errno);
  }

  struct stat info{};
  if (fstat(file.get(), &info) != 0) return SystemError("cannot inspect " + path, errno);
  if (!S_ISREG(info.st_mode)) return Unavailable(path + " is not a regular file");
  if (info.st_nlink == 0) return Unavailable(path + " was removed while it was being opened");

  // What follows the last newline is the torn line of a killed writer; nobody was told that it was written.
  WFE_ASSIGN_OR_RETURN(const off_t end, EndOfLastLine(file.get(), info.st_size, path));
  if (end != info.st_size && RetryInterrupted([&] { return ftruncate(file.get(), end); }) != 0) {
    return SystemError("cannot cut the torn last line of " + path, errno);
  }
  // An empty file may be new, so its name must survive too; one with a line in it was synced by whoever wrote that.
  if (end == 0) WFE_RETURN_IF_ERROR(Sync(dir.get(), working_dir));

  WFE_ASSIGN_OR_RETURN(const bool already_there, Contains(file.get(), path, ExtString(entry, "entry_id")));
  if (already_there) {
    // The attempt that wrote it may have died before its sync.
    WFE_RETURN_IF_ERROR(Sync(file.get(), path));
    return AppendOutcome::kAlreadyThere;
  }

  entry.ext["logged_at"] = FormatIso8601Millis(now);
  const std::string line = SerializeLogEntry(entry) + "\n";
  const ssize_t written = RetryInterrupted([&] { return write(file.get(), line.data(), line.size()); });
  const int write_error = written < 0 ? errno : ENOSPC;
  if (written != static_cast<ssize_t>(line.size())) {
    // A short write means that the space ran out in the middle; the next writer would cut it, but now is better.
    if (written > 0 && RetryInterrupted([&] { return ftruncate(file.get(), end); }) != 0) {
      return SystemError("cannot cut a partial line of " + path, errno);
    }
    return SystemError("cannot append to " + path, write_error);
  }
  WFE_RETURN_IF_ERROR(Sync(file.get(), path));
  return AppendOutcome::kAppended;
}

}  // namespace wfe::trace
