// The files that decide how a project is examined: an agent that changes them changes its own examiner.
// Their hashes are recorded at preflight, with a copy under .wfe/baseline; before the checks a changed one is reported
// and put back.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "activities/sandbox/safe_files.h"
#include "engine/base/result.h"

namespace wfe::build {

/// Path → SHA-256 of each protected file; "" for one of the exact paths that does not exist.
using ProtectedHashes = std::map<std::string, std::string>;

/// Records the files that `patterns` (Profile::protected_files) name and copies them into the baseline.
/// `dir` reserves nothing.  Called again it records the state of that time.
Result<ProtectedHashes> RecordProtected(const sandbox::SafeDir& dir, const std::vector<std::string>& patterns);

struct ProtectedCheck {
  std::vector<std::string> changed;   ///< Changed, deleted or newly there; sorted.
  std::vector<std::string> restored;  ///< Those put back (or deleted again); sorted.
};
/// Compares with `expected` and repairs.  A file that no baseline copy matches stays changed and is not in `restored`.
/// A protected file that has no copy yet (GEMINI.md, written later) and is as expected gets one now.  Nothing expected:
/// nothing is compared.
Result<ProtectedCheck> EnforceProtected(const sandbox::SafeDir& dir, const std::vector<std::string>& patterns,
                                        const ProtectedHashes& expected);

}  // namespace wfe::build
