#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "activities/analytics/audits/report.h"
#include "tests/activities/analytics/synthetic_builds.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ReportInput Input() {
  ReportInput input{.report_id = "2026-11-21T02-00-00Z-ab12", .generated_at = "2026-11-21T02:00:00.000Z"};
  input.sources = {{{"kind", "directory"}, {"location", "traces"}, {"files", 400}, {"entries", 2638}}};
  return input;
}

json Report(const TraceTable& table, const AuditOptions& options = {}, const ReportInput& input = Input()) {
  json report = BuildReport(table, options, input).value();
  EXPECT_THAT(ReportProblems(report), IsEmpty());
  return report;
}

const json* FindFinding(const json& report, const std::string& measure) {
  for (const json& finding : report.at("findings")) {
    if (finding.at("effect").at("measure") == measure) return &finding;
  }
  return nullptr;
}

void ExpectHolds(const json& finding, double truth) {
  EXPECT_LE(finding.at("effect").at("interval")[0].get<double>(), truth) << finding.at("title");
  EXPECT_GE(finding.at("effect").at("interval")[1].get<double>(), truth) << finding.at("title");
}

double SummaryValue(const json& report, const std::string& key) {
  for (const json& row : report.at("summary")) {
    if (row.at("key") == key) return row.at("value").get<double>();
  }
  ADD_FAILURE() << key;
  return 0;
}

bool MentionsMoney(const json& report) { return report.dump().find("usd") != std::string::npos; }

TEST(AuditReport, CostlyErrorClassIsNamedWithItsExtraTokens) {  // OP-6
  const SyntheticBuilds plan = SyntheticBuilds().WithCauses();
  const json report = Report(MakeTable(plan));
  const json* finding = FindFinding(report, "difference in mean tokens per repair from the other classes");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->at("rule_key"), "TSC_ERROR");
  EXPECT_EQ(finding->at("section"), "STRICT CONSTRAINTS");
  EXPECT_FALSE(finding->at("significant").get<bool>());  // Being the highest of several is no test.
  EXPECT_FALSE(finding->contains("p_value"));
  ExpectHolds(*finding, plan.CostlyEffect());
  EXPECT_GT(finding->at("saving").at("tokens").get<int64_t>(), 10000);
  EXPECT_GT(finding->at("saving").at("usd").get<double>(), 0);
  EXPECT_EQ(finding->at("examples").size(), 5u);
}

TEST(AuditReport, ConstraintChangeThatHelpsIsClaimedForItsClass) {  // OP-7
  const SyntheticBuilds plan = SyntheticBuilds().WithCauses();
  const json report = Report(MakeTable(plan));
  const json* finding = FindFinding(report, "difference in share of builds with ESLINT_ERROR_NO_ANY");
  ASSERT_NE(finding, nullptr);
  EXPECT_TRUE(finding->at("significant").get<bool>());
  EXPECT_LT(finding->at("p_adjusted").get<double>(), 0.05);
  EXPECT_GE(finding->at("p_adjusted").get<double>(), finding->at("p_value").get<double>());
  EXPECT_EQ(finding->at("section"), "STRICT CONSTRAINTS");
  EXPECT_THAT(finding->at("rule_key").get<std::string>(), ::testing::MatchesRegex("context:[0-9a-f]{64}"));
  ExpectHolds(*finding, plan.RuleEffect());
}

TEST(AuditReport, ConstraintChangeThatHarmsIsAboutTheClassThatARuleMayPrevent) {  // OP-7, OP-12
  SyntheticBuilds plan;
  plan.ruled_before = 0.05;
  plan.ruled_after = 0.35;
  const json report = Report(MakeTable(plan));
  const json* finding = FindFinding(report, "difference in share of builds with ESLINT_ERROR_NO_ANY");
  ASSERT_NE(finding, nullptr);
  EXPECT_TRUE(finding->at("significant").get<bool>());
  EXPECT_THAT(finding->at("title").get<std::string>(), HasSubstr("ESLINT_ERROR_NO_ANY became more frequent"));
  EXPECT_EQ(finding->at("rule_key"), "ESLINT_ERROR_NO_ANY");
  EXPECT_EQ(finding->at("section"), "STRICT CONSTRAINTS");
  ExpectHolds(*finding, plan.RuleEffect());
}

