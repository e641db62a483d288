// TX-1, TX-2: real tool output (tests/testdata/compliance) to classified findings.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "activities/build/parsers/findings.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::build {
namespace {

using test::Sample;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

CheckSpec CheckOf(const std::string& profile_name, const std::string& id) {
  auto profile = LoadProfile(profile_name, {});
  WFE_CHECK(profile.has_value());
  for (const CheckSpec& check : profile->checks) {
    if (check.id == id) return check;
  }
  WFE_CHECK(false, id);
  return {};
}

ToolOutput Out(const std::string& text) { return {.out = text, .err = "", .file = std::nullopt, .roots = {"/ws"}}; }
ToolOutput File(std::string text) { return {.out = "", .err = "", .file = std::move(text), .roots = {"/ws"}}; }

std::vector<std::string> Classes(const ParsedOutput& parsed) {
  std::vector<std::string> classes;
  for (const Finding& finding : parsed.findings) classes.push_back(finding.error_class);
  return classes;
}

TEST(TscParser, EveryErrorHasItsPlaceItsCodeAndItsContinuationLines) {
  const std::string text = Sample("tsc-output.txt");
  const ParsedOutput parsed = ParseOutput(CheckOf("typescript", "tsc"), Out(text));
  ASSERT_THAT(Classes(parsed),
              ElementsAre("TSC_ERROR_TS2307", "TSC_ERROR_TS2322", "TSC_ERROR_TS2322", "TSC_ERROR_TS2322"));
  EXPECT_EQ(parsed.findings[0].path, "src/a.ts");
  EXPECT_EQ(parsed.findings[0].line, 1);
  EXPECT_EQ(parsed.findings[0].column, 25);
  EXPECT_THAT(parsed.findings[3].text, HasSubstr("Types of parameters 'a' and 'a' are incompatible."));
  EXPECT_THAT(parsed.findings[2].text, Not(HasSubstr("\n")));
}

TEST(TscParser, ConfigurationErrorsHaveTheirOwnClass) {
  const std::string text = Sample("tsc-output-global-errors.txt");
  const ParsedOutput parsed = ParseOutput(CheckOf("typescript", "tsc"), Out(text));
  EXPECT_THAT(Classes(parsed), ElementsAre("TSC_ERROR_CONFIG", "TSC_ERROR_CONFIG"));
  EXPECT_EQ(parsed.findings[0].path, "");
  EXPECT_THAT(parsed.findings[0].text,
              AllOf(HasSubstr("TS18003"), HasSubstr("'tsconfig.json'"), Not(HasSubstr("/ws"))));
}

TEST(EslintParser, RulesBecomeClassesThroughTheAliasTable) {
  const std::string text = Sample("eslint-output.json");
  const ParsedOutput parsed = ParseOutput(CheckOf("typescript", "eslint"), File(text));
  EXPECT_THAT(Classes(parsed),
              ElementsAre("ESLINT_ERROR_NO_ANY", "ESLINT_ERROR_NO_ANY", "ESLINT_ERROR_NO_UNUSED_VARS"));
  EXPECT_EQ(parsed.findings[0].path, "src/sum.ts");
  EXPECT_THAT(parsed.findings[1].text, HasSubstr("@typescript-eslint/no-explicit-any"));
  EXPECT_EQ(parsed.suppressed, 0);
}

TEST(EslintParser, AFatalMessageIsAParseError) {
  const std::string text = Sample("eslint-output-parse-error.json");
  EXPECT_THAT(Classes(ParseOutput(CheckOf("typescript", "eslint"), File(text))), ElementsAre("ESLINT_ERROR_PARSE"));
}

TEST(EslintParser, WarningsAreNoErrorsWildcardsMatchAndSuppressionsAreCounted) {
  const std::string text = R"([{"filePath":"/ws/a.ts","messages":[
      {"ruleId":"semi","severity":1,"message":"w","line":1,"column":1},
      {"ruleId":"@typescript-eslint/no-unsafe-call","severity":2,"message":"e","line":2,"column":3}],
      "suppressedMessages":[{"ruleId":"x"},{"ruleId":"y"}]}])";
  const ParsedOutput parsed = ParseOutput(CheckOf("typescript", "eslint"), File(text));
  EXPECT_THAT(Classes(parsed), ElementsAre("ESLINT_ERROR_NO_ANY"));
  EXPECT_EQ(parsed.suppressed, 2);
}

TEST(EslintParser, WhatIsNotItsOutputIsAProblemAndNeverClean) {
  for (const std::string text : {"", "Oops", "{}", "[1]", "[{}]", "[{\"filePath\":\"a\",\"messages\":"}) {
    EXPECT_NE(ParseOutput(CheckOf("typescript", "eslint"), File(text)).problem, "") << text;
  }
}

TEST(JestParser, FailedTestsAreSortedIntoAssertionExceptionAndTimeout) {
  const ParsedOutput parsed = ParseOutput(CheckOf("typescript", "jest"), File(Sample("jest-output-failed-tests.json")));
  ASSERT_THAT(Classes(parsed), ElementsAre("JEST_FAILURE_ASSERTION", "JEST_FAILURE_EXCEPTION", "JEST_FAILURE_TIMEOUT"));
  EXPECT_EQ(parsed.findings[0].path, "src/t.test.ts");
  EXPECT_EQ(parsed.findings[0].line, 2);
  EXPECT_EQ(parsed.findings[0].column, 36);
  EXPECT_THAT(parsed.findings[0].text,
              AllOf(HasSubstr("fails: "), HasSubstr("Expected: 2"), Not(HasSubstr("node_modules"))));
  EXPECT_EQ(parsed.tests_total, 4);
  EXPECT_EQ(parsed.tests_failed, 3);
}

