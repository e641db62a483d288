// What a build changed: file by file, as a patch, and put into a directory or taken out of it again.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace wfe::cli {

struct FileVersion {
  std::string content;  ///< Of a link: its target.
  uint32_t mode = 0644;
  bool link = false;
  bool directory = false;  ///< One with nothing in it; has no content.
  friend bool operator==(const FileVersion&, const FileVersion&) = default;
};

/// nullopt: the file is not there.  On both sides a directory: it is empty on one side and only there because of what is
/// in it on the other; nothing to show, but putting things into place must not lose it.
struct FileChange {
  std::string path;  ///< Relative to the tree's root.
  std::optional<FileVersion> before;
  std::optional<FileVersion> after;

  bool Shown() const { return !(before && after && before->directory && after->directory); }
};

/// Of those that are shown.
std::vector<std::string> PathsOf(const std::vector<FileChange>& changes);

/// What differs between two packed trees (PackTree), sorted by path.  `before` may be empty: an empty tree.  Links and
/// empty directories differ only where both trees tell of them (PackedTree::whole).
Result<std::vector<FileChange>> ChangesBetween(std::string_view before, std::string_view after);

/// What differs between two commits of the repository around `directory`, sorted by path.  Paths begin at the
/// repository's top.
Result<std::vector<FileChange>> ChangesBetweenCommits(const std::string& directory, const std::string& from,
                                                      const std::string& to);

/// The changes as git's unified diff, by the program git; above it, after "# ", what such a diff cannot say: empty
/// directories and permission bits.  `stat`: only the summary a file.
Result<std::string> RenderPatch(const std::vector<FileChange>& changes, bool stat);

// ---- putting changes into a directory ----

/// One file of a directory, ready to be written.
struct PlannedWrite {
  std::string path;
  std::optional<FileVersion> was;  ///< As it is there now.
  std::optional<FileVersion> becomes;
};

std::vector<std::string> PathsOf(const std::vector<PlannedWrite>& writes);

struct ApplyPlan {
  std::vector<PlannedWrite> writes;
  std::vector<std::string> merged;     ///< Changed on both sides, in different places.
  std::vector<std::string> conflicts;  ///< Changed on both sides in the same place; then nothing may be written.
};

enum class OnConflict {
  kRefuse,
  kMerge,  ///< Files changed on both sides are merged where they can be (git merge-file).
};

/// Compares each file with what is in `directory`.  Files that are there as the build left them need no write.  A link or
/// a file that stands on the way to a path counts as nothing there where the changes take it away, else as a conflict.
Result<ApplyPlan> PlanApply(const std::vector<FileChange>& changes, const std::string& directory,
                            OnConflict on_conflict);

/// Writes all of it, never through a link; directories that an undo empties go too.
Status Write(const std::vector<PlannedWrite>& writes, const std::string& directory);

/// The changes the other way round.
std::vector<FileChange> Reversed(std::vector<FileChange> changes);

/// What was written, so that it can be taken back: kept below $XDG_STATE_HOME/wfe/applied.
Status RememberApplied(const std::string& run_id, const std::string& directory,
                       const std::vector<PlannedWrite>& writes);
struct Applied {
  std::string directory;
  std::vector<FileChange> changes;
};
/// nullopt: this run was not applied on this machine.
Result<std::optional<Applied>> FindApplied(const std::string& run_id);
void ForgetApplied(const std::string& run_id);

}  // namespace wfe::cli