TEST(AuditReport, WhatALaterPromptDidIsNotPutDownToTheConstraintChange) {  // OP-7
  // Version 3 triples test failures under the same constraints as version 2.
  const json report = Report(MakeTable(SyntheticBuilds().WithCauses()));
  EXPECT_EQ(FindFinding(report, "difference in share of builds with JEST_FAILURE"), nullptr);
  const json* finding = FindFinding(report, "difference in share of builds with ESLINT_ERROR_NO_ANY");
  ASSERT_NE(finding, nullptr);
  EXPECT_THAT(finding->at("groups")[0].at("name").get<std::string>(), HasSubstr("typescript-package@1"));
  EXPECT_THAT(finding->at("groups")[1].at("name").get<std::string>(), HasSubstr("typescript-package@2"));
}

TEST(AuditReport, WorsePromptVersionIsClaimedAgainstItsParent) {  // OP-8
  const SyntheticBuilds plan = SyntheticBuilds().WithCauses();
  const json report = Report(MakeTable(plan));
  bool found = false;
  for (const json& finding : report.at("findings")) {
    if (finding.at("rule_key") != "prompt:typescript-package@3") continue;
    if (finding.at("effect").at("measure") != "difference in first-pass rate") continue;
    found = true;
    EXPECT_TRUE(finding.at("significant").get<bool>());
    EXPECT_EQ(finding.at("groups")[0].at("name"), "typescript-package@2");
    EXPECT_EQ(finding.at("template_id"), "typescript-package");
    ExpectHolds(finding, plan.PromptEffect());
  }
  EXPECT_TRUE(found);
}

TEST(AuditReport, ChurningSectionIsDescribedAndNotClaimed) {  // OP-9
  const json report = Report(MakeTable(SyntheticBuilds().WithCauses()));
  bool found = false;
  for (const json& finding : report.at("findings")) {
    if (finding.value("section", "") != "Core Package Specifics") continue;
    found = true;
    EXPECT_EQ(finding.at("audit"), "context_volatility");
    EXPECT_FALSE(finding.at("significant").get<bool>());
    EXPECT_THAT(finding.at("statement").get<std::string>(), HasSubstr("changed 44 times in 400 builds"));
    EXPECT_THAT(finding.at("statement").get<std::string>(), HasSubstr("No effect of these changes was found."));
    ExpectHolds(finding, 0);
  }
  EXPECT_TRUE(found);
}

TEST(AuditReport, ContextChangesAreComparedByTheSectionsThatPeopleEdit) {  // OP-9
  const json report = Report(MakeTable(SyntheticBuilds().WithCauses()));
  const json& contexts = report.at("audits")[3].at("tables")[0];
  // Hundreds of hashes, since task and specifics differ; the rules changed once.
  ASSERT_EQ(contexts.at("rows").size(), 2u);
  EXPECT_EQ(contexts.at("rows")[0].at("builds"), 160);
  EXPECT_GT(contexts.at("rows")[0].at("hashes").get<int>(), 50);
  EXPECT_EQ(contexts.at("rows")[1].at("changed"), "STRICT CONSTRAINTS");
}

