// The built-in "cpp" profile with the real cmake, make, compiler and ctest (AC-3, TX-1).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "activities/build/checks/compliance.h"
#include "activities/build/checks/register.h"
#include "activities/sandbox/process_runner.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::build {
namespace {

using nlohmann::json;
using test::FakeContext;
using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class CppProfile : public testing::Test {
 protected:
  void SetUp() override {
    const char* path = std::getenv("PATH");
    for (const char* tool : {"cmake", "make", "c++", "ctest"}) {
      if (sandbox::FindProgram(tool, path == nullptr ? "" : path).empty()) GTEST_SKIP() << tool << " is not in PATH";
    }
    ComplianceConfig config;
    config.work_root = root_ / "work";
    RegisterComplianceActivities(registry_, config);
    json request = PreflightRequest{.working_dir = root_ / "project", .profile = "cpp", .min_free_bytes = 0};
    preflight_ = Run(kPreflight.name, request).get<PreflightReport>();
  }
  json Run(std::string_view name, const json& input) {
    auto result = (*registry_.Find(std::string(name)))(context_, input);
    WFE_CHECK(result.has_value(), result.failure() != nullptr ? result.failure()->message : "cancelled");
    return result.value();
  }
  ComplianceReport Check() {
    const json request = ComplianceRequest{
        .working_dir = root_ / "project", .profile = "cpp", .protected_hashes = preflight_.protected_hashes};
    return Run(kRunComplianceChecks.name, request).get<ComplianceReport>();
  }

  const TempDir root_;
  sdk::ActivityRegistry registry_;
  FakeContext context_;
  PreflightReport preflight_;
};

TEST_F(CppProfile, AProjectGoesFromNoTestsOverErrorsToAPass) {
  EXPECT_THAT(preflight_.starter_files, ElementsAre("CMakeLists.txt"));
  EXPECT_EQ(Check().error_type, "TEST_FAILURE_NO_TESTS") << "a project without tests is not a pass";

  root_.Put("project/src/sum.h", "int Sum(int a, int b);\n");
  root_.Put("project/src/sum.cpp", "#include \"sum.h\"\nint Sum(int a, int b) { return a - c; }\n");
  root_.Put("project/test/sum_test.cpp",
            "#include <cstdio>\n#include \"sum.h\"\nint main() {\n  std::puts(\"sum is wrong\");\n  return Sum(1, 2) "
            "!= 3;\n}\n");
  const ComplianceReport broken = Check();
  EXPECT_EQ(broken.error_type, "COMPILE_ERROR");
  EXPECT_THAT(broken.error_counts, ElementsAre(Pair("COMPILE_ERROR", 1)));
  EXPECT_TRUE(broken.error_log.starts_with("src/sum.cpp:2:")) << broken.error_log;
  EXPECT_EQ(broken.checks[2].outcome, "skipped");

  root_.Put("project/src/sum.cpp", "#include \"sum.h\"\nint Sum(int a, int b) { return a - b; }\n");
  const ComplianceReport failing = Check();
  EXPECT_EQ(failing.error_type, "TEST_FAILURE") << failing.error_log;
  EXPECT_THAT(failing.error_log, HasSubstr("sum is wrong"));
  EXPECT_EQ(failing.checks[2].tests_failed, 1);

  root_.Put("project/src/sum.cpp", "#include \"sum.h\"\nint Sum(int a, int b) { return a + b; }\n");
  const ComplianceReport passing = Check();
  EXPECT_TRUE(passing.passed) << passing.error_log;
  EXPECT_EQ(passing.checks[2].tests_total, 1);
}

}  // namespace
}  // namespace wfe::build
