// What a test file holds, counted without running it: its tests, its assertions, and what weakens them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "activities/build/integrity/source_text.h"

namespace wfe::build {

// Classes of what is found (SEC-H8); docs/verdict.md explains each.
inline constexpr std::string_view kTestChanged = "POLICY_VIOLATION_TEST_CHANGED";
inline constexpr std::string_view kTestsRemoved = "POLICY_VIOLATION_TESTS_REMOVED";
inline constexpr std::string_view kAssertionsRemoved = "POLICY_VIOLATION_ASSERTIONS_REMOVED";
inline constexpr std::string_view kTestSkipped = "POLICY_VIOLATION_TEST_SKIPPED";
inline constexpr std::string_view kTestFocused = "POLICY_VIOLATION_TEST_FOCUSED";
inline constexpr std::string_view kSuppressed = "POLICY_VIOLATION_SUPPRESSED";
inline constexpr std::string_view kSubjectMocked = "POLICY_VIOLATION_SUBJECT_MOCKED";
inline constexpr std::string_view kUnexaminedSource = "POLICY_VIOLATION_UNEXAMINED_SOURCE";
inline constexpr std::string_view kVacuousTest = "POLICY_VIOLATION_VACUOUS_TEST";
inline constexpr std::string_view kFailureCaught = "POLICY_VIOLATION_FAILURE_CAUGHT";
inline constexpr std::string_view kAlwaysPasses = "POLICY_VIOLATION_SCRIPT_ALWAYS_PASSES";
inline constexpr std::string_view kRunnerTampered = "POLICY_VIOLATION_RUNNER_TAMPERED";
inline constexpr std::string_view kTestDetected = "POLICY_VIOLATION_TEST_DETECTED";

/// Something that may be there for a good reason when it was there before, and must not be new.
struct Mark {
  std::string_view error_class;
  std::string kind;  ///< What it is, as written ("test.skip", "eslint-disable"); equal marks are counted together.
  int64_t line = 0;
};

struct TestCase {
  std::string name;
  size_t begin = 0;  ///< Of the whole statement, decorators and tables of parameters included.
  size_t end = 0;
  size_t body = 0;  ///< Where the body begins.
  bool skipped = false;
};

struct TestScan {
  std::vector<TestCase> tests;  ///< In the file's order, not overlapping.
  int64_t assertions = 0;
  int64_t skipped = 0;
  std::vector<Mark> marks;
};

/// Counts in the file at `path`.  A file that is no test file may hold tests all the same (Rust's `mod tests`).
TestScan ScanTests(std::string_view path, const SourceText& text);

/// The name says that a test runner of this language takes the file for tests ("a.test.ts", "test_a.py", "a_test.go").
bool HasTestName(std::string_view path);
/// HasTestName, or it lies in a directory of tests (fixtures and snapshots too).
bool IsTestPath(std::string_view path);

/// Comments and attributes that silence a checker (eslint-disable, noqa, NOLINT, #[allow] …).
std::vector<Mark> ScanSuppressions(const SourceText& text);

}  // namespace wfe::build
