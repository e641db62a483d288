// What a directory holds at one moment, what changed since, and the whole tree as one blob that can be put back
// somewhere else (files_touched of LG-12; host recovery).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "activities/sandbox/safe_files.h"
#include "engine/base/record.h"
#include "engine/base/result.h"

namespace wfe::sandbox {

struct FileState {
  std::string path;    ///< Relative, '/' between components.
  uint64_t size = 0;   ///< Bytes.
  std::string sha256;  ///< Lower-case hex of the content; of a symbolic link: of its target text.
  uint32_t mode = 0;   ///< Permission bits.
  bool symlink = false;

  friend bool operator==(const FileState&, const FileState&) = default;
};
WFE_RECORD(FileState, path, size, sha256, mode, symlink);
constexpr RecordRules RulesOf(const FileState*) { return {.whole = true, .seldom = "symlink"}; }

struct TreeSnapshot {
  std::vector<FileState> files;       ///< Sorted by path (bytewise).
  std::vector<std::string> left_out;  ///< Names that no path can hold (a line end, not UTF-8), made printable.

  /// One hash for the whole tree (paths, kinds, modes and contents).
  std::string Hash() const;
  const FileState* Find(std::string_view path) const;
  friend bool operator==(const TreeSnapshot&, const TreeSnapshot&) = default;
};
WFE_RECORD(TreeSnapshot, files, left_out);
constexpr RecordRules RulesOf(const TreeSnapshot*) { return {.whole = true, .seldom = "left_out"}; }

struct SnapshotOptions {
  /// Names left out at any depth.
  std::vector<std::string> excluded = {"node_modules", ".venv", ".git", ".gemini", ".wfe", "audit_trace.jsonl"};
  size_t max_files = 20'000;
  uint64_t max_file_bytes = 64ull << 20;
  uint64_t max_total_bytes = 512ull << 20;
  /// PackTree: values that must stand in no kept tree; a file that holds one is withheld.
  std::vector<std::string> secrets = {};
  /// PackTree: gets the paths of the files that were withheld (IsPrivateFile, or a secret in them), sorted.
  std::vector<std::string>* withheld = nullptr;
};

/// Reads every file.  RESOURCE_EXHAUSTED names the limit and the file that went over it.  Sockets, pipes and devices
/// are left out; in a directory with more files than the limit those that git ignores are too.
Result<TreeSnapshot> TakeSnapshot(const SafeDir& dir, const SnapshotOptions& options = {});

/// Each list sorted.  A changed mode or kind counts as changed.
struct TreeDiff {
  std::vector<std::string> created;
  std::vector<std::string> changed;
  std::vector<std::string> deleted;

  bool empty() const { return created.empty() && changed.empty() && deleted.empty(); }
  /// All three lists merged and sorted: `files_touched` of LG-12.
  std::vector<std::string> Touched() const;
};
TreeDiff Diff(const TreeSnapshot& before, const TreeSnapshot& after);

/// The tree as one deterministic blob (packed_tree.h): equal trees give equal bytes.  Symbolic links are in it as links,
/// wherever they point; what checks left (ProductsOfChecks) is not, nor what is withheld: the user's `.env` and its like.
Result<std::string> PackTree(const SafeDir& dir, const SnapshotOptions& options = {});

struct UnpackOptions {
  /// Also delete what PackTree would pack here and the blob does not have; what PackTree leaves out stays.
  bool delete_others = false;
  SnapshotOptions limits;  ///< Checked against the blob before anything is written.
};
/// Writes the files, links and empty directories of a blob from PackTree below `dir`, none of them through a link.
/// DATA_LOSS when the blob is damaged (it ends in its own hash), PERMISSION_DENIED when it holds a path that `dir`
/// refuses.  Nothing is written unless the whole blob is sound.
Result<TreeSnapshot> UnpackTree(std::string_view blob, const SafeDir& dir, const UnpackOptions& options = {});

}  // namespace wfe::sandbox
