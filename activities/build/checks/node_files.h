// Files of `node --test` whose process ended without the end of node's own tests.  A script with asserts ends like
// that, and so does a file whose code under test ends the process with 0: what the file says decides (SEC-H8).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "activities/sandbox/safe_files.h"

namespace wfe::build {

/// What the process of one test file reported before it ended.
struct UnendedFile {
  std::string path;   ///< As the runner names it: absolute.
  int64_t tests = 0;  ///< That reported a result, groups left out.
  int64_t begun = 0;  ///< Tests and groups that were announced.
  int64_t done = 0;   ///< Of these, how many reported a result.
};

struct UnendedFiles {
  int64_t by_exit_code = 0;  ///< Files that hold no test of node's: how they ended is all there is.
  std::string problem;       ///< The first file that should have reported more, in one sentence; "" for none.
};

/// `roots`: prefixes under which the project's files are seen.
UnendedFiles JudgeUnendedFiles(const sandbox::SafeDir& dir, const std::vector<std::string>& roots,
                               const std::vector<UnendedFile>& files);

/// Tests that the JavaScript in `raw` runs when it is loaded: those that stand in no function, and those in such
/// groups.  They are called test, it, describe, suite, or by the name that the file has for them.
int64_t TestsOnLoad(const std::string& raw);

}  // namespace wfe::build
