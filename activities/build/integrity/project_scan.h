// One look at a whole project: its tests, and every mark that weakens an examination, file by file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "activities/build/integrity/test_scan.h"
#include "activities/sandbox/safe_files.h"

namespace wfe::build {

/// Files and directories that a look at a whole project goes through at most.
inline constexpr size_t kMaxProjectEntries = 400'000;

struct ProjectView;

struct FileScan {
  std::string hash;     ///< First 32 hex digits of the content's SHA-256.
  bool is_test = false; ///< By its path: a test file, or something beside the tests (fixture, snapshot).
  int64_t tests = 0;    ///< Rows of a parametrised test count each.
  int64_t assertions = 0;
  int64_t skipped = 0;
  std::vector<std::string> bodies;  ///< A short hash of each test's name and text.
  std::vector<Mark> marks;
};

struct ProjectScan {
  std::map<std::string, FileScan> files;  ///< Those that hold a test or a mark, or lie among the tests.
  int64_t files_examined = 0;             ///< Source and test files that were read.
  int64_t tests = 0;
  int64_t assertions = 0;
  int64_t skipped = 0;
  int64_t suppressed = 0;
};

/// Reads every source file below `dir` but what tools install and build.
Result<ProjectScan> ScanProject(const sandbox::SafeDir& dir);

/// One file by its path and content; `project` is what ScanProject has seen.
FileScan ScanFile(const std::string& path, std::string content, const ProjectView& project);

std::string ShortHash(std::string_view bytes, size_t digits = 32);

}  // namespace wfe::build
