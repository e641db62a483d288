// Rules one by one, where the random histories of lint_mutation_test do not reach, and histories of a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/lint/lint.h"
#include "tests/lint/history_builder.h"

namespace wfe::lint {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

std::vector<std::string> RulesBrokenBy(const std::vector<HistoryEvent>& events, const LintOptions& options = {}) {
  std::vector<std::string> rules;
  for (const Finding& finding : LintHistory(events, options)) rules.push_back(finding.rule);
  return rules;
}

std::vector<HistoryEvent> ReadHistoryFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  temporal::api::history::v1::History history;
  if (!history.ParseFromString(bytes)) return {};
  return {history.events().begin(), history.events().end()};
}

// The files come with temporalio/sdk-core's own tests.
TEST(ForeignHistories, ThoseOfARealTemporalServerAreClean) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(WFE_TEMPORAL_HISTORIES)) {
    if (entry.path().extension() != ".bin") continue;
    ++files;
    const auto findings =
        LintHistory(ReadHistoryFile(entry.path()), {.foreign = true, .batch_starts = {}, .commands = {}});
    EXPECT_THAT(findings, IsEmpty()) << entry.path() << "\n" << Describe(findings);
  }
  EXPECT_GE(files, 11);
}

// Pitfall: a foreign server keeps the time of arrival of what it buffered; ours gives it the time of the flush (H2).
TEST(EventTimes, OfABufferedSignalMayLieBeforeTheCompletionInAForeignHistoryOnly) {
  HistoryBuilder history;
  history.TaskScheduled();
  history.Advance(1s).TaskStarted();
  history.Advance(5s).TaskCompleted();
  const EventId signal = history.Signal("r1");
  SetTime(history.At(signal), GetTime(history.At(3)) + 1s);
  history.TaskScheduled();
  EXPECT_THAT(RulesBrokenBy(history.events()), ElementsAre("H2"));
  EXPECT_THAT(RulesBrokenBy(history.events(), {.foreign = true, .batch_starts = {}, .commands = {}}), IsEmpty());
  SetTime(history.At(signal), GetTime(history.At(3)) - 1ms);
  EXPECT_THAT(RulesBrokenBy(history.events(), {.foreign = true, .batch_starts = {}, .commands = {}}),
              ElementsAre("H2"));
}

// WIRE-F21: the genuine histories of other servers that were called wrong, in small.
class ForeignServers : public testing::Test {
 protected:
  /// Only a foreign history may look so.
  static void ExpectOnlyForeignMay(const HistoryBuilder& history, const std::string& rule) {
    EXPECT_THAT(RulesBrokenBy(history.events()), Contains(rule));
    EXPECT_THAT(RulesBrokenBy(history.events(), kForeign), IsEmpty());
  }
  static inline const LintOptions kForeign{.foreign = true, .batch_starts = {}, .commands = {}};
};

// The next task is scheduled first, then what was kept back is written, with the times of its arrival.
TEST_F(ForeignServers, MayWriteWhatWasKeptBackBehindTheNextTasksScheduledEvent) {
  HistoryBuilder history;
  history.TaskScheduled();
  history.Advance(1s).TaskStarted();
  history.Advance(5s).TaskCompleted();
  history.TaskScheduled();
  const EventId signal = history.Signal("r1");
  SetTime(history.At(signal), GetTime(history.At(3)) + 1s);
  ExpectOnlyForeignMay(history, "H2");
  history.TaskStarted();
  history.TaskCompleted();
  ExpectOnlyForeignMay(history, "H2");
  // After that start nothing of the old window can come any more.
  history.TaskScheduled();
  history.TaskStarted();
  const EventId late = history.Signal("r2");
  SetTime(history.At(late), GetTime(history.At(3)) + 2s);
  EXPECT_THAT(RulesBrokenBy(history.events(), kForeign), Contains("H2"));
}

