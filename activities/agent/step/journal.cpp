#include "activities/agent/step/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

namespace fs = std::filesystem;

Error SystemError(const std::string& what, int error) {
  const std::string message = what + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) return ResourceExhausted(message);
  return Unavailable(message);
}

Status SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError("cannot open " + path, errno);
  const int result = fsync(fd);
  const int error = errno;
  close(fd);
  if (result != 0) return SystemError("cannot sync " + path, error);
  return Ok();
}

/// mkdir, private to this user, and durable.
Status MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return Ok();
    return SystemError("cannot create " + path, errno);
  }
  return SyncDirectory(fs::path(path).parent_path().string());
}

Status WriteFile(const std::string& directory, const std::string& name, std::string_view bytes) {
  const std::string path = directory + "/" + name;
  const std::string temporary = path + ".tmp";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return SystemError("cannot create " + temporary, errno);
  int error = 0;
  while (!bytes.empty() && error == 0) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error == 0 && fsync(fd) != 0) error = errno;
  close(fd);
  if (error == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    unlink(temporary.c_str());
    return SystemError("cannot write " + path, error);
  }
  return SyncDirectory(directory);
}

std::string JournalRoot(const std::string& work_root) { return work_root + "/journal"; }
std::string JournalPath(const std::string& work_root, const std::string& token) {
  return JournalRoot(work_root) + "/" + ToHex(Sha256(token));
}

std::string Numbered(int turn, const char* suffix) {
  char name[64];
  std::snprintf(name, sizeof(name), "%04d%s", turn, suffix);
  return name;
}

}  // namespace

std::string AnswerName(int turn) { return Numbered(turn, ".json"); }
std::string EffectsName(int turn) { return Numbered(turn, ".effects.json"); }

Result<StepJournal> StepJournal::Open(const std::string& work_root, const std::string& token,
                                      const std::string& request_hash, const std::function<bool()>& keep_waiting) {
  std::error_code ignored;
  fs::create_directories(work_root, ignored);
  WFE_RETURN_IF_ERROR(MakeDirectory(JournalRoot(work_root)));
  const std::string path = JournalPath(work_root, token);
  while (true) {
    WFE_RETURN_IF_ERROR(MakeDirectory(path));
    const std::string lock_path = path + "/lock";
    const int fd = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
      if (errno == ENOENT) continue;  // removed between the two calls
      return SystemError("cannot open " + lock_path, errno);
    }
    StepJournal journal(path, fd);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return SystemError("cannot lock " + lock_path, errno);
      if (!keep_waiting()) return Cancelled("cancelled while waiting for another attempt of the same step");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    struct stat info{};
    if (fstat(fd, &info) == 0 && info.st_nlink == 0) continue;  // acknowledged and removed while we waited

    const Result<std::optional<nlohmann::json>> meta = journal.Read("meta.json");
    if (meta && *meta && (*meta)->is_object() && (*meta)->value("request_hash", "") == request_hash) return journal;
    for (const fs::directory_entry& file : fs::directory_iterator(path, ignored)) {
      if (file.path().filename() != "lock") fs::remove_all(file.path(), ignored);
    }
    WFE_RETURN_IF_ERROR(journal.Write("meta.json", {{"request_hash", request_hash}, {"token", token}}));
    return journal;
  }
}

StepJournal::StepJournal(StepJournal&& other) noexcept
    : path_(std::move(other.path_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}
StepJournal& StepJournal::operator=(StepJournal&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_fd_, other.lock_fd_);
  return *this;
}
StepJournal::~StepJournal() {
  if (lock_fd_ >= 0) close(lock_fd_);
}

Result<std::optional<nlohmann::json>> StepJournal::Read(const std::string& name) const {
  const std::string path = path_ + "/" + name;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    if (!fs::exists(path)) return std::optional<nlohmann::json>();
    return Unavailable("cannot read " + path);
  }
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  // The first line is the hash of the rest.
  const std::string_view view(text);
  if (view.size() < 65 || view[64] != '\n' || ToHex(Sha256(view.substr(65))) != view.substr(0, 64)) {
    return DataLoss("the journal file " + path + " is damaged");
  }
  nlohmann::json value = ParseJson(view.substr(65), kMaxStoredJsonDepth);
  if (value.is_discarded()) return DataLoss("the journal file " + path + " is damaged");
  return std::optional<nlohmann::json>(std::move(value));
}

Status StepJournal::Write(const std::string& name, const nlohmann::json& value) {
  const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return WriteFile(path_, name, ToHex(Sha256(text)) + "\n" + text);
}

Status AckJournal(const std::string& work_root, const std::string& token) {
  std::error_code error;
  fs::remove_all(JournalPath(work_root, token), error);
  if (error) return Unavailable("cannot remove the journal of " + token + ": " + error.message());
  return Ok();
}

int PruneJournals(const std::string& work_root, Instant older_than) {
  int removed = 0;
  std::error_code ignored;
  for (const fs::directory_entry& journal : fs::directory_iterator(JournalRoot(work_root), ignored)) {
    struct stat info{};
    if (stat(journal.path().c_str(), &info) != 0) continue;
    const Instant changed(std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec));
    if (changed >= older_than) continue;
    const int fd = open((journal.path() / "lock").c_str(), O_RDWR | O_CLOEXEC);
    const bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
    if (!held && fs::remove_all(journal.path(), ignored) > 0) ++removed;
    if (fd >= 0) close(fd);
  }
  return removed;
}

}  // namespace wfe::agent