TEST(JestParser, ASuiteThatDidNotStartIsAFindingWithoutColours) {
  const ParsedOutput parsed =
      ParseOutput(CheckOf("typescript", "jest"), File(Sample("jest-output-suite-failed-to-run.json")));
  ASSERT_THAT(Classes(parsed), ElementsAre("JEST_FAILURE_SUITE"));
  EXPECT_THAT(parsed.findings[0].text, AllOf(HasSubstr("src/sum.ts:5:14 - error TS2322"), Not(HasSubstr("\x1b"))));
  EXPECT_EQ(parsed.tests_total, 0);
}

TEST(JestParser, VitestsReportIsReadTheSameWay) {
  CheckSpec check = CheckOf("typescript", "jest");
  check.error_class = "TEST_FAILURE";
  const ParsedOutput parsed = ParseOutput(check, File(Sample("vitest-output.json")));
  ASSERT_THAT(Classes(parsed), ElementsAre("TEST_FAILURE_ASSERTION"));
  EXPECT_EQ(parsed.findings[0].path, "src/sum.test.ts");
  EXPECT_EQ(parsed.findings[0].line, 3);
  EXPECT_EQ(parsed.tests_skipped, 1);
}

TEST(JestParser, ThePlaceIsTheFirstFrameOfTheProjectNotOfNode) {
  const std::string report = R"json({"success":false,"numTotalTests":1,"numFailedTests":1,"testResults":[
      {"name":"/ws/a.test.ts","status":"failed","assertionResults":[{"status":"failed","fullName":"x","failureMessages":[
      "Error: EROFS: read-only file system\n    at Object.writeFileSync (node:fs:2380:20)\n    at /ws/src/a.test.ts:2:31"]}]}]})json";
  const ParsedOutput parsed = ParseOutput(CheckOf("typescript", "jest"), File(report));
  ASSERT_THAT(Classes(parsed), ElementsAre("JEST_FAILURE_EXCEPTION"));
  EXPECT_EQ(parsed.findings[0].path, "src/a.test.ts");
  EXPECT_EQ(parsed.findings[0].line, 2);
  EXPECT_EQ(parsed.findings[0].text, "x: Error: EROFS: read-only file system");
}

TEST(JestParser, AMissingFileIsNotReplacedByStandardOutput) {
  const std::string text = Sample("vitest-output.json");
  EXPECT_EQ(ParseOutput(CheckOf("typescript", "jest"), Out(text)).problem, "it left no result");
}

TEST(JunitParser, FailuresAreFindingsAndTimeoutsComeFromStandardOutput) {
  ToolOutput output = File(Sample("ctest-junit.xml"));
  output.out = "1/3 Test #3: slow .......................***Timeout   1.00 sec\n";
  const ParsedOutput parsed = ParseOutput(CheckOf("cpp", "ctest"), output);
  ASSERT_THAT(Classes(parsed), ElementsAre("TEST_FAILURE", "TEST_FAILURE_TIMEOUT"));
  EXPECT_EQ(parsed.findings[0].text, "bad: failed\nboom");
  EXPECT_EQ(parsed.tests_total, 3);
  EXPECT_EQ(parsed.tests_failed, 2);
}

TEST(JunitParser, EntitiesAreNotLoadedAndBrokenXmlIsAProblem) {
  const ParsedOutput parsed = ParseOutput(
      CheckOf("cpp", "ctest"),
      File("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><testsuite><testcase name=\"&e;\" status=\"fail\"/>"
           "</testsuite>"));
  ASSERT_EQ(parsed.findings.size(), 1u);
  EXPECT_THAT(parsed.findings[0].text, Not(HasSubstr("root:")));
  EXPECT_NE(ParseOutput(CheckOf("cpp", "ctest"), File("<testsuite>")).problem, "");
  EXPECT_NE(ParseOutput(CheckOf("cpp", "ctest"), File("<html/>")).problem, "");
}

TEST(GccParser, CompilerAndLinkerErrorsAreToldApartAndRepeatsAreCountedOnce) {
  const std::string text =
      "/ws/src/a.cpp: In function 'int main()':\n"
      "/ws/src/a.cpp:3:10: error: 'x' was not declared in this scope\n"
      "/ws/src/a.h:1:1: warning: unused\n"
      "/ws/src/a.cpp:3:10: error: 'x' was not declared in this scope\n"
      "/ws/src/b.cpp:1:10: fatal error: nope.h: No such file or directory\n"
      "/usr/bin/ld: CMakeFiles/t.dir/main.cpp.o: in function `main':\n"
      "/ws/src/main.cpp:5: undefined reference to `missing()'\n"
      "collect2: error: ld returned 1 exit status\n"
      "gmake: *** [Makefile:136: all] Error 2\n";
  ToolOutput output = Out("");
  output.err = text;
  const ParsedOutput parsed = ParseOutput(CheckOf("cpp", "build"), output);
  ASSERT_THAT(Classes(parsed), ElementsAre("COMPILE_ERROR", "COMPILE_ERROR", "LINK_ERROR"));
  EXPECT_EQ(parsed.findings[1].path, "src/b.cpp");
  EXPECT_EQ(parsed.findings[2].path, "src/main.cpp");
  EXPECT_EQ(parsed.findings[2].line, 5);
}

TEST(RelativeText, OnlyWholePathsAreCut) {
  EXPECT_EQ(RelativeText("at /w/src/a.ts, lib/w/x '/w/b' (/w/c:1) file:///w/d /www/e", {"/w"}),
            "at src/a.ts, lib/w/x 'b' (c:1) d /www/e");
  EXPECT_THAT(Classes({}), IsEmpty());
}

}  // namespace
}  // namespace wfe::build