TEST_F(ForeignServers, OfOldCountAttemptsFromZero) {
  HistoryBuilder history;
  history.TaskScheduled(0);
  history.TaskStarted();
  history.TaskFailed();
  history.TaskScheduled(1);
  history.TaskStarted();
  history.TaskCompleted();
  history.Signal("r1");
  history.TaskScheduled(0);
  ExpectOnlyForeignMay(history, "H11");
  // Who counts from 1 does not begin a series with 0.
  history.At(2).mutable_workflow_task_scheduled_event_attributes()->set_attempt(1);
  EXPECT_THAT(RulesBrokenBy(history.events(), kForeign), Contains("H11"));
}

TEST_F(ForeignServers, Of120And121DoNotSayWhichEventAcceptedAnUpdate) {
  HistoryBuilder history;
  history.Task();
  const EventId first = history.UpdateAccepted("u1");
  const EventId second = history.UpdateAccepted("u2");
  const EventId done = history.UpdateCompleted(second);
  history.At(history.UpdateCompleted(first)).mutable_workflow_execution_update_completed_event_attributes()->clear_accepted_event_id();
  auto& completed = *history.At(done).mutable_workflow_execution_update_completed_event_attributes();
  completed.clear_accepted_event_id();
  ExpectOnlyForeignMay(history, "H26");
  // One that nobody accepted is found all the same, and so is a second outcome.
  completed.mutable_meta()->set_update_id("u3");
  EXPECT_THAT(RulesBrokenBy(history.events(), kForeign), ElementsAre("H26"));
  completed.mutable_meta()->set_update_id("u1");
  EXPECT_THAT(RulesBrokenBy(history.events(), kForeign), ElementsAre("H26"));
}

// What the handler answered comes with a time from an HTTP header.
TEST_F(ForeignServers, GiveNexusAnswersTimesInWholeSeconds) {
  HistoryBuilder history;
  history.Advance(879ms).Task();
  const EventId scheduled = history.NexusScheduled();
  const EventId started = history.NexusStarted(scheduled);
  const Instant second = std::chrono::floor<std::chrono::seconds>(GetTime(history.At(scheduled)));
  SetTime(history.At(started), second);
  ExpectOnlyForeignMay(history, "H2");
  SetTime(history.At(started), second - 1s);
  EXPECT_THAT(RulesBrokenBy(history.events(), kForeign), ElementsAre("H2"));
  SetTime(history.At(started), second + 1ms);
  EXPECT_THAT(RulesBrokenBy(history.events(), kForeign), ElementsAre("H2")) << "that is no whole second";
}

TEST(WorkflowTasks, EndedByAResetNeedNoStart) {
  HistoryBuilder history;
  history.TaskScheduled();
  history.TaskFailed();
  auto& failed = *history.At(3).mutable_workflow_task_failed_event_attributes();
  EXPECT_THAT(RulesBrokenBy(history.events()), Contains("H8"));
  failed.set_cause(enums::WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW);
  EXPECT_THAT(RulesBrokenBy(history.events()), IsEmpty());
}

TEST(WorkflowTasks, AnsweredWithATokenOfAnOlderTaskAreFoundAsSuch) {
  HistoryBuilder history;
  history.Task();
  history.Signal("r1");
  history.Task();
  auto& completed = *history.At(8).mutable_workflow_task_completed_event_attributes();
  completed.set_scheduled_event_id(2);
  completed.set_started_event_id(3);
  EXPECT_THAT(RulesBrokenBy(history.events()), ElementsAre("H12"));
}

// H11, S42: news makes a repeated task an ordinary one again.
TEST(WorkflowTasks, MayBeginANewSeriesOfAttemptsWhenThereIsNews) {
  HistoryBuilder history;
  history.TaskScheduled();
  history.TaskStarted();
  history.TaskFailed();
  history.TaskScheduled(4);
  history.TaskStarted();
  history.TaskTimedOut();
  history.Signal("r1");
  history.TaskScheduled(1);
  EXPECT_THAT(RulesBrokenBy(history.events()), IsEmpty());
}