TEST(AuditReport, HolmSpansEveryHypothesisOfTheReport) {
  const json report = Report(MakeTable(SyntheticBuilds().WithCauses()));
  size_t tested = 0;
  double smallest = 1;
  double smallest_adjusted = 1;
  for (const json& audit : report.at("audits")) {
    for (const json& table : audit.at("tables")) {
      if (table.at("title") != "What was tested") continue;
      tested += table.at("rows").size();
      for (const json& row : table.at("rows")) {
        smallest = std::min(smallest, row.at("p").get<double>());
        smallest_adjusted = std::min(smallest_adjusted, row.at("p_adjusted").get<double>());
      }
    }
  }
  EXPECT_EQ(report.at("appendix").at("thresholds").at("hypotheses"), tested);
  EXPECT_GE(tested, 10u);
  EXPECT_NEAR(smallest_adjusted, smallest * static_cast<double>(tested), smallest_adjusted * 1e-6);
}

TEST(AuditReport, FiguresAgreeWithTheRows) {  // RP-2, OP-4
  const json report = Report(MakeTable(SyntheticBuilds().WithCauses()));
  int64_t tokens = 0;
  int successes = 0;
  int first_pass = 0;
  for (const json& run : report.at("appendix").at("runs")) {
    tokens += run.at("tokens").get<int64_t>();
    successes += run.at("status") == "passed" ? 1 : 0;
    first_pass += run.at("first_pass").get<bool>() ? 1 : 0;
  }
  EXPECT_EQ(SummaryValue(report, "builds"), 400);
  EXPECT_NEAR(SummaryValue(report, "first_pass_rate"), first_pass / 400.0, 1e-6);
  EXPECT_NEAR(SummaryValue(report, "tokens_per_success"), static_cast<double>(tokens) / successes, 1e-3);
  EXPECT_GT(SummaryValue(report, "cost_per_success"), 0);
  EXPECT_NEAR(report.at("header").at("token_sources").at("reported").get<double>(), 1, 1e-9);
}

TEST(AuditReport, TooFewRunsGiveAReportWithoutStatisticalStatements) {  // OP-5
  SyntheticBuilds plan = SyntheticBuilds().WithCauses();
  plan.builds = 23;
  const json report = Report(MakeTable(plan));
  EXPECT_FALSE(report.at("header").at("sufficiency").at("sufficient").get<bool>());
  EXPECT_THAT(report.at("header").at("sufficiency").at("statement").get<std::string>(),
              HasSubstr("Insufficient data: 23"));
  EXPECT_THAT(report.at("findings"), IsEmpty());
  EXPECT_EQ(report.at("appendix").at("thresholds").at("hypotheses"), 0);
  EXPECT_EQ(report.at("audits").size(), 4u);
  EXPECT_EQ(SummaryValue(report, "builds"), 23);
}

TEST(AuditReport, SidesWithFewerThanTenBuildsAreNotCompared) {  // OP-14
  SyntheticBuilds plan = SyntheticBuilds().WithCauses();
  plan.builds = 40;
  plan.rule_at = 9 / 40.0;
  plan.prompt_at = 1;
  const json report = Report(MakeTable(plan));
  EXPECT_TRUE(report.at("header").at("sufficiency").at("sufficient").get<bool>());
  for (const json& finding : report.at("findings")) EXPECT_FALSE(finding.at("significant").get<bool>());
  for (const json& audit : report.at("audits")) {
    for (const json& table : audit.at("tables")) {
      if (table.at("title") != "What was tested") continue;
      for (const json& row : table.at("rows")) {
        EXPECT_GE(row.at("n_before").get<int>(), 10);
        EXPECT_GE(row.at("n_after").get<int>(), 10);
      }
    }
  }
}

TEST(AuditReport, EmptyWindowOneBuildAndNoTableAreReportsToo) {
  const TraceTable table = MakeTable(SyntheticBuilds().WithCauses());
  AuditOptions nothing;
  nothing.to_ms = 1;
  for (const json& report : {Report(table, nothing), Report(TraceTable())}) {
    EXPECT_EQ(SummaryValue(report, "builds"), 0);
    EXPECT_EQ(report.at("header").at("builds"), 0);
    EXPECT_FALSE(report.at("scripted_only").get<bool>());
    EXPECT_THAT(report.at("findings"), IsEmpty());
  }
  SyntheticBuilds one;
  one.builds = 1;
  AuditOptions eager;
  eager.min_runs = 0;
  const json report = Report(MakeTable(one), eager);
  EXPECT_EQ(SummaryValue(report, "builds"), 1);
  EXPECT_THAT(report.at("findings"), IsEmpty());
}

