#include "activities/sandbox/tree_snapshot.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "activities/sandbox/check_products.h"
#include "activities/sandbox/packed_tree.h"
#include "activities/sandbox/safe_links.h"
#include "activities/sandbox/source_files.h"
#include "activities/sandbox/text.h"
#include "activities/sandbox/withheld.h"
#include "engine/base/hash.h"

namespace wfe::sandbox {
namespace {

/// The same directory by the limits of snapshots: a file that was packed is written again, however large the files are
/// that an agent may write.
Result<SafeDir> Roomy(const SafeDir& dir, const SnapshotOptions& options, std::vector<std::string> reserved) {
  SafeDirOptions own = dir.options();
  own.reserved = std::move(reserved);
  own.max_file_bytes = options.max_file_bytes;
  own.max_path_bytes = 4096;
  // Through the descriptor: the directory may have been renamed since it was opened.
  return SafeDir::Open("/proc/self/fd/" + std::to_string(dir.fd()), own);
}

/// The snapshot reads names that are reserved for agents too, unless the options leave them out.
Result<SafeDir> Unreserved(const SafeDir& dir, const SnapshotOptions& options) { return Roomy(dir, options, {}); }

/// Names that no path of ours can hold (a line end, invalid UTF-8) are left out and told apart: they are nothing an
/// agent wrote, and no reason to stop (SEC-M6).
std::vector<std::string> LeaveOutOddNames(const SafeDir& dir, std::vector<SafeEntry>& entries) {
  std::vector<std::string> odd;
  std::erase_if(entries, [&](const SafeEntry& entry) {
    if (dir.CheckPath(entry.path)) return false;
    odd.push_back(Printable(entry.path));
    return true;
  });
  return odd;
}

/// What a directory holds.
struct Listing {
  std::vector<SafeEntry> entries;        ///< Files and links.
  std::vector<std::string> directories;  ///< All of them, sorted; none where only what git does not ignore is listed.
  std::vector<std::string> left_out;     ///< Names that no path can hold.
};

/// What git does not ignore, for a directory with more files than the limit: those that are built are not its source.
Result<Listing> WithoutIgnored(const SafeDir& dir, const SnapshotOptions& options) {
  WFE_ASSIGN_OR_RETURN(const SourceFiles found, FindSourceFiles(dir, options.max_files));
  Listing listing;
  for (const std::string& path : found.files) {
    const auto entry = dir.Stat(path);
    if (entry && entry->has_value()) listing.entries.push_back(**entry);
  }
  listing.left_out = LeaveOutOddNames(dir, listing.entries);
  return listing;
}

Result<Listing> List(const SafeDir& dir, const SnapshotOptions& options) {
  SafeDir::ListOptions list;
  list.excluded = options.excluded;
  list.include_directories = true;
  list.max_entries = options.max_files * 2;  // Directories count as entries, not as files.
  auto entries = dir.List("", list);
  if (!entries && entries.error().code != StatusCode::kResourceExhausted) return std::move(entries).error();
  if (!entries) return WithoutIgnored(dir, options);
  Listing listing;
  for (SafeEntry& entry : *entries) {
    if (entry.kind == FileKind::kDirectory) {
      if (dir.CheckPath(entry.path)) listing.directories.push_back(std::move(entry.path));
    } else if (entry.kind != FileKind::kOther) {
      listing.entries.push_back(std::move(entry));
    }
  }
  if (listing.entries.size() > options.max_files) return WithoutIgnored(dir, options);
  listing.left_out = LeaveOutOddNames(dir, listing.entries);
  return listing;
}

/// Those with nothing in them that belongs to the tree.
std::vector<std::string> EmptyDirectories(const Listing& listing) {
  std::set<std::string_view> parents;
  const auto note = [&parents](std::string_view path) {
    if (const size_t slash = path.rfind('/'); slash != std::string_view::npos) parents.insert(path.substr(0, slash));
  };
  for (const SafeEntry& entry : listing.entries) note(entry.path);
  for (const std::string& directory : listing.directories) note(directory);
  std::vector<std::string> empty;
  for (const std::string& directory : listing.directories) {
    if (!parents.contains(directory)) empty.push_back(directory);
  }
  return empty;
}

Error TooLarge(const std::string& path, uint64_t limit) {
  return ResourceExhausted("with " + path + " the files exceed " + std::to_string(limit) + " bytes in total");
}

void AppendNumber(std::string& out, uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(number >> shift & 0xff);
}

/// Deletes what PackTree would pack and `tree` does not have.  What is in the way of the tree goes too.
Status DeleteOthers(const PackedTree& tree, const SafeDir& dir, const SnapshotOptions& limits) {
  WFE_ASSIGN_OR_RETURN(const Listing present, List(dir, limits));
  std::set<std::string_view> wanted;  // as directories
  for (const PackedEntry& entry : tree.entries) {
    const std::string_view path = entry.path;
    if (entry.kind == FileKind::kDirectory) wanted.insert(path);
    for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
      wanted.insert(path.substr(0, slash));
    }
  }
  for (const SafeEntry& entry : present.entries) {
    if (IsPrivateFile(entry.path) || FileHoldsSecret(dir.path() + "/" + entry.path, limits.secrets)) continue;
    const bool in_the_way = wanted.contains(entry.path);
    const bool known = tree.Find(entry.path) != nullptr;
    // An earlier version did not say which links there were: those stay.
    const bool stays = known || (!tree.whole && entry.kind == FileKind::kSymlink);
    if (in_the_way || !stays) WFE_RETURN_IF_ERROR(dir.Remove(entry.path));
  }
  for (auto directory = present.directories.rbegin(); directory != present.directories.rend(); ++directory) {
    if (wanted.contains(*directory)) continue;
    const bool in_the_way = tree.Find(*directory) != nullptr;
    if (!in_the_way && !tree.whole) continue;
    // What a snapshot leaves out may be in it; then it stays.
    WFE_ASSIGN_OR_RETURN(const bool gone, RemoveEmptyDirectory(dir, *directory));
    if (!gone && in_the_way) return FailedPrecondition("the directory " + *directory + " is in the way and not empty");
  }
  return Ok();
}

}  // namespace

