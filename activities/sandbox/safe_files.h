// Files of a working directory, reached by relative path and never outside it.
//
// Text that a model wrote decides which paths are opened here, so every path is checked twice: by its spelling
// (CheckPath) and by the kernel, which resolves it beneath the directory's descriptor without following any symbolic
// or magic link (openat2).  A directory that becomes a link between two calls is therefore refused, not followed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace wfe::sandbox {

/// Names no agent may read, write or delete, at any depth and in any letter case.
std::vector<std::string> DefaultReservedNames();  // .git .gemini .wfe node_modules .venv audit_trace.jsonl

struct SafeDirOptions {
  std::vector<std::string> reserved = DefaultReservedNames();  ///< One path component each; empty: nothing is reserved.
  size_t max_path_bytes = 1024;
  uint64_t max_file_bytes = 8ull << 20;  ///< The largest file Write accepts and Read returns whole.
};

enum class FileKind { kFile, kDirectory, kSymlink, kOther };

struct SafeEntry {
  std::string path;  ///< Relative to the directory, '/' between components.
  FileKind kind = FileKind::kFile;
  uint64_t size = 0;
  uint32_t mode = 0;        ///< Permission bits.
  int64_t modified_ns = 0;  ///< Since the Unix epoch.
};

/// One open directory.  Movable, not copyable; const operations may run from several threads at once.
class SafeDir {
 public:
  /// Opens an existing directory.  The path itself is the caller's and may contain links; NOT_FOUND when it is missing.
  static Result<SafeDir> Open(const std::string& path, SafeDirOptions options = {});

  /// The path with "./" and doubled slashes removed, or PERMISSION_DENIED / INVALID_ARGUMENT saying why it is refused:
  /// empty, absolute, "..", NUL or control characters, backslash, not UTF-8, too long, reserved.
  Result<std::string> CheckPath(std::string_view path) const;

  /// The whole file.  NOT_FOUND; FAILED_PRECONDITION when it is no regular file; RESOURCE_EXHAUSTED above the limit.
  Result<std::string> Read(std::string_view path) const;
  Result<std::string> Read(std::string_view path, uint64_t max_bytes) const;
  /// Writes the whole file through a temporary one and a rename, making parent directories: after a crash it is the
  /// old or the new file.  An existing hard link elsewhere keeps its old content.  Repeating it is harmless.
  Status Write(std::string_view path, std::string_view bytes, uint32_t mode = 0644) const;
  /// Deletes a file or symbolic link; a missing one is fine (retries).  Parent directories stay.
  Status Remove(std::string_view path) const;
  /// nullopt when nothing is there.  A link is described, never followed.
  Result<std::optional<SafeEntry>> Stat(std::string_view path) const;
  /// mkdir -p.
  Status MakeDirectories(std::string_view path, uint32_t mode = 0755) const;

  struct ListOptions {
    bool recursive = true;
    bool include_directories = false;
    bool skips_unreadable = true;  ///< False: a directory that may not be read is an error (PERMISSION_DENIED).
    bool hidden = true;  ///< False: names that begin with a dot are left out, with all that is below them.
    std::vector<std::string> excluded;  ///< Names left out at any depth, besides the reserved ones.
    size_t max_entries = 20'000;        ///< RESOURCE_EXHAUSTED above it.
  };
  /// What is below `path` ("" or ".": the directory itself), sorted by path.  Links are listed, not followed.
  Result<std::vector<SafeEntry>> List(std::string_view path, const ListOptions& options) const;

  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }
  const SafeDirOptions& options() const { return options_; }

 private:
  SafeDir(std::string path, UniqueFd fd, SafeDirOptions options);
  Result<UniqueFd> OpenBeneath(const std::string& path, int flags, uint32_t mode = 0) const;
  Result<UniqueFd> OpenParent(const std::string& path, bool create) const;

  std::string path_;
  UniqueFd fd_;
  SafeDirOptions options_;
};

}  // namespace wfe::sandbox
