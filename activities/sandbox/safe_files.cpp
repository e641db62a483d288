#include "activities/sandbox/safe_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "activities/sandbox/text.h"

namespace wfe::sandbox {
namespace {

Error FromErrno(int error, const std::string& what) {
  const std::string message = what + ": " + std::strerror(error);
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return NotFound(message);
    case ELOOP:
      return PermissionDenied(what + ": a symbolic link is in the way");
    case EXDEV:
      return PermissionDenied(what + ": it leads out of the working directory");
    case EACCES:
    case EPERM:
    case EROFS:
      return PermissionDenied(message);
    case EEXIST:
      return AlreadyExists(message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
      return ResourceExhausted(message);
    case EISDIR:
    case ENXIO:
      return FailedPrecondition(message);
    default:
      return Internal(message);
  }
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::vector<std::string> Split(const std::string& path) {
  std::vector<std::string> parts;
  size_t start = 0;
  while (start <= path.size()) {
    const size_t end = std::min(path.find('/', start), path.size());
    if (end > start) parts.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::pair<std::string, std::string> SplitLast(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

FileKind KindOf(uint32_t mode) {
  if (S_ISREG(mode)) return FileKind::kFile;
  if (S_ISDIR(mode)) return FileKind::kDirectory;
  if (S_ISLNK(mode)) return FileKind::kSymlink;
  return FileKind::kOther;
}

SafeEntry ToEntry(std::string path, const struct stat& status) {
  return {.path = std::move(path),
          .kind = KindOf(status.st_mode),
          .size = static_cast<uint64_t>(status.st_size),
          .mode = status.st_mode & 07777u,
          .modified_ns = static_cast<int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec};
}

Status WriteAll(int fd, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return FromErrno(errno, what);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return Ok();
}

}  // namespace

std::vector<std::string> DefaultReservedNames() {
  return {".git", ".gemini", ".wfe", "node_modules", ".venv", "audit_trace.jsonl"};
}

Result<SafeDir> SafeDir::Open(const std::string& path, SafeDirOptions options) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) return FromErrno(errno, "cannot open the directory " + path);
  return SafeDir(path, std::move(fd), std::move(options));
}

SafeDir::SafeDir(std::string path, UniqueFd fd, SafeDirOptions options)
    : path_(std::move(path)), fd_(std::move(fd)), options_(std::move(options)) {
  for (std::string& name : options_.reserved) name = Lower(name);
}

Result<std::string> SafeDir::CheckPath(std::string_view path) const {
  const std::string shown = "the path \"" + Printable(path) + "\"";
  if (path.empty()) return InvalidArgument("the path is empty");
  if (path.size() > options_.max_path_bytes) {
    return InvalidArgument("the path is longer than " + std::to_string(options_.max_path_bytes) + " bytes");
  }
  if (path.front() == '/') return PermissionDenied(shown + " is absolute; paths are relative to the working directory");
  if (!IsUtf8(path)) return InvalidArgument(shown + " is not UTF-8");
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return InvalidArgument(shown + " holds a NUL or control character");
    }
    if (c == '\\') return InvalidArgument(shown + " holds a backslash; components are separated by '/'");
  }
  if (path.back() == '/') return InvalidArgument(shown + " ends in '/'; a file is wanted");
  std::string clean;
  for (const std::string& part : Split(std::string(path))) {
    if (part == ".") continue;
    if (part == "..") return PermissionDenied(shown + " contains \"..\"");
    if (part.size() > 255) return InvalidArgument(shown + " has a component longer than 255 bytes");
    if (std::find(options_.reserved.begin(), options_.reserved.end(), Lower(part)) != options_.reserved.end()) {
      return PermissionDenied(shown + " is reserved (" + part + ")");
    }
    if (!clean.empty()) clean += '/';
    clean += part;
  }
  if (clean.empty()) return InvalidArgument(shown + " names the working directory itself");
  return clean;
}

Result<UniqueFd> SafeDir::OpenBeneath(const std::string& path, int flags, uint32_t mode) const {
  struct open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  const std::string what = path_ + "/" + path;
  // EAGAIN: a concurrent rename made the kernel unsure; it asks to try again.
  for (int attempt = 0; attempt < 32; ++attempt) {
    const long fd = ::syscall(SYS_openat2, fd_.get(), path.empty() ? "." : path.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return FromErrno(errno, what);
}

Result<UniqueFd> SafeDir::OpenParent(const std::string& path, bool create) const {
  const std::string parent = SplitLast(path).first;
  auto opened = OpenBeneath(parent, O_RDONLY | O_DIRECTORY);
  if (opened || !create || opened.error().code != StatusCode::kNotFound) return opened;
  WFE_RETURN_IF_ERROR(MakeDirectories(parent));
  return OpenBeneath(parent, O_RDONLY | O_DIRECTORY);
}

Status SafeDir::MakeDirectories(std::string_view path, uint32_t mode) const {
  WFE_ASSIGN_OR_RETURN(const std::string clean, CheckPath(path));
  std::string done;
  for (const std::string& part : Split(clean)) {
    WFE_ASSIGN_OR_RETURN(const UniqueFd at, OpenBeneath(done, O_RDONLY | O_DIRECTORY));
    if (::mkdirat(at.get(), part.c_str(), mode) != 0 && errno != EEXIST) {
      return FromErrno(errno, "cannot make the directory " + path_ + "/" + clean);
    }
    done += (done.empty() ? "" : "/") + part;
  }
  // What is there now may be a file or a link: opening it as a directory says so.
  WFE_ASSIGN_OR_RETURN([[maybe_unused]] const UniqueFd opened, OpenBeneath(clean, O_RDONLY | O_DIRECTORY));
  return Ok();
}

Result<std::string> SafeDir::Read(std::string_view path) const { return Read(path, options_.max_file_bytes); }

Result<std::string> SafeDir::Read(std::string_view path, uint64_t max_bytes) const {
  WFE_ASSIGN_OR_RETURN(const std::string clean, CheckPath(path));
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  WFE_ASSIGN_OR_RETURN(const UniqueFd file, OpenBeneath(clean, O_RDONLY | O_NONBLOCK));
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) return FromErrno(errno, clean);
  if (!S_ISREG(status.st_mode)) return FailedPrecondition(clean + " is not a regular file");
  std::string bytes;
  std::string buffer(64 << 10, '\0');
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0) {
      if (errno == EINTR) continue;
      return FromErrno(errno, "cannot read " + clean);
    }
    if (got == 0) return bytes;
    bytes.append(buffer.data(), static_cast<size_t>(got));
    if (bytes.size() > max_bytes) {
      return ResourceExhausted(clean + " is larger than " + std::to_string(max_bytes) + " bytes");
    }
  }
}

