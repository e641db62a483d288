#include "workers/host/host_id.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "engine/base/unique_fd.h"

namespace wfe::worker {
namespace {

constexpr size_t kUuidLength = 36;

Error Failed(const std::string& what, const std::filesystem::path& path) {
  return FailedPrecondition("host id: cannot " + what + " " + path.string() + ": " + std::strerror(errno));
}

bool IsUuid(std::string_view text) {
  return text.size() == kUuidLength && std::all_of(text.begin(), text.end(), [](char c) {
           return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// nullopt: there is no such file.
Result<std::optional<std::string>> Read(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) {
    if (errno == ENOENT) return std::optional<std::string>();
    return Failed("open", path);
  }
  std::array<char, kUuidLength + 2> buffer{};
  const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
  if (size < 0) return Failed("read", path);
  std::string text(buffer.data(), static_cast<size_t>(size));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!IsUuid(text)) {
    return DataLoss("host id: " + path.string() + " does not hold a UUID; remove it to get a new one");
  }
  return std::optional(std::move(text));
}

Status WriteSynced(const std::filesystem::path& path, const std::string& text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return Failed("create", path);
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return Failed("write", path);
  if (::fsync(file.get()) != 0) return Failed("sync", path);
  return Ok();
}

}  // namespace

Result<std::string> HostId(const std::filesystem::path& work_root, IdSource& ids) {
  const std::filesystem::path path = work_root / "host-id";
  WFE_ASSIGN_OR_RETURN(std::optional<std::string> known, Read(path));
  if (known) return *std::move(known);
  const std::string id = ids.NewUuid();
  const std::filesystem::path fresh = work_root / ("host-id." + id);
  WFE_RETURN_IF_ERROR(WriteSynced(fresh, id + "\n"));
  // A link never replaces: of several processes the first one wins, and all read its id.
  const bool linked = ::link(fresh.c_str(), path.c_str()) == 0 || errno == EEXIST;
  const Error link_error = Failed("create", path);
  ::unlink(fresh.c_str());
  if (!linked) return link_error;
  const UniqueFd directory(::open(work_root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return Failed("sync", work_root);
  WFE_ASSIGN_OR_RETURN(known, Read(path));
  if (!known) return Internal("host id: " + path.string() + " vanished");
  return *std::move(known);
}

std::string HostQueueName(const std::string& queue, const std::string& host_id) { return queue + "@host-" + host_id; }

}  // namespace wfe::worker
