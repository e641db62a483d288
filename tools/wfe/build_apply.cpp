// Putting a build's changes into a directory, or taking them out: planned as a whole, then written.
#include <algorithm>
#include <map>
#include <set>

#include "activities/sandbox/safe_links.h"
#include "tools/wfe/build_changes.h"
#include "tools/wfe/build_git.h"
#include "tools/wfe/temporary_directory.h"

namespace wfe::cli {
namespace {

using sandbox::FileKind;
using sandbox::SafeDir;

bool IsFile(const std::optional<FileVersion>& file) { return file && !file->link && !file->directory; }

/// Equal but for permission bits that git does not know either.  A link and a directory have none that count.
bool Same(const std::optional<FileVersion>& a, const std::optional<FileVersion>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  if (a->content != b->content || a->link != b->link || a->directory != b->directory) return false;
  return !IsFile(a) || ((a->mode ^ b->mode) & 0100u) == 0;
}

bool IsText(const FileVersion& file) {
  return !file.link && !file.directory && file.content.find('\0') == std::string::npos;
}

/// Both changes in one file; nullopt when they touch the same lines.
Result<std::optional<FileVersion>> Merge(const FileVersion& mine, const FileVersion& before, const FileVersion& after) {
  if (!IsText(mine) || !IsText(before) || !IsText(after)) return std::optional<FileVersion>();
  WFE_ASSIGN_OR_RETURN(const TemporaryDirectory temporary, TemporaryDirectory::Make("wfe-merge"));
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, OpenTree(temporary.path()));
  WFE_RETURN_IF_ERROR(dir.Write("mine", mine.content));
  WFE_RETURN_IF_ERROR(dir.Write("before", before.content));
  WFE_RETURN_IF_ERROR(dir.Write("after", after.content));
  WFE_ASSIGN_OR_RETURN(GitRun ran, RunGit(temporary.path(), {"merge-file", "-p", "mine", "before", "after"}));
  if (ran.exit_code != 0) return std::optional<FileVersion>();
  return std::optional(FileVersion{std::move(ran.out), after.mode != before.mode ? after.mode : mine.mode, false});
}

/// What of a change set is in a directory.
class Present {
 public:
  Present(const SafeDir& dir, const std::vector<FileChange>& changes) : dir_(dir) {
    for (const FileChange& change : changes) changes_[change.path] = &change;
  }

  /// As it is there now; an error says why nothing may be written.
  Result<std::optional<FileVersion>> At(const FileChange& change) const {
    WFE_ASSIGN_OR_RETURN(const std::string obstacle, OnTheWay(change.path));
    if (!obstacle.empty()) {
      if (!change.after || Goes(obstacle)) return std::optional<FileVersion>();
      return FailedPrecondition(obstacle + " is no directory");
    }
    WFE_ASSIGN_OR_RETURN(const auto entry, dir_.Stat(change.path));
    if (!entry) return std::optional<FileVersion>();
    switch (entry->kind) {
      case FileKind::kSymlink: {
        WFE_ASSIGN_OR_RETURN(std::string target, sandbox::ReadLink(dir_, change.path));
        return std::optional(FileVersion{std::move(target), 0777, true});
      }
      case FileKind::kFile: {
        WFE_ASSIGN_OR_RETURN(std::string content, dir_.Read(change.path));
        return std::optional(FileVersion{std::move(content), entry->mode & 0777u, false});
      }
      case FileKind::kDirectory:
        return Directory(change);
      case FileKind::kOther:
        break;
    }
    return FailedPrecondition(change.path + " is no file any more");
  }

 private:
  /// The first thing on the way to `path` that is no directory; empty: none.
  Result<std::string> OnTheWay(const std::string& path) const {
    for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      const std::string parent = path.substr(0, slash);
      WFE_ASSIGN_OR_RETURN(const auto entry, dir_.Stat(parent));
      if (!entry) break;
      if (entry->kind != FileKind::kDirectory) return parent;
    }
    return std::string();
  }

  /// The changes take away what is at `path`, or make a directory of it.
  bool Goes(const std::string& path) const {
    const auto found = changes_.find(path);
    return found != changes_.end() && (!found->second->after || found->second->after->directory);
  }

  /// The changes make a directory of it by putting something in it.
  bool BecomesDirectory(const std::string& path) const {
    for (auto below = changes_.lower_bound(path + "/"); below != changes_.end(); ++below) {
      if (!below->first.starts_with(path + "/")) return false;
      if (below->second->after) return true;
    }
    return false;
  }

