// What checks leave in a project: reports of coverage, caches, generated files.  They are nobody's work and belong in no
// commit of the build (RW-D3), unless the agent takes one up afterwards.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "activities/sandbox/safe_files.h"

namespace wfe::sandbox {

/// Notes in the working directory's own state which files were made by checks.  One object for one verification.
class CheckProducts {
 public:
  /// `dir` outlives this object.
  explicit CheckProducts(const SafeDir& dir) : dir_(dir) {}

  /// Before the first check.
  Status Before();
  /// After the last one: what appeared since then is written down, beside what earlier verifications left and nobody
  /// has touched.  In a directory of more files than kMaxFiles nothing is.
  Status After();

  static constexpr size_t kMaxFiles = 200'000;

 private:
  const SafeDir& dir_;
  std::map<std::string, bool> before_;  ///< Path → whether it was a product already.
  bool too_many_ = false;
};

/// The paths of `dir` that are still as checks left them, sorted.
Result<std::vector<std::string>> ProductsOfChecks(const SafeDir& dir);

}  // namespace wfe::sandbox
