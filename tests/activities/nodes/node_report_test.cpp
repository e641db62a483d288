// SG-2, SG-4, RC-1, RC-3: what checks are worth together.
#include <gmock/gmock.h>

#include "activities/nodes/report.h"

namespace wfe::nodes {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::vector<NodeCheck> AllPass(std::string_view language) {
  std::vector<NodeCheck> checks;
  for (const CheckWeight& weighted : WeightsOf(language)) {
    checks.push_back({.name = std::string(weighted.check), .status = std::string(kPass), .score = 1});
  }
  return checks;
}

double ScoreWithout(const std::vector<std::string>& failing, std::string_view language = kPython) {
  std::vector<NodeCheck> checks = AllPass(language);
  for (NodeCheck& check : checks) {
    if (std::ranges::find(failing, check.name) == failing.end()) continue;
    check.status = kFail;
    check.score = 0;
  }
  return OverallScore(language, checks);
}

// SG-3, SG-4
TEST(NodeReport, EachLanguageHasEightChecksWhoseWeightsAreAHundredTogether) {
  for (const std::string_view language : {kPython, kCpp}) {
    ASSERT_EQ(WeightsOf(language).size(), 8U);
    int sum = 0;
    for (const CheckWeight& weighted : WeightsOf(language)) sum += weighted.weight;
    EXPECT_EQ(sum, 100);
  }
  EXPECT_TRUE(WeightsOf("cobol").empty());
}

// SG-4
TEST(NodeReport, TheScoreIsTheWeightedSum) {
  EXPECT_EQ(ScoreWithout({}), 1.0);
  EXPECT_DOUBLE_EQ(ScoreWithout({"undefined_names"}), 0.80);
  EXPECT_DOUBLE_EQ(ScoreWithout({"json_output", "main_function"}), 0.75);
  EXPECT_DOUBLE_EQ(ScoreWithout({"import_order"}), 0.95);
  EXPECT_DOUBLE_EQ(ScoreWithout({"stdin_use", "runtime_import", "call_tool_use"}), 0.75);
}

// SG-4
TEST(NodeReport, ASyntaxErrorCapsTheScore) {
  EXPECT_EQ(ScoreWithout({"syntax"}), kSyntaxErrorCap);
  EXPECT_EQ(ScoreWithout({"syntax"}, kCpp), kSyntaxErrorCap);
  EXPECT_LT(ScoreWithout({"syntax", "undefined_names", "json_output", "main_function", "stdin_use", "call_tool_use"}),
            0.25);
}

// SG-4
TEST(NodeReport, ACheckThatTheMachineCannotMakeIsLeftOutAndOneThatTheFileBlocksIsNot) {
  std::vector<NodeCheck> checks = AllPass(kPython);
  checks[4].status = kSkipped;
  checks[4].score = 0;
  EXPECT_EQ(OverallScore(kPython, checks), 1.0);
  checks[4].status = kBlocked;
  EXPECT_DOUBLE_EQ(OverallScore(kPython, checks), 0.8);
}

// SG-4
TEST(NodeReport, GradesBeginAtTheirLimits) {
  const std::vector<std::pair<double, std::string>> kLimits = {{0.97, "A+"}, {0.93, "A"},  {0.90, "A-"}, {0.87, "B+"},
                                                               {0.83, "B"},  {0.80, "B-"}, {0.77, "C+"}, {0.73, "C"},
                                                               {0.70, "C-"}, {0.60, "D"}};
  for (size_t i = 0; i < kLimits.size(); ++i) {
    EXPECT_EQ(GradeOf(kLimits[i].first), kLimits[i].second);
    EXPECT_EQ(GradeOf(kLimits[i].first - 1e-6), i + 1 < kLimits.size() ? kLimits[i + 1].second : "F");
  }
  EXPECT_EQ(GradeOf(1.0), "A+");
  EXPECT_EQ(GradeOf(0), "F");
}

// SG-2
TEST(NodeReport, TheGateIsPassedAtItsLimit) {
  GenerationReport report;
  report.overall_score = 0.5;
  EXPECT_TRUE(report.PassesGate());
  report.overall_score = 0.4999;
  EXPECT_FALSE(report.PassesGate());
}

// SG-5, RC-3
TEST(NodeReport, TheTagOfAScoreIsRoundedDownToTens) {
  EXPECT_EQ(ScoreTag(0.93), "score-90");
  EXPECT_EQ(ScoreTag(0.9), "score-90");
  EXPECT_EQ(ScoreTag(0.3), "score-30");
  EXPECT_EQ(ScoreTag(1.0), "score-100");
  EXPECT_EQ(ScoreTag(0.05), "score-0");
}

// RC-1
TEST(NodeReport, AReportSurvivesJsonWithTheKeysThatItDoesNotKnow) {
  GenerationReport report{
      .report_id = "report-1", .node_id = "n", .workflow_run_id = "run", .file = "node.py", .language = "python"};
  report.checks = AllPass(kPython);
  report.checks[1].status = kFail;
  report.checks[1].score = 0;
  report.checks[1].findings = {{.rule = "main-missing", .line = 3, .message = "there is no function main()"}};
  report.checks[5].auto_fixed = true;
  Conclude(report);
  EXPECT_EQ(report.auto_fixes_applied, 1);
  EXPECT_EQ(report.grade, "A-");
  json written = report;
  written["of_a_later_version"] = 7;
  const auto read = written.get<GenerationReport>();
  EXPECT_EQ(json(read), written);
  ASSERT_NE(read.Find("main_function"), nullptr);
  EXPECT_EQ(read.Find("main_function")->findings.front().line, 3);
  EXPECT_EQ(read.Find("nothing"), nullptr);
  EXPECT_EQ(FeedbackOf(read), "node.py:3: there is no function main() [main-missing]\n");
}

}  // namespace
}  // namespace wfe::nodes
