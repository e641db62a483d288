#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"
#include "workers/core/history_json.h"

namespace wfe::core::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// The recorded code, and what today's code does differently.
struct Change {
  std::string second_activity = "test";
  std::string second_id = "";
  bool extra_timer = false;
  bool skip_second = false;
  bool timer_instead = false;
};
Change change;

sdk::Task<std::string> Build(sdk::WorkflowContext& ctx, std::string input) {
  sdk::ActivityType<std::string, std::string> build{"build"};
  sdk::ActivityType<std::string, std::string> second{change.second_activity};
  std::string built = co_await ctx.Activity(build, input, {.start_to_close = 1s});
  if (change.extra_timer) co_await ctx.Sleep(1s);
  if (change.timer_instead) {
    co_await ctx.Sleep(1s);
  } else if (!change.skip_second) {
    co_await ctx.Activity(second, built, {.activity_id = change.second_id, .start_to_close = 1s});
  }
  co_return built;
}

class CoreReplay : public ::testing::Test {
 protected:
  CoreReplay() {
    change = {};
    registry.Register("Build", &Build);
    WorkflowTaskHandler handler(registry, Options());
    engine.Start("Build", "app");
    engine.RunTask(handler);
    engine.CompleteActivity("1", "built");
    engine.RunTask(handler);
    engine.CompleteActivity("2", "tested");
    engine.RunTask(handler);
  }
  Divergence Diverge() { return DivergenceOf(engine, registry); }
  sdk::WorkflowRegistry registry;
  FakeEngine engine;
};

TEST_F(CoreReplay, UnchangedCodeIsDeterministicToTheEnd) {
  const ReplayReport report = Replay(engine.history(), registry);
  ASSERT_TRUE(report.deterministic()) << report.ToString();
  const auto& fine = std::get<Deterministic>(report.outcome);
  EXPECT_EQ(fine.events, 17);
  EXPECT_EQ(fine.workflow_tasks, 3);
  EXPECT_TRUE(fine.closed);
  EXPECT_EQ(report.ToString(), "deterministic: 17 events, 3 workflow tasks of Build, to its end");
}

// replay_every_prefix: also those that end within a workflow task or between its commands.
TEST_F(CoreReplay, EveryPrefixIsDeterministic) { ExpectEveryPrefixReplays(engine, registry); }

TEST_F(CoreReplay, ChangedActivityTypeIsReportedFieldByField) {
  change.second_activity = "lint";
  const Divergence divergence = Diverge();
  EXPECT_EQ(divergence.event_id, 11);
  EXPECT_EQ(divergence.expected, "ActivityTaskScheduled(activity type=test, activity id=2)");
  EXPECT_EQ(divergence.produced, "ScheduleActivityTask(activity type=lint, activity id=2)");
  EXPECT_EQ(divergence.field, "activity type");
  EXPECT_EQ(divergence.expected_value, "test");
  EXPECT_EQ(divergence.produced_value, "lint");
  EXPECT_EQ(divergence.workflow_type, "Build");
  EXPECT_EQ(divergence.run_id, "run-1");
  EXPECT_EQ(divergence.task_completed_event_id, 10);
  EXPECT_EQ(divergence.command_index, 0);
  EXPECT_THAT(divergence.ToString(), HasSubstr("TMPRL1100"));
}

TEST_F(CoreReplay, ChangedActivityIdIsReported) {
  change.second_id = "named";
  const Divergence divergence = Diverge();
  EXPECT_EQ(divergence.field, "activity id");
  EXPECT_EQ(divergence.expected_value, "2");
  EXPECT_EQ(divergence.produced_value, "named");
}

TEST_F(CoreReplay, AnotherKindOfCommandIsReported) {
  change.timer_instead = true;
  const Divergence divergence = Diverge();
  EXPECT_EQ(divergence.field, "command type");
  EXPECT_EQ(divergence.expected_value, "ActivityTaskScheduled");
  EXPECT_EQ(divergence.produced_value, "TimerStarted");
}

TEST_F(CoreReplay, MissingStepIsReportedAsTheEndThatCameTooSoon) {
  change.skip_second = true;
  const Divergence divergence = Diverge();
  EXPECT_EQ(divergence.event_id, 11);
  EXPECT_EQ(divergence.produced, "CompleteWorkflowExecution");
}

TEST_F(CoreReplay, EventThatTheCodeHasNoCommandForIsReported) {
  // The history's first task has one activity more than the code issues.
  History history = engine.Prefix(4);
  *history.add_events() = engine.history().events(4);
  auto& extra = *history.add_events();
  extra = engine.history().events(4);
  extra.set_event_id(6);
  const ReplayReport report = Replay(history, registry);
  ASSERT_TRUE(std::holds_alternative<Divergence>(report.outcome)) << report.ToString();
  const auto& divergence = std::get<Divergence>(report.outcome);
  EXPECT_EQ(divergence.produced, "no further command");
  EXPECT_EQ(divergence.event_id, 6);
  EXPECT_EQ(divergence.command_index, 1);
}

TEST_F(CoreReplay, CommandThatTheHistoryLacksIsReported) {
  // As if the second task had issued nothing.
  History history = engine.Prefix(10);
  auto& scheduled = *history.add_events();
  scheduled.set_event_id(11);
  scheduled.set_event_type(enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED);
  auto& started = *history.add_events();
  started.set_event_id(12);
  started.set_event_type(enums::EVENT_TYPE_WORKFLOW_TASK_STARTED);
  const ReplayReport report = Replay(history, registry);
  ASSERT_TRUE(std::holds_alternative<Divergence>(report.outcome)) << report.ToString();
  EXPECT_EQ(std::get<Divergence>(report.outcome).expected, "no further command");
  EXPECT_EQ(std::get<Divergence>(report.outcome).produced, "ScheduleActivityTask(activity type=test, activity id=2)");
}