std::string TreeSnapshot::Hash() const {
  Sha256Stream stream;
  for (const FileState& file : files) {
    std::string record;
    AppendNumber(record, file.path.size());
    record += file.path;
    AppendNumber(record, file.mode | (file.symlink ? 1u << 31 : 0u));
    record += file.sha256;
    stream.Update(record);
  }
  return ToHex(stream.Finish());
}

const FileState* TreeSnapshot::Find(std::string_view path) const {
  const auto found =
      std::lower_bound(files.begin(), files.end(), path,
                       [](const FileState& file, std::string_view wanted) { return file.path < wanted; });
  return found != files.end() && found->path == path ? &*found : nullptr;
}

Result<TreeSnapshot> TakeSnapshot(const SafeDir& dir, const SnapshotOptions& options) {
  WFE_ASSIGN_OR_RETURN(const SafeDir root, Unreserved(dir, options));
  TreeSnapshot snapshot;
  WFE_ASSIGN_OR_RETURN(const Listing listing, List(root, options));
  snapshot.left_out = listing.left_out;
  uint64_t total = 0;
  for (const SafeEntry& entry : listing.entries) {
    const bool link = entry.kind == FileKind::kSymlink;
    Result<std::string> content = link ? ReadLink(root, entry.path) : root.Read(entry.path, options.max_file_bytes);
    if (!content) {
      // Deleted or replaced since the listing: not part of this moment.
      if (content.error().code == StatusCode::kNotFound) continue;
      return std::move(content).error();
    }
    total += content->size();
    if (total > options.max_total_bytes) return TooLarge(entry.path, options.max_total_bytes);
    snapshot.files.push_back({.path = entry.path,
                              .size = content->size(),
                              .sha256 = ToHex(Sha256(*content)),
                              .mode = entry.mode,
                              .symlink = link});
  }
  return snapshot;
}

