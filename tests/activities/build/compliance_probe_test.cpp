// RW-D3, RW-D6, AB-1: what cannot work is said before a token is spent, and never billed to the agent; results come from
// files, whatever a tool prints; a check that looked at nothing proves nothing.

#include <gmock/gmock.h>

#include "activities/sandbox/toolchain.h"
#include "tests/activities/build/compliance_machine.h"

namespace wfe::build {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

class Probing : public test::ComplianceMachine {};
class Results : public test::ComplianceMachine {};
class Refused : public test::ComplianceMachine {};

// ---- RW-D6: probing
// -----------------------------------------------------------------------------------------------------

TEST_F(Probing, SaysWhichProgramEveryCheckStarts) {
  root_.Put("bin/lint", "#!/bin/sh\necho lint 1.2.3\n", true);
  OneCheck({{"argv", {"lint"}}});
  ASSERT_TRUE(PreflightOf("p").has_value());
  EXPECT_THAT(Probe().value().tools, ElementsAre(Pair("check", "lint 1.2.3")));
}

TEST_F(Probing, AMissingCheckerEndsTheBuildWithASentence) {
  OneCheck({{"argv", {"node_modules/.bin/eslint", "."}}});
  ASSERT_TRUE(PreflightOf("p").has_value());
  const auto probed = Probe();
  ASSERT_NE(probed.failure(), nullptr);
  EXPECT_EQ(probed.failure()->type, kFailureMissingTool);
  EXPECT_TRUE(probed.failure()->non_retryable);
  EXPECT_THAT(probed.failure()->message, AllOf(HasSubstr("the check check"), HasSubstr("node_modules/.bin/eslint")));
}

TEST_F(Probing, ACheckerThatIsThereButDoesNotRunIsMissingToo) {
  root_.Put("bin/lint", "#!/bin/sh\necho cannot find libfoo.so >&2\nexit 127\n", true);
  OneCheck({{"argv", {"lint"}}});
  ASSERT_TRUE(PreflightOf("p").has_value());
  EXPECT_THAT(Probe().failure()->message, HasSubstr("cannot find libfoo.so"));
}

TEST_F(Probing, ANamedCommandMustStartToo) {
  ASSERT_TRUE(Preflight(PreflightRequest{.checks = {"no-such-checker --all"}}).has_value());
  EXPECT_THAT(Probe("commands", {"no-such-checker --all"}).failure()->message, HasSubstr("no program no-such-checker"));
  EXPECT_EQ(Probe("commands", {"no-such-checker && true"}).failure()->type, kFailureMissingTool);
  EXPECT_TRUE(Probe("commands", {"true", "test -d . && echo $HOME"}).has_value());
}

TEST_F(Probing, AConfigurationThatCannotLoadIsTheProjectsAndNotTheAgents) {
  OneCheck(
      {{"argv", {"sh", "-c", "test -e broken && { echo no plugin x >&2; exit 2; }; exit 0"}},
       {"cannot_run_exit", {2}},
       {"cannot_run_detail", "ESLINT_CONFIG"},
       {"probe",
        {{"version_argv", {"true"}}, {"argv", {"sh", "-c", "test ! -e broken || { echo no plugin x; exit 2; }"}}}}});
  Project("broken");
  ASSERT_TRUE(PreflightOf("p").has_value());
  const auto probed = Probe();
  ASSERT_NE(probed.failure(), nullptr);
  EXPECT_EQ(probed.failure()->type, kFailureCheckConfig);
  EXPECT_THAT(probed.failure()->message, HasSubstr("no plugin x"));
  const ComplianceReport unprobed = Check().value();
  EXPECT_FALSE(unprobed.passed);
  EXPECT_EQ(unprobed.fault_type, kFailureCheckConfig);
  EXPECT_THAT(unprobed.fault, HasSubstr("no plugin x"));

  // It loaded before the first step: whoever broke it since is the agent.
  std::filesystem::remove(root_ / "project/broken");
  ASSERT_TRUE(Probe().has_value());
  Project("broken");
  const ComplianceReport broken_since = Check().value();
  EXPECT_EQ(broken_since.fault, "");
  EXPECT_EQ(broken_since.error_type, "COMMAND_FAILED_ESLINT_CONFIG");
}

TEST_F(Probing, AMissingToolInTheChecksIsAFaultAndNeverAPass) {
  OneCheck({{"argv", {"no-such-tool"}}});
  ASSERT_TRUE(PreflightOf("p").has_value());
  const ComplianceReport report = Check().value();
  EXPECT_FALSE(report.passed);
  EXPECT_EQ(report.fault_type, kFailureMissingTool);
  EXPECT_THAT(report.fault, HasSubstr("no-such-tool"));
  EXPECT_EQ(json(report).get<ComplianceReport>().fault, report.fault);
}

TEST_F(Probing, AShimOfAVersionManagerIsAskedForTheRealProgramOrRefused) {
  root_.Put("pyenv/shims/python9", "#!/bin/sh\nexit 99\n", true);
  root_.Put("pyenv/versions/9/bin/python9", "#!/bin/sh\necho nine\n", true);
  root_.Put("pyenv/versions/9/lib/x", "");
  root_.Put("pyenv/libexec/pyenv", "#!/bin/sh\necho " + (root_ / "pyenv/versions/9/bin/python9") + "\n", true);
  const sandbox::ToolLocation found = sandbox::LocateTool("python9", root_ / "pyenv/shims");
  EXPECT_EQ(found.program, root_ / "pyenv/versions/9/bin/python9");
  EXPECT_THAT(found.directories, ElementsAre(root_ / "pyenv/versions/9")) << "its libraries are beside it";

  root_.Put("pyenv/libexec/pyenv", "#!/bin/sh\necho 'pyenv: version 9 is not installed' >&2\nexit 1\n", true);
  const sandbox::ToolLocation refused = sandbox::LocateTool("python9", root_ / "pyenv/shims");
  EXPECT_EQ(refused.program, "");
  EXPECT_THAT(refused.problem, AllOf(HasSubstr("shim"), HasSubstr("version 9 is not installed")));
}

/// A version manager whose shims start nothing, and the interpreter that they stand for.
void PutManager(const test::TempDir& root) {
  root.Put("pyenv/shims/python9", "#!/bin/sh\nexit 99\n", true);
  root.Put("pyenv/versions/9/bin/python9", "#!/bin/sh\nexec /bin/sh \"$@\"\n", true);
  root.Put("pyenv/versions/9/lib/x", "");
  root.Put("pyenv/libexec/pyenv", "#!/bin/sh\necho " + (root / "pyenv/versions/9/bin/python9") + "\n", true);
}

TEST_F(Probing, AScriptsInterpreterIsLookedForBehindItsShimToo) {
  PutManager(root_);
  const std::string path = (root_ / "bin") + ":" + (root_ / "pyenv/shims") + ":/usr/bin:/bin";
  for (const std::string line : {"/usr/bin/env python9", "/usr/bin/env -S python9 -u", "/usr/bin/env A=1 python9"}) {
    root_.Put("bin/lint", "#!" + line + "\nexit 0\n", true);
    const sandbox::ToolLocation found = sandbox::LocateTool("lint", path);
    EXPECT_EQ(found.program, root_ / "bin/lint") << found.problem;
    EXPECT_THAT(found.directories, ElementsAre(root_ / "bin", root_ / "pyenv/versions/9")) << line;
    EXPECT_EQ(found.PathFor("/usr/bin"), (root_ / "pyenv/versions/9/bin") + ":/usr/bin");
  }
  root_.Put("bin/lint", "#!/bin/sh\nexit 0\n", true);
  EXPECT_THAT(sandbox::LocateTool("lint", path).interpreter_directories, IsEmpty());
  EXPECT_THAT(sandbox::LocateTool("lint", path).directories, ElementsAre(root_ / "bin"));

  root_.Put("bin/lint", "#!/usr/bin/env python9\n", true);
  root_.Put("pyenv/libexec/pyenv", "#!/bin/sh\necho 'pyenv: version 9 is not installed' >&2\nexit 1\n", true);
  EXPECT_THAT(
      sandbox::LocateTool("lint", path).problem,
      AllOf(HasSubstr("lint is a script of python9, and python9 in PATH"), HasSubstr("version 9 is not installed")));
  root_.Put("bin/lint", "#!/usr/bin/env lint\n", true);
  EXPECT_EQ(sandbox::LocateTool("lint", path).problem, "") << "a script of itself ends";
}

TEST_F(Probing, AScriptOfAShimsInterpreterRunsAsACheckInAndOutsideTheSandbox) {
  PutManager(root_);
  config_.path = (root_ / "bin") + ":" + (root_ / "pyenv/shims") + ":/usr/bin:/bin";
  root_.Put("bin/lint", "#!/usr/bin/env python9\necho lint 9; exit 0\n", true);
  root_.Put("project/check.py", "#!/usr/bin/env python9\nexit 0\n", true);
  for (const char* sandbox : {"off", "preferred"}) {
    OneCheck({{"argv", {"lint"}}}, {{"sandbox", sandbox}, {"requires", json::array({{{"program", "lint"}}})}});
    ASSERT_TRUE(PreflightOf("p").has_value()) << PreflightOf("p").failure()->message;
    EXPECT_THAT(Probe().value().tools, ElementsAre(Pair("check", "lint 9"))) << sandbox;
    EXPECT_TRUE(Check().value().passed) << sandbox << ": " << Check().value().fault;
    // The project's own.
    for (const json& argv : {json{"./check.py"}, json{"sh", "-c", "true && ./check.py"}}) {
      OneCheck({{"argv", argv}}, {{"sandbox", sandbox}});
      EXPECT_TRUE(Check().value().passed) << sandbox << " " << argv << Check().value().fault;
    }
  }
}

// ---- results
// ---------------------------------------------------------------------------------------------------------

/// Every parser that reads a file, with a clean result for it.
const std::vector<std::pair<std::string, std::string>> kCleanFiles = {
    {"eslint_json", R"([{"filePath":"a.ts","messages":[]}])"},
    {"jest_json",
     R"({"success":true,"numTotalTests":1,"numFailedTests":0,"testResults":[{"name":"a.test.ts","status":"passed","assertionResults":[]}]})"},
    {"junit_xml", R"(<testsuites><testsuite><testcase name="a"/></testsuite></testsuites>)"},
    {"ruff_json", "[]"},
    {"go_test_json", R"({"Action":"pass","Package":"x","Test":"TestA"})"},
};

TEST_F(Results, NoiseOnStandardOutputDecidesNothing) {
  for (const auto& [parser, clean] : kCleanFiles) {
    Project("clean", clean);
    OneCheck({{"argv", {"sh", "-c", "echo '[env] injecting 0 variables'; echo warning: old >&2; cp clean $OUT/result"}},
              {"parser", parser},
              {"output_file", "result"}});
    ASSERT_TRUE(PreflightOf("p").has_value());
    const ComplianceReport report = Check().value();
    EXPECT_TRUE(report.passed) << parser << ": " << report.error_log;
  }
}

TEST_F(Results, LargerThanWhatIsKeptOfStandardOutputAreReadWhole) {
  config_.max_output_bytes = 64 << 10;
  OneCheck(
      {{"argv",
        {"sh", "-c",
         "{ printf '[{\"filePath\":\"a.ts\",\"messages\":[],\"source\":\"'; head -c 3000000 /dev/zero | tr '\\0' x; "
         "printf '\"}]'; } | tee $OUT/result"}},
       {"parser", "eslint_json"},
       {"output_file", "result"}});
  ASSERT_TRUE(PreflightOf("p").has_value());
  const ComplianceReport report = Check().value();
  EXPECT_TRUE(report.passed) << report.error_log;
  EXPECT_TRUE(report.checks[0].output_truncated);
}

TEST_F(Results, TheToolsOwnReasonIsNeverHiddenBehindAGeneralFinding) {
  OneCheck({{"argv", {"sh", "-c", "echo deprecated option >&2; echo 'the reason is 42'; exit 1"}}});
  ASSERT_TRUE(PreflightOf("p").has_value());
  EXPECT_THAT(Check().value().error_log, AllOf(HasSubstr("the reason is 42"), HasSubstr("deprecated option")));
  for (const auto& [parser, clean] : kCleanFiles) {
    OneCheck({{"argv", {"sh", "-c", "echo 'cannot open the database' >&2; exit 3"}},
              {"parser", parser},
              {"output_file", "r"}});
    const ComplianceReport report = Check().value();
    EXPECT_FALSE(report.passed);
    EXPECT_THAT(report.error_log, HasSubstr("cannot open the database")) << parser;
  }
}

TEST_F(Results, WarningsFailOnlyWithTheTool) {
  Project(
      "warned",
      R"([{"filePath":"a.ts","messages":[{"ruleId":"no-console","severity":1,"message":"w","line":1,"column":1}]}])");
  const auto check = [](const char* exit) {
    return json{{"argv", {"sh", "-c", std::string("cp warned $OUT/r; exit ") + exit}},
                {"parser", "eslint_json"},
                {"output_file", "r"}};
  };
  OneCheck(check("0"));
  ASSERT_TRUE(PreflightOf("p").has_value());
  EXPECT_TRUE(Check().value().passed);
  OneCheck(check("1"));
  const ComplianceReport report = Check().value();
  EXPECT_THAT(report.error_log, HasSubstr("a.ts:1:1 LINT_ERROR_NO_CONSOLE")) << "more warnings than --max-warnings";
}

TEST_F(Results, ThatNameNoneOfTheSourcesAreNotAPass) {
  const json more = {{"sources", {"**/*.ts"}}};
  Project("src/a.ts");
  Project("tool.js");
  const auto eslint = [&](const std::string& file) {
    Project("result", R"([{"filePath":")" + project() + "/" + file + R"(","messages":[]}])");
    OneCheck({{"argv", {"sh", "-c", "cp result $OUT/r"}},
              {"parser", "eslint_json"},
              {"output_file", "r"},
              {"examines", "sources"}},
             more);
    return Check().value();
  };
  OneCheck({{"argv", {"true"}}}, more);
  ASSERT_TRUE(PreflightOf("p").has_value());
  const ComplianceReport other = eslint("tool.js");
  EXPECT_FALSE(other.passed);
  EXPECT_EQ(other.error_type, "LINT_ERROR_NO_FILES");
  EXPECT_EQ(other.checks[0].files_examined, 0);
  EXPECT_THAT(other.error_log, AllOf(HasSubstr("none of the project's 1 source file"), HasSubstr("tool.js")));
  const ComplianceReport own = eslint("src/a.ts");
  EXPECT_TRUE(own.passed) << own.error_log;
  EXPECT_EQ(own.checks[0].files_examined, 1);
}

TEST_F(Results, OfEveryWayToTellTheFilesAreHeldAgainstTheSources) {
  const json more = {{"sources", {"**/*.c"}}};
  Project("src/a.c");
  OneCheck({{"argv", {"true"}}}, more);
  ASSERT_TRUE(PreflightOf("p").has_value());
  const std::vector<std::pair<json, bool>> checks = {
      {{{"argv", {"true"}}, {"files_argv", {"echo", "src/a.c"}}}, true},
      {{{"argv", {"true"}}, {"files_argv", {"echo", "/usr/include/stdio.h"}}}, false},
      {{{"argv", {"true"}}, {"files_argv", {"true"}}}, false},
      {{{"argv", {"echo", "checked 3 source files"}}, {"files_pattern", "checked (?P<count>\\d+) source files"}}, true},
      {{{"argv", {"echo", "checked 0 source files"}}, {"files_pattern", "checked (?P<count>\\d+) source files"}},
       false},
      {{{"argv", {"sh", "-c", "echo '[{\"file\":\"src/a.c\"}]' > $OUT/list"}}, {"files_file", "list"}}, true},
      {{{"argv", {"sh", "-c", "echo '[]' > $OUT/list"}}, {"files_file", "list"}}, false},
      {{{"argv", {"echo", "no files here"}}, {"no_files_pattern", "^no files"}}, false},
  };
  for (const auto& [check, passes] : checks) {
    json whole = check;
    whole["examines"] = "sources";
    OneCheck(whole, more);
    const ComplianceReport report = Check().value();
    EXPECT_EQ(report.passed, passes) << check << report.error_log;
    if (!passes) {
      EXPECT_EQ(report.error_type, "LINT_ERROR_NO_FILES") << check;
    }
  }
}

TEST_F(Probing, AConfigurationThatLooksAtNoSourceIsSaidAtOnce) {
  OneCheck({{"argv", {"true"}}, {"examines", "sources"}, {"files_argv", {"true"}}, {"probe", {{"argv", {"true"}}}}},
           {{"sources", {"**/*.ts"}}});
  ASSERT_TRUE(PreflightOf("p").has_value());
  EXPECT_TRUE(Probe().has_value()) << "a project without sources yet";
  Project("src/a.ts");
  EXPECT_EQ(Probe().failure()->type, kFailureNoFiles);
}

TEST_F(Results, ACheckThatAsksAQuestionReadsTheEndOfItsInput) {
  OneCheck({{"argv", {"sh", "-c", "read answer || echo nobody answers >&2; test -n \"$answer\""}}});
  ASSERT_TRUE(PreflightOf("p").has_value());
  EXPECT_THAT(Check().value().error_log, HasSubstr("nobody answers"));
}

TEST_F(Results, ACheckThatPrintsWithoutEndIsCountedAndCut) {
  OneCheck({{"argv", {"sh", "-c", "head -c 100000000 /dev/zero | tr '\\0' x; exit 1"}}, {"timeout_s", 300}});
  ASSERT_TRUE(PreflightOf("p").has_value());
  const ComplianceReport report = Check().value();
  EXPECT_EQ(report.checks[0].output_bytes, 100'000'000u);
  EXPECT_TRUE(report.checks[0].output_truncated);
  EXPECT_LT(report.error_log.size(), 70'000u);
}

// ---- RW-D3
// --------------------------------------------------------------------------------------------------------------

std::vector<std::string> Tree(const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    paths.push_back(entry.path().string().substr(directory.size() + 1));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST_F(Refused, APreflightLeavesTheDirectoryAsItWas) {
  Project("README.md", "mine");
  const std::vector<json> refusing = {
      {{"requires", {{{"program", "no-such-tool"}}}}},
      {{"dependencies", {{"install_argv", {"npm", "ci"}}}}, {"starter", "files"}},
  };
  root_.Put("profiles/files/.npmrc", "x");
  root_.Put("profiles/files/eslint.config.mjs", "x");
  for (const json& profile : refusing) {
    OneCheck({{"argv", {"true"}}}, profile);
    ASSERT_FALSE(PreflightOf("p").has_value()) << profile;
    EXPECT_THAT(Tree(project()), ElementsAre("README.md")) << profile;
  }
  EXPECT_FALSE(Preflight(PreflightRequest{.profile = ""}).has_value());
  EXPECT_FALSE(Preflight(PreflightRequest{.profile = "p", .mode = "sideways"}).has_value());
  EXPECT_THAT(Tree(project()), ElementsAre("README.md"));
  const auto gone =
      Call(kPreflight, PreflightRequest{.working_dir = root_ / "new", .profile = "none-such", .min_free_bytes = 0});
  ASSERT_FALSE(gone.has_value());
  EXPECT_FALSE(root_.Has("new")) << "a directory made for it";
}

TEST_F(Refused, AnExistingProjectGetsNoStarterFileAndANewOneGetsAll) {
  root_.Put("profiles/files/jest.config.cjs", "x");
  root_.Put("profiles/files/package.json", "{}");
  OneCheck({{"argv", {"true"}}}, {{"starter", "files"}, {"template", {{"create", "c-one"}, {"change", "c-two"}}}});
  const PreflightReport fresh = PreflightOf("p").value();
  EXPECT_EQ(fresh.mode, "create");
  EXPECT_EQ(fresh.template_id, "c-one");
  EXPECT_THAT(fresh.starter_files, ElementsAre("jest.config.cjs", "package.json"));

  std::filesystem::remove_all(project());
  Project("package.json", "{\"name\":\"theirs\"}");
  const PreflightReport existing = PreflightOf("p").value();
  EXPECT_EQ(existing.mode, "change");
  EXPECT_EQ(existing.template_id, "c-two");
  EXPECT_THAT(existing.starter_files, IsEmpty());
  EXPECT_FALSE(root_.Has("project/jest.config.cjs"));
}

}  // namespace
}  // namespace wfe::build