  /// A directory where a file or a link shall be is as good as gone when all that is in it goes.
  Result<std::optional<FileVersion>> Directory(const FileChange& change) const {
    const FileVersion directory{.content = {}, .mode = 0777, .link = false, .directory = true};
    if (!change.after && !change.before->directory && BecomesDirectory(change.path)) return std::optional<FileVersion>();
    if (!change.after || change.after->directory) return std::optional(directory);
    WFE_ASSIGN_OR_RETURN(const SafeDir all, SafeDir::Open(dir_.path(), {.reserved = {}, .max_path_bytes = 4096}));
    WFE_ASSIGN_OR_RETURN(const auto entries,
                         all.List(change.path, {.include_directories = true, .max_entries = 200'000}));
    std::set<std::string> parents;
    for (const auto& entry : entries) parents.insert(entry.path.substr(0, entry.path.rfind('/')));
    for (const auto& entry : entries) {
      const bool emptied = entry.kind == FileKind::kDirectory && parents.contains(entry.path);
      if (!emptied && !Goes(entry.path)) return FailedPrecondition(entry.path + " is there too");
    }
    return change.before && change.before->directory ? std::optional(directory) : std::optional<FileVersion>();
  }

  const SafeDir& dir_;
  std::map<std::string, const FileChange*> changes_;
};

/// Whether `now` is what the changes lead to.  Permission bits count in full where the changes change them.
bool IsThere(const std::optional<FileVersion>& now, const FileChange& change) {
  if (!Same(now, change.after)) return false;
  if (!IsFile(now) || !IsFile(change.before)) return true;
  return change.before->mode == change.after->mode || now->mode == change.after->mode;
}

/// Directories that are empty now were the build's; rmdir refuses all others.
Status RemoveEmptiedParents(const SafeDir& dir, std::string path) {
  for (size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0; slash = path.rfind('/')) {
    path.resize(slash);
    WFE_ASSIGN_OR_RETURN(const bool gone, sandbox::RemoveEmptyDirectory(dir, path));
    if (!gone) break;
  }
  return Ok();
}

/// What goes makes room: a file may become a directory, and the other way round.
Status Clear(const SafeDir& dir, const PlannedWrite& write) {
  const bool was_directory = write.was && write.was->directory;
  const bool stays = write.becomes && write.becomes->directory == was_directory;
  if (!write.was || stays) return Ok();
  if (was_directory) {
    WFE_ASSIGN_OR_RETURN(const bool gone, sandbox::RemoveEmptyDirectory(dir, write.path));
    if (!gone && write.becomes) return FailedPrecondition("the directory " + write.path + " is not empty");
  } else {
    WFE_RETURN_IF_ERROR(dir.Remove(write.path));
  }
  return write.becomes ? Ok() : RemoveEmptiedParents(dir, write.path);
}

}  // namespace

std::vector<std::string> PathsOf(const std::vector<PlannedWrite>& writes) {
  std::vector<std::string> paths;
  for (const PlannedWrite& write : writes) {
    const bool kept = write.was && write.becomes && write.was->directory && write.becomes->directory;
    if (!kept) paths.push_back(write.path);
  }
  return paths;
}

std::vector<FileChange> Reversed(std::vector<FileChange> changes) {
  for (FileChange& change : changes) std::swap(change.before, change.after);
  return changes;
}

Result<ApplyPlan> PlanApply(const std::vector<FileChange>& changes, const std::string& directory,
                            OnConflict on_conflict) {
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, OpenTree(directory));
  const Present present(dir, changes);
  ApplyPlan plan;
  std::vector<PlannedWrite> kept;
  for (const FileChange& change : changes) {
    const auto now = present.At(change);
    if (!now) {
      plan.conflicts.push_back(change.path);
      continue;
    }
    if (!change.Shown()) {
      if (*now) kept.push_back({change.path, *now, change.after});
      continue;
    }
    if (IsThere(*now, change)) continue;
    if (Same(*now, change.before) || Same(*now, change.after)) {
      plan.writes.push_back({change.path, *now, change.after});
      // What the build did not touch stays the user's.
      if (IsFile(*now) && IsFile(change.before) && IsFile(change.after) && change.before->mode == change.after->mode) {
        plan.writes.back().becomes->mode = (*now)->mode;
      }
      continue;
    }
    std::optional<FileVersion> both;
    if (on_conflict == OnConflict::kMerge && *now && change.before && change.after) {
      WFE_ASSIGN_OR_RETURN(both, Merge(**now, *change.before, *change.after));
    }
    if (!both) {
      plan.conflicts.push_back(change.path);
      continue;
    }
    if (Same(*now, both)) continue;  // applied before, and changed elsewhere since
    plan.merged.push_back(change.path);
    plan.writes.push_back({change.path, *now, std::move(both)});
  }
  if (!plan.writes.empty()) plan.writes.insert(plan.writes.end(), kept.begin(), kept.end());
  return plan;
}

Status Write(const std::vector<PlannedWrite>& writes, const std::string& directory) {
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, OpenTree(directory));
  std::vector<const PlannedWrite*> sorted;
  for (const PlannedWrite& write : writes) sorted.push_back(&write);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->path < b->path; });
  // What is deeper goes first.
  for (auto write = sorted.rbegin(); write != sorted.rend(); ++write) WFE_RETURN_IF_ERROR(Clear(dir, **write));
  for (const PlannedWrite* write : sorted) {
    if (!write->becomes) continue;
    if (write->becomes->directory) {
      WFE_RETURN_IF_ERROR(dir.MakeDirectories(write->path));
    } else if (write->becomes->link) {
      WFE_RETURN_IF_ERROR(sandbox::MakeLink(dir, write->path, write->becomes->content));
    } else {
      WFE_RETURN_IF_ERROR(dir.Write(write->path, write->becomes->content, write->becomes->mode));
    }
  }
  return Ok();
}

}  // namespace wfe::cli
