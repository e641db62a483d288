#include "tools/wfe/build_changes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "activities/compliance/process_runner.h"
#include "activities/compliance/safe_files.h"
#include "activities/compliance/text.h"
#include "activities/compliance/tree_snapshot.h"
#include "activities/workspace/git.h"
#include "tools/wfe/temporary_directory.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;
using activities::SafeDir;

constexpr uint64_t kLargestFile = 64ull << 20;

activities::SnapshotOptions Limits() { return {.excluded = {}, .max_files = 200'000, .max_total_bytes = 1ull << 30}; }

Result<SafeDir> OpenTree(const std::string& path) {
  return SafeDir::Open(path, {.reserved = {".git"}, .max_path_bytes = 4096, .max_file_bytes = kLargestFile});
}

struct Ran {
  int exit_code = 0;
  std::string out;
  std::string err;
};

/// Runs git in `directory`, without the configuration of anybody that could name programs.  `git_dir`: of which
/// repository; empty: none is needed.
Result<Ran> RunGit(const std::string& directory, std::vector<std::string> arguments, const std::string& git_dir = {}) {
  const char* path = std::getenv("PATH");
  const std::string program = activities::FindProgram("git", path != nullptr ? path : "/usr/bin:/bin");
  if (program.empty()) return FailedPrecondition("the program git is not in PATH; differences are shown by it");
  activities::ProcessSpec spec;
  spec.argv = {program, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.working_dir = directory;
  spec.environment = {{"PATH", "/usr/bin:/bin"},          {"LANG", "C.UTF-8"},
                      {"HOME", "/nonexistent"},           {"GIT_CONFIG_NOSYSTEM", "1"},
                      {"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_TERMINAL_PROMPT", "0"},
                      {"GIT_OPTIONAL_LOCKS", "0"},        {"GIT_ALLOW_PROTOCOL", "none"},
                      {"GIT_LITERAL_PATHSPECS", "1"}};
  // Named, not searched for: git would refuse a directory of another user.
  if (!git_dir.empty()) spec.environment.emplace_back("GIT_DIR", git_dir);
  spec.limits.max_output_bytes = 512ull << 20;
  const activities::ProcessOutcome outcome = activities::RunProcess(spec);
  if (outcome.kind != activities::ProcessOutcome::Kind::kExited) {
    return Internal("git did not end by itself: " + outcome.start_error);
  }
  if (outcome.out.truncated) return ResourceExhausted("the difference is larger than 512 MiB");
  return Ran{outcome.exit_code, outcome.out.text, outcome.err.text};
}

Result<std::string> GitOutput(const activities::Repository& repository, std::vector<std::string> arguments) {
  WFE_ASSIGN_OR_RETURN(Ran ran, RunGit(repository.git_dir, std::move(arguments), repository.git_dir));
  if (ran.exit_code != 0) return FailedPrecondition("git: " + activities::Printable(ran.err));
  return std::move(ran.out);
}

Result<std::map<std::string, FileVersion>> TreeOf(std::string_view blob) {
  std::map<std::string, FileVersion> files;
  if (blob.empty()) return files;
  WFE_ASSIGN_OR_RETURN(const TemporaryDirectory temporary, TemporaryDirectory::Make("wfe-tree"));
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, OpenTree(temporary.path()));
  WFE_ASSIGN_OR_RETURN(const auto tree, activities::UnpackTree(blob, dir, {.limits = Limits()}));
  for (const activities::FileState& file : tree.files) {
    WFE_ASSIGN_OR_RETURN(std::string content, dir.Read(file.path));
    files[file.path] = {.content = std::move(content), .mode = file.mode, .link = false};
  }
  return files;
}

/// As it is in a directory; nullopt when it is not there.
Result<std::optional<FileVersion>> Present(const SafeDir& dir, const std::string& path) {
  WFE_ASSIGN_OR_RETURN(const auto entry, dir.Stat(path));
  if (!entry) return std::optional<FileVersion>();
  if (entry->kind == activities::FileKind::kSymlink) {
    std::array<char, 4096> target;
    const ssize_t length = ::readlinkat(dir.fd(), path.c_str(), target.data(), target.size());
    if (length < 0) return NotFound(path + " has gone");
    return std::optional(FileVersion{std::string(target.data(), static_cast<size_t>(length)), 0777, true});
  }
  if (entry->kind != activities::FileKind::kFile) return FailedPrecondition(path + " is no file any more");
  WFE_ASSIGN_OR_RETURN(std::string content, dir.Read(path, kLargestFile));
  return std::optional(FileVersion{std::move(content), entry->mode & 0777u, false});
}

/// Equal but for permission bits that git does not know either.
bool Same(const std::optional<FileVersion>& a, const std::optional<FileVersion>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->content == b->content && a->link == b->link && ((a->mode ^ b->mode) & 0100u) == 0;
}

bool IsText(const FileVersion& file) { return !file.link && file.content.find('\0') == std::string::npos; }

/// Both changes in one file; nullopt when they touch the same lines.
Result<std::optional<FileVersion>> Merge(const FileVersion& mine, const FileVersion& before, const FileVersion& after) {
  if (!IsText(mine) || !IsText(before) || !IsText(after)) return std::optional<FileVersion>();
  WFE_ASSIGN_OR_RETURN(const TemporaryDirectory temporary, TemporaryDirectory::Make("wfe-merge"));
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, OpenTree(temporary.path()));
  WFE_RETURN_IF_ERROR(dir.Write("mine", mine.content));
  WFE_RETURN_IF_ERROR(dir.Write("before", before.content));
  WFE_RETURN_IF_ERROR(dir.Write("after", after.content));
  WFE_ASSIGN_OR_RETURN(Ran ran, RunGit(temporary.path(), {"merge-file", "-p", "mine", "before", "after"}));
  if (ran.exit_code != 0) return std::optional<FileVersion>();
  return std::optional(FileVersion{std::move(ran.out), after.mode != before.mode ? after.mode : mine.mode, false});
}

/// The two directories are called a and b, as git calls the two sides, but it writes one of them twice for a file that
/// is on one side only, and both into the summary.
std::string InGitsOwnNames(const std::string& patch) {
  std::string out;
  for (size_t at = 0; at < patch.size();) {
    const size_t end = std::min(patch.find('\n', at), patch.size() - 1);
    std::string line = patch.substr(at, end + 1 - at);
    at = end + 1;
    constexpr std::string_view kHeader = "diff --git ";
    if (line.starts_with(kHeader)) {
      // "SIDE/PATH SIDE/PATH": both halves are equally long.
      const size_t half = kHeader.size() + (line.size() - 1 - kHeader.size()) / 2;
      for (const size_t name : {kHeader.size(), half + 1}) {
        const size_t side = name < line.size() && line[name] == '"' ? name + 1 : name;
        if (side < line.size()) line[side] = name == half + 1 ? 'b' : 'a';
      }
    }
    out += line;
  }
  return out;
}

}  // namespace

