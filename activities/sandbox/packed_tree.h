// A tree as one blob: files, symbolic links (as links) and empty directories, with their permission bits.
//
//   "wfe-tree-2\n"  COUNT  COUNT x ( LENGTH PATH  KIND|MODE  LENGTH CONTENT )  SHA-256 of all before
//
// Numbers are 8 bytes, little-endian; entries are sorted by path.  Blobs of earlier versions begin with "wfe-tree-1\n" and
// hold files only: of them nobody knows which links and empty directories there were.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/tree_snapshot.h"
#include "engine/base/result.h"

namespace wfe::sandbox {

struct PackedEntry {
  std::string path;
  FileKind kind = FileKind::kFile;  ///< kFile, kSymlink, or kDirectory of an empty one.
  uint32_t mode = 0;                ///< Permission bits of a file.
  std::string_view content;         ///< Of a link: its target.  Part of the blob.
};

struct PackedTree {
  bool whole = true;  ///< With links and empty directories; false: of an earlier version, which left them out.
  std::vector<PackedEntry> entries;

  const PackedEntry* Find(std::string_view path) const;
};

/// Puts entries, which come sorted by path, into a blob.
class TreeWriter {
 public:
  void Add(std::string_view path, FileKind kind, uint32_t mode, std::string_view content);
  std::string Finish() const;

 private:
  std::string entries_;
  uint64_t count_ = 0;
};

/// What a blob holds; its contents point into `blob`.  DATA_LOSS when it is damaged, PERMISSION_DENIED for a path that
/// `dir` refuses, RESOURCE_EXHAUSTED above a limit.
Result<PackedTree> ReadTree(std::string_view blob, const SafeDir& dir, const SnapshotOptions& limits);

/// The paths, sorted, where `now` is neither as `left` nor as `next` has it.  A build left the one and is about to
/// write the other: what differs from both is somebody else's work and would be lost.
std::vector<std::string> WorkOfOthers(const PackedTree& now, const PackedTree& left, const PackedTree& next);
/// The same of three blobs.  Any directory will do for `dir`.
Result<std::vector<std::string>> WorkOfOthers(const SafeDir& dir, std::string_view now, std::string_view left,
                                              std::string_view next);

/// "a.txt, b.txt, c.txt and 4 more".
std::string FirstFew(const std::vector<std::string>& paths);

}  // namespace wfe::sandbox