// S48
TEST_F(CoreReplay, DivergenceOfALiveRunFailsItsTaskAsNonDeterministic) {
  FakeEngine run("run-2");
  WorkflowTaskHandler handler(registry, Options());
  run.Start("Build", "app");
  run.RunTask(handler);
  run.CompleteActivity("1", "built");
  run.RunTask(handler);
  run.CompleteActivity("2", "tested");
  change.extra_timer = true;
  handler.Evict(run.run_id());
  const auto failed = run.RunFailingTask(handler, /*sticky=*/false);
  EXPECT_EQ(failed.cause(), enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR);
  EXPECT_THAT(failed.failure().message(), HasSubstr("TMPRL1100"));
  EXPECT_THAT(failed.failure().message(), HasSubstr("workflow id workflow-1, run id run-2"));
  EXPECT_EQ(handler.stats().cached, 0u);
  // The run is not lost: with the old code it goes on.
  change.extra_timer = false;
  EXPECT_EQ(Commands(run.RunTask(handler, /*sticky=*/false)),
            std::vector<std::string>{"CompleteWorkflowExecution \"built\""});
}

TEST_F(CoreReplay, HistoryThatEndsInTerminationReplays) {
  FakeEngine run("run-3");
  WorkflowTaskHandler handler(registry, Options());
  run.Start("Build", "app");
  run.RunTask(handler);
  run.BeginTask(/*sticky=*/true);
  run.Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
  const ReplayReport report = Replay(run.history(), registry);
  ASSERT_TRUE(report.deterministic()) << report.ToString();
  EXPECT_EQ(std::get<Deterministic>(report.outcome).workflow_tasks, 1);
  EXPECT_TRUE(std::get<Deterministic>(report.outcome).closed);
}

TEST_F(CoreReplay, HistoryWithAGapIsRefused) {
  History history = engine.history();
  history.mutable_events()->DeleteSubrange(5, 1);
  const ReplayReport report = Replay(history, registry);
  ASSERT_TRUE(std::holds_alternative<TaskFailure>(report.outcome));
  EXPECT_THAT(report.ToString(), HasSubstr("BrokenHistory: event 7"));
}

TEST_F(CoreReplay, UnknownTypeIsReportedAsSuch) {
  const sdk::WorkflowRegistry empty;
  const ReplayReport report = Replay(engine.history(), empty);
  ASSERT_TRUE(std::holds_alternative<TaskFailure>(report.outcome));
  EXPECT_THAT(report.ToString(), HasSubstr("UnknownWorkflowType"));
  EXPECT_THAT(report.ToString(), HasSubstr("registered types: none"));
}

// A local activity of another SDK: its marker may be ignored when it says so.
TEST_F(CoreReplay, ForeignMarkerIsPassedOverOnlyWhenItMayBeIgnored) {
  History history = engine.Prefix(5);
  auto& marker = *history.add_events();
  marker.set_event_id(6);
  marker.set_event_type(enums::EVENT_TYPE_MARKER_RECORDED);
  marker.mutable_marker_recorded_event_attributes()->set_marker_name("core_local_activity");
  EXPECT_FALSE(Replay(history, registry).deterministic());
  marker.set_worker_may_ignore(true);
  EXPECT_TRUE(Replay(history, registry).deterministic());
}

TEST_F(CoreReplay, HistoryGoesThroughJsonUnchanged) {
  const std::string text = HistoryToJson(engine.history());
  EXPECT_THAT(text, HasSubstr("EVENT_TYPE_ACTIVITY_TASK_SCHEDULED"));
  const auto back = HistoryFromJson(text);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(back.value().SerializeAsString(), engine.history().SerializeAsString());
  EXPECT_TRUE(Replay(back.value(), registry).deterministic());
}

TEST_F(CoreReplay, OlderSpellingOfEnumsAndUnknownFieldsAreRead) {
  const auto history = HistoryFromJson(R"({"events": [{
      "eventId": "1", "eventTime": "2023-01-01T00:00:00Z", "eventType": "WorkflowExecutionStarted", "novelty": 3,
      "workflowExecutionStartedEventAttributes": {
        "workflowType": {"name": "Build"}, "taskQueue": {"name": "q", "kind": "Normal"},
        "originalExecutionRunId": "r", "initiator": "CronSchedule"}}]})");
  ASSERT_TRUE(history.has_value()) << history.error().message;
  const auto& event = history.value().events(0);
  EXPECT_EQ(event.event_type(), enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED);
  const auto& a = event.workflow_execution_started_event_attributes();
  EXPECT_EQ(a.task_queue().kind(), enums::TASK_QUEUE_KIND_NORMAL);
  EXPECT_EQ(a.initiator(), enums::CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE);
}

TEST_F(CoreReplay, TextThatIsNoHistoryIsRefused) {
  EXPECT_FALSE(HistoryFromJson("not json").has_value());
  EXPECT_FALSE(HistoryFromJson("[]").has_value());
  EXPECT_FALSE(HistoryFromJson("{}").has_value());
  EXPECT_FALSE(HistoryFromJson(R"({"events": [{"eventType": "NoSuchThing"}]})").has_value());
}

}  // namespace
}  // namespace wfe::core::testing