TEST(Commands, InAnotherCommitThanTheirCompletionAreFound) {
  HistoryBuilder history;
  history.Task();
  history.TimerStarted("t1", 1s);
  EXPECT_THAT(RulesBrokenBy(history.events(), {.foreign = false, .batch_starts = {1, 3}, .commands = {}}), IsEmpty());
  EXPECT_THAT(RulesBrokenBy(history.events(), {.foreign = false, .batch_starts = {1, 3, 5}, .commands = {}}),
              ElementsAre("H9"));
}

// H10.
TEST(Commands, ThatWereRecordedMustEqualTheEventsInOrder) {
  HistoryBuilder history;
  const EventId completed = history.Task();
  history.TimerStarted("t1", 1s);
  history.ActivityCancelRequested(history.ActivityScheduled("a1"));
  history.Completed();
  LintOptions options;
  // A protocol message writes an update's event or none; of two closing commands the second gives none.
  options.commands = {{completed,
                       {enums::COMMAND_TYPE_START_TIMER, enums::COMMAND_TYPE_PROTOCOL_MESSAGE,
                        enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK, enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK,
                        enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION, enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION}}};
  EXPECT_THAT(LintHistory(history.events(), options), IsEmpty());
  std::swap(options.commands[0].types[0], options.commands[0].types[2]);
  EXPECT_THAT(LintHistory(history.events(), options), Contains(Field(&Finding::rule, "H10")));
  options.commands[0].types = {enums::COMMAND_TYPE_START_TIMER};
  EXPECT_THAT(LintHistory(history.events(), options), Contains(Field(&Finding::rule, "H10")));
}

// H9, WIRE-F3: a worker counts its commands to know the ids of their events.
TEST(Commands, HaveNoCancellationOfAWaitingActivityAmongThem) {
  HistoryBuilder good;
  good.Task();
  EventId scheduled = good.ActivityScheduled("a1");
  EventId requested = good.ActivityCancelRequested(scheduled);
  good.ActivityScheduled("a1");  // the id is free as soon as its activity has ended (H18)
  good.ActivityCanceledBeforeStart(scheduled, requested);
  good.TaskScheduled();
  EXPECT_THAT(RulesBrokenBy(good.events()), IsEmpty());

  HistoryBuilder bad;
  bad.Task();
  scheduled = bad.ActivityScheduled("a1");
  requested = bad.ActivityCancelRequested(scheduled);
  bad.ActivityCanceledBeforeStart(scheduled, requested);
  bad.ActivityScheduled("a2");
  EXPECT_THAT(RulesBrokenBy(bad.events()), ElementsAre("H9"));
}

// H15: only with what the task that asked left behind.
TEST(Activities, CanceledLaterMustHaveStarted) {
  HistoryBuilder history;
  history.Task();
  const EventId scheduled = history.ActivityScheduled("a1");
  const EventId requested = history.ActivityCancelRequested(scheduled);
  history.Signal("r1");
  history.TaskScheduled();
  history.ActivityCanceledBeforeStart(scheduled, requested);
  EXPECT_THAT(RulesBrokenBy(history.events()), ElementsAre("H15"));
}

// S21: the retry that would come too late ends the activity before its schedule-to-close deadline.
TEST(Activities, MayTimeOutEarlyWhenNoAttemptFitsAnyMore) {
  HistoryBuilder history;
  history.Task();
  const EventId scheduled = history.ActivityScheduled("a1");
  const EventId closed = history.ActivityTimedOut(scheduled, enums::TIMEOUT_TYPE_START_TO_CLOSE);
  auto& timed_out = *history.At(closed).mutable_activity_task_timed_out_event_attributes();
  timed_out.mutable_failure()->mutable_timeout_failure_info()->set_timeout_type(enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE);
  EXPECT_THAT(RulesBrokenBy(history.events()), ElementsAre("H17"));
  timed_out.set_retry_state(enums::RETRY_STATE_TIMEOUT);
  timed_out.mutable_failure()->mutable_cause()->mutable_timeout_failure_info()->set_timeout_type(
      enums::TIMEOUT_TYPE_START_TO_CLOSE);
  EXPECT_THAT(RulesBrokenBy(history.events()), IsEmpty());
}