Result<std::vector<FileChange>> ChangesBetween(std::string_view before, std::string_view after) {
  WFE_ASSIGN_OR_RETURN(auto old_files, TreeOf(before));
  WFE_ASSIGN_OR_RETURN(auto new_files, TreeOf(after));
  std::vector<FileChange> changes;
  for (auto& [path, file] : old_files) {
    const auto now = new_files.find(path);
    if (now == new_files.end()) {
      changes.push_back({path, std::move(file), std::nullopt});
    } else if (!Same(file, now->second)) {
      changes.push_back({path, std::move(file), std::move(now->second)});
    }
    if (now != new_files.end()) new_files.erase(now);
  }
  for (auto& [path, file] : new_files) changes.push_back({path, std::nullopt, std::move(file)});
  std::sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return changes;
}

Result<std::vector<FileChange>> ChangesBetweenCommits(const std::string& directory, const std::string& from,
                                                      const std::string& to) {
  WFE_ASSIGN_OR_RETURN(const activities::Repository repository, activities::FindRepository(directory));
  WFE_ASSIGN_OR_RETURN(const std::string raw, GitOutput(repository, {"diff-tree", "-r", "-z", "--raw", "--no-renames",
                                                                     "--no-abbrev", "--end-of-options", from, to}));
  std::vector<FileChange> changes;
  const auto version = [&](const std::string& mode, const std::string& object) -> Result<std::optional<FileVersion>> {
    if (mode == "000000" || mode == "160000") return std::optional<FileVersion>();
    WFE_ASSIGN_OR_RETURN(std::string content, GitOutput(repository, {"cat-file", "blob", object}));
    return std::optional(FileVersion{std::move(content), mode == "100755" ? 0755u : 0644u, mode == "120000"});
  };
  // ":MODE MODE OBJECT OBJECT STATUS\0PATH\0"
  for (size_t at = 0; at < raw.size();) {
    const size_t end = raw.find('\0', at);
    const size_t path_end = end == std::string::npos ? end : raw.find('\0', end + 1);
    if (path_end == std::string::npos) return Internal("git diff-tree printed something unexpected");
    const std::string head = raw.substr(at, end - at);
    FileChange change{.path = raw.substr(end + 1, path_end - end - 1), .before = {}, .after = {}};
    at = path_end + 1;
    const size_t length = (head.size() - 18) / 2;  // of an object's name; two modes, blanks and a letter around them
    WFE_ASSIGN_OR_RETURN(change.before, version(head.substr(1, 6), head.substr(15, length)));
    WFE_ASSIGN_OR_RETURN(change.after, version(head.substr(8, 6), head.substr(16 + length, length)));
    if (change.before || change.after) changes.push_back(std::move(change));
  }
  return changes;
}

