#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"
#include "workflows/optimization/optimization.h"

namespace wfe::workflows {
namespace {

using namespace core::testing;
using namespace analytics;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Plays the activities: so many chunks, every audit with a section of its own.
class OptimizationWorkflowTest : public ::testing::Test {
 protected:
  OptimizationWorkflowTest() { RegisterOptimization(registry_); }

  /// Runs until the workflow closes; what it ended with.
  std::string Run(FakeEngine& engine, const json& input, int chunks) {
    engine.Start(std::string(kOptimizationWorkflow), input);
    core::WorkflowTaskHandler handler(registry_, Options());
    for (int task = 0; task < 2000; ++task) {
      const auto answer = engine.RunTask(handler);
      bool waits = true;
      for (const Command& command : answer.commands()) {
        if (command.has_cancel_timer_command_attributes()) continue;
        if (command.has_start_timer_command_attributes()) {
          timer_ = command.start_timer_command_attributes().timer_id();
          continue;
        }
        waits = false;
        if (!command.has_schedule_activity_task_command_attributes()) return Describe(command);
        const auto& a = command.schedule_activity_task_command_attributes();
        const json given = core::DecodePayloads(a.input()).value();
        engine.CompleteActivity(a.activity_id(), Answer(a.activity_type().name(), given, chunks));
      }
      if (waits) people_(engine);
    }
    return "it did not end";
  }

  json Answer(const std::string& type, const json& given, int chunks) {
    calls_.push_back(type);
    if (type == kCollectTraces.name) {
      CollectTracesResult result;
      result.manifest = "manifest";
      result.chunks = chunks;
      result.files = chunks;
      return result;
    }
    if (type == kAggregateTraces.name) {
      const std::string chunk = std::to_string(given.at("chunk").get<int>());
      return AggregateTracesResult{.table = "table-" + chunk, .report = "report-" + chunk, .entries = 7, .problems = 0};
    }
    if (type == kRunAudit.name) {
      return RunAuditResult{.section = "section-" + given.at("kind").get<std::string>()};
    }
    if (type == kActivateDraft.name) {
      activated_.push_back(given.at("template_id").get<std::string>() + " " +
                           std::to_string(given.at("version").get<int>()) + " by " +
                           given.at("author").get<std::string>());
      return ActivateDraftResult{.version = given.at("version"), .previous_version = 1};
    }
    written_ = given;
    WriteReportResult result;
    result.report_id = given.at("report_id");
    result.drafts = drafts_;
    result.claimed_drafts = claimed_;
    return result;
  }

