// What a report may say: compared only with its like (RW-D18), the whole prompt (RW-D17), instructions as a factor (RW-D16), what is
// not chained in the header (SEC-M7), one cause once, and "described" where nothing was tested.
#include <gmock/gmock.h>

#include "activities/analytics/audits/report.h"
#include "activities/analytics/reports/reports.h"
#include "tests/activities/analytics/synthetic_builds.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

ReportInput Input(const std::string& id = "now", const std::string& at = "2026-11-21T02:00:00.000Z") {
  ReportInput input{.report_id = id, .generated_at = at};
  input.sources = {{{"kind", "records"}, {"location", ""}, {"files", 400}, {"entries", 2638}}};
  return input;
}

json Report(const SyntheticBuilds& builds, const ReportInput& input = Input(), const AuditOptions& options = {}) {
  json report = BuildReport(MakeTable(builds), options, input).value();
  EXPECT_THAT(ReportProblems(report), IsEmpty());
  return report;
}

/// The report of the planted causes; made once.
const json& CausesReport() {
  static const json report = Report(SyntheticBuilds().WithCauses());
  return report;
}

bool SaysChange(const json& report) {
  for (const json& row : report.at("summary")) {
    if (row.contains("change")) return true;
  }
  return false;
}

TEST(ComparableReports, OnlyOneOfTheSameScopeIsComparedWith) {  // RW-D18, RP-2
  const json before = Report({.seed = 7, .builds = 40}, Input("before", "2026-11-20T02:00:00.000Z"));
  const auto after = [&](const std::function<void(ReportInput&, AuditOptions&)>& differ) {
    ReportInput input = Input();
    AuditOptions options;
    differ(input, options);
    input.earlier = {before};
    return Report({.seed = 8, .builds = 40}, input, options);
  };
  EXPECT_TRUE(SaysChange(after([](ReportInput&, AuditOptions&) {})));
  struct Case {
    std::function<void(ReportInput&, AuditOptions&)> differ;
    std::string why;
  };
  const std::vector<Case> cases = {
      {[](ReportInput& input, AuditOptions&) { input.sources[0]["kind"] = "directory"; }, "other sources"},
      {[](ReportInput& input, AuditOptions&) { input.sources[0]["location"] = "x"; }, "other sources"},
      {[](ReportInput&, AuditOptions& options) { options.workflow_types = {"AuditedBuildWorkflow"}; },
       "other workflow types"},
      {[](ReportInput& input, AuditOptions&) {
         input.window_from = "2026-11-14T02:00:00.000Z";
         input.window_to = "2026-11-21T02:00:00.000Z";
       },
       "a window of another length"}};
  for (const Case& c : cases) {
    const json report = after(c.differ);
    EXPECT_FALSE(report.at("header").contains("previous_report")) << c.why;
    EXPECT_FALSE(SaysChange(report)) << c.why;
    EXPECT_EQ(report.at("trend").at("reports").size(), 1U);
    EXPECT_THAT(report.at("header").at("note").get<std::string>(),
                HasSubstr("Not compared with report before: it has " + c.why));
  }
  ReportInput scripted = Input();
  scripted.earlier = {before};
  const json canned = Report({.seed = 8, .builds = 40, .source = TokenSource::kScripted, .priced = false}, scripted);
  EXPECT_THAT(canned.at("header").at("note").get<std::string>(), HasSubstr("scripted answers on one side only"));
  EXPECT_FALSE(SaysChange(canned));
}

TEST(ComparableReports, TheNewestOfTheSameScopeCountsAlsoWhenAnotherCameLater) {  // RW-D18
  ReportInput other = Input("other", "2026-11-20T12:00:00.000Z");
  other.sources[0]["kind"] = "directory";
  ReportInput input = Input();
  input.earlier = {Report({.seed = 7, .builds = 40}, Input("like", "2026-11-20T02:00:00.000Z")),
                   Report({.seed = 9, .builds = 40}, other)};
  const json report = Report({.seed = 8, .builds = 40}, input);
  EXPECT_EQ(report.at("header").at("previous_report").at("report_id"), "like");
}

TEST(ComparableReports, NightsOfTwentyThreeHoursAreNights) {  // RW-D18
  ReportInput before = Input("before", "2026-03-29T02:00:00.000Z");
  before.window_from = "2026-03-28T03:00:00.000Z";
  before.window_to = "2026-03-29T02:00:00.000Z";
  ReportInput input = Input();
  input.window_from = "2026-11-20T02:00:00.000Z";
  input.window_to = "2026-11-21T02:00:00.000Z";
  input.earlier = {Report({.seed = 7, .builds = 40}, before)};
  EXPECT_TRUE(Report({.seed = 8, .builds = 40}, input).at("header").contains("previous_report"));
}

TEST(ComparableReports, ABaselineThatIsAskedForIsTakenAndItsDifferenceSaid) {  // RW-D18
  ReportInput old = Input("old", "2026-11-01T02:00:00.000Z");
  old.sources[0]["kind"] = "directory";
  ReportInput input = Input();
  input.earlier = {Report({.seed = 6, .builds = 40}, Input("newest", "2026-11-20T02:00:00.000Z"))};
  input.baseline = Report({.seed = 7, .builds = 40}, old);
  const json report = Report({.seed = 8, .builds = 40}, input);
  EXPECT_EQ(report.at("header").at("previous_report").at("report_id"), "old");
  EXPECT_THAT(report.at("header").at("note").get<std::string>(), HasSubstr("The baseline, report old, has other sources"));
}

