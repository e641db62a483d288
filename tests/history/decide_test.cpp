// The arrows one by one: what a scenario file would say less clearly.
#include "engine/history/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/proto_time.h"
#include "engine/history/machines.h"
#include "engine/history/names.h"
#include "tests/history/execution.h"

namespace wfe::history {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// Started, and its first task held by a worker.
Execution Polled() {
  Execution execution;
  EXPECT_TRUE(execution.Start());
  EXPECT_TRUE(execution.StartTask());
  return execution;
}

bool CompleteWith(Execution& execution, const std::vector<command::Command>& commands) {
  WorkflowTaskCompleted completed = execution.Completion();
  for (const auto& command : commands) *completed.request.add_commands() = command;
  return execution.Do(completed);
}

TEST(Start, GivesTheFirstTaskAndSaysWhereToOfferIt) {
  Execution execution;
  ASSERT_TRUE(execution.Start());
  EXPECT_EQ(execution.LastTypes(), "WorkflowExecutionStarted WorkflowTaskScheduled");
  ASSERT_THAT(execution.last().effects, SizeIs(1));
  const auto& offer = std::get<OfferWorkflowTask>(execution.last().effects[0]);
  EXPECT_EQ(offer.queue, "tq");
  EXPECT_EQ(offer.scheduled_event_id, 2);
  EXPECT_FALSE(execution.state().folded().has_retry_policy());                    // S9
  EXPECT_EQ(FromProto(execution.state().folded().workflow_task_timeout()), 10s);  // S8
}

TEST(Start, RefusesWhatIsOverlongOrMissing) {  // S13, S19, S56, S60, S103
  const auto refusal = [](auto change) {
    Execution execution;
    change(execution.start_input);
    EXPECT_FALSE(execution.Start());
    return execution.error().value_or(Error{}).ToString();
  };
  EXPECT_THAT(refusal([](StartInput& s) { s.key.workflow_id = WorkflowId(std::string(1001, 'x')); }),
              HasSubstr("WorkflowId length exceeds limit of 1000 bytes (max_id_bytes)"));
  EXPECT_THAT(refusal([](StartInput& s) { s.request.clear_workflow_type(); }), HasSubstr("WorkflowType is not set on request."));
  EXPECT_THAT(refusal([](StartInput& s) { s.request.clear_task_queue(); }), HasSubstr("TaskQueue is not set on request."));
  EXPECT_THAT(refusal([](StartInput& s) { *s.request.mutable_input() = Text(std::string(3 << 20, 'x')); }),
              HasSubstr("Input exceeds size limit"));
  EXPECT_THAT(refusal([](StartInput& s) {  // S103
                auto& fields = *s.request.mutable_search_attributes()->mutable_indexed_fields();
                fields["Stage"].set_data(std::string(2049, 'x'));
              }),
              HasSubstr("search attribute Stage has 2049 bytes, at most 2048 (max_search_attribute_bytes)"));
  EXPECT_THAT(refusal([](StartInput& s) {  // S60
                s.request.mutable_user_metadata()->mutable_details()->set_data(std::string(20'001, 'x'));
              }),
              HasSubstr("the detailed text of the user metadata has 20001 bytes"));
  EXPECT_THAT(refusal([](StartInput& s) { s.request.mutable_retry_policy()->set_backoff_coefficient(0.1); }),
              HasSubstr("BackoffCoefficient"));
  EXPECT_THAT(refusal([](StartInput& s) { s.request.set_cron_schedule("* * * * *"); }), HasSubstr("UNIMPLEMENTED"));
}

TEST(WorkflowTaskStart, IsVolatile) {  // R1
  Execution execution = Polled();
  EXPECT_FALSE(execution.last().needs_commit);
  EXPECT_THAT(execution.last().events, IsEmpty());
  EXPECT_EQ(execution.state().workflow_task().started->started_event_id, 3);
}

TEST(WorkflowTaskStart, ByTheSamePollAgainSucceedsAndByAnotherIsRefused) {
  Execution execution = Polled();
  EXPECT_TRUE(execution.StartTask("poll"));
  EXPECT_FALSE(execution.StartTask("other"));
  EXPECT_EQ(execution.error()->code, StatusCode::kNotFound);
}

TEST(WorkflowTaskStart, ShowsThePollerTheEventsThatTheCompletionWrites) {  // R1, R4
  Execution execution = Polled();
  ASSERT_TRUE(execution.Do(execution.TaskFailure()));
  ASSERT_TRUE(execution.StartTask());
  execution.now += 3s;
  const auto shown = StartedTaskEvents(execution.state());
  ASSERT_TRUE(CompleteWith(execution, {Marker("m")}));
  ASSERT_THAT(shown, SizeIs(2));
  EXPECT_EQ(Bytes(shown[0]), Bytes(execution.last().events[0]));
  EXPECT_EQ(Bytes(shown[1]), Bytes(execution.last().events[1]));
}

TEST(WorkflowTaskCompletion, KeepsWhatTheSdkSaidOfItself) {  // pitfall 11
  Execution execution = Polled();
  WorkflowTaskCompleted completed = execution.Completion();
  completed.request.mutable_sdk_metadata()->add_core_used_flags(3);
  completed.request.mutable_metering_metadata()->set_nonfirst_local_activity_execution_attempts(2);
  completed.request.set_binary_checksum("build-7");
  ASSERT_TRUE(execution.Do(completed));
  const auto& written =
      execution.LastOfType(enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED).workflow_task_completed_event_attributes();
  EXPECT_EQ(written.sdk_metadata().core_used_flags(0), 3u);
  EXPECT_EQ(written.metering_metadata().nonfirst_local_activity_execution_attempts(), 2u);
  EXPECT_EQ(written.binary_checksum(), "build-7");
}

TEST(WorkflowTaskCompletion, GivesOneEventPerCommandInOrderThatNamesIt) {  // H9, H10
  Execution execution = Polled();
  ASSERT_TRUE(CompleteWith(execution, {Marker("m"), Timer("t", 1s), Schedule("a", 1s), Complete()}));
  EXPECT_EQ(execution.LastTypes(),
            "WorkflowTaskStarted WorkflowTaskCompleted MarkerRecorded TimerStarted ActivityTaskScheduled "
            "WorkflowExecutionCompleted");
  EXPECT_EQ(execution.Event(5).marker_recorded_event_attributes().workflow_task_completed_event_id(), 4);
  EXPECT_EQ(execution.Event(8).workflow_execution_completed_event_attributes().workflow_task_completed_event_id(), 4);
  ASSERT_THAT(execution.last().effects, SizeIs(1));
  EXPECT_TRUE(std::holds_alternative<RunClosed>(execution.last().effects[0]));
}

TEST(WorkflowTaskCompletion, CopiesTheCommandsUserMetadata) {
  Execution execution = Polled();
  auto timer = Timer("t", 1s);
  timer.mutable_user_metadata()->mutable_summary()->set_data("nap");
  ASSERT_TRUE(CompleteWith(execution, {timer}));
  EXPECT_EQ(execution.Event(5).user_metadata().summary().data(), "nap");
}

TEST(WorkflowTaskCompletion, WithABadCommandLeavesNothingOfItButAFailedTask) {
  Execution execution = Polled();
  ASSERT_TRUE(CompleteWith(execution, {Timer("t", 1s), Schedule("a", Duration::zero())}));  // S25
  EXPECT_EQ(execution.LastTypes(), "WorkflowTaskStarted WorkflowTaskFailed");
  EXPECT_EQ(execution.Event(4).workflow_task_failed_event_attributes().cause(),
            enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES);
  EXPECT_THAT(execution.refusal(), HasSubstr("neither a schedule-to-close nor a start-to-close"));
  EXPECT_TRUE(execution.state().timers().empty());
  EXPECT_TRUE(execution.last().new_workflow_task_scheduled);
}

TEST(WorkflowTaskCompletion, NamesAnUnservedCommand) {
  for (const auto type :
       {enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION, enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION,
        enums::COMMAND_TYPE_SCHEDULE_NEXUS_OPERATION, enums::COMMAND_TYPE_PROTOCOL_MESSAGE}) {
    Execution execution = Polled();
    command::Command command;
    command.set_command_type(type);
    ASSERT_TRUE(CompleteWith(execution, {command}));
    EXPECT_THAT(execution.refusal(), HasSubstr(enums::CommandType_Name(type)));
  }
}

TEST(WorkflowTaskFailures, BackOffLongerAndLongerUpToTheLimit) {
  Execution execution = Polled();
  execution.limits.max_workflow_task_retry_interval = 4s;
  std::vector<Duration> waits;
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(execution.Do(execution.TaskFailure()));
    const Instant failed = execution.now;
    if (NextDeadline(execution.state()).has_value()) execution.TickNext();
    waits.push_back(execution.now - failed);
    ASSERT_TRUE(execution.StartTask());
  }
  EXPECT_THAT(waits, testing::ElementsAre(0s, 1s, 2s, 4s, 4s, 4s, 4s));
  EXPECT_THAT(execution.history(), SizeIs(4)) << "poison_task_bounded_load: only the first failure leaves events (S42)";
}

TEST(WorkflowTaskTimeout, GrowsFromTheFourthAttemptOn) {  // S43
  Execution execution = Polled();
  std::vector<Duration> timeouts;
  for (int i = 0; i < 6; ++i) {
    timeouts.push_back(execution.state().workflow_task().started->deadline - execution.now);
    ASSERT_TRUE(execution.TickNext());
    ASSERT_TRUE(execution.StartTask());
  }
  EXPECT_THAT(timeouts, testing::ElementsAre(10s, 10s, 10s, 15s, 20s, 30s));
}

TEST(WorkflowTaskCompletion, OfAnOlderAttemptIsNotFound) {  // H12, pitfall 8
  Execution execution = Polled();
  const WorkflowTaskCompleted old = execution.Completion();
  ASSERT_TRUE(execution.TickNext());
  EXPECT_FALSE(execution.Do(old));
  ASSERT_TRUE(execution.StartTask());
  EXPECT_FALSE(execution.Do(old));
  EXPECT_EQ(execution.error()->code, StatusCode::kNotFound);
}

TEST(Activity, IsGivenTheDefaultPolicyAndTimeouts) {  // S17, S26, pitfall 5
  Execution execution;
  *execution.start_input.request.mutable_workflow_run_timeout() = ToProto(60s);
  ASSERT_TRUE(execution.Start());
  ASSERT_TRUE(execution.StartTask());
  auto scheduled = Schedule("a", 100s);
  *scheduled.mutable_schedule_activity_task_command_attributes()->mutable_heartbeat_timeout() = ToProto(200s);
  ASSERT_TRUE(CompleteWith(execution, {scheduled}));
  const auto& activity = execution.state().activities().begin()->second.scheduled;
  EXPECT_EQ(FromProto(activity.schedule_to_close_timeout()), 60s);
  EXPECT_EQ(FromProto(activity.schedule_to_start_timeout()), 60s);
  EXPECT_EQ(FromProto(activity.start_to_close_timeout()), 60s);
  EXPECT_EQ(FromProto(activity.heartbeat_timeout()), 60s);
  EXPECT_EQ(FromProto(activity.retry_policy().maximum_interval()), 100s);
}

TEST(Activity, StartIsDurableAndStartedOnlyOnce) {  // one_started_event_per_attempt
  Execution execution = Polled();
  ASSERT_TRUE(CompleteWith(execution, {Schedule("a", 10s)}));
  ASSERT_TRUE(execution.StartActivity(5));
  EXPECT_TRUE(execution.last().needs_commit);
  EXPECT_TRUE(execution.StartActivity(5)) << "the same poll is told the same";
  EXPECT_FALSE(execution.last().needs_commit);
  EXPECT_FALSE(execution.Do(ActivityTaskStarted{5, 1, "other", "other poll"}));
  EXPECT_EQ(execution.error()->code, StatusCode::kNotFound);
}

TEST(Activity, FailureOfARetryingOneIsCut) {  // S32
  Execution execution = Polled();
  ASSERT_TRUE(CompleteWith(execution, {Schedule("a", 10s)}));
  ASSERT_TRUE(execution.StartActivity(5));
  ActivityTaskFailed failed;
  failed.activity = execution.Activity(5);
  failed.failure.set_message(std::string(10'000, 'm'));
  failed.failure.set_stack_trace(std::string(10'000, 's'));
  failed.failure.mutable_application_failure_info()->set_type("Broken");
  ASSERT_TRUE(execution.Do(failed));
  const auto& kept = FindAttempt(execution.state(), 5)->last_failure();
  EXPECT_LE(kept.ByteSizeLong(), 4096u);
  EXPECT_GT(kept.message().size(), 1000u);
  EXPECT_EQ(kept.application_failure_info().type(), "Broken");
}

TEST(Activity, ResultThatIsTooBigFailsIt) {  // S56
  Execution execution = Polled();
  ASSERT_TRUE(CompleteWith(execution, {Schedule("a", 10s)}));
  ASSERT_TRUE(execution.StartActivity(5));
  execution.limits.max_payload_bytes = 100;
  ASSERT_TRUE(execution.Do(ActivityTaskCompleted{execution.Activity(5), Text(std::string(200, 'x')), "worker"}));
  EXPECT_EQ(execution.LastTypes(), "ActivityTaskStarted ActivityTaskFailed WorkflowTaskScheduled");
}

TEST(Activity, HeartbeatsThatTakeTheStateBeyondItsLimitEndTheRun) {  // S58
  Execution execution = Polled();
  ASSERT_TRUE(CompleteWith(execution, {Schedule("a", 10s), Schedule("b", 10s)}));
  ASSERT_TRUE(execution.StartActivity(5));
  ASSERT_TRUE(execution.StartActivity(6));
  execution.limits.max_state_bytes = 5000;
  for (int i = 0; i < 3; ++i) {  // each in the place of the one before
    ASSERT_TRUE(execution.Do(ActivityHeartbeat{execution.Activity(5), Text(std::string(3000, 'x')), "worker"}));
    EXPECT_TRUE(execution.state().IsOpen());
  }
  ASSERT_TRUE(execution.Do(ActivityHeartbeat{execution.Activity(6), Text(std::string(3000, 'x')), "worker"}));
  EXPECT_EQ(execution.LastTypes(), "WorkflowExecutionTerminated");
  const auto& terminated = execution.Event(7).workflow_execution_terminated_event_attributes();
  EXPECT_THAT(terminated.reason(), HasSubstr("max_state_bytes"));
}

TEST(Activity, StartedEventCarriesTheRealStartOfTheLastAttempt) {  // S30, H2
  Execution execution = Polled();
  ASSERT_TRUE(CompleteWith(execution, {Schedule("a", 10s)}));
  execution.now += 1s;
  const Instant started = execution.now;
  ASSERT_TRUE(execution.StartActivity(5));
  execution.now += 5s;
  ASSERT_TRUE(execution.Do(SignalReceived{.signal_name = "s"}));
  ASSERT_TRUE(execution.Do(ActivityTaskCompleted{execution.Activity(5), Text("ok"), "worker"}));
  EXPECT_EQ(FromProto(execution.LastOfType(enums::EVENT_TYPE_ACTIVITY_TASK_STARTED).event_time()), started);
}

TEST(Activity, ByIdNamesTheActivityInItsError) {
  Execution execution = Polled();
  ActivityRef ref;
  ref.activity_id = "nobody";
  EXPECT_FALSE(execution.Do(ActivityTaskCompleted{ref, Text("ok"), "worker"}));
  EXPECT_THAT(execution.error()->message, HasSubstr("\"nobody\""));
}

TEST(ContinueAsNew, CarriesTheRunsPropertiesOver) {  // S84, pitfall 18, H29
  Execution execution;
  auto& request = execution.start_input.request;
  (*request.mutable_memo()->mutable_fields())["note"] = Text("keep").payloads(0);
  (*request.mutable_search_attributes()->mutable_indexed_fields())["Stage"] = Text("one").payloads(0);
  request.mutable_retry_policy()->set_maximum_attempts(3);
  *request.mutable_workflow_execution_timeout() = ToProto(600s);
  *request.mutable_workflow_run_timeout() = ToProto(60s);
  ASSERT_TRUE(execution.Start());
  ASSERT_TRUE(execution.StartTask());
  auto again = ContinueAsNew();
  (*again.mutable_continue_as_new_workflow_execution_command_attributes()->mutable_header()->mutable_fields())["h"] =
      Text("header").payloads(0);
  execution.now += 5s;
  ASSERT_TRUE(CompleteWith(execution, {again}));
  EXPECT_EQ(execution.state().folded().status(), enums::WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW);
  EXPECT_EQ(execution.state().folded().new_run_id(), "run-2");
  ASSERT_NE(execution.last().new_run, nullptr);
  const auto& next = execution.last().new_run->next.folded();
  const auto& started = execution.last().new_run->events[0].workflow_execution_started_event_attributes();
  EXPECT_EQ(next.run_id(), "run-2");
  EXPECT_EQ(next.first_execution_run_id(), "run-1");
  EXPECT_EQ(next.continued_from_run_id(), "run-1");
  EXPECT_EQ(started.initiator(), enums::CONTINUE_AS_NEW_INITIATOR_WORKFLOW);
  EXPECT_TRUE(next.memo().fields().contains("note"));
  EXPECT_TRUE(next.search_attributes().indexed_fields().contains("Stage"));
  EXPECT_TRUE(started.header().fields().contains("h"));
  EXPECT_EQ(next.retry_policy().maximum_attempts(), 3);
  EXPECT_EQ(FromProto(next.workflow_run_timeout()), 60s);
  EXPECT_EQ(Bytes(next.execution_expiration_time()), Bytes(execution.state().folded().execution_expiration_time()));
  EXPECT_EQ(Bytes(started.input()), Bytes(Text("again")));
}

TEST(FollowingRun, GetsAnIdOfItsOwnWhenNoneIsGiven) {
  Execution execution = Polled();
  WorkflowTaskCompleted completed = execution.Completion();
  completed.new_run_id.clear();
  *completed.request.add_commands() = ContinueAsNew();
  ASSERT_TRUE(execution.Do(completed));
  EXPECT_THAT(execution.state().folded().new_run_id(), SizeIs(36));
}

TEST(WorkflowRetry, KeepsInputAndCountsAttempts) {  // S10, H31
  Execution execution;
  execution.start_input.request.mutable_retry_policy()->set_maximum_attempts(3);
  ASSERT_TRUE(execution.Start());
  ASSERT_TRUE(execution.StartTask());
  ASSERT_TRUE(CompleteWith(execution, {Fail("unlucky")}));
  const auto& failed =
      execution.LastOfType(enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED).workflow_execution_failed_event_attributes();
  EXPECT_EQ(failed.new_execution_run_id(), "run-2");
  EXPECT_EQ(failed.retry_state(), enums::RETRY_STATE_IN_PROGRESS);
  const auto& started = execution.last().new_run->events[0].workflow_execution_started_event_attributes();
  EXPECT_EQ(started.attempt(), 2);
  EXPECT_EQ(started.initiator(), enums::CONTINUE_AS_NEW_INITIATOR_RETRY);
  EXPECT_EQ(started.continued_failure().message(), "unlucky");
  EXPECT_EQ(Bytes(started.input()), Bytes(Text("hello")));
  EXPECT_EQ(FromProto(started.first_workflow_task_backoff()), 1s);
  EXPECT_THAT(execution.last().new_run->effects, IsEmpty()) << "its first task waits for the back-off";
}

TEST(WorkflowRetry, ReadsTheInputFromTheHistoryAndNotFromTheState) {  // S10
  Execution execution;
  *execution.start_input.request.mutable_input() = Text(std::string(1 << 20, 'x'));
  execution.start_input.request.mutable_retry_policy()->set_maximum_attempts(3);
  *execution.start_input.request.mutable_workflow_run_timeout() = ToProto(60s);
  ASSERT_TRUE(execution.Start());
  EXPECT_LT(execution.state().SizeBytes(), 1000);
  EXPECT_FALSE(NeedsFirstEvent(execution.state(), history::Tick{}, execution.now + 59s));
  EXPECT_TRUE(NeedsFirstEvent(execution.state(), history::Tick{}, execution.now + 60s));
  ASSERT_TRUE(execution.Tick(60s));
  ASSERT_NE(execution.last().new_run, nullptr);
  const auto& started = execution.last().new_run->events[0].workflow_execution_started_event_attributes();
  EXPECT_EQ(started.input().payloads(0).data().size(), (1u << 20) + 2);
}

TEST(SuggestedContinueAsNew, TellsTheWorkerWhy) {  // S55
  Execution execution;
  execution.limits.suggest_continue_as_new_events = 2;
  execution.limits.suggest_continue_as_new_bytes = 1;
  ASSERT_TRUE(execution.Start());
  ASSERT_TRUE(execution.StartTask());
  const auto events = StartedTaskEvents(execution.state());
  const auto& started = events[0].workflow_task_started_event_attributes();
  EXPECT_TRUE(started.suggest_continue_as_new());
  EXPECT_EQ(started.suggest_continue_as_new_reasons_size(), 2);
  EXPECT_GT(started.history_size_bytes(), 0);
}

TEST(Tick, HandlesEverythingDueWithOneWorkflowTask) {
  Execution execution = Polled();
  ASSERT_TRUE(CompleteWith(execution, {Timer("late", 3s), Timer("early", 1s), Schedule("a", 2s)}));
  ASSERT_TRUE(execution.Tick(1h));
  EXPECT_EQ(execution.LastTypes(), "TimerFired TimerFired WorkflowTaskScheduled");
  EXPECT_EQ(execution.last().events[0].timer_fired_event_attributes().timer_id(), "early");
}

TEST(Tick, OnceIsEnough) {
  Execution execution = Polled();
  ASSERT_TRUE(CompleteWith(execution, {Timer("t", 1s)}));
  ASSERT_TRUE(execution.Tick(1s));
  ASSERT_TRUE(execution.Tick(0s));
  EXPECT_THAT(execution.last().events, IsEmpty());
  EXPECT_FALSE(execution.last().needs_commit);
}

TEST(Recovery, ForgetsTheHolderAndNamesEveryOffer) {
  Execution execution = Polled();
  ASSERT_TRUE(CompleteWith(execution, {Schedule("a", 10s), Schedule("b", 10s)}));
  ASSERT_TRUE(execution.StartActivity(6));
  ASSERT_TRUE(execution.Do(SignalReceived{.signal_name = "s"}));
  ASSERT_TRUE(execution.StartTask());
  ASSERT_TRUE(execution.Do(Recovered{}));
  EXPECT_FALSE(execution.last().needs_commit);
  ASSERT_THAT(execution.last().effects, SizeIs(2));
  EXPECT_EQ(std::get<OfferActivityTask>(execution.last().effects[1]).scheduled_event_id, 5);
  EXPECT_EQ(PendingOffers(execution.state(), execution.now).size(), 2u);
}

TEST(Clock, ThatStepsBackNeverTakesEventTimesWithIt) {  // H2, F8
  Execution execution = Polled();
  execution.now -= 1h;
  ASSERT_TRUE(CompleteWith(execution, {Schedule("a", 10s), Timer("t", 1s)}));
  ASSERT_TRUE(execution.StartActivity(5));
  ASSERT_TRUE(execution.Do(ActivityTaskCompleted{execution.Activity(5), Text("ok"), "worker"}));
}

TEST(Arrows, EveryArrowIsFollowedFromItsOwnState) {
  for (const auto& arrow : kAttemptArrows) EXPECT_EQ(Follow(kAttemptArrows, arrow.from, arrow.on), arrow.to);
  for (const auto& arrow : kTaskArrows) EXPECT_EQ(Follow(kTaskArrows, arrow.from, arrow.on), arrow.to);
  EXPECT_EQ(Follow(kAttemptArrows, AttemptState::kStarted, AttemptOn::kStart), std::nullopt);
  EXPECT_EQ(Follow(kTaskArrows, TaskState::kStarted, TaskOn::kTake), std::nullopt);
}

}  // namespace
}  // namespace wfe::history
