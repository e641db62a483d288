// What checks change or delete of the project's own files: nobody's work, so it is put back after the last check and
// said, and no commit of the build holds it (RW-D3).  A verdict that rests on such a text is no verdict on the result.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "activities/sandbox/safe_files.h"

namespace wfe::build {

/// One file that was not as before when the checks had ended.
struct CheckChange {
  std::string path;
  std::string check;  ///< The first after which it was seen.
  bool deleted = false;
  bool put_back = true;
};

/// One object for one verification.
class ChangedByChecks {
 public:
  /// `dir` outlives this object and reserves nothing.
  explicit ChangedByChecks(const sandbox::SafeDir& dir) : dir_(dir) {}

  /// Before the first check: keeps the files that git does not ignore, but for what earlier checks left.  Those above
  /// kMaxFileBytes, and what is left above kMaxBytes, are watched and cannot be put back.
  Status Before();
  /// After each check.
  Status After(const std::string& check);
  /// After the last one.  What is as before again, whoever saw to that, is no change.
  std::vector<CheckChange> PutBack();

  static constexpr uint64_t kMaxFileBytes = 4ull << 20;
  static constexpr uint64_t kMaxBytes = 64ull << 20;

 private:
  struct Kept {
    uint64_t size = 0;
    int64_t modified_ns = 0;
    uint32_t mode = 0;
    bool whole = false;  ///< `content` is there.
    std::string content;
  };
  enum class State { kSame, kChanged, kDeleted };
  State Look(const std::string& path, const Kept& kept) const;
  bool Restore(const std::string& path, const Kept& kept) const;

  const sandbox::SafeDir& dir_;
  std::map<std::string, Kept> kept_;
  std::map<std::string, std::string> seen_;  ///< Path → check.
};

}  // namespace wfe::build
