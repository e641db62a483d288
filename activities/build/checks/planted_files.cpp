#include "activities/build/checks/planted_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "activities/build/integrity/project_scan.h"
#include "activities/sandbox/text.h"
#include "activities/sandbox/withheld.h"
#include "engine/base/unique_fd.h"

namespace wfe::build {
namespace {

constexpr std::string_view kRights = "a program with set-user-id or set-group-id rights";
constexpr std::string_view kOddName = "a file whose name no tool can write down";

/// Python runs it when it starts, from any place of PYTHONPATH: before a reporter of ours could be there.
bool IsPythonStarter(std::string_view folder, std::string_view name) {
  return (folder.empty() || folder == "src/") && (name == "sitecustomize.py" || name == "usercustomize.py" ||
                                                  name == "sitecustomize" || name == "usercustomize");
}

bool IsOddName(std::string_view name) {
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  }
  return !sandbox::IsUtf8(name);
}

std::string KindOf(const struct stat& status) {
  if (S_ISSOCK(status.st_mode)) return "a socket";
  if (S_ISFIFO(status.st_mode)) return "a named pipe";
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) return "a device";
  if (S_ISREG(status.st_mode) && (status.st_mode & (S_ISUID | S_ISGID)) != 0) return std::string(kRights);
  return "";
}

/// Through descriptors, so that no link is followed whatever happens meanwhile.
void Walk(const UniqueFd& folder, const std::string& prefix, size_t& left, std::map<std::string, std::string>& found) {
  const int copy = ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy), ::closedir);
  if (stream == nullptr) return;
  while (const dirent* item = ::readdir(stream.get())) {
    const std::string name = item->d_name;
    if (name == "." || name == ".." || left == 0) continue;
    --left;
    struct stat status = {};
    if (::fstatat(folder.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const std::string path = prefix + name;
    const std::string kind = KindOf(status);
    if (!kind.empty()) found[path] = kind;
    if (kind.empty() && IsOddName(name)) found[path] = std::string(kOddName);
    if (IsPythonStarter(prefix, name)) found[path] = "a module that Python runs whenever it starts";
    if (prefix.empty() && sandbox::IsEnvironmentFile(name)) found[path] = "settings that programs read by themselves";
    if (prefix.empty() && (name == ".gemini" || name == ".git")) {
      // An empty directory is no more than a mount point that a killed worker left.
      const bool empty = S_ISDIR(status.st_mode) && ::unlinkat(folder.get(), name.c_str(), AT_REMOVEDIR) == 0;
      if (!empty) found[path] = name == ".git" ? "a repository of git" : "settings of the agent's program";
      continue;  // Inside .git only configuration and hooks matter, and PlantGuard looks at them.
    }
    if (!S_ISDIR(status.st_mode)) continue;
    const UniqueFd inner(::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (inner.open()) Walk(inner, path + "/", left, found);
  }
}

bool ClearRights(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status = {};
  if (!file.open() || ::fstat(file.get(), &status) != 0) return ::unlink(path.c_str()) == 0;
  return ::fchmod(file.get(), status.st_mode & 0777) == 0;
}

std::map<std::string, std::string> GitFiles(const sandbox::SafeDir& dir) {
  std::map<std::string, std::string> files;
  const auto keep = [&](const std::string& path) {
    auto content = dir.Read(path, 1 << 20);
    if (content) files[path] = *std::move(content);
  };
  keep(".git/config");
  sandbox::SafeDir::ListOptions options;
  options.recursive = false;
  const auto hooks = dir.List(".git/hooks", options);
  if (!hooks) return files;
  for (const sandbox::SafeEntry& entry : *hooks) {
    if (!entry.path.ends_with(".sample")) keep(entry.path);
  }
  return files;
}

}  // namespace

Result<std::map<std::string, std::string>> ListPlants(const sandbox::SafeDir& dir) {
  std::map<std::string, std::string> found;
  const UniqueFd root(::openat(dir.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.open()) return Internal("cannot read the directory " + dir.path());
  size_t left = kMaxProjectEntries;
  Walk(root, "", left, found);
  return found;
}

Status PlantGuard::Remember() {
  git_ = GitFiles(dir_);
  for (const auto& [path, content] : git_) {
    WFE_ASSIGN_OR_RETURN(const auto entry, dir_.Stat(path));
    if (entry.has_value()) git_modes_[path] = entry->mode;
  }
  remembered_ = true;
  return Ok();
}

void PlantGuard::Report(const std::string& path, const std::string& what, const std::string& who, bool gone) {
  const std::string shown = sandbox::Printable(path);
  removed_.push_back(shown);
  findings_.push_back({.path = shown,
                       .line = 0,
                       .column = 0,
                       .error_class = std::string(kPlanted),
                       .text = who + " left " + what + "; it was " + (gone ? "taken away" : "found and could not be taken away")});
}

Status PlantGuard::Sweep(const std::string& who) {
  WFE_ASSIGN_OR_RETURN(const auto now, ListPlants(dir_));
  for (const auto& [path, what] : now) {
    if (known_.contains(path)) continue;
    const std::string full = dir_.path() + "/" + path;
    std::error_code error;
    const bool gone = what == kRights ? ClearRights(full) : std::filesystem::remove_all(full, error) > 0;
    Report(path, what, who, gone);
  }
  if (!remembered_) return Ok();
  const std::map<std::string, std::string> git = GitFiles(dir_);
  for (const auto& [path, content] : git) {
    const auto before = git_.find(path);
    if (before != git_.end() && before->second == content) continue;
    const bool changed = before != git_.end();
    const Status repaired = changed ? dir_.Write(path, before->second, git_modes_[path]) : dir_.Remove(path);
    Report(path, changed ? "a changed file of git's" : "a new file of git's", who, repaired.has_value());
  }
  return Ok();
}

}  // namespace wfe::build