TEST(AuditReport, WindowTakesTheRunsThatEndedInIt) {  // OP-1
  const SyntheticBuilds plan;
  AuditOptions options;
  options.from_ms = plan.first_ms + 100 * int64_t{3'600'000};
  options.to_ms = plan.first_ms + 150 * int64_t{3'600'000};
  EXPECT_EQ(SummaryValue(Report(MakeTable(plan), options), "builds"), 50);
  options.workflow_types = {"Other"};
  EXPECT_EQ(SummaryValue(Report(MakeTable(plan), options), "builds"), 0);
}

TEST(AuditReport, ScriptedRunsCountOnlyWhenThereIsNothingElse) {  // LG-19
  SyntheticBuilds scripted{.seed = 1, .builds = 40, .source = TokenSource::kScripted, .name = "scripted"};
  const json alone = Report(MakeTable(scripted));
  EXPECT_TRUE(alone.at("scripted_only").get<bool>());
  EXPECT_EQ(SummaryValue(alone, "builds"), 40);
  EXPECT_EQ(alone.at("header").at("note"), "No model was called: every answer was scripted.");
  EXPECT_FALSE(MentionsMoney(alone.at("findings")));
  EXPECT_FALSE(MentionsMoney(alone.at("summary")));
  EXPECT_FALSE(MentionsMoney(alone.at("appendix").at("runs")));

  // A run that was cancelled before its first agent call does not make the others real ones.
  TraceTable with_cancelled = MakeTable(scripted);
  TraceEntry cancelled;
  cancelled.entry_id = EntryIdOf("cancelled");
  cancelled.run = "cancelled";
  cancelled.step = "workflow_cancelled";
  cancelled.kind = EntryKind::kWorkflowEvent;
  cancelled.timestamp_ms = scripted.first_ms;
  with_cancelled.Add(cancelled);
  const json and_cancelled = Report(with_cancelled);
  EXPECT_TRUE(and_cancelled.at("scripted_only").get<bool>());
  EXPECT_EQ(SummaryValue(and_cancelled, "builds"), 41);

  TraceTable mixed = MakeTable({.seed = 2, .builds = 30, .name = "real"});
  mixed.Append(MakeTable(scripted));
  const json report = Report(mixed);
  EXPECT_FALSE(report.at("scripted_only").get<bool>());
  EXPECT_EQ(SummaryValue(report, "builds"), 30);
  EXPECT_EQ(report.at("header").at("note"), "40 runs with scripted answers were left out.");
  EXPECT_FALSE(report.at("header").at("token_sources").contains("scripted")) << "of runs that were left out";
}

TEST(AuditReport, MoneyIsAbsentWhereCountsAreEstimated) {
  SyntheticBuilds plan = SyntheticBuilds().WithCauses();
  plan.source = TokenSource::kEstimated;
  const json report = Report(MakeTable(plan));
  EXPECT_FALSE(MentionsMoney(report.at("findings")));
  EXPECT_FALSE(MentionsMoney(report.at("summary")));
}

TEST(AuditReport, SameInputGivesTheSameBytesInWhateverOrderFilesWereRead) {  // OP-11
  const TraceTable early = MakeTable(SyntheticBuilds().WithCauses());
  SyntheticBuilds plan = SyntheticBuilds().WithCauses();
  plan.seed = 2;
  const TraceTable late = MakeTable(plan);
  TraceTable one;
  one.Append(early);
  one.Append(late);
  TraceTable two;
  two.Append(late);
  two.Append(early);
  EXPECT_EQ(Report(one).dump(), Report(one).dump());
  EXPECT_EQ(Report(one).dump(), Report(two).dump());
}

