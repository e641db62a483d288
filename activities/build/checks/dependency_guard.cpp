#include "activities/build/checks/dependency_guard.h"

#include <fts.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>

#include "engine/base/hash.h"

namespace wfe::build {
namespace {

/// Tools write these themselves; they are emptied after every verification.
constexpr const char* kToolCaches[] = {".cache", ".vite", ".vite-temp", ".vitest"};

bool IsToolCache(const char* name) {
  return std::any_of(std::begin(kToolCaches), std::end(kToolCaches), [&](const char* c) { return std::strcmp(c, name) == 0; });
}

/// Over every name, size, mode and time of change, which only the kernel sets.
std::string Fingerprint(const std::string& directory) {
  std::string path = directory;
  char* const paths[] = {path.data(), nullptr};
  const auto by_name = [](const FTSENT** a, const FTSENT** b) { return std::strcmp((*a)->fts_name, (*b)->fts_name); };
  const std::unique_ptr<FTS, int (*)(FTS*)> walk(::fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name), ::fts_close);
  if (walk == nullptr) return "";
  Sha256Stream hash;
  while (FTSENT* entry = ::fts_read(walk.get())) {
    if (entry->fts_info == FTS_DP || entry->fts_statp == nullptr) continue;
    if (entry->fts_level == 1 && IsToolCache(entry->fts_name)) {
      ::fts_set(walk.get(), entry, FTS_SKIP);
      continue;
    }
    const struct stat& status = *entry->fts_statp;
    std::string line = entry->fts_path;
    // A directory's own time changes with a tool's cache in it; what it holds is listed anyway.
    if (entry->fts_info != FTS_D) {
      line += " " + std::to_string(status.st_size) + " " + std::to_string(status.st_ctim.tv_sec) + "." +
              std::to_string(status.st_ctim.tv_nsec);
    }
    hash.Update(line + " " + std::to_string(status.st_mode) + "\n");
  }
  return ToHex(hash.Finish());
}

}  // namespace

DependencyGuard::DependencyGuard(std::string directory)
    : directory_(std::move(directory)), fingerprint_(Fingerprint(directory_)) {}

bool DependencyGuard::ThrowAwayWhenChanged() const {
  std::error_code ignored;
  for (const char* name : kToolCaches) std::filesystem::remove_all(directory_ + "/" + name, ignored);
  if (Fingerprint(directory_) == fingerprint_) return false;
  const std::filesystem::path entry = std::filesystem::path(directory_).parent_path();
  // First out of the way in one step: an entry is there whole or not at all.
  const std::filesystem::path aside = entry.string() + ".changed";
  std::filesystem::remove_all(aside, ignored);
  std::filesystem::rename(entry, aside, ignored);
  std::filesystem::remove_all(aside, ignored);
  return true;
}

}  // namespace wfe::build
