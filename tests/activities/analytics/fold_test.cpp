// Folding entries into steps and builds (LG-16, OP-4).
#include "activities/analytics/ingest/fold.h"

#include <gmock/gmock.h>

#include "activities/analytics/ingest/trace_parser.h"
#include "tests/activities/analytics/trace_corpus.h"

namespace wfe::analytics {
namespace {

using testing::ElementsAre;

TraceTable TableOf(const std::vector<std::string>& lines) {
  TraceTable table;
  ParseReport report;
  ParseOptions options;
  options.verify_chain = false;
  TraceParser parser(table, report, options);
  parser.BeginFile("test");
  int64_t number = 0;
  for (const std::string& line : lines) parser.ParseLine(line, ++number);
  return table;
}

TraceTable TableOf(const std::vector<RunBuilder>& runs) {
  std::vector<std::string> lines;
  for (const RunBuilder& run : runs) {
    for (const trace::LogEntry& entry : run.Sealed()) lines.push_back(trace::SerializeLogEntry(entry));
  }
  return TableOf(lines);
}

TEST(FoldSteps, ImplementationTakesTheOutcomeOfTheInitialVerificationAndAFixItsOwn) {
  const TraceTable table = TableOf(std::vector{RepairedRun("r")});
  const std::vector<StepRow> steps = FoldSteps(table);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].kind, StepKind::kScaffold);
  EXPECT_EQ(steps[0].outcome_status, EntryStatus::kNotApplicable);
  EXPECT_EQ(steps[0].verification_row, kNoRow);
  EXPECT_EQ(steps[1].kind, StepKind::kImplement);
  EXPECT_EQ(steps[1].outcome_status, EntryStatus::kFail);
  EXPECT_EQ(table.ErrorTypeText(steps[1].outcome_error_type), "TSC_ERROR");
  EXPECT_EQ(steps[1].fixing_error_type, kNoId);
  EXPECT_EQ(steps[2].kind, StepKind::kFix);
  EXPECT_EQ(steps[2].fix_attempt, 1);
  EXPECT_EQ(steps[2].outcome_status, EntryStatus::kPass);
  EXPECT_EQ(table.ErrorTypeText(steps[2].fixing_error_type), "TSC_ERROR");
  EXPECT_EQ(steps[2].outcome_error_type, kNoId);
  EXPECT_EQ(table.total_tokens(steps[2].agent_row), 1600);
}

TEST(FoldSteps, StepOfAFailedAgentHasNoOutcome) {
  RunBuilder run("r");
  run.Agent("implement_v1", 10, 1).validation_status = trace::kValidationFail;
  run.Event("workflow_completed", {{"status", "agent_error"}});
  const std::vector<StepRow> steps = FoldSteps(TableOf(std::vector{run}));
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_TRUE(steps[0].agent_failed);
  EXPECT_EQ(steps[0].outcome_status, EntryStatus::kNotApplicable);
}

TEST(FoldSteps, OrderOfLinesDoesNotMatterWhereEntriesAreNumbered) {
  std::vector<std::string> lines;
  for (const trace::LogEntry& entry : RepairedRun("r").Sealed()) lines.push_back(trace::SerializeLogEntry(entry));
  std::reverse(lines.begin(), lines.end());
  const TraceTable table = TableOf(lines);
  const std::vector<StepRow> steps = FoldSteps(table);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(table.StepText(steps[0].step), "scaffold");
  EXPECT_EQ(steps[2].outcome_status, EntryStatus::kPass);
}

TEST(Builds, RepairedBuildIsASuccessButNotAtFirst) {
  const TraceTable table = TableOf(std::vector{RepairedRun("r")});
  const std::vector<BuildRow> builds = Builds(table);
  ASSERT_EQ(builds.size(), 1U);
  const BuildRow& build = builds[0];
  EXPECT_EQ(build.end, BuildEnd::kCompleted);
  EXPECT_TRUE(build.success);
  EXPECT_TRUE(build.verified);
  EXPECT_FALSE(build.first_pass);
  EXPECT_EQ(build.fix_attempts, 1);
  EXPECT_EQ(build.attempts, 2);
  EXPECT_EQ(build.agent_calls, 3);
  EXPECT_EQ(build.total_tokens(), 5000);
  EXPECT_EQ(build.rework_tokens, 1600);
  EXPECT_DOUBLE_EQ(build.rework_share(), 0.32);
  EXPECT_EQ(build.duration_ms(), 6000);
  EXPECT_TRUE(std::isnan(build.cost_usd));
  EXPECT_FALSE(build.scripted);
  EXPECT_EQ(table.TemplateText(build.template_name), "typescript-package@2");
  EXPECT_EQ(table.WorkflowIdText(build.workflow_id), "build-r");
  EXPECT_EQ(table.ErrorTypeText(build.first_error_type), "TSC_ERROR");
  EXPECT_EQ(build.entries, 7U);
  EXPECT_EQ(build.first_row, 0U);
}

TEST(Builds, EndIsWhatTheWorkflowLogged) {
  RunBuilder open("open", 1);
  open.Agent("implement_v1", 10, 1);
  open.Verify("initial_verification");
  RunBuilder failed("failed", 2);
  failed.Event("workflow_failed", {{"failure_type", "DISK_FULL"}});
  RunBuilder cancelled("cancelled", 3);
  cancelled.Event("workflow_cancelled");
  RunBuilder not_passed("not_passed", 4);
  not_passed.Verify("initial_verification", "TEST_FAILURE").Event("workflow_completed", {{"status", "not_passed"}});
  RunBuilder foreign("foreign", 5);
  foreign.Verify("initial_verification").Event("workflow_completed");
  const TraceTable table = TableOf(std::vector{foreign, not_passed, cancelled, failed, open});
  std::vector<std::string> told;
  for (const BuildRow& build : Builds(table)) {
    told.push_back(std::string(table.RunText(build.run)) + " " + std::string(BuildEndName(build.end)) + " " +
                   std::string(table.EndStatusText(build.end_status)) + (build.success ? " success" : "") +
                   (build.first_pass ? " first" : ""));
  }
  // By time, although the files came the other way round.
  EXPECT_THAT(told, ElementsAre("open open  first", "failed failed DISK_FULL", "cancelled cancelled ",
                                "not_passed completed not_passed", "foreign completed  success first"));
}

TEST(Builds, CostIsKnownOnlyAsFarAsItWasStated) {
  RunBuilder run("r");
  run.Agent("scaffold", 10, 1).ext["cost_usd"] = 0.25;
  run.Agent("implement_v1", 10, 1).ext["cost_usd"] = 0.5;
  EXPECT_DOUBLE_EQ(Builds(TableOf(std::vector{run}))[0].cost_usd, 0.75);
  EXPECT_TRUE(Builds(TableOf(std::vector{run}))[0].cost_complete);
  run.Agent("fix_attempt_1", 10, 1).ext["token_count_source"] = "scripted";
  const BuildRow build = Builds(TableOf(std::vector{run}))[0];
  EXPECT_DOUBLE_EQ(build.cost_usd, 0.75);
  EXPECT_FALSE(build.cost_complete);
  EXPECT_TRUE(build.scripted);
}

}  // namespace
}  // namespace wfe::analytics
