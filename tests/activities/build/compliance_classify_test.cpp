// TX-1 to TX-3: the order of the rules, as a table, and that nothing but a pass passes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "activities/build/checks/classify.h"
#include "activities/build/checks/error_log.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::build {
namespace {

using test::Sample;
using testing::HasSubstr;
using testing::Not;
using Kind = sandbox::ProcessOutcome::Kind;

CheckSpec CheckOf(const std::string& id) {
  auto profile = LoadProfile("typescript", {});
  WFE_CHECK(profile.has_value());
  for (const CheckSpec& check : profile->checks) {
    if (check.id == id) return check;
  }
  WFE_CHECK(false, id);
  return {};
}

struct Row {
  std::string name;
  std::string check;
  Kind kind = Kind::kExited;
  int code = 0;  ///< Exit code or signal.
  std::string out;
  std::string err;
  std::optional<std::string> file;
  std::string outcome;
  std::string error_type;
  bool sandboxed = false;
};

const char kCleanJest[] =
    R"({"success":true,"numTotalTests":2,"numFailedTests":0,"numPassedTests":2,"numPendingTests":0,"testResults":[]})";
const char kNoTests[] =
    R"({"success":false,"numTotalTests":0,"numFailedTests":0,"numPassedTests":0,"numPendingTests":0,"testResults":[]})";
const char kAllSkipped[] =
    R"({"success":true,"numTotalTests":2,"numFailedTests":0,"numPassedTests":0,"numPendingTests":2,"testResults":[]})";

const std::vector<Row> kRows = {
    {"clean tsc", "tsc", Kind::kExited, 0, "", "", {}, "pass", ""},
    {"tsc, two codes", "tsc", Kind::kExited, 2, Sample("tsc-output.txt"), "", {}, "fail", "TSC_ERROR"},
    {"tsc, one code", "tsc", Kind::kExited, 1, "a.ts(1,2): error TS2322: x\n", "", {}, "fail", "TSC_ERROR_TS2322"},
    {"tsc, configuration",
     "tsc",
     Kind::kExited,
     2,
     Sample("tsc-output-global-errors.txt"),
     "",
     {},
     "fail",
     "TSC_ERROR_CONFIG"},
    {"tsc, failure without findings", "tsc", Kind::kExited, 2, "what?", "", {}, "fail", "COMMAND_FAILED"},
    {"eslint clean", "eslint", Kind::kExited, 0, "[]", "", {}, "pass", ""},
    {"eslint, several rules",
     "eslint",
     Kind::kExited,
     1,
     Sample("eslint-output.json"),
     "",
     {},
     "fail",
     "ESLINT_ERROR"},
    {"eslint, parse error",
     "eslint",
     Kind::kExited,
     1,
     Sample("eslint-output-parse-error.json"),
     "",
     {},
     "fail",
     "ESLINT_ERROR_PARSE"},
    {"eslint, broken configuration",
     "eslint",
     Kind::kExited,
     2,
     "",
     "Oops: no config",
     {},
     "error",
     "COMMAND_FAILED_ESLINT_CONFIG"},
    {"eslint, exit 0 without output", "eslint", Kind::kExited, 0, "", "", {}, "error", "COMMAND_FAILED_OUTPUT"},
    {"jest clean", "jest", Kind::kExited, 0, "", "", kCleanJest, "pass", ""},
    {"jest, failed tests", "jest", Kind::kExited, 1, "", "", Sample("jest-output-failed-tests.json"), "fail",
     "JEST_FAILURE"},
    {"jest, suite", "jest", Kind::kExited, 1, "", "", Sample("jest-output-suite-failed-to-run.json"), "fail",
     "JEST_FAILURE_SUITE"},
    {"jest, failures but exit 0", "jest", Kind::kExited, 0, "", "", Sample("jest-output-failed-tests.json"), "fail",
     "JEST_FAILURE"},
    {"jest, no tests, exit 1", "jest", Kind::kExited, 1, "", "No tests found", kNoTests, "fail",
     "JEST_FAILURE_NO_TESTS"},
    {"jest, no tests, exit 0", "jest", Kind::kExited, 0, "", "", kNoTests, "fail", "JEST_FAILURE_NO_TESTS"},
    {"jest, no tests, no file",
     "jest",
     Kind::kExited,
     1,
     "",
     "No tests found, exiting with code 1\n",
     {},
     "fail",
     "JEST_FAILURE_NO_TESTS"},
    {"jest, all skipped", "jest", Kind::kExited, 0, "", "", kAllSkipped, "fail", "JEST_FAILURE_NO_TESTS"},
    {"jest, process.exit(3) in a test", "jest", Kind::kExited, 3, "", "", {}, "error", "COMMAND_FAILED_OUTPUT"},
    {"jest, exit 0 without a file", "jest", Kind::kExited, 0, "", "", {}, "error", "COMMAND_FAILED_OUTPUT"},
    {"jest, heap limit",
     "jest",
     Kind::kSignalled,
     SIGABRT,
     "",
     "FATAL ERROR: JavaScript heap out of memory",
     {},
     "error",
     "COMMAND_FAILED_OOM"},
    {"jest, heap limit in the sandbox",
     "jest",
     Kind::kExited,
     134,
     "",
     "JavaScript heap out of memory",
     {},
     "error",
     "COMMAND_FAILED_OOM",
     true},
    {"jest, crash", "jest", Kind::kSignalled, SIGSEGV, "", "", {}, "error", "COMMAND_FAILED_SIGNAL"},
    {"jest, endless", "jest", Kind::kTimedOut, 0, "", "", {}, "timeout", "TIMEOUT_JEST"},
    {"tool missing, exec", "tsc", Kind::kCouldNotStart, 0, "", "", {}, "missing_tool", "MISSING_TOOL"},
    {"tool missing, env",
     "tsc",
     Kind::kExited,
     127,
     "",
     "/usr/bin/env: 'node': No such file or directory",
     {},
     "missing_tool",
     "MISSING_TOOL"},
    {"tool missing, sandbox",
     "tsc",
     Kind::kExited,
     1,
     "",
     "bwrap: execvp tsc: No such file or directory",
     {},
     "missing_tool",
     "MISSING_TOOL",
     true},
    {"sandbox broken",
     "tsc",
     Kind::kExited,
     1,
     "",
     "bwrap: Can't bind mount",
     {},
     "error",
     "COMMAND_FAILED_SANDBOX",
     true},
};

CheckVerdict Judge(const Row& row) {
  sandbox::ProcessOutcome outcome;
  outcome.kind = row.kind;
  outcome.exit_code = row.code;
  outcome.signal = row.code;
  outcome.program_missing = row.kind == Kind::kCouldNotStart;
  outcome.start_error = "there is no program tsc";
  ToolOutput output{.out = row.out, .err = row.err, .file = row.file, .roots = {"/ws"}};
  // eslint writes its result to a file; what stands on its standard output decides nothing.
  if (row.check == "eslint" && !row.out.empty()) output.file = row.out;
  return Classify(CheckOf(row.check), outcome, output, row.sandboxed);
}

TEST(Classify, EveryWayACommandEndsHasItsClass) {
  for (const Row& row : kRows) {
    const CheckVerdict verdict = Judge(row);
    EXPECT_EQ(verdict.report.outcome, row.outcome) << row.name;
    EXPECT_EQ(verdict.report.error_type, row.error_type) << row.name;
    EXPECT_EQ(verdict.report.outcome == "pass", verdict.findings.empty()) << row.name;
    EXPECT_EQ(verdict.report.findings, static_cast<int64_t>(verdict.findings.size())) << row.name;
  }
}

TEST(Classify, AFailureForWantOfANetworkSaysThatThereIsNone) {
  for (const bool sandboxed : {true, false}) {
    const Row row{.name = "network",
                  .check = "npm_test",
                  .code = 1,
                  .out = "Error: getaddrinfo EAI_AGAIN api.example.com",
                  .outcome = "fail",
                  .error_type = "COMMAND_FAILED",
                  .sandboxed = sandboxed};
    const CheckVerdict verdict = Judge(row);
    EXPECT_EQ(verdict.findings.at(0).text.find("there is no network") != std::string::npos, sandboxed);
  }
}

TEST(Classify, SuppressionsAboveTheProfilesLimitAreAPolicyViolation) {
  CheckSpec check = CheckOf("eslint");
  check.max_suppressed = 0;
  sandbox::ProcessOutcome outcome;
  outcome.kind = Kind::kExited;
  const ToolOutput output{.out = "noise of a plugin",
                          .err = "",
                          .file = R"([{"filePath":"/ws/a.ts","messages":[],"suppressedMessages":[{}]}])",
                          .roots = {}};
  const CheckVerdict verdict = Classify(check, outcome, output, false);
  EXPECT_EQ(verdict.report.outcome, "fail");
  EXPECT_EQ(verdict.report.error_type, "POLICY_VIOLATION_SUPPRESSED");
  EXPECT_EQ(verdict.report.suppressed, 1);
}

TEST(ErrorLog, FindingsAreCompactCappedPerClassAndHarmless) {
  CheckVerdict verdict;
  for (int i = 1; i <= 5; ++i) {
    verdict.findings.push_back({.path = "src/a.ts",
                                .line = i,
                                .column = 2,
                                .error_class = "TSC_ERROR_TS1",
                                .text = "bad ```code``` \x1b[31mred\x1b[0m key-123456\nmore"});
  }
  const std::string log = RenderErrorLog({verdict}, 2, sandbox::SecretMask({"key-123456"}));
  EXPECT_TRUE(log.starts_with("src/a.ts:1:2 TSC_ERROR_TS1 bad '''code''' red [redacted:secret]\n    more\n")) << log;
  EXPECT_THAT(log, HasSubstr("... and 3 more TSC_ERROR_TS1\n"));
  EXPECT_THAT(log, Not(HasSubstr("a.ts:3")));
}

}  // namespace
}  // namespace wfe::build
