#include "tools/wfe/build_changes.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "activities/build/workspace/git.h"
#include "activities/sandbox/packed_tree.h"
#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/text.h"
#include "tools/wfe/build_git.h"
#include "tools/wfe/temporary_directory.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;
using sandbox::SafeDir;

sandbox::SnapshotOptions Limits() { return {.excluded = {}, .max_files = 200'000, .max_total_bytes = 1ull << 30}; }

Result<std::string> GitOutput(const build::Repository& repository, std::vector<std::string> arguments) {
  WFE_ASSIGN_OR_RETURN(GitRun ran, RunGit(repository.git_dir, std::move(arguments), repository.git_dir));
  if (ran.exit_code != 0) return FailedPrecondition("git: " + sandbox::Printable(ran.err));
  return std::move(ran.out);
}

struct Tree {
  bool whole = true;
  std::map<std::string, FileVersion> files;
};

Result<Tree> TreeOf(std::string_view blob) {
  Tree tree;
  if (blob.empty()) return tree;
  WFE_ASSIGN_OR_RETURN(const TemporaryDirectory temporary, TemporaryDirectory::Make("wfe-tree"));
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, OpenTree(temporary.path()));  // knows which paths are fine
  WFE_ASSIGN_OR_RETURN(const sandbox::PackedTree packed, sandbox::ReadTree(blob, dir, Limits()));
  tree.whole = packed.whole;
  for (const sandbox::PackedEntry& entry : packed.entries) {
    const bool file = entry.kind == sandbox::FileKind::kFile;
    tree.files[entry.path] = {.content = std::string(entry.content),
                              .mode = file ? entry.mode : 0777u,
                              .link = entry.kind == sandbox::FileKind::kSymlink,
                              .directory = entry.kind == sandbox::FileKind::kDirectory};
  }
  return tree;
}

bool HasBelow(const std::map<std::string, FileVersion>& files, const std::string& path) {
  const auto below = files.lower_bound(path + "/");
  return below != files.end() && below->first.starts_with(path + "/");
}

/// What is there at `path` when the tree does not name it: a directory, where something is in it.
std::optional<FileVersion> Unnamed(const std::map<std::string, FileVersion>& files, const std::string& path,
                                   const FileVersion& other) {
  if (other.directory && HasBelow(files, path)) return other;
  return std::nullopt;
}

/// What a patch cannot say, a line each.
std::string Remarks(const std::vector<FileChange>& changes) {
  std::string text;
  for (const FileChange& change : changes) {
    const std::string path = sandbox::Printable(change.path);
    const auto mode = [](const FileVersion& file) { return fmt::format("{:04o}", file.mode); };
    if (!change.Shown()) continue;
    if (change.before && change.before->directory) text += "# deleted empty directory " + path + "\n";
    if (change.after && change.after->directory) text += "# new empty directory " + path + "\n";
    if (!change.before || !change.after || change.before->link || change.after->link) continue;
    if (change.before->directory || change.after->directory) continue;
    // A changed bit that git knows stands in the patch itself.
    const uint32_t changed = change.before->mode ^ change.after->mode;
    if (changed != 0 && (changed & 0100u) == 0) {
      text += "# mode of " + path + ": " + mode(*change.after) + ", before " + mode(*change.before) + "\n";
    }
  }
  return text;
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

std::vector<std::string> PathsOf(const std::vector<FileChange>& changes) {
  std::vector<std::string> paths;
  for (const FileChange& change : changes) {
    if (change.Shown()) paths.push_back(change.path);
  }
  return paths;
}

Result<std::vector<FileChange>> ChangesBetween(std::string_view before, std::string_view after) {
  WFE_ASSIGN_OR_RETURN(Tree old_tree, TreeOf(before));
  WFE_ASSIGN_OR_RETURN(Tree new_tree, TreeOf(after));
  if (!old_tree.whole || !new_tree.whole) {
    for (Tree* tree : {&old_tree, &new_tree}) {
      std::erase_if(tree->files, [](const auto& file) { return file.second.link || file.second.directory; });
    }
  }
  std::vector<FileChange> changes;
  for (const auto& [path, file] : old_tree.files) {
    const auto now = new_tree.files.find(path);
    if (now == new_tree.files.end()) {
      changes.push_back({path, file, Unnamed(new_tree.files, path, file)});
    } else if (file != now->second) {
      changes.push_back({path, file, now->second});
    }
  }
  for (const auto& [path, file] : new_tree.files) {
    if (!old_tree.files.contains(path)) changes.push_back({path, Unnamed(old_tree.files, path, file), file});
  }
  std::sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return changes;
}

Result<std::vector<FileChange>> ChangesBetweenCommits(const std::string& directory, const std::string& from,
                                                      const std::string& to) {
  WFE_ASSIGN_OR_RETURN(const build::Repository repository, build::FindRepository(directory));
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
      if (!file || file->directory) continue;
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
  WFE_ASSIGN_OR_RETURN(GitRun ran, RunGit(temporary.path(), std::move(arguments)));
  if (ran.exit_code > 1) return Internal("git diff failed: " + sandbox::Printable(ran.err));
  const std::string patch = InGitsOwnNames(ran.out);
  const std::string remarks = Remarks(changes);
  if (!stat || patch.empty()) return remarks + patch;
  const std::string file = temporary.path() + "/patch";
  std::ofstream(file, std::ios::binary) << patch;
  WFE_ASSIGN_OR_RETURN(GitRun summary, RunGit(temporary.path(), {"apply", "--stat", file}));
  if (summary.exit_code != 0) return Internal("git apply --stat failed: " + sandbox::Printable(summary.err));
  return remarks + summary.out;
}

}  // namespace wfe::cli