TEST(AuditReport, SectionsMadeSeparatelyGiveTheSameReport) {
  const TraceTable table = MakeTable(SyntheticBuilds().WithCauses());
  const json overview = json::parse(Overview(table, {}).dump());
  std::vector<json> sections;
  for (const char* kind : {"context_volatility", "prompt_refinement", "token_efficiency", "constraint_effectiveness"}) {
    sections.push_back(json::parse(RunAudit(kind, table, {}).value().dump()));
  }
  EXPECT_EQ(AssembleReport(overview, sections, Input()).dump(), Report(table).dump());
  EXPECT_THAT(RunAudit("vibes", table, {}).error().message, HasSubstr("no audit \"vibes\""));
}

TEST(AuditReport, SummaryAndTrendCompareWithEarlierReports) {  // RP-2, OP-13
  ReportInput first = Input();
  first.report_id = "first";
  first.generated_at = "2026-11-19T02:00:00.000Z";
  const json before = Report(MakeTable({.seed = 7}), {}, first);
  ReportInput input = Input();
  input.earlier = {before, DigestReport(before)};
  input.earlier[1]["report_id"] = "second";
  input.earlier[1]["generated_at"] = "2026-11-20T02:00:00.000Z";
  const json report = Report(MakeTable(SyntheticBuilds().WithCauses()), {}, input);
  EXPECT_EQ(report.at("header").at("previous_report").at("report_id"), "second");
  for (const json& row : report.at("summary")) {
    EXPECT_NEAR(row.at("change").get<double>(), row.at("value").get<double>() - row.at("previous").get<double>(), 1e-6);
  }
  ASSERT_EQ(report.at("trend").at("reports").size(), 3u);
  EXPECT_EQ(report.at("trend").at("reports")[0].at("report_id"), "first");
  EXPECT_EQ(report.at("trend").at("reports")[2].at("report_id"), input.report_id);
}

TEST(AuditReport, ActivatedProposalIsMeasuredAgainstItsParent) {  // OP-13
  const SyntheticBuilds plan = SyntheticBuilds().WithCauses();
  const std::vector<ActivatedProposal> proposals = {
      {"typescript-package", 2, 1, "2026-10-01T00:00:00.000Z", {{"rule_key", "ESLINT_ERROR_NO_ANY"}}},
      {"typescript-package",
       3,
       2,
       "2026-10-05T00:00:00.000Z",
       {{"rule_key", "prompt:typescript-package@2"}, {"effect", {{"measure", "difference in first-pass rate"}}}}},
      {"typescript-package", 4, 3, "2026-10-09T00:00:00.000Z", json::object()}};
  AuditOptions night;  // The parent's builds lie before the window.
  night.from_ms = plan.first_ms + 380 * int64_t{3'600'000};
  const json report = BuildReport(MakeTable(plan), night, Input(), {}, proposals).value();
  EXPECT_THAT(ReportProblems(report), IsEmpty());
  const json& measured = report.at("trend").at("proposals");
  ASSERT_EQ(measured.size(), 3u);
  EXPECT_EQ(measured[0].at("measured").at("measure"), "difference in share of builds with ESLINT_ERROR_NO_ANY");
  EXPECT_LT(measured[0].at("measured").at("interval")[1].get<double>(), 0);
  EXPECT_EQ(measured[1].at("measured").at("measure"), "difference in first-pass rate");
  EXPECT_LT(measured[1].at("measured").at("value").get<double>(), 0);
  EXPECT_THAT(measured[2].at("measured").get<std::string>(), HasSubstr("not yet measurable: 0 builds with version 4"));
}