Result<std::string> RenderPatch(const std::vector<FileChange>& changes, bool stat) {
  WFE_ASSIGN_OR_RETURN(const TemporaryDirectory temporary, TemporaryDirectory::Make("wfe-diff"));
  for (const char* side : {"a", "b"}) {
    std::error_code error;
    fs::create_directory(temporary.path() + "/" + side, error);
    WFE_ASSIGN_OR_RETURN(const SafeDir dir, OpenTree(temporary.path() + "/" + side));
    for (const FileChange& change : changes) {
      const std::optional<FileVersion>& file = side[0] == 'a' ? change.before : change.after;
      if (!file) continue;
      const fs::path full = fs::path(dir.path()) / change.path;
      fs::create_directories(full.parent_path(), error);
      if (file->link) {
        fs::create_symlink(file->content, full, error);
        continue;
      }
      // Names that no agent may write can stand in a user's repository; they are only shown here.
      const int fd = ::open(full.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file->mode | 0600u);
      if (fd < 0) return Internal("cannot write " + full.string());
      const ssize_t written = ::write(fd, file->content.data(), file->content.size());
      ::close(fd);
      if (written != static_cast<ssize_t>(file->content.size())) return Internal("cannot write " + full.string());
    }
  }
  std::vector<std::string> arguments = {"diff",          "--no-index",    "--no-prefix",
                                        "--no-ext-diff", "--no-textconv", "--no-renames"};
  arguments.insert(arguments.end(), {"--binary", "a", "b"});
  WFE_ASSIGN_OR_RETURN(Ran ran, RunGit(temporary.path(), std::move(arguments)));
  if (ran.exit_code > 1) return Internal("git diff failed: " + activities::Printable(ran.err));
  const std::string patch = InGitsOwnNames(ran.out);
  if (!stat || patch.empty()) return patch;
  const std::string file = temporary.path() + "/patch";
  std::ofstream(file, std::ios::binary) << patch;
  WFE_ASSIGN_OR_RETURN(Ran summary, RunGit(temporary.path(), {"apply", "--stat", file}));
  if (summary.exit_code != 0) return Internal("git apply --stat failed: " + activities::Printable(summary.err));
  return summary.out;
}

std::vector<FileChange> Reversed(std::vector<FileChange> changes) {
  for (FileChange& change : changes) std::swap(change.before, change.after);
  return changes;
}

Result<ApplyPlan> PlanApply(const std::vector<FileChange>& changes, const std::string& directory, bool merge) {
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, OpenTree(directory));
  ApplyPlan plan;
  for (const FileChange& change : changes) {
    auto present = Present(dir, change.path);
    if (!present) {
      plan.conflicts.push_back(change.path);
      continue;
    }
    const std::optional<FileVersion>& now = *present;
    if (Same(now, change.after)) continue;
    if (Same(now, change.before)) {
      plan.writes.push_back({change.path, now, change.after});
      continue;
    }
    std::optional<FileVersion> both;
    if (merge && now && change.before && change.after) {
      WFE_ASSIGN_OR_RETURN(both, Merge(*now, *change.before, *change.after));
    }
    if (!both) {
      plan.conflicts.push_back(change.path);
      continue;
    }
    if (Same(now, both)) continue;  // applied before, and changed elsewhere since
    plan.merged.push_back(change.path);
    plan.writes.push_back({change.path, now, std::move(both)});
  }
  return plan;
}

Status Write(const std::vector<PlannedWrite>& writes, const std::string& directory) {
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, OpenTree(directory));
  // What goes first makes room: a file may become a directory.
  for (const PlannedWrite& write : writes) {
    if (write.becomes && !write.becomes->link && !(write.was && write.was->link)) continue;
    WFE_RETURN_IF_ERROR(dir.Remove(write.path));
    if (write.becomes) continue;
    // Directories that are empty now were the build's; rmdir refuses all others.
    for (size_t slash = write.path.rfind('/'); slash != std::string::npos && slash > 0;
         slash = write.path.rfind('/', slash - 1)) {
      if (::unlinkat(dir.fd(), write.path.substr(0, slash).c_str(), AT_REMOVEDIR) != 0) break;
    }
  }
  for (const PlannedWrite& write : writes) {
    if (!write.becomes) continue;
    if (write.becomes->link) {
      const size_t slash = write.path.rfind('/');
      if (slash != std::string::npos) WFE_RETURN_IF_ERROR(dir.MakeDirectories(write.path.substr(0, slash)));
      if (::symlinkat(write.becomes->content.c_str(), dir.fd(), write.path.c_str()) != 0) {
        return Internal("cannot make the link " + write.path);
      }
      continue;
    }
    WFE_RETURN_IF_ERROR(dir.Write(write.path, write.becomes->content, write.becomes->mode));
  }
  return Ok();
}

}  // namespace wfe::cli