  sdk::WorkflowRegistry registry_;
  std::vector<std::string> calls_;
  json written_;
  std::vector<std::string> drafts_;                               // that writeReport stores
  std::vector<std::string> claimed_;                              // those of claims
  std::vector<std::string> activated_;                            // what activateDraft was asked to do
  std::string timer_;                                             // the last one that was started
  std::function<void(FakeEngine&)> people_ = [](FakeEngine&) {};  // who act while the workflow waits
};

/// The result of a completed run.
json ResultOf(const std::string& end) {
  EXPECT_THAT(end, HasSubstr("CompleteWorkflowExecution {"));
  return json::parse(end.substr(end.find('{')));
}

TEST_F(OptimizationWorkflowTest, CollectsAggregatesAuditsAndWritesOneReport) {  // OP-1, OP-3, AC-6
  FakeEngine engine("run-of-abcd");
  EXPECT_THAT(Run(engine, json::object(), 2), HasSubstr("CompleteWorkflowExecution"));
  EXPECT_THAT(calls_, ElementsAre("collectTraces", "aggregateTraces", "aggregateTraces", "runAudit", "runAudit",
                                  "runAudit", "runAudit", "writeReport"));
  EXPECT_THAT(written_.at("sections"), ElementsAre("section-token_efficiency", "section-constraint_effectiveness",
                                                   "section-prompt_refinement", "section-context_volatility"));
  EXPECT_THAT(written_.at("scope").at("tables"), ElementsAre("table-0", "table-1"));
  EXPECT_THAT(written_.at("report_id").get<std::string>(), testing::MatchesRegex("2023-11-14T22-1[0-9]-[0-9]+Z-abcd"));
  ExpectEveryPrefixReplays(engine, registry_);
}

TEST_F(OptimizationWorkflowTest, LargeSetGoesOnInTheNextRun) {  // OP-3
  FakeEngine first("run-1");
  const std::string end = Run(first, json::object(), 450);
  ASSERT_THAT(end, HasSubstr("ContinueAsNewWorkflowExecution"));
  const json carried = json::parse(end.substr(end.find('{')));
  EXPECT_EQ(carried.at("carried").at("tables").size(), 200u);
  FakeEngine second("run-2");
  const std::string more = Run(second, carried, 450);
  ASSERT_THAT(more, HasSubstr("ContinueAsNewWorkflowExecution"));
  FakeEngine third("run-3");
  EXPECT_THAT(Run(third, json::parse(more.substr(more.find('{'))), 450), HasSubstr("CompleteWorkflowExecution"));
  EXPECT_EQ(std::count(calls_.begin(), calls_.end(), "collectTraces"), 1);
  EXPECT_EQ(std::count(calls_.begin(), calls_.end(), "aggregateTraces"), 450);
  EXPECT_EQ(written_.at("scope").at("tables").size(), 450u);
  EXPECT_EQ(written_.at("scope").at("tables").back(), "table-449");
}

TEST_F(OptimizationWorkflowTest, ScheduledReportIsOfItsDueTimeAndSaysThatItIsLate) {  // OP-1, S93
  FakeEngine engine("run-of-wxyz", "audit-nightly-2023-11-14T22:00:00Z");
  Run(engine, {{"scheduled", true}, {"period", "24h"}}, 1);
  EXPECT_EQ(written_.at("report_id"), "2023-11-14T22-00-00Z-wxyz");
  EXPECT_EQ(written_.at("scope").at("window_from"), "2023-11-13T22:00:00.000Z");
  EXPECT_EQ(written_.at("scope").at("window_to"), "2023-11-14T22:00:00.000Z");
  EXPECT_EQ(written_.at("late_note"), "This report was due at 2023-11-14T22:00:00.000Z and ran 13 minutes late.");
}

TEST_F(OptimizationWorkflowTest, ReportOnTimeSaysNothingAboutIt) {
  FakeEngine engine("run-of-wxyz", "audit-nightly-2023-11-14T22:13:00Z");
  Run(engine, {{"scheduled", true}}, 0);
  EXPECT_FALSE(written_.contains("late_note"));
  EXPECT_THAT(written_.at("scope").at("tables"), IsEmpty());
}

TEST_F(OptimizationWorkflowTest, DraftIsActivatedWhenAPersonApprovesItBySignal) {  // OP-12
  drafts_ = {"package@4", "package@5", "fix@2"};
  int visits = 0;
  people_ = [&](FakeEngine& engine) {
    if (++visits == 1) {
      engine.Signal("approve", {{"draft", "package@5"}, {"author", "anna"}, {"reason", "fewer type errors"}});
    } else {
      engine.Signal("decline", {{"draft", "package@4"}});
      engine.Signal("approve", {{"draft", "fix@2"}, {"author", "ben"}, {"reason", "clear"}});
    }
  };
  FakeEngine engine;
  const json result = ResultOf(Run(engine, {{"propose", true}, {"await_approval", "8h"}}, 1));
  EXPECT_THAT(activated_, ElementsAre("package 5 by anna", "fix 2 by ben"));
  EXPECT_THAT(result.at("decisions").at("activated"), ElementsAre("package@5", "fix@2"));
  EXPECT_THAT(result.at("decisions").at("declined"), ElementsAre("package@4"));
  EXPECT_THAT(result.at("decisions").at("waiting"), IsEmpty());
  ExpectEveryPrefixReplays(engine, registry_);
}

TEST_F(OptimizationWorkflowTest, DraftsThatNobodyDecidesAboutStayDraftsWhenTheTimeIsOver) {  // OP-12
  drafts_ = {"package@4"};
  people_ = [this](FakeEngine& engine) { engine.FireTimer(timer_); };
  FakeEngine engine;
  const json result = ResultOf(Run(engine, {{"propose", true}, {"await_approval", "8h"}}, 1));
  EXPECT_THAT(activated_, IsEmpty());
  EXPECT_THAT(result.at("decisions").at("waiting"), ElementsAre("package@4"));
  ExpectEveryPrefixReplays(engine, registry_);
}

TEST_F(OptimizationWorkflowTest, SignalThatDecidesNothingIsIgnoredAndTheResultSaysWhy) {  // OP-12
  drafts_ = {"package@4"};
  int visits = 0;
  people_ = [&](FakeEngine& engine) {
    if (++visits == 2) return engine.FireTimer(timer_);
    engine.Signal("approve", "yes");
    engine.Signal("approve", {{"draft", "package@9"}, {"author", "anna"}, {"reason", "good"}});
    engine.Signal("approve", {{"draft", "package@4"}});
    engine.Signal("decline", {{"draft", 4}});
  };
  FakeEngine engine;
  const json result = ResultOf(Run(engine, {{"propose", true}, {"await_approval", "8h"}}, 1));
  EXPECT_THAT(activated_, IsEmpty());
  EXPECT_THAT(result.at("decisions").at("ignored"),
              testing::UnorderedElementsAre("signal approve was ignored: it names no draft",
                                            "signal decline was ignored: it names no draft",
                                            "signal approve was ignored: package@9 does not wait for a decision",
                                            "signal approve was ignored: it needs an author and a reason"));
}

TEST_F(OptimizationWorkflowTest, DecisionThatComesTogetherWithTheEndOfTheTimeCounts) {  // OP-12
  drafts_ = {"package@4"};
  people_ = [this](FakeEngine& engine) {
    engine.FireTimer(timer_);
    engine.Signal("approve", {{"draft", "package@4"}, {"author", "anna"}, {"reason", "good"}});
  };
  FakeEngine engine;
  const json result = ResultOf(Run(engine, {{"propose", true}, {"await_approval", "8h"}}, 1));
  EXPECT_THAT(result.at("decisions").at("activated"), ElementsAre("package@4"));
}

TEST_F(OptimizationWorkflowTest, NothingBecomesActiveByItselfUnlessAutoApplyIsOn) {  // OP-12
  drafts_ = {"package@4", "package@5", "package@6", "fix@2", "other@3"};
  claimed_ = {"package@5", "package@6", "fix@2"};
  FakeEngine asked;
  const json kept = ResultOf(Run(asked, {{"propose", true}}, 1));
  EXPECT_THAT(activated_, IsEmpty());
  EXPECT_THAT(kept.at("decisions").at("waiting"), testing::SizeIs(5));
  FakeEngine engine;
  const json result = ResultOf(Run(engine, {{"propose", true}, {"auto_apply", true}}, 1));
  EXPECT_THAT(activated_, ElementsAre("package 5 by auto_apply", "fix 2 by auto_apply"));
  EXPECT_THAT(result.at("decisions").at("waiting"), ElementsAre("package@4", "package@6", "other@3"));
}

TEST_F(OptimizationWorkflowTest, BadInputFailsTheRunAndNamesTheField) {
  const std::pair<json, std::string> cases[] = {
      {{{"perid", "24h"}}, "input.perid is not known"},
      {{{"period", "soon"}}, "input.period must be a duration like 24h or 7d"},
      {{{"from", "yesterday"}}, "input.from must be a time like"},
      {{{"period", "7d"}, {"from", "2026-01-01T00:00:00Z"}}, "exclude each other"},
      {{{"audits", {"speed"}}}, "there is no audit speed"},
      {{{"sources", {{{"kind", "directory"}, {"location", "builds"}}}}}, "needs an absolute path"},
      {{{"sources", {{{"kind", "cloud"}}}}}, "input.sources"},
      {{{"timezone", "Mars/Olympus"}}, "knows no time zone Mars/Olympus"},
      {{{"min_runs", "many"}}, "input.min_runs"},
      {{{"propose", true}, {"await_approval", "later"}}, "input.await_approval must be a duration"},
      {{{"propose", true}, {"await_approval", "8h"}, {"auto_apply", true}}, "exclude each other"},
      {{{"auto_apply", true}}, "need input.propose"},
      {"everything", "must be a JSON object"},
  };
  for (const auto& [input, sentence] : cases) {
    FakeEngine engine;
    const std::string end = Run(engine, input, 1);
    EXPECT_THAT(end, HasSubstr("FailWorkflowExecution the input of OptimizationWorkflow is not valid")) << input;
    EXPECT_THAT(end, HasSubstr(sentence)) << input;
  }
  EXPECT_THAT(calls_, IsEmpty());
}

TEST(ParsePeriod, TakesAWholeNumberAndAUnit) {
  EXPECT_EQ(ParsePeriod("24h"), std::chrono::hours(24));
  EXPECT_EQ(ParsePeriod("7d"), std::chrono::hours(168));
  EXPECT_EQ(ParsePeriod("30s"), std::chrono::seconds(30));
  for (const char* wrong : {"", "h", "-1h", "0d", "1.5h", "24", "24 h", "1w"})
    EXPECT_FALSE(ParsePeriod(wrong)) << wrong;
}

TEST(WindowBegin, DaysOfACalendarMeetWhenClocksAreChanged) {  // OP-1
  const auto begin = [](const char* end, const char* period, const char* timezone) {
    return FormatIso8601Millis(WindowBegin(*ParseIso8601(end), period, timezone));
  };
  EXPECT_EQ(begin("2026-11-21T04:00:00Z", "1d", ""), "2026-11-20T04:00:00.000Z");
  // Berlin: 4:00 is 2:00 UTC in summer and 3:00 UTC in winter.
  EXPECT_EQ(begin("2026-03-29T02:00:00Z", "1d", "Europe/Berlin"), "2026-03-28T03:00:00.000Z");
  EXPECT_EQ(begin("2026-10-25T03:00:00Z", "1d", "Europe/Berlin"), "2026-10-24T02:00:00.000Z");
  EXPECT_EQ(begin("2026-10-26T03:00:00Z", "7d", "Europe/Berlin"), "2026-10-19T02:00:00.000Z");
  EXPECT_EQ(begin("2026-10-25T03:00:00Z", "24h", "Europe/Berlin"), "2026-10-24T03:00:00.000Z");
  EXPECT_EQ(begin("2026-03-01T03:00:00.250Z", "1d", "Europe/Berlin"), "2026-02-28T03:00:00.250Z");
}

TEST(DueTimeOf, IsTheEndOfAScheduledWorkflowsId) {  // S93
  EXPECT_EQ(DueTimeOf("audit-nightly-2026-11-21T02:00:00Z"), ParseIso8601("2026-11-21T02:00:00Z"));
  EXPECT_FALSE(DueTimeOf("audit-nightly"));
  EXPECT_FALSE(DueTimeOf("2026-11-21T02:00:00Z"));
}

}  // namespace
}  // namespace wfe::workflows