TEST(AuditReport, ProblemsOfReadingAreInTheHeader) {
  ReportInput input = Input();
  input.parse.duplicates = 3;
  input.parse.Add("a.jsonl", 7, kProblemMalformed, "torn");
  input.note = "This report was due at 02:00 and ran late.";
  const json report = Report(MakeTable({.builds = 30}), {}, input);
  EXPECT_EQ(report.at("header").at("problems").at("count"), 1);
  EXPECT_EQ(report.at("header").at("problems").at("listed")[0].at("line"), 7);
  EXPECT_EQ(report.at("header").at("duplicates"), 3);
  EXPECT_EQ(report.at("header").at("note"), input.note);
}

/// tests/testdata/optimization/report.json is what the renderers are tested with.  WFE_REWRITE=1 writes it anew.
TEST(AuditReport, ExampleReportIsTheOneThatTheAuditsGive) {
  ReportInput input = Input();
  input.window_from = "2026-09-21T00:00:00.000Z";
  input.window_to = "2026-10-08T00:00:00.000Z";
  input.parse.duplicates = 12;
  input.parse.Add("traces/run-1-10017/audit_trace.jsonl", 9, kProblemMalformed, "the last line is torn");
  input.parse.Add("traces/run-1-10101/audit_trace.jsonl", 4, kProblemArithmetic,
                  "total_token_cost is 1800, prompt and completion tokens make 1830");
  for (int i = 1; i <= 3; ++i) {
    ReportInput earlier = Input();
    earlier.report_id = "2026-11-1" + std::to_string(7 + i) + "T02-00-00Z-ab1" + std::to_string(i);
    earlier.generated_at = "2026-11-1" + std::to_string(7 + i) + "T02:00:00.000Z";
    earlier.window_from = input.window_from;
    earlier.window_to = input.window_to;
    if (i == 3) earlier.generated_at = "2026-11-20T02:00:00.000Z", earlier.report_id = "2026-11-20T02-00-00Z-ab13";
    input.earlier.push_back(
        DigestReport(Report(MakeTable({.seed = static_cast<uint64_t>(40 + i), .builds = 90}), {}, earlier)));
  }
  SyntheticBuilds plan = SyntheticBuilds().WithCauses();
  const std::vector<ActivatedProposal> proposals = {
      {"typescript-package",
       2,
       1,
       "2026-09-28T09:00:00.000Z",
       {{"rule_key", "ESLINT_ERROR_NO_ANY"},
        {"audit", "constraint_effectiveness"},
        {"saving", {{"tokens", 90000}, {"basis", "All repairs."}}}}},
      {"typescript-package", 4, 3, "2026-11-20T09:00:00.000Z", {{"rule_key", "TSC_ERROR"}}}};
  json report = BuildReport(MakeTable(plan), {}, input, {}, proposals).value();
  for (json& finding : report["findings"]) {
    if (finding["rule_key"] != "TSC_ERROR" || finding.contains("p_value")) continue;
    finding["proposal"] = {
        {"template_id", "typescript-package"},
        {"base_version", 3},
        {"draft_version", 4},
        {"section", "STRICT CONSTRAINTS"},
        {"reason", finding["title"]},
        {"diff",
         "--- typescript-package version 3\n+++ typescript-package version 4 (draft)\n@@ -8,3 +8,5 @@\n "
         "- Every exported function declares the types of its parameters and of its result.\n+- Before "
         "you finish, read every import: the file exists and exports what you name.\n+- A value that may "
         "be undefined is narrowed before it is used.\n - Do not silence a check.\n"}};
  }
  EXPECT_THAT(ReportProblems(report), IsEmpty());
  const std::string text = report.dump(2) + "\n";
  const std::string path = std::string(WFE_SOURCE_DIR) + "/tests/testdata/optimization/report.json";
  if (std::getenv("WFE_REWRITE") != nullptr) std::ofstream(path) << text;
  std::ifstream in(path);
  std::ostringstream stored;
  stored << in.rdbuf();
  EXPECT_TRUE(stored.str() == text) << "run audit_report_test with WFE_REWRITE=1 and read the difference";
}

}  // namespace
}  // namespace wfe::analytics