TEST(Runs, ThatTimeOutBeforeTheirRunTimeoutAreFound) {
  HistoryBuilder history;
  history.At(1).mutable_workflow_execution_started_event_attributes()->mutable_workflow_run_timeout()->set_seconds(60);
  history.Advance(59s).Terminated();
  history.At(2).set_event_type(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT);
  history.At(2).mutable_workflow_execution_timed_out_event_attributes();
  EXPECT_THAT(RulesBrokenBy(history.events()), ElementsAre("H17"));
  SetTime(history.At(2), GetTime(history.At(1)) + 60s);
  EXPECT_THAT(RulesBrokenBy(history.events()), IsEmpty());
}

// S53.
TEST(UnknownEventTypes, ArePassedOverOnlyWhenTheirWriterSaysSo) {
  HistoryBuilder history;
  history.Signal("r1");
  history.At(2).set_event_type(static_cast<enums::EventType>(999));
  history.At(2).clear_attributes();
  EXPECT_THAT(RulesBrokenBy(history.events()), ElementsAre("H1"));
  history.At(2).set_worker_may_ignore(true);
  EXPECT_THAT(RulesBrokenBy(history.events()), IsEmpty());
}

RunHistory InRun(const std::string& run_id, const HistoryBuilder& history) {
  return {{Namespace("default"), WorkflowId("w"), RunId(run_id)}, history.events()};
}

HistoryBuilder Successor(const std::string& run_id, const std::string& of, const std::string& input) {
  HistoryBuilder next(run_id);
  auto& started = *next.At(1).mutable_workflow_execution_started_event_attributes();
  started.set_continued_execution_run_id(of);
  started.set_first_execution_run_id("run-1");
  started.mutable_input()->mutable_payloads(0)->set_data(input);
  return next;
}

// H29.
TEST(ContinuedRuns, PointBackAndCarryTheirInput) {
  HistoryBuilder first("run-1");
  first.Task();
  first.ContinuedAsNew("run-2");
  EXPECT_THAT(LintAcrossRuns({InRun("run-1", first), InRun("run-2", Successor("run-2", "run-1", "2"))}), IsEmpty());
  EXPECT_THAT(LintAcrossRuns({InRun("run-1", first), InRun("run-2", Successor("run-2", "run-0", "2"))}),
              ElementsAre(Field(&Finding::rule, "H29")));
  EXPECT_THAT(LintAcrossRuns({InRun("run-1", first), InRun("run-2", Successor("run-2", "run-1", "3"))}),
              ElementsAre(Field(&Finding::rule, "H29")));
  EXPECT_THAT(LintAcrossRuns({InRun("run-1", first)}), ElementsAre(Field(&Finding::rule, "H29")));
  EXPECT_THAT(LintAcrossRuns({InRun("run-1", first)}, /*complete=*/false), IsEmpty());
}

// H32.
TEST(WorkflowIds, HaveOneOpenRun) {
  EXPECT_THAT(LintAcrossRuns({InRun("run-1", HistoryBuilder("run-1")), InRun("run-2", HistoryBuilder("run-2"))}),
              ElementsAre(Field(&Finding::rule, "H32")));
}

TEST(RunsThatNoRuleConnects, AreKeptAsTheirFirstAndLastEvent) {
  HistoryBuilder alone("run-1");
  alone.Task();
  alone.Task();
  const RunHistory whole = InRun("run-1", alone);
  const RunHistory kept = ForRulesAcrossRuns(whole);
  ASSERT_EQ(kept.events.size(), 2u);
  EXPECT_EQ(kept.events.front().event_id(), 1);
  EXPECT_EQ(kept.events.back().event_id(), whole.events.back().event_id());

  HistoryBuilder chained("run-1");
  chained.Task();
  chained.ContinuedAsNew("run-2");
  EXPECT_EQ(ForRulesAcrossRuns(InRun("run-1", chained)).events.size(), InRun("run-1", chained).events.size());
}

}  // namespace
}  // namespace wfe::lint
