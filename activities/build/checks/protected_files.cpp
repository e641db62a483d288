#include "activities/build/checks/protected_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "activities/build/checks/claim.h"
#include "activities/build/profile/project_facts.h"
#include "engine/base/hash.h"

namespace wfe::build {
namespace {

std::string BaselinePath(const std::string& path) {
  // The path may hold anything a file name may; its hash is a plain name and cannot clash with another's directory.
  return std::string(sandbox::kStateDirectory) + "/baseline/" + ToHex(Sha256(path));
}

/// Files that match a "**/NAME" pattern.
Result<std::vector<std::string>> MatchAnyDepth(const sandbox::SafeDir& dir, const std::vector<std::string>& patterns) {
  std::vector<std::string> names;
  for (const std::string& pattern : patterns) {
    if (pattern.starts_with("**/")) names.push_back(pattern.substr(3));
  }
  std::vector<std::string> matches;
  if (names.empty()) return matches;
  sandbox::SafeDir::ListOptions options;
  options.excluded = sandbox::ForeignDirectories();
  options.max_entries = 1'000'000;
  WFE_ASSIGN_OR_RETURN(const std::vector<sandbox::SafeEntry> entries, dir.List("", options));
  for (const sandbox::SafeEntry& entry : entries) {
    if (!dir.CheckPath(entry.path)) continue;  // An odd name (SEC-M6) configures nothing.
    const std::string name = entry.path.substr(entry.path.rfind('/') + 1);
    for (const std::string& pattern : names) {
      if (::fnmatch(pattern.c_str(), name.c_str(), 0) == 0) {
        matches.push_back(entry.path);
        break;
      }
    }
  }
  return matches;
}

/// The file's hash, "" when there is none, and "?" for something that is no readable regular file.
std::string HashOf(const sandbox::SafeDir& dir, const std::string& path, std::string* content) {
  auto read = dir.Read(path);
  if (read) {
    *content = *std::move(read);
    return ToHex(Sha256(*content));
  }
  return read.error().code == StatusCode::kNotFound ? "" : "?";
}

/// The permission bits of what stands there.
uint32_t ModeOf(const sandbox::SafeDir& dir, const std::string& path) {
  const auto entry = dir.Stat(path);
  return entry && entry->has_value() ? (*entry)->mode : 0644;
}

/// A copy of the file with its own bits, so that it can be put back with them.
Status KeepBaseline(const sandbox::SafeDir& dir, const std::string& path, const std::string& content) {
  return dir.Write(BaselinePath(path), content, ModeOf(dir, path) | 0400);
}

/// Puts back what the baseline holds; false when it holds nothing that matches.
Result<bool> Restore(const sandbox::SafeDir& dir, const std::string& path, const std::string& expected) {
  if (expected.empty()) {
    const Status removed = dir.Remove(path);
    return removed.has_value();
  }
  const auto copy = dir.Read(BaselinePath(path));
  if (!copy || ToHex(Sha256(*copy)) != expected) return false;
  const Status written = dir.Write(path, *copy, ModeOf(dir, BaselinePath(path)));
  return written.has_value();
}

}  // namespace

Result<ProtectedHashes> RecordProtected(const sandbox::SafeDir& dir, const std::vector<std::string>& patterns) {
  WFE_ASSIGN_OR_RETURN(std::vector<std::string> paths, MatchAnyDepth(dir, patterns));
  for (const std::string& pattern : patterns) {
    if (!pattern.starts_with("**/")) paths.push_back(pattern);
  }
  ProtectedHashes hashes;
  for (const std::string& path : paths) {
    std::string content;
    const std::string hash = HashOf(dir, path, &content);
    if (hash == "?") return FailedPrecondition("the protected file " + path + " cannot be read as a regular file");
    if (!hash.empty()) WFE_RETURN_IF_ERROR(KeepBaseline(dir, path, content));
    hashes[path] = hash;
  }
  return hashes;
}

Result<ProtectedCheck> EnforceProtected(const sandbox::SafeDir& dir, const std::vector<std::string>& patterns,
                                        const ProtectedHashes& expected) {
  ProtectedCheck check;
  if (expected.empty()) return check;
  ProtectedHashes wanted = expected;
  WFE_ASSIGN_OR_RETURN(const std::vector<std::string> present, MatchAnyDepth(dir, patterns));
  for (const std::string& path : present) wanted.emplace(path, "");  // New ones must not be there.
  for (const auto& [path, hash] : wanted) {
    std::string content;
    const std::string now = HashOf(dir, path, &content);
    if (now == hash) {
      if (!hash.empty()) {
        const auto copy = dir.Read(BaselinePath(path));
        if (!copy || *copy != content) {
          WFE_RETURN_IF_ERROR(KeepBaseline(dir, path, content));
        } else if (const uint32_t mode = ModeOf(dir, BaselinePath(path));
                   mode != 0600 && mode != (ModeOf(dir, path) | 0400)) {
          // The same text with other bits decides nothing; it is put right without a word.  (Copies were 0600 once.)
          WFE_RETURN_IF_ERROR(dir.Write(path, content, mode));
        }
      }
      continue;
    }
    check.changed.push_back(path);
    WFE_ASSIGN_OR_RETURN(const bool restored, Restore(dir, path, hash));
    if (restored) check.restored.push_back(path);
  }
  return check;
}

}  // namespace wfe::build