Status SafeDir::Write(std::string_view path, std::string_view bytes, uint32_t mode) const {
  WFE_ASSIGN_OR_RETURN(const std::string clean, CheckPath(path));
  if (bytes.size() > options_.max_file_bytes) {
    return ResourceExhausted(clean + " would have " + std::to_string(bytes.size()) + " bytes; the limit is " +
                             std::to_string(options_.max_file_bytes));
  }
  WFE_ASSIGN_OR_RETURN(const UniqueFd parent, OpenParent(clean, true));
  const std::string name = SplitLast(clean).second;
  static std::atomic<uint64_t> counter{0};
  const std::string temporary = ".wfe-tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1));
  const UniqueFd file(
      ::openat(parent.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return FromErrno(errno, "cannot write beside " + clean);
  Status written = WriteAll(file.get(), bytes, "cannot write " + clean);
  if (written && ::fchmod(file.get(), mode & 0777) != 0) written = FromErrno(errno, "cannot set the mode of " + clean);
  if (written && ::renameat(parent.get(), temporary.c_str(), parent.get(), name.c_str()) != 0) {
    written = FromErrno(errno, "cannot put " + clean + " in place");
  }
  if (!written) ::unlinkat(parent.get(), temporary.c_str(), 0);
  return written;
}

Status SafeDir::Remove(std::string_view path) const {
  WFE_ASSIGN_OR_RETURN(const std::string clean, CheckPath(path));
  const auto parent = OpenParent(clean, false);
  if (!parent) {
    if (parent.error().code == StatusCode::kNotFound) return Ok();
    return parent.error();
  }
  if (::unlinkat(parent->get(), SplitLast(clean).second.c_str(), 0) != 0 && errno != ENOENT) {
    return FromErrno(errno, "cannot delete " + clean);
  }
  return Ok();
}

Result<std::optional<SafeEntry>> SafeDir::Stat(std::string_view path) const {
  WFE_ASSIGN_OR_RETURN(const std::string clean, CheckPath(path));
  const auto parent = OpenParent(clean, false);
  if (!parent) {
    if (parent.error().code == StatusCode::kNotFound) return std::optional<SafeEntry>();
    return parent.error();
  }
  struct stat status = {};
  if (::fstatat(parent->get(), SplitLast(clean).second.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::optional<SafeEntry>();
    return FromErrno(errno, clean);
  }
  return std::optional<SafeEntry>(ToEntry(clean, status));
}

Result<std::vector<SafeEntry>> SafeDir::List(std::string_view path, const ListOptions& options) const {
  std::string start;
  if (!path.empty() && path != ".") {
    WFE_ASSIGN_OR_RETURN(start, CheckPath(path));
  }
  std::vector<SafeEntry> entries;
  std::vector<std::string> pending = {start};
  size_t seen = 0;
  while (!pending.empty()) {
    const std::string directory = std::move(pending.back());
    pending.pop_back();
    auto opened = OpenBeneath(directory, O_RDONLY | O_DIRECTORY);
    if (!opened) {
      // It vanished, or became something else, since its parent was read: then it is no part of the tree.
      const bool forbidden = opened.error().code == StatusCode::kPermissionDenied;
      if (directory != start && (!forbidden || options.skips_unreadable)) continue;
      return std::move(opened).error();
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(opened->get()), ::closedir);
    if (stream == nullptr) return Internal("cannot read the directory " + directory);
    opened->Release();
    while (const dirent* item = ::readdir(stream.get())) {
      const std::string name = item->d_name;
      if (name == "." || name == ".." || (!options.hidden && name.starts_with('.'))) continue;
      const std::string lower = Lower(name);
      if (std::find(options_.reserved.begin(), options_.reserved.end(), lower) != options_.reserved.end()) continue;
      if (std::find(options.excluded.begin(), options.excluded.end(), name) != options.excluded.end()) continue;
      struct stat status = {};
      if (::fstatat(::dirfd(stream.get()), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (++seen > options.max_entries) {
        return ResourceExhausted(path_ + " holds more than " + std::to_string(options.max_entries) + " entries");
      }
      const std::string full = directory.empty() ? name : directory + "/" + name;
      const bool is_directory = S_ISDIR(status.st_mode);
      if (is_directory && options.recursive) pending.push_back(full);
      if (!is_directory || options.include_directories) entries.push_back(ToEntry(full, status));
    }
  }
  std::sort(entries.begin(), entries.end(), [](const SafeEntry& a, const SafeEntry& b) { return a.path < b.path; });
  return entries;
}

}  // namespace wfe::sandbox
