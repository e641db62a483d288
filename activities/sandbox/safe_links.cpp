#include "activities/sandbox/safe_links.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace wfe::sandbox {
namespace {

/// The directory that a path is in, and its last component.
struct Spot {
  UniqueFd parent;
  std::string name;
};

Result<Spot> Find(const SafeDir& dir, const std::string& path) {
  WFE_ASSIGN_OR_RETURN(const std::string clean, dir.CheckPath(path));
  const size_t slash = clean.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : clean.substr(0, slash);
  struct open_how how = {};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  // EAGAIN: a concurrent rename made the kernel unsure; it asks to try again.
  for (int attempt = 0; attempt < 32; ++attempt) {
    const long fd = ::syscall(SYS_openat2, dir.fd(), parent.c_str(), &how, sizeof how);
    if (fd >= 0) {
      return Spot{UniqueFd(static_cast<int>(fd)), clean.substr(slash == std::string::npos ? 0 : slash + 1)};
    }
    if (errno != EAGAIN && errno != EINTR) break;
  }
  if (errno == ENOENT || errno == ENOTDIR) return NotFound("there is no directory " + parent);
  if (errno == ELOOP) return PermissionDenied(clean + ": a symbolic link is in the way");
  return Internal("cannot open the directory " + parent + ": " + std::strerror(errno));
}

}  // namespace

Result<std::string> ReadLink(const SafeDir& dir, const std::string& path) {
  WFE_ASSIGN_OR_RETURN(const Spot spot, Find(dir, path));
  std::string target(4096, '\0');
  const ssize_t length = ::readlinkat(spot.parent.get(), spot.name.c_str(), target.data(), target.size());
  if (length < 0) return NotFound(path + " is no link any more");
  target.resize(static_cast<size_t>(length));
  return target;
}

Status MakeLink(const SafeDir& dir, const std::string& path, const std::string& target) {
  if (target.empty() || target.find('\0') != std::string::npos) {
    return InvalidArgument("the link " + path + " has no target");
  }
  if (const size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0) {
    WFE_RETURN_IF_ERROR(dir.MakeDirectories(path.substr(0, slash)));
  }
  WFE_ASSIGN_OR_RETURN(const Spot spot, Find(dir, path));
  static std::atomic<uint64_t> counter{0};
  const std::string temporary = ".wfe-link-" + std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1));
  if (::symlinkat(target.c_str(), spot.parent.get(), temporary.c_str()) != 0) {
    return FailedPrecondition("cannot make the link " + path + ": " + std::strerror(errno));
  }
  if (::renameat(spot.parent.get(), temporary.c_str(), spot.parent.get(), spot.name.c_str()) != 0) {
    const int error = errno;
    ::unlinkat(spot.parent.get(), temporary.c_str(), 0);
    return FailedPrecondition("cannot put the link " + path + " in place: " + std::strerror(error));
  }
  return Ok();
}

Result<bool> RemoveEmptyDirectory(const SafeDir& dir, const std::string& path) {
  auto spot = Find(dir, path);
  if (!spot) {
    if (spot.error().code == StatusCode::kNotFound) return true;
    return spot.error();
  }
  if (::unlinkat(spot->parent.get(), spot->name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
  if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) return false;
  return FailedPrecondition("cannot remove the directory " + path + ": " + std::strerror(errno));
}

}  // namespace wfe::sandbox
