#include <gmock/gmock.h>

#include "tools/wfe/ask_workflow.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/config.h"
#include "tools/wfe/context_page.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/entry_text.h"
#include "tools/wfe/output.h"
#include "tools/wfe/packaged_commands.h"
#include "tools/wfe/page_lines.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/start.h"
#include "tools/wfe/step_teller.h"
#include "tools/wfe/text_file.h"
#include "tools/wfe/word_wrap.h"

namespace wfe::cli {
namespace {

using testing::HasSubstr;

Table Example() {
  Table table({{"ID", "id", false, true}, {"NAME", "name", true, false}});
  table.Add({{"id", 7}, {"name", "a name that is much longer than the terminal is wide"}});
  table.Add({{"id", 12}, {"name", "short"}});
  return table;
}

TEST(Table, FitsTheTerminalByCuttingElasticColumns) {
  EXPECT_EQ(Example().Text(24),
            "ID  NAME\n"
            " 7  a name that is much…\n"
            "12  short\n");
}

/// The widest line, in characters.
size_t WidestOf(const std::string& text) {
  size_t widest = 0;
  size_t width = 0;
  for (const char c : text) {
    if (c == '\n') width = 0;
    else if ((c & 0xc0) != 0x80) widest = std::max(widest, ++width);
  }
  return widest;
}

TEST(Table, IsNeverWiderThanTheTerminal) {
  Table runs({{"STATUS", "status", false, false},
              {"WORKFLOW ID", "id", true, false},
              {"TYPE", "type", true, false},
              {"STARTED", "started", false, false},
              {"TOOK", "took", false, true},
              {"RUN ID", "run", true, false}});
  runs.Add({{"status", "Terminated"},
            {"id", std::string(60, 'w')},
            {"type", "AuditedBuildWorkflow"},
            {"started", "2026-11-27T09:30:25.000Z"},
            {"took", "59 min 59 s"},
            {"run", "01234567-89ab-cdef-0123-456789abcdef"}});
  EXPECT_LE(WidestOf(runs.Text(80)), 80U);
  EXPECT_THAT(runs.Text(80), HasSubstr("59 min 59 s"));
  EXPECT_LE(WidestOf(runs.Text(40)), 40U) << "where nothing elastic is left, lines are cut";
  EXPECT_THAT(runs.Text(1000), HasSubstr("01234567-89ab-cdef-0123-456789abcdef"));
}

TEST(Wrapping, BreaksBetweenWordsAndLosesNone) {
  EXPECT_EQ(Wrapped("one two three\n", 80, 4), "one two three\n");
  EXPECT_EQ(Wrapped("one two three four\n", 9, 2), "one two\n  three\n  four\n");
  EXPECT_EQ(Wrapped("  12 s  a step is done\n", 14, 8), "  12 s  a step\n        is\n        done\n");
  EXPECT_EQ(Wrapped("see /a/very/long/path then\n", 10, 2), "see\n  /a/very/long/path\n  then\n") << "a path stays whole";
  EXPECT_EQ(Wrapped("größer größer", 7, 0), "größer\ngrößer");
  EXPECT_EQ(Wrapped("", 10, 2), "");
  EXPECT_EQ(Wrapped("a\n\nb\n", 1, 0), "a\n\nb\n");
  EXPECT_EQ(Wrapped(std::string(30, 'x'), 10, 20), std::string(30, 'x'));
  EXPECT_EQ(Wrapped("a b c", 1, 5), "a\n     b\n     c") << "also where there is no room at all";
}

TEST(EntryLine, GivesUpTheDayBeforeItIsCut) {
  trace::LogEntry entry;
  entry.timestamp = "2026-11-21T05:00:04.000Z";
  entry.step_name = "initial_verification";
  entry.validation_status = "fail";
  entry.validation_error_type = "TEST_FAILURE_AND_TSC_ERROR";
  entry.total_token_cost = 123456;
  EXPECT_EQ(EntryLine(entry, 1000), EntryLine(entry));
  EXPECT_THAT(EntryLine(entry, 85), testing::StartsWith("05:00:04  initial_verification"));
  EXPECT_THAT(EntryLine(entry, 85), testing::EndsWith("123456 tokens"));
  EXPECT_EQ(WidestOf(EntryLine(entry, 60)), 60U);
}

TEST(ContextProfile, IsNamedByTheWordsThatItIsOfferedBy) {
  EXPECT_EQ(ProjectInWords(""), "(none)");
  EXPECT_EQ(ProjectInWords("/p"), "/p");
}

TEST(ModelLine, NeverHasAnEmptyName) {  // CW-7
  EXPECT_THAT(PackagedModelLine({.calls = 4, .tokens = 480, .unpriced = 4}),
              HasSubstr("4 calls of a model not named, 480 tokens"));
  EXPECT_THAT(PackagedModelLine({.calls = 1, .model = "m"}), HasSubstr("1 call of m,"));
}

TEST(Table, ShowsADashForWhatARowDoesNotHave) {
  Table table({{"A", "a", false, false}, {"B", "b", false, false}});
  table.Add({{"b", nullptr}});
  EXPECT_EQ(table.Text(80), "A  B\n-  -\n");
}

TEST(Table, ShowsAValueToPeopleAsItsColumnSays) {
  Table table({{"SHARE", "share", false, true, &ShareAsPercent}, {"TOOK", "seconds", false, true, &AsDuration}});
  table.Add({{"share", 0.25}, {"seconds", 61}});
  table.Add({{"share", nullptr}, {"seconds", 0.5}});
  EXPECT_EQ(table.Text(80), "SHARE       TOOK\n 25 %  1 min 1 s\n    -      0.5 s\n");
}

TEST(QueuePollers, AreThoseThatPolledWithinTheTimeOfAPoll) {
  const Instant now(std::chrono::seconds(1'800'000'000));
  ws::DescribeTaskQueueResponse description;
  for (const int seconds_ago : {0, 60, 90, 3600}) {
    description.add_pollers()->mutable_last_access_time()->set_seconds(1'800'000'000 - seconds_ago);
  }
  EXPECT_EQ(PollersNow(description, now), 2);
  description.add_pollers();  // of a server that does not say when
  EXPECT_EQ(PollersNow(description, now), 3);
}

TEST(Query, WithoutAWorkerTimesOutAndSaysWhoIsMissing) {
  const Error nobody = NotAnswered("progress", "q", {.workflow = 0, .activity = 2}, std::chrono::seconds(30));
  EXPECT_EQ(nobody.code, StatusCode::kDeadlineExceeded) << "exit code 11: the server is there";
  EXPECT_EQ(nobody.message,
            "the query progress was not answered in 30.0 s: nobody polls queue q yet; start a worker with "
            "`wfe worker --queue q`");
  EXPECT_THAT(NotAnswered("x", "q", {.had_workers = true}, std::chrono::seconds(1)).message,
              HasSubstr("nobody polls queue q any more"));
  EXPECT_THAT(NotAnswered("x", "q", {.workflow = 1}, std::chrono::seconds(1)).message,
              HasSubstr("the workers of queue q are busy"));
}

TEST(EndedRun, IsToldAsOneWhateverWasAskedOfIt) {  // S16
  ws::DescribeWorkflowExecutionResponse description;
  auto& info = *description.mutable_workflow_execution_info();
  info.mutable_execution()->set_workflow_id("w");
  info.mutable_execution()->set_run_id("r");
  EXPECT_TRUE(CheckIsOpen(description));
  info.set_status(temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_COMPLETED);
  info.mutable_close_time()->set_seconds(1);
  const Status ended = CheckIsOpen(description);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, StatusCode::kFailedPrecondition);
  EXPECT_EQ(ended.error().message, "w has ended already (Completed, run r)");
}

TEST(NamedFiles, ThatAreNotThereAreOneMistake) {
  for (const Status& missing : {CheckFileIsThere("/no/such/file"), CheckDirectoryIsThere("/no/such"),
                                Status(ReadTextFile("/no/such/file").error())}) {
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, StatusCode::kNotFound) << "exit code 4";
  }
  EXPECT_EQ(ReadTextFile("/").error().message, "/ is a directory and no file");
}

/// What no terminal may get from others: escape sequences (7 and 8 bits), bells, turned directions, half of a character.
const std::string kHostile = "a\x1b[2Jb\x07c\u009b31md\u202eef\u2066g\x7fh\r\x08i";
bool IsHarmless(const std::string& text) {
  for (const char* harmful : {"\x1b", "\x07", "\u009b", "\u202e", "\u2066", "\x7f", "\r", "\x08"}) {
    if (text.find(harmful) != std::string::npos) return false;
  }
  return true;
}

TEST(Printing, NothingOfOthersReachesTheTerminalAsItIs) {  // SEC-M4
  Table table({{"ID", "id", false, false}, {"NAME", "name", true, false}});
  table.Add({{"id", kHostile}, {"name", {{"nested", kHostile}}}});
  EXPECT_TRUE(IsHarmless(table.Text(1000)));
  EXPECT_TRUE(IsHarmless(table.Text(20)));
  EXPECT_TRUE(IsHarmless(ObjectText({{"key", kHostile}, {kHostile, {{"nested", kHostile}}}})));
  EXPECT_TRUE(IsHarmless(EventText(kHostile)));
  EXPECT_TRUE(IsHarmless(FailText(NotFound(kHostile), OutputFormat::kText)));
  EXPECT_TRUE(IsHarmless(FailText(NotFound(kHostile), OutputFormat::kJson)));
  trace::LogEntry entry;
  entry.workflow_run_id = entry.step_name = entry.timestamp = kHostile;
  entry.validation_status = entry.validation_error_type = kHostile;
  EXPECT_TRUE(IsHarmless(EntryLine(entry)));
}

TEST(Printing, JsonKeepsItsValueAndIsHarmlessToo) {  // SEC-M4
  const std::string text = FailText(NotFound(kHostile), OutputFormat::kJson);
  EXPECT_EQ(nlohmann::json::parse(text)["error"]["message"], kHostile);
}

TEST(Printing, LinesOfOthersDoNotPassForLinesOfOurs) {  // SEC-M4
  EXPECT_EQ(ObjectText({{"reason", "x\nstatus: Completed"}, {"status", "Failed"}}),
            "reason:  x\n         status: Completed\nstatus:  Failed\n");
  EXPECT_EQ(FailText(NotFound("x\nwfe: ok"), OutputFormat::kText), "wfe: x\n     wfe: ok\n");
}

TEST(StepTeller, TellsAnEntryOnceHoweverOftenItIsOffered) {  // RW-D2
  StepTeller teller;
  const nlohmann::json first = {{"entry",
                                 {{"step_name", "implement_v1"},
                                  {"total_token_cost", 100},
                                  {"files_touched", {"a"}},
                                  {"ext", {{"entry_id", "1"}}}}}};
  const nlohmann::json second = {
      {"entry", {{"step_name", "initial_verification"}, {"validation_status", "pass"}, {"ext", {{"entry_id", "2"}}}}}};
  EXPECT_EQ(teller.Tell(first), "implement_v1 (100 tokens), 1 file touched");
  EXPECT_EQ(teller.Tell(second), "initial_verification: pass");
  // The build has moved to another host and offers both there again.
  EXPECT_EQ(teller.Tell(first), std::nullopt);
  EXPECT_EQ(teller.Tell(second), std::nullopt);
  EXPECT_EQ(teller.tokens(), 100);
}

TEST(StepTeller, TakesEntriesOfAnyShape) {
  StepTeller teller;
  for (const char* text : {"null", "1", "[]", "{}", R"({"entry":1})", R"({"entry":{"ext":1}})"}) {
    EXPECT_NO_THROW(teller.Tell(nlohmann::json::parse(text))) << text;
  }
  EXPECT_NO_THROW(teller.Tell({{"entry", {{"step_name", 1}, {"total_token_cost", "x"}, {"files_touched", 5}}}}));
  EXPECT_EQ(teller.tokens(), 0);
}

TEST(HumanDuration, GrowsItsUnitWithItsSize) {
  EXPECT_EQ(HumanDuration(3.21), "3.2 s");
  EXPECT_EQ(HumanDuration(250), "4 min 10 s");
  EXPECT_EQ(HumanDuration(7325), "2 h 2 min");
}

TEST(Payload, GoesThroughJsonPlainAndNamesOtherEncodings) {
  const nlohmann::json value = {{"a", 1}};
  EXPECT_EQ(FromPayload(ToPayload(value)), value);
  temporal::api::common::v1::Payload binary;
  (*binary.mutable_metadata())["encoding"] = "binary/plain";
  binary.set_data("xyz");
  EXPECT_EQ(FromPayload(binary), nlohmann::json({{"encoding", "binary/plain"}, {"size", 3}}));
}

TEST(ExitCode, OfACompletedBuildIsItsVerdict) {  // AB-1
  Outcome outcome;
  outcome.status = temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_COMPLETED;
  EXPECT_EQ(ExitCodeOf(outcome), kExitOk);
  outcome.result = {{"status", "not_passed"}};
  EXPECT_EQ(ExitCodeOf(outcome), kExitNotPassed);
  outcome.result = {{"status", "passed"}};
  EXPECT_EQ(ExitCodeOf(outcome), kExitOk);
  outcome.result = {{"status", 5}};
  EXPECT_EQ(ExitCodeOf(outcome), kExitOk);
}

/// CW-5: what a person has to know of a failure, on its first line, and nothing of how the engine calls it.
temporal::api::failure::v1::Failure FailureOfAStep() {
  temporal::api::failure::v1::Failure failure;
  failure.set_message("activity task failed");
  failure.mutable_activity_failure_info()->mutable_activity_type()->set_name("load_permit_documents");
  failure.mutable_cause()->set_message("there are no documents in /here");
  failure.mutable_cause()->mutable_application_failure_info()->set_type("INVALID_INPUT");
  return failure;
}

TEST(Failures, AreToldByTheirCauseAlone) {
  EXPECT_EQ(CauseInWords(FailureOfAStep()), "there are no documents in /here");
  temporal::api::failure::v1::Failure wrapped;
  wrapped.set_message("the review could not begin");
  *wrapped.mutable_cause() = FailureOfAStep();
  EXPECT_EQ(CauseInWords(wrapped), "the review could not begin: there are no documents in /here");
  wrapped.set_message("nothing was done, since there are no documents in /here");
  EXPECT_EQ(CauseInWords(wrapped), wrapped.message()) << "it is said once";
}

TEST(PageLines, PutsWhatStandsBeforeASentenceThereOnce) {
  PageLines page(78);
  page.Wrap("  missing: ", std::string(40, 'a') + " " + std::string(40, 'b'));
  EXPECT_EQ(page.Take(), "  missing: " + std::string(40, 'a') + "\n           " + std::string(40, 'b') + "\n");
}

TEST(Failures, StandAboveTheirIds) {
  Outcome outcome;
  outcome.status = temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_FAILED;
  outcome.cause = "cell.txt:2: no unit\ncell.txt:9: no value";
  EXPECT_EQ(FailurePage(outcome, {"permits-1", "0193"}),
            "failed: cell.txt:2: no unit\n  cell.txt:9: no value\n  workflow permits-1, run 0193\n");
}

TEST(ExitCode, TellsAnInputThatIsNoneFromAFailure) {  // CL-1, CW-5
  temporal::api::history::v1::HistoryEvent event;
  event.set_event_type(temporal::api::enums::v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
  auto& failure = *event.mutable_workflow_execution_failed_event_attributes()->mutable_failure();
  failure = FailureOfAStep();
  EXPECT_EQ(OutcomeOf(event)->failure_type, "INVALID_INPUT");
  EXPECT_EQ(ExitCodeOf(*OutcomeOf(event)), kExitUsage);
  failure.mutable_cause()->mutable_application_failure_info()->set_type("AGENT_ERROR");
  EXPECT_EQ(ExitCodeOf(*OutcomeOf(event)), kExitFailed);
}

TEST(Config, ShowsNoSecret) {  // CF-5
  Config config;
  config.client.api_key = "sk-very-secret";
  const std::string shown = ToJson(config).dump();
  EXPECT_THAT(shown, Not(HasSubstr("very-secret")));
  EXPECT_THAT(shown, HasSubstr("********"));
}

}  // namespace
}  // namespace wfe::cli
