// AC-7, AC-1, RC-1: analyzeStatic and runNodeTests as a worker calls them.
#include <gmock/gmock.h>

#include "activities/nodes/activities.h"
#include "activities/nodes/register.h"
#include "engine/base/hash.h"
#include "tests/activities/nodes/node_machine.h"

namespace wfe::nodes {
namespace {

using nlohmann::json;
using test::kCleanNode;
using test::NodeOf;
using testing::HasSubstr;

class NodeActivities : public test::NodeMachine {
 protected:
  template <class Input, class Output>
  sdk::ActivityResult<Output> Call(sdk::ActivityType<Input, Output> type, const Input& input) {
    sdk::ActivityRegistry registry;
    RegisterNodeActivities(registry, config_);
    const sdk::ActivityFunction* function = registry.Find(std::string(type.name));
    WFE_CHECK(function != nullptr);
    auto result = (*function)(context_, json(input));
    if (result.failure() != nullptr) return *result.failure();
    if (result.cancelled() != nullptr) return *result.cancelled();
    return result.value().template get<Output>();
  }
  AnalyzeStaticResult Analyze(const AnalyzeStaticRequest& request) {
    const auto result = Call(kAnalyzeStatic, request);
    WFE_CHECK(result.has_value(), result.failure() != nullptr ? result.failure()->message : "cancelled");
    return result.value();
  }
  std::string project() {
    std::filesystem::create_directories(root_ / "project");
    return root_ / "project";
  }

  wfe::test::FakeContext context_{"run-7"};
};

const std::string kUnordered =
    "import sys\nimport json\n\n\ndef main():\n    data = json.load(sys.stdin)\n    data[\"x\"] = call_tool(\"t\", "
    "{})\n"
    "    print(json.dumps(dat))\n\n\nmain()\n";

// RC-1
TEST_F(NodeActivities, TheReportSaysWhatWasFoundAndTheFileIsRepaired) {
  root_.Put("project/nodes/count.py", kUnordered);
  const AnalyzeStaticResult result = Analyze({.working_dir = project(),
                                              .file = "nodes/count.py",
                                              .node_id = "count",
                                              .template_id = "node",
                                              .template_version = 4,
                                              .model = "small"});
  const GenerationReport& report = result.report;
  EXPECT_EQ(report.overall_score, 0.8);
  EXPECT_EQ(report.grade, "B-");
  EXPECT_EQ(report.auto_fixes_applied, 2);
  EXPECT_TRUE(result.passes_gate);
  EXPECT_EQ(report.workflow_run_id, "run-7");
  EXPECT_EQ(report.node_id, "count");
  EXPECT_EQ(report.template_version, 4);
  EXPECT_EQ(report.model, "small");
  EXPECT_THAT(report.created_at, testing::MatchesRegex("....-..-..T.*Z"));
  const std::string now = root_.Get("project/nodes/count.py");
  EXPECT_EQ(report.content_hash, ToHex(Sha256(now)));
  EXPECT_THAT(now, HasSubstr("import json\nimport sys\n\nfrom node_runtime import call_tool\n"));
  EXPECT_THAT(result.feedback,
              testing::MatchesRegex("nodes/count.py:[0-9]+: dat is not defined \\(line [0-9]+\\) \\[F821\\]\n"));
  EXPECT_FALSE(result.source.has_value());

  // A second attempt finds the file repaired.
  const AnalyzeStaticResult again = Analyze({.working_dir = project(), .file = "nodes/count.py", .node_id = "count"});
  EXPECT_EQ(again.report.auto_fixes_applied, 0);
  EXPECT_EQ(again.report.content_hash, report.content_hash);
  EXPECT_EQ(again.report.report_id, report.report_id);
  EXPECT_EQ(again.report.overall_score, report.overall_score);
}

TEST_F(NodeActivities, WithTheTextInItsInputTheReportIsTheSameEveryTime) {
  const AnalyzeStaticRequest request{.working_dir = project(), .file = "", .source = kUnordered};
  const AnalyzeStaticResult first = Analyze(request);
  const AnalyzeStaticResult second = Analyze(request);
  EXPECT_EQ(json(first), json(second));
  EXPECT_EQ(first.report.file, "node.py");
  EXPECT_EQ(first.source, root_.Get("project/node.py"));
}

TEST_F(NodeActivities, NothingHasToBeOnDisk) {
  const AnalyzeStaticResult result = Analyze({.working_dir = "", .file = "", .source = kCleanNode});
  EXPECT_EQ(result.report.grade, "A+");
  EXPECT_EQ(result.source, kCleanNode);
  EXPECT_EQ(result.feedback, "");
}

TEST_F(NodeActivities, AFileThatIsNotThereIsToldAndNotTriedAgain) {
  const auto result = Call(kAnalyzeStatic, {.working_dir = project(), .file = "gone.py"});
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_EQ(result.failure()->type, kFailureNodeFile);
  EXPECT_TRUE(result.failure()->non_retryable);
  EXPECT_THAT(result.failure()->message, HasSubstr("gone.py"));
  EXPECT_NE(Call(kAnalyzeStatic, {.working_dir = project(), .file = "../out.py", .source = "x"}).failure(), nullptr);
  EXPECT_NE(Call(kAnalyzeStatic, {.working_dir = "", .file = "node.py"}).failure(), nullptr);
}

TEST_F(NodeActivities, AMissingPythonIsAFailureThatIsNotTriedAgain) {
  config_.python = "python-of-nobody";
  const auto result = Call(kAnalyzeStatic, {.working_dir = "", .file = "", .source = "x = 1\n"});
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_EQ(result.failure()->type, kFailureNodeTool);
  EXPECT_TRUE(result.failure()->non_retryable);
}

TEST_F(NodeActivities, TestsRunTheFileAsItStands) {
  root_.Put("project/node.py", NodeOf("data = json.load(sys.stdin)\nprint(json.dumps({'n': data['n'] + 1}))"));
  const auto result =
      Call(kRunNodeTests, {.working_dir = project(),
                           .file = "node.py",
                           .cases = {{.name = "adds one", .input = {{"n", 1}}, .expect = {{"equals", {{"n", 2}}}}}}});
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_TRUE(result.value().passed) << result.value().message;
  EXPECT_EQ(result.value().cases.at(0).name, "adds one");
}

// AC-1
TEST_F(NodeActivities, ALongRunHeartbeatsAndEndsWhenItIsCancelled) {
  root_.Put("project/node.py", NodeOf("while True:\n    pass"));
  config_.limits.wall_clock = std::chrono::minutes(5);
  context_.CancelWhen([this] { return context_.heartbeats() >= 3; });
  const auto result = Call(kRunNodeTests, {.working_dir = project(), .file = "node.py"});
  EXPECT_NE(result.cancelled(), nullptr);
  EXPECT_GE(context_.heartbeats(), 3U);
}

}  // namespace
}  // namespace wfe::nodes
