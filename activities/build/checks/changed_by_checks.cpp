#include "activities/build/checks/changed_by_checks.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "activities/build/profile/project_facts.h"
#include "activities/sandbox/check_products.h"

namespace wfe::build {

Status ChangedByChecks::Before() {
  const auto facts = ProjectFacts::Read(dir_);
  // A project that is too large to be looked through is refused where its profile is resolved.
  if (!facts) return facts.error().code == StatusCode::kResourceExhausted ? Ok() : Status(facts.error());
  WFE_ASSIGN_OR_RETURN(const std::vector<std::string> products, sandbox::ProductsOfChecks(dir_));
  uint64_t total = 0;
  for (const std::string& path : facts->files()) {
    if (std::binary_search(products.begin(), products.end(), path)) continue;
    WFE_ASSIGN_OR_RETURN(const auto entry, dir_.Stat(path));
    if (!entry.has_value() || entry->kind != sandbox::FileKind::kFile) continue;
    Kept kept{.size = entry->size, .modified_ns = entry->modified_ns, .mode = entry->mode, .whole = false, .content = {}};
    if (entry->size <= kMaxFileBytes && total + entry->size <= kMaxBytes) {
      if (auto content = dir_.Read(path, kMaxFileBytes)) {
        kept.content = *std::move(content);
        kept.whole = true;
        total += kept.content.size();
      }
    }
    kept_.emplace(path, std::move(kept));
  }
  return Ok();
}

ChangedByChecks::State ChangedByChecks::Look(const std::string& path, const Kept& kept) const {
  const auto entry = dir_.Stat(path);
  if (!entry || !entry->has_value()) return State::kDeleted;
  if ((*entry)->kind != sandbox::FileKind::kFile || (*entry)->mode != kept.mode || (*entry)->size != kept.size) {
    return State::kChanged;
  }
  if ((*entry)->modified_ns == kept.modified_ns) return State::kSame;
  if (!kept.whole) return State::kChanged;
  const auto now = dir_.Read(path, kMaxFileBytes);
  return now && *now == kept.content ? State::kSame : State::kChanged;
}

Status ChangedByChecks::After(const std::string& check) {
  for (const auto& [path, kept] : kept_) {
    if (!seen_.contains(path) && Look(path, kept) != State::kSame) seen_.emplace(path, check);
  }
  return Ok();
}

bool ChangedByChecks::Restore(const std::string& path, const Kept& kept) const {
  if (!kept.whole || !dir_.Write(path, kept.content, kept.mode)) return false;
  // With its old time: a tool that builds by times must not take it for newer than what was made from it.
  constexpr int64_t kSecond = 1'000'000'000;
  const struct timespec at = {.tv_sec = kept.modified_ns / kSecond, .tv_nsec = kept.modified_ns % kSecond};
  const struct timespec times[2] = {at, at};
  ::utimensat(dir_.fd(), path.c_str(), times, AT_SYMLINK_NOFOLLOW);
  return true;
}

std::vector<CheckChange> ChangedByChecks::PutBack() {
  std::vector<CheckChange> changes;
  for (const auto& [path, check] : seen_) {
    const Kept& kept = kept_.at(path);
    const State state = Look(path, kept);
    if (state == State::kSame) continue;
    changes.push_back({.path = path,
                       .check = check,
                       .deleted = state == State::kDeleted,
                       .put_back = Restore(path, kept)});
  }
  return changes;
}

}  // namespace wfe::build
