#include "activities/sandbox/packed_tree.h"

#include <algorithm>
#include <set>

#include "activities/sandbox/text.h"
#include "engine/base/hash.h"

namespace wfe::sandbox {
namespace {

constexpr std::string_view kFilesOnly = "wfe-tree-1\n";
constexpr std::string_view kMagic = "wfe-tree-2\n";
constexpr size_t kHashBytes = 32;
constexpr uint64_t kLinkBit = 1ull << 31;
constexpr uint64_t kDirectoryBit = 1ull << 30;

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

/// Sets kind and mode; false for what no writer of ours makes.
bool TakeKind(uint64_t number, bool whole, PackedEntry& entry) {
  const uint64_t kind = number & (kLinkBit | kDirectoryBit);
  if (!whole && kind != 0) return false;
  if (kind == (kLinkBit | kDirectoryBit)) return false;
  entry.kind = kind == kLinkBit ? FileKind::kSymlink : kind == kDirectoryBit ? FileKind::kDirectory : FileKind::kFile;
  entry.mode = static_cast<uint32_t>(number & 0777u);
  if (entry.kind == FileKind::kDirectory) return entry.content.empty();
  if (entry.kind != FileKind::kSymlink) return true;
  return !entry.content.empty() && entry.content.find('\0') == std::string_view::npos;
}

/// Nothing lies below a file, a link or a directory that is said to be empty.
Status CheckParents(const std::vector<PackedEntry>& entries) {
  std::set<std::string_view> known;
  for (const PackedEntry& entry : entries) {
    const std::string_view path = entry.path;
    for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
      if (known.contains(path.substr(0, slash))) {
        return DataLoss("the packed tree holds " + Printable(path) + " below what is no directory with files");
      }
    }
    known.insert(path);
  }
  return Ok();
}

bool Alike(const PackedEntry* a, const PackedEntry* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->kind == b->kind && a->content == b->content && (a->kind != FileKind::kFile || a->mode == b->mode);
}

}  // namespace

const PackedEntry* PackedTree::Find(std::string_view path) const {
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), path,
                       [](const PackedEntry& entry, std::string_view wanted) { return entry.path < wanted; });
  return found != entries.end() && found->path == path ? &*found : nullptr;
}

void TreeWriter::Add(std::string_view path, FileKind kind, uint32_t mode, std::string_view content) {
  PutNumber(entries_, path.size());
  entries_ += path;
  // Of a link and a directory the bits say nothing.
  PutNumber(entries_, kind == FileKind::kSymlink     ? kLinkBit
                      : kind == FileKind::kDirectory ? kDirectoryBit
                                                     : uint64_t{mode & 0777u});
  PutNumber(entries_, content.size());
  entries_ += content;
  ++count_;
}

std::string TreeWriter::Finish() const {
  std::string blob(kMagic);
  blob.reserve(kMagic.size() + 8 + entries_.size() + kHashBytes);
  PutNumber(blob, count_);
  blob += entries_;
  const Sha256Digest digest = Sha256(blob);
  blob += AsBytes(digest);
  return blob;
}

Result<PackedTree> ReadTree(std::string_view blob, const SafeDir& dir, const SnapshotOptions& limits) {
  PackedTree tree;
  tree.whole = !blob.starts_with(kFilesOnly);
  if (blob.size() < kMagic.size() + kHashBytes || (tree.whole && !blob.starts_with(kMagic))) {
    return DataLoss("this is not a packed tree");
  }
  const std::string_view body = blob.substr(0, blob.size() - kHashBytes);
  const Sha256Digest digest = Sha256(body);
  if (AsBytes(digest) != blob.substr(body.size())) {
    return DataLoss("the packed tree is damaged: its hash does not match");
  }
  Reader reader(body.substr(kMagic.size()));
  const uint64_t count = reader.Number();
  if (count > limits.max_files * 2) {  // Empty directories count as entries, not as files.
    return ResourceExhausted("the packed tree holds " + std::to_string(count) + " entries; the limit is " +
                             std::to_string(limits.max_files * 2));
  }
  uint64_t total = 0;
  for (uint64_t i = 0; i < count && reader.sound; ++i) {
    PackedEntry entry;
    entry.path = std::string(reader.Bytes(reader.Number()));
    const uint64_t kind = reader.Number();
    entry.content = reader.Bytes(reader.Number());
    if (!reader.sound) break;
    WFE_ASSIGN_OR_RETURN(const std::string clean, dir.CheckPath(entry.path));
    if (clean != entry.path) return DataLoss("the packed tree holds the odd path " + clean);
    if (!TakeKind(kind, tree.whole, entry)) return DataLoss("the packed tree holds an odd entry at " + clean);
    if (!tree.entries.empty() && tree.entries.back().path >= entry.path) {
      return DataLoss("the packed tree is not in order");
    }
    total += entry.content.size();
    if (entry.content.size() > limits.max_file_bytes || total > limits.max_total_bytes) {
      return ResourceExhausted("with " + entry.path + " the files exceed " + std::to_string(limits.max_total_bytes) +
                               " bytes in total");
    }
    tree.entries.push_back(std::move(entry));
  }
  if (!reader.sound || !reader.empty()) return DataLoss("the packed tree is damaged: its lengths do not add up");
  WFE_RETURN_IF_ERROR(CheckParents(tree.entries));
  return tree;
}

std::vector<std::string> WorkOfOthers(const PackedTree& now, const PackedTree& left, const PackedTree& next) {
  const bool whole = now.whole && left.whole && next.whole;
  std::set<std::string> paths;
  for (const PackedTree* tree : {&now, &left, &next}) {
    for (const PackedEntry& entry : tree->entries) {
      // An empty directory that came or went is nobody's work.
      const bool counts = entry.kind == FileKind::kFile || (whole && entry.kind == FileKind::kSymlink);
      if (counts) paths.insert(entry.path);
    }
  }
  std::vector<std::string> others;
  for (const std::string& path : paths) {
    const PackedEntry* here = now.Find(path);
    if (!Alike(here, left.Find(path)) && !Alike(here, next.Find(path))) others.push_back(path);
  }
  return others;
}

Result<std::vector<std::string>> WorkOfOthers(const SafeDir& dir, std::string_view now, std::string_view left,
                                              std::string_view next) {
  WFE_ASSIGN_OR_RETURN(const SafeDir any, SafeDir::Open(dir.path(), {.reserved = {}, .max_path_bytes = 4096}));
  WFE_ASSIGN_OR_RETURN(const PackedTree now_tree, ReadTree(now, any, SnapshotOptions()));
  WFE_ASSIGN_OR_RETURN(const PackedTree left_tree, ReadTree(left, any, SnapshotOptions()));
  WFE_ASSIGN_OR_RETURN(const PackedTree next_tree, ReadTree(next, any, SnapshotOptions()));
  return WorkOfOthers(now_tree, left_tree, next_tree);
}

std::string FirstFew(const std::vector<std::string>& paths) {
  constexpr size_t kShown = 5;
  std::string text;
  for (size_t i = 0; i < std::min(paths.size(), kShown); ++i) text += (i == 0 ? "" : ", ") + Printable(paths[i]);
  if (paths.size() > kShown) text += " and " + std::to_string(paths.size() - kShown) + " more";
  return text;
}

}  // namespace wfe::sandbox
