// RW-D7, RW-D9: the shipped profiles with the real tools of this machine, offline: a new project passes, a mistake of each
// kind has its class.  Tools that are not installed here are skipped by name; the build's own packages bring none of
// them.

#include <gmock/gmock.h>

#include "activities/sandbox/toolchain.h"
#include "tests/activities/build/compliance_machine.h"

namespace wfe::build {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Languages : public test::ComplianceMachine {
 protected:
  void SetUp() override {
    const char* path = std::getenv("PATH");
    config_.path = path == nullptr ? "/usr/bin:/bin" : path;
    config_.npm = "npm";
    config_.profile_dirs.clear();
  }
  bool Has(const std::string& program) {
    const sandbox::ToolLocation location = sandbox::LocateTool(program, config_.path);
    return location.problem.empty();
  }
  /// A new project of the profile with these files, installed and probed.
  void Begin(const std::string& profile, const std::vector<std::pair<std::string, std::string>>& files) {
    const auto preflight = PreflightOf(profile);
    ASSERT_TRUE(preflight.has_value()) << preflight.failure()->message;
    EXPECT_EQ(preflight.value().mode, "create");
    if (preflight.value().needs_dependencies) {
      const auto installed = Install(profile);
      ASSERT_TRUE(installed.has_value()) << installed.failure()->message;
    }
    const auto empty = Probe(profile);
    ASSERT_TRUE(empty.has_value()) << empty.failure()->message;
    for (const auto& [file, content] : files) Project(file, content);
    const auto probed = Probe(profile);
    ASSERT_TRUE(probed.has_value()) << probed.failure()->message;
  }
  ComplianceReport CheckOf(const std::string& profile) {
    auto report = Check(profile);
    EXPECT_TRUE(report.has_value()) << report.failure()->message;
    return report.has_value() ? report.value() : ComplianceReport{};
  }
};

TEST_F(Languages, Go) {
  if (!Has("go")) GTEST_SKIP() << "there is no go on this machine";
  Begin("go",
        {{"add.go",
          "// Package project adds.\npackage project\n\n// Add adds.\nfunc Add(a, b int) int { return a + b }\n"},
         {"add_test.go",
          "package project\n\nimport \"testing\"\n\nfunc TestAdd(t *testing.T) {\n\tif got := Add(1, 2); got != 3 "
          "{\n\t\tt.Errorf(\"got %d\", got)\n\t}\n}\n"}});
  const ComplianceReport good = CheckOf("go");
  EXPECT_TRUE(good.passed) << good.error_log;
  EXPECT_EQ(good.checks.at(0).files_examined, 2);
  EXPECT_EQ(good.checks.at(1).tests_total, 1);

  Project("add.go", "package project\n\nfunc Add(a, b int) int { return a - b }\n");
  const ComplianceReport wrong = CheckOf("go");
  EXPECT_EQ(wrong.error_type, "TEST_FAILURE") << wrong.error_log;
  EXPECT_THAT(wrong.error_log, AllOf(HasSubstr("add_test.go:7"), HasSubstr("got -1")));
  Project("add.go", "package project\n\nfunc Add(a, b int) int { return x }\n");
  EXPECT_EQ(CheckOf("go").error_type, "GO_ERROR");
  std::filesystem::remove(root_ / "project/add_test.go");
  Project("add.go", "package project\n");
  EXPECT_EQ(CheckOf("go").error_type, "TEST_FAILURE_NO_TESTS");
}

TEST_F(Languages, Rust) {
  if (!Has("cargo") || !Has("rustc")) GTEST_SKIP() << "there is no cargo on this machine";
  const std::string tests =
      "\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {\n        assert_eq!(super::add(1, 2), 3);\n    }\n}\n";
  Begin("rust", {{"src/lib.rs", "pub fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n" + tests}});
  const ComplianceReport good = CheckOf("rust");
  EXPECT_TRUE(good.passed) << good.error_log;
  EXPECT_EQ(good.checks.at(1).tests_total, 1);

  Project("src/lib.rs", "pub fn add(a: i32, b: i32) -> i32 {\n    a - b\n}\n" + tests);
  const ComplianceReport wrong = CheckOf("rust");
  EXPECT_EQ(wrong.error_type, "TEST_FAILURE") << wrong.error_log;
  EXPECT_THAT(wrong.error_log, HasSubstr("src/lib.rs:9:9"));
  Project("src/lib.rs", "pub fn add(a: i32, b: i32) -> i32 {\n    \"x\"\n}\n");
  const ComplianceReport broken = CheckOf("rust");
  EXPECT_EQ(broken.error_type, "COMPILE_ERROR_E0308") << broken.error_log;
  EXPECT_THAT(broken.error_log, HasSubstr("src/lib.rs:2:5"));
}

TEST_F(Languages, PythonWithWhatTheMachineHas) {
  if (!Has("python3")) GTEST_SKIP() << "there is no python3 on this machine";
  // No lock file: nothing is installed, and the interpreter of PATH must have what the checks need.
  Project("pyproject.toml", "[project]\nname = \"x\"\n");
  Project("tests/test_a.py", "def test_a() -> None:\n    assert 1 + 1 == 2\n");
  const PreflightReport preflight = PreflightOf("").value();
  EXPECT_EQ(preflight.profile, "python");
  EXPECT_EQ(preflight.mode, "change");
  EXPECT_FALSE(preflight.needs_dependencies);
  const auto probed = Probe("python");
  if (probed.failure() != nullptr) {
    EXPECT_EQ(probed.failure()->type, kFailureMissingTool);
    EXPECT_THAT(probed.failure()->message, HasSubstr("pytest"));
  } else {
    EXPECT_TRUE(CheckOf("python").passed);
  }
}

TEST_F(Languages, CppLooksAtItsSources) {
  if (!Has("cmake")) GTEST_SKIP() << "there is no cmake on this machine";
  Begin("cpp", {{"src/add.cpp", "int add(int a, int b) { return a + b; }\n"},
                {"test/add_test.cpp", "int add(int a, int b);\nint main() { return add(1, 2) == 3 ? 0 : 1; }\n"}});
  const ComplianceReport good = CheckOf("cpp");
  EXPECT_TRUE(good.passed) << good.error_log;
  EXPECT_EQ(good.checks.at(1).files_examined, 2);
}

}  // namespace
}  // namespace wfe::build
