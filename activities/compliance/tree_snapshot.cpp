#include "activities/compliance/tree_snapshot.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "activities/compliance/check_products.h"
#include "activities/compliance/project_facts.h"
#include "activities/compliance/text.h"
#include "engine/base/hash.h"
#include "engine/base/unique_fd.h"

namespace wfe::activities {
namespace {

constexpr std::string_view kMagic = "wfe-tree-1\n";
constexpr size_t kHashBytes = 32;

/// The snapshot reads names that are reserved for agents too, unless the options leave them out.
Result<SafeDir> Unreserved(const SafeDir& dir, const SnapshotOptions& options) {
  SafeDirOptions own = dir.options();
  own.reserved.clear();
  own.max_file_bytes = options.max_file_bytes;
  own.max_path_bytes = 4096;
  // Through the descriptor: the directory may have been renamed since it was opened.
  return SafeDir::Open("/proc/self/fd/" + std::to_string(dir.fd()), own);
}

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

/// What git does not ignore, for a directory with more files than the limit: those that are built are not its source.
Result<std::vector<SafeEntry>> WithoutIgnored(const SafeDir& dir, const SnapshotOptions& options) {
  WFE_ASSIGN_OR_RETURN(const ProjectFacts facts, ProjectFacts::Read(dir, options.max_files));
  std::vector<SafeEntry> entries;
  for (const std::string& path : facts.files()) {
    const auto entry = dir.Stat(path);
    if (entry && entry->has_value()) entries.push_back(**entry);
  }
  return entries;
}

Result<std::vector<SafeEntry>> Entries(const SafeDir& dir, const SnapshotOptions& options,
                                       std::vector<std::string>* odd = nullptr) {
  SafeDir::ListOptions list;
  list.excluded = options.excluded;
  list.max_entries = options.max_files * 2;  // Directories count as entries, not as files.
  auto entries = dir.List("", list);
  if (!entries && entries.error().code != StatusCode::kResourceExhausted) return std::move(entries).error();
  if (entries) std::erase_if(*entries, [](const SafeEntry& entry) { return entry.kind == FileKind::kOther; });
  if (!entries || entries->size() > options.max_files) {
    WFE_ASSIGN_OR_RETURN(entries, WithoutIgnored(dir, options));
  }
  const std::vector<std::string> left_out = LeaveOutOddNames(dir, *entries);
  if (odd != nullptr) *odd = left_out;
  return entries;
}

Error TooLarge(const std::string& path, uint64_t limit) {
  return ResourceExhausted("with " + path + " the files exceed " + std::to_string(limit) + " bytes in total");
}

/// The target text of a link; it is never followed.
Result<std::string> LinkTarget(const SafeDir& dir, const SafeEntry& entry) {
  const size_t slash = entry.path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : entry.path.substr(0, slash);
  // A parent that turned into a link meanwhile could at worst make us read another link's target text.
  const UniqueFd at(::openat(dir.fd(), parent.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!at.open()) return NotFound(entry.path + " has gone");
  char target[4096];
  const ssize_t length =
      ::readlinkat(at.get(), entry.path.c_str() + (slash == std::string::npos ? 0 : slash + 1), target, sizeof target);
  if (length < 0) return NotFound(entry.path + " has gone");
  return std::string(target, static_cast<size_t>(length));
}

void PutNumber(std::string& out, uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(number >> shift & 0xff);
}

/// Takes pieces off the front of a blob; `sound` turns false when it is too short.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  uint64_t Number() {
    const std::string_view raw = Bytes(8);
    uint64_t number = 0;
    for (size_t i = 0; i < raw.size(); ++i) number |= uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
    return number;
  }
  std::string_view Bytes(uint64_t count) {
    if (count > bytes_.size()) {
      sound = false;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  bool empty() const { return bytes_.empty(); }
  bool sound = true;

 private:
  std::string_view bytes_;
};

struct PackedFile {
  std::string path;
  uint32_t mode = 0;
  std::string_view content;
};

Result<std::vector<PackedFile>> ReadBlob(std::string_view blob, const SafeDir& dir, const SnapshotOptions& limits) {
  if (blob.size() < kMagic.size() + kHashBytes || !blob.starts_with(kMagic)) {
    return DataLoss("this is not a packed tree");
  }
  const std::string_view body = blob.substr(0, blob.size() - kHashBytes);
  const Sha256Digest digest = Sha256(body);
  if (AsBytes(digest) != blob.substr(body.size())) {
    return DataLoss("the packed tree is damaged: its hash does not match");
  }
  Reader reader(body.substr(kMagic.size()));
  const uint64_t count = reader.Number();
  if (count > limits.max_files) {
    return ResourceExhausted("the packed tree holds " + std::to_string(count) + " files; the limit is " +
                             std::to_string(limits.max_files));
  }
  std::vector<PackedFile> files;
  uint64_t total = 0;
  for (uint64_t i = 0; i < count && reader.sound; ++i) {
    PackedFile file;
    file.path = std::string(reader.Bytes(reader.Number()));
    file.mode = static_cast<uint32_t>(reader.Number());
    file.content = reader.Bytes(reader.Number());
    if (!reader.sound) break;
    WFE_ASSIGN_OR_RETURN(const std::string clean, dir.CheckPath(file.path));
    if (clean != file.path) return DataLoss("the packed tree holds the odd path " + clean);
    if (!files.empty() && files.back().path >= file.path) return DataLoss("the packed tree is not in order");
    total += file.content.size();
    if (file.content.size() > limits.max_file_bytes || total > limits.max_total_bytes) {
      return TooLarge(file.path, limits.max_total_bytes);
    }
    files.push_back(std::move(file));
  }
  if (!reader.sound || !reader.empty()) return DataLoss("the packed tree is damaged: its lengths do not add up");
  return files;
}

}  // namespace

std::string TreeSnapshot::Hash() const {
  Sha256Stream stream;
  for (const FileState& file : files) {
    std::string record;
    PutNumber(record, file.path.size());
    record += file.path;
    PutNumber(record, file.mode | (file.symlink ? 1u << 31 : 0u));
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
  WFE_ASSIGN_OR_RETURN(const std::vector<SafeEntry> entries, Entries(root, options, &snapshot.left_out));
  uint64_t total = 0;
  for (const SafeEntry& entry : entries) {
    const bool link = entry.kind == FileKind::kSymlink;
    Result<std::string> content = link ? LinkTarget(root, entry) : root.Read(entry.path, options.max_file_bytes);
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
  WFE_ASSIGN_OR_RETURN(const std::vector<SafeEntry> entries, Entries(root, options));
  WFE_ASSIGN_OR_RETURN(const std::vector<std::string> products, ProductsOfChecks(root));
  std::string files;
  uint64_t count = 0;
  uint64_t total = 0;
  for (const SafeEntry& entry : entries) {
    if (entry.kind != FileKind::kFile) continue;
    if (std::binary_search(products.begin(), products.end(), entry.path)) continue;
    WFE_ASSIGN_OR_RETURN(const std::string content, root.Read(entry.path, options.max_file_bytes));
    total += content.size();
    if (total > options.max_total_bytes) return TooLarge(entry.path, options.max_total_bytes);
    PutNumber(files, entry.path.size());
    files += entry.path;
    PutNumber(files, entry.mode & 0777u);
    PutNumber(files, content.size());
    files += content;
    ++count;
  }
  std::string blob(kMagic);
  PutNumber(blob, count);
  blob += files;
  const Sha256Digest digest = Sha256(blob);
  blob += AsBytes(digest);
  return blob;
}

Result<TreeSnapshot> UnpackTree(std::string_view blob, const SafeDir& dir, const UnpackOptions& options) {
  WFE_ASSIGN_OR_RETURN(const std::vector<PackedFile> files, ReadBlob(blob, dir, options.limits));
  if (options.delete_others) {
    std::set<std::string> wanted;
    for (const PackedFile& file : files) wanted.insert(file.path);
    SafeDir::ListOptions list;
    list.excluded = options.limits.excluded;
    WFE_ASSIGN_OR_RETURN(const std::vector<SafeEntry> present, dir.List("", list));
    for (const SafeEntry& entry : present) {
      if (!wanted.contains(entry.path)) WFE_RETURN_IF_ERROR(dir.Remove(entry.path));
    }
  }
  TreeSnapshot snapshot;
  for (const PackedFile& file : files) {
    WFE_RETURN_IF_ERROR(dir.Write(file.path, file.content, file.mode));
    snapshot.files.push_back({.path = file.path,
                              .size = file.content.size(),
                              .sha256 = ToHex(Sha256(file.content)),
                              .mode = file.mode,
                              .symlink = false});
  }
  return snapshot;
}

void to_json(nlohmann::json& json, const FileState& value) {
  json = {{"path", value.path}, {"size", value.size}, {"sha256", value.sha256}, {"mode", value.mode}};
  if (value.symlink) json["symlink"] = true;
}

void from_json(const nlohmann::json& json, FileState& value) {
  json.at("path").get_to(value.path);
  json.at("size").get_to(value.size);
  json.at("sha256").get_to(value.sha256);
  json.at("mode").get_to(value.mode);
  value.symlink = json.value("symlink", false);
}

void to_json(nlohmann::json& json, const TreeSnapshot& value) {
  json = {{"files", value.files}};
  if (!value.left_out.empty()) json["left_out"] = value.left_out;
}

void from_json(const nlohmann::json& json, TreeSnapshot& value) {
  json.at("files").get_to(value.files);
  if (json.contains("left_out")) json.at("left_out").get_to(value.left_out);
}

}  // namespace wfe::activities