TEST(ComparableReports, BetterAndWorseNeedEnoughBuildsOnBothSides) {  // RW-D18, OP-5
  ReportInput input = Input();
  input.earlier = {Report({.seed = 7, .builds = 40}, Input("before", "2026-11-20T02:00:00.000Z"))};
  const json few = Report({.seed = 8, .builds = 2}, input);
  EXPECT_TRUE(few.at("header").contains("previous_report"));
  EXPECT_FALSE(SaysChange(few));
  EXPECT_THAT(RenderMarkdown(few).value(), Not(HasSubstr("worse")));
  input.earlier = {Report({.seed = 7, .builds = 2}, Input("before", "2026-11-20T02:00:00.000Z"))};
  EXPECT_FALSE(SaysChange(Report({.seed = 8, .builds = 40}, input)));
}

TEST(PromptShare, CountsTheContextOnceForEachTurn) {  // RW-D17, OP-6
  const json report = Report({.builds = 60, .turns = 10});
  bool seen = false;
  for (const json& table : report.at("audits")[0].at("tables")) {
    if (table.at("query") != "token.prompt_by_step") continue;
    for (const json& row : table.at("rows")) {
      seen = true;
      EXPECT_EQ(row.at("turns"), 10);
      // About 930 of the 1,330 tokens of each turn.
      EXPECT_NEAR(row.at("context_share").get<double>(), 0.70, 0.03);
    }
  }
  EXPECT_TRUE(seen);
  for (const json& chart : report.at("audits")[0].at("charts")) {
    if (chart.at("id") != "tokens-per-step") continue;
    ASSERT_EQ(chart.at("series").size(), 4U);
    EXPECT_EQ(chart.at("series")[2].at("name"), "Rest of the prompt");
    for (const json& point : chart.at("series")[2].at("points")) EXPECT_NEAR(point.at("y").get<double>(), 1000, 1);
  }
}

TEST(Instructions, AreAFactorOfThePromptAudit) {  // RW-D16, OP-8
  SyntheticBuilds plan{.builds = 120, .rule_at = 0, .prompt_at = 1, .churn_every = 0};
  plan.with_instructions = true;
  plan.instruction_at = 0.5;
  const json report = Report(plan);
  std::string tested;
  bool listed = false;
  for (const json& audit : report.at("audits")) {
    for (const json& table : audit.at("tables")) {
      listed = listed || table.at("query") == "prompts.instruction";
      if (table.at("id") != "prompt-refinement-tests") continue;
      for (const json& row : table.at("rows")) tested += row.at("hypothesis").get<std::string>() + "\n";
    }
  }
  EXPECT_TRUE(listed);
  EXPECT_THAT(tested, HasSubstr("repair rate of the first fix, instruction-fix@2 against instruction-fix@1"));
  EXPECT_THAT(tested, HasSubstr("first-pass rate, instruction-implement@2 against instruction-implement@1"));
}

TEST(Integrity, RunsWithoutAChainAreCountedInTheHeader) {  // SEC-M7, cases/traces-two-readers
  const json loose = Report({.builds = 30, .chained = false});
  EXPECT_EQ(loose.at("header").at("unchained_runs"), 30);
  EXPECT_THAT(RenderMarkdown(loose).value(), HasSubstr("30 of 30 runs are not chained ("));
  EXPECT_THAT(RenderHtml(loose).value(), HasSubstr("30 of 30 runs are not chained ("));
  const json sound = Report({.builds = 30});
  EXPECT_EQ(sound.at("header").at("unchained_runs"), 0);
  EXPECT_THAT(RenderMarkdown(sound).value(), HasSubstr("every run keeps its hash chain"));
}

TEST(Findings, SayDescribedWhereNothingWasTested) {
  const json& report = CausesReport();
  bool described = false;
  for (const json& finding : report.at("findings")) described = described || !finding.contains("p_value");
  ASSERT_TRUE(described);
  EXPECT_THAT(RenderMarkdown(report).value(), HasSubstr("**Described**"));
  EXPECT_THAT(RenderHtml(report).value(), HasSubstr("Described"));
}

TEST(Findings, CountTheSavingOfOneCauseOnce) {
  SyntheticBuilds plan = SyntheticBuilds().WithCauses();
  plan.ruled_before = plan.ruled_after = 0.05;
  const json report = Report(plan);
  std::map<std::string, int> savings;
  for (const json& finding : report.at("findings")) {
    const std::string key = finding.value("rule_key", "");
    if (finding.contains("saving") && !key.starts_with("context:")) ++savings[key];
  }
  for (const auto& [key, count] : savings) EXPECT_EQ(count, 1) << key;
}

TEST(Findings, DoNotSayThatARuleExistsWhereNobodyHasLooked) {  // RW-D26
  const std::string text = CausesReport().dump();
  EXPECT_THAT(text, Not(HasSubstr("is meant to prevent it")));
}

TEST(Findings, CallALossALoss) {
  json report = CausesReport();
  ASSERT_FALSE(report.at("findings").empty());
  report["findings"][0]["saving"] = {{"tokens", 1000}, {"basis", "Lost since the change: 1,000 tokens."}};
  EXPECT_THAT(RenderMarkdown(report).value(), HasSubstr("**Estimated loss:** 1,000 tokens"));
  EXPECT_THAT(RenderHtml(report).value(), HasSubstr("Estimated loss"));
}

TEST(Findings, WriteFiguresInOneWay) {
  const json& report = CausesReport();
  for (const json& finding : report.at("findings")) {
    const std::string statement = finding.at("statement");
    EXPECT_THAT(statement, Not(HasSubstr(" %"))) << statement;
    EXPECT_THAT(statement, Not(HasSubstr(" points"))) << statement;
    EXPECT_THAT(statement, Not(testing::ContainsRegex(" -[0-9]"))) << statement;
  }
}

}  // namespace
}  // namespace wfe::analytics