TreeDiff Diff(const TreeSnapshot& before, const TreeSnapshot& after) {
  TreeDiff diff;
  auto old_file = before.files.begin();
  auto new_file = after.files.begin();
  while (old_file != before.files.end() || new_file != after.files.end()) {
    if (new_file == after.files.end() || (old_file != before.files.end() && old_file->path < new_file->path)) {
      diff.deleted.push_back((old_file++)->path);
    } else if (old_file == before.files.end() || new_file->path < old_file->path) {
      diff.created.push_back((new_file++)->path);
    } else {
      if (*old_file != *new_file) diff.changed.push_back(new_file->path);
      ++old_file;
      ++new_file;
    }
  }
  return diff;
}

std::vector<std::string> TreeDiff::Touched() const {
  std::vector<std::string> touched = created;
  touched.insert(touched.end(), changed.begin(), changed.end());
  touched.insert(touched.end(), deleted.begin(), deleted.end());
  std::sort(touched.begin(), touched.end());
  return touched;
}

Result<std::string> PackTree(const SafeDir& dir, const SnapshotOptions& options) {
  WFE_ASSIGN_OR_RETURN(const SafeDir root, Unreserved(dir, options));
  WFE_ASSIGN_OR_RETURN(Listing listing, List(root, options));
  WFE_ASSIGN_OR_RETURN(const std::vector<std::string> products, ProductsOfChecks(root));
  for (std::string& path : EmptyDirectories(listing)) {
    listing.entries.push_back({.path = std::move(path), .kind = FileKind::kDirectory});
  }
  std::sort(listing.entries.begin(), listing.entries.end(),
            [](const SafeEntry& a, const SafeEntry& b) { return a.path < b.path; });
  TreeWriter writer;
  uint64_t total = 0;
  for (const SafeEntry& entry : listing.entries) {
    if (std::binary_search(products.begin(), products.end(), entry.path)) continue;
    const auto withhold = [&] {
      if (options.withheld != nullptr) options.withheld->push_back(entry.path);
    };
    if (entry.kind != FileKind::kDirectory && IsPrivateFile(entry.path)) {
      withhold();
      continue;
    }
    std::string content;
    if (entry.kind == FileKind::kSymlink) {
      WFE_ASSIGN_OR_RETURN(content, ReadLink(root, entry.path));
    } else if (entry.kind == FileKind::kFile) {
      WFE_ASSIGN_OR_RETURN(content, root.Read(entry.path, options.max_file_bytes));
    }
    if (HoldsSecret(content, options.secrets)) {
      withhold();
      continue;
    }
    total += content.size();
    if (total > options.max_total_bytes) return TooLarge(entry.path, options.max_total_bytes);
    writer.Add(entry.path, entry.kind, entry.mode, content);
  }
  return writer.Finish();
}

Result<TreeSnapshot> UnpackTree(std::string_view blob, const SafeDir& given, const UnpackOptions& options) {
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, Roomy(given, options.limits, given.options().reserved));
  WFE_ASSIGN_OR_RETURN(const PackedTree tree, ReadTree(blob, dir, options.limits));
  if (options.delete_others) WFE_RETURN_IF_ERROR(DeleteOthers(tree, dir, options.limits));
  TreeSnapshot snapshot;
  for (const PackedEntry& entry : tree.entries) {
    if (entry.kind == FileKind::kDirectory) {
      WFE_RETURN_IF_ERROR(dir.MakeDirectories(entry.path));
      continue;
    }
    const bool link = entry.kind == FileKind::kSymlink;
    if (link) {
      WFE_RETURN_IF_ERROR(MakeLink(dir, entry.path, std::string(entry.content)));
    } else {
      WFE_RETURN_IF_ERROR(dir.Write(entry.path, entry.content, entry.mode));
    }
    snapshot.files.push_back({.path = entry.path,
                              .size = entry.content.size(),
                              .sha256 = ToHex(Sha256(entry.content)),
                              .mode = link ? 0777u : entry.mode,
                              .symlink = link});
  }
  return snapshot;
}

}  // namespace wfe::sandbox
