#include <gmock/gmock.h>

#include "tools/wfe/cli.h"
#include "tools/wfe/config.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/entry_text.h"
#include "tools/wfe/output.h"
#include "tools/wfe/page_lines.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/start.h"
#include "tools/wfe/step_teller.h"

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
