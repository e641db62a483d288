// Schedules end to end, in virtual time: each due time starts once, whatever is killed in between (S90-S98).
#include <gmock/gmock.h>

#include <set>

#include "engine/base/proto_time.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
namespace enums = temporal::api::enums::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Schedules : public testing::EngineFixture {
 protected:
  static CreateScheduleRequest Hourly(const std::string& id) {
    CreateScheduleRequest request;
    request.set_namespace_("default");
    request.set_schedule_id(id);
    request.set_request_id("create " + id);
    auto& schedule = *request.mutable_schedule();
    schedule.mutable_spec()->add_interval()->mutable_interval()->set_seconds(3600);
    auto& action = *schedule.mutable_action()->mutable_start_workflow();
    action.set_workflow_id("w-" + id);
    action.mutable_workflow_type()->set_name("T");
    action.mutable_task_queue()->set_name("tq");
    *action.mutable_input() = Payloads("input");
    return request;
  }
  void Create(const CreateScheduleRequest& request) { Send<CreateScheduleResponse>("CreateSchedule", request).Value(); }
  DescribeScheduleResponse Describe(const std::string& id = "s") {
    DescribeScheduleRequest request;
    request.set_namespace_("default");
    request.set_schedule_id(id);
    return Send<DescribeScheduleResponse>("DescribeSchedule", request).Value();
  }
  void Patch(const std::function<void(temporal::api::schedule::v1::SchedulePatch&)>& fill) {
    PatchScheduleRequest request;
    request.set_namespace_("default");
    request.set_schedule_id("s");
    request.set_request_id(ids_.NewUuid());
    fill(*request.mutable_patch());
    Send<PatchScheduleResponse>("PatchSchedule", request).Value();
  }
  /// Completes every workflow that has a task.
  int FinishRuns(const std::string& result = "done") {
    int finished = 0;
    for (;;) {
      auto poll = PollWorkflow();
      if (!poll.done()) {
        poll.Cancel();
        loop_.RunReady();
        return finished;
      }
      auto completion = Completion(poll.Value());
      *completion.add_commands() = CompleteWorkflow(result);
      Complete(completion).Value();
      ++finished;
    }
  }
  std::vector<std::string> WorkflowIds() {
    ListWorkflowExecutionsRequest request;
    request.set_namespace_("default");
    std::vector<std::string> ids;
    const auto listed = Send<ListWorkflowExecutionsResponse>("ListWorkflowExecutions", request).Value();
    for (const auto& execution : listed.executions()) {
      ids.push_back(execution.execution().workflow_id());
    }
    std::reverse(ids.begin(), ids.end());
    return ids;
  }
  void KillAndStart() {
    Crash();
    Boot();
  }
  frontend::DerivedReport CheckDerived() {
    frontend::DerivedReport report;
    engine_->CheckDerived([&](Result<frontend::DerivedReport> checked) { report = checked.value(); });
    loop_.RunReady();
    return report;
  }
};

TEST_F(Schedules, AScheduleStartsItsWorkflowAtEachDueTime) {  // S93; the clock starts at 2023-11-14T22:13:20Z
  Create(Hourly("s"));
  for (int i = 0; i < 3; ++i) {
    loop_.Advance(1h);
    EXPECT_EQ(FinishRuns(), 1);
  }
  EXPECT_THAT(WorkflowIds(),
              ElementsAre("w-s-2023-11-14T23:00:00Z", "w-s-2023-11-15T00:00:00Z", "w-s-2023-11-15T01:00:00Z"));
  const auto described = Describe();
  EXPECT_EQ(described.info().action_count(), 3);
  EXPECT_EQ(described.info().running_workflows_size(), 0);
  EXPECT_EQ(described.info().recent_actions(2).start_workflow_status(), enums::WORKFLOW_EXECUTION_STATUS_COMPLETED);
  EXPECT_EQ(described.info().future_action_times_size(), 10);
  EXPECT_EQ(described.schedule().policies().overlap_policy(), enums::SCHEDULE_OVERLAP_POLICY_SKIP);
  const auto started = History("w-s-2023-11-15T00:00:00Z")[0].workflow_execution_started_event_attributes();
  EXPECT_EQ(started.search_attributes().indexed_fields().at("TemporalScheduledById").data(), "\"s\"");
  EXPECT_EQ(started.last_completion_result().payloads(0).data(), "done");  // S95
}

TEST_F(Schedules, KilledAtAnyCommitEachDueTimeStartsExactlyOnce) {  // F1
  Create(Hourly("s"));
  std::set<std::string> seen;
  for (int hour = 0; hour < 12; ++hour) {
    // The disk goes away after so many commits around the due time, a different number each hour.
    int left = hour % 5;
    loop_.when_idle = [this, &left] { return left > 0 && store_->stage().RunOnce() > 0 && left-- > 0; };
    loop_.Advance(1h);
    KillAndStart();
    loop_.Advance(1s);
    EXPECT_EQ(FinishRuns(), 1) << "hour " << hour;
  }
  loop_.Advance(1s);
  EXPECT_THAT(WorkflowIds(), SizeIs(12));
  EXPECT_EQ(Describe().info().action_count(), 12);
  EXPECT_EQ(Describe().info().running_workflows_size(), 0);
  EXPECT_TRUE(CheckDerived().clean());
}

TEST_F(Schedules, ANightWithoutAServerIsCaughtUp) {  // S92
  auto request = Hourly("s");
  request.mutable_schedule()->mutable_policies()->set_overlap_policy(enums::SCHEDULE_OVERLAP_POLICY_BUFFER_ALL);
  Create(request);
  Crash();
  loop_.SleepUntil(loop_.Now() + 3h);
  Boot();
  loop_.Advance(1s);
  EXPECT_EQ(FinishRuns(), 3);
  EXPECT_EQ(Describe().info().action_count(), 3);
}

TEST_F(Schedules, TheEndOfARunIsSeenAfterARestart) {
  Create(Hourly("s"));
  loop_.Advance(1h);
  ASSERT_EQ(Describe().info().running_workflows_size(), 1);
  KillAndStart();
  EXPECT_EQ(FinishRuns(), 1);
  EXPECT_EQ(Describe().info().running_workflows_size(), 0);
}

TEST_F(Schedules, ARunThatContinuesAsNewIsOneAction) {
  Create(Hourly("s"));
  loop_.Advance(1h);
  auto completion = Completion(PollWorkflow().Value());
  auto& command = *completion.add_commands();
  command.set_command_type(enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION);
  auto& attributes = *command.mutable_continue_as_new_workflow_execution_command_attributes();
  attributes.mutable_workflow_type()->set_name("T");
  attributes.mutable_task_queue()->set_name("tq");
  Complete(completion).Value();
  EXPECT_EQ(Describe().info().running_workflows_size(), 1);
  EXPECT_EQ(FinishRuns(), 1);
  EXPECT_EQ(Describe().info().running_workflows_size(), 0);
}

TEST_F(Schedules, CancelOtherAndTerminateOtherEndTheRunThatIsInTheWay) {  // S90, S91
  auto request = Hourly("s");
  request.mutable_schedule()->mutable_policies()->set_overlap_policy(enums::SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER);
  Create(request);
  loop_.Advance(2h);
  EXPECT_EQ(Describe().info().action_count(), 2);
  EXPECT_THAT(EventNames("w-s-2023-11-14T23:00:00Z"), HasSubstr("WorkflowExecutionTerminated"));
  Patch([](auto& patch) {
    patch.mutable_trigger_immediately()->set_overlap_policy(enums::SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER);
  });
  EXPECT_THAT(EventNames("w-s-2023-11-15T00:00:00Z"), HasSubstr("WorkflowExecutionCancelRequested"));
  EXPECT_EQ(Describe().info().buffer_size(), 1);
  EXPECT_EQ(FinishRuns(), 2);
  EXPECT_EQ(Describe().info().action_count(), 3);
}

TEST_F(Schedules, ATriggerAndABackfillActAtOnce) {  // S98
  auto request = Hourly("s");
  request.mutable_schedule()->mutable_state()->set_paused(true);
  request.mutable_initial_patch()->mutable_trigger_immediately();
  Create(request);
  EXPECT_EQ(FinishRuns(), 1);
  Patch([this](auto& patch) {
    auto& range = *patch.add_backfill_request();
    *range.mutable_start_time() = ToProto(loop_.Now() - 5h);
    *range.mutable_end_time() = ToProto(loop_.Now());
    range.set_overlap_policy(enums::SCHEDULE_OVERLAP_POLICY_ALLOW_ALL);
  });
  EXPECT_EQ(FinishRuns(), 5);
  EXPECT_EQ(Describe().info().action_count(), 6);
}

TEST_F(Schedules, StartsArePaced) {  // S96
  auto request = Hourly("s");
  request.mutable_schedule()->mutable_state()->set_paused(true);
  Create(request);
  Patch([this](auto& patch) {
    auto& range = *patch.add_backfill_request();
    *range.mutable_start_time() = ToProto(loop_.Now() - 100h);
    *range.mutable_end_time() = ToProto(loop_.Now());
    range.set_overlap_policy(enums::SCHEDULE_OVERLAP_POLICY_ALLOW_ALL);
  });
  EXPECT_EQ(FinishRuns(), 30);
  loop_.Advance(5s);
  EXPECT_EQ(FinishRuns(), 70);
}

TEST_F(Schedules, AnUpdateReplacesTheSchedule) {
  Create(Hourly("s"));
  UpdateScheduleRequest update;
  update.set_namespace_("default");
  update.set_schedule_id("s");
  *update.mutable_schedule() = Describe().schedule();
  update.mutable_schedule()->mutable_spec()->clear_interval();
  update.mutable_schedule()->mutable_spec()->add_cron_string("TZ=Europe/Berlin 0 2 * * *");
  update.set_conflict_token(Describe().conflict_token());
  Send<UpdateScheduleResponse>("UpdateSchedule", update).Value();
  const auto described = Describe();
  EXPECT_EQ(described.schedule().spec().timezone_name(), "Europe/Berlin");
  EXPECT_EQ(described.schedule().spec().structured_calendar_size(), 1);
  EXPECT_EQ(FormatIso8601Millis(FromProto(described.info().future_action_times(0))),
            "2023-11-15T01:00:00.000Z");
  EXPECT_EQ(Send<UpdateScheduleResponse>("UpdateSchedule", update).error().code, StatusCode::kFailedPrecondition);
}

TEST_F(Schedules, AreListedInPagesAndByPause) {
  for (int i = 0; i < 5; ++i) {
    auto request = Hourly("s" + std::to_string(i));
    request.mutable_schedule()->mutable_state()->set_paused(i == 2);
    Create(request);
  }
  ListSchedulesRequest list;
  list.set_namespace_("default");
  list.set_maximum_page_size(2);
  std::vector<std::string> ids;
  do {
    const auto page = Send<ListSchedulesResponse>("ListSchedules", list).Value();
    for (const auto& entry : page.schedules()) ids.push_back(entry.schedule_id());
    list.set_next_page_token(page.next_page_token());
  } while (!list.next_page_token().empty());
  EXPECT_THAT(ids, ElementsAre("s0", "s1", "s2", "s3", "s4"));
  list.set_query("TemporalSchedulePaused = true");
  EXPECT_EQ(Send<ListSchedulesResponse>("ListSchedules", list).Value().schedules_size(), 1);
  CountSchedulesRequest count;
  count.set_namespace_("default");
  EXPECT_EQ(Send<CountSchedulesResponse>("CountSchedules", count).Value().count(), 5);
  list.set_query("WorkflowType = 'T'");
  EXPECT_EQ(Send<ListSchedulesResponse>("ListSchedules", list).error().code, StatusCode::kInvalidArgument);
}

TEST_F(Schedules, MatchingTimesAreListed) {
  Create(Hourly("s"));
  ListScheduleMatchingTimesRequest request;
  request.set_namespace_("default");
  request.set_schedule_id("s");
  *request.mutable_start_time() = ToProto(loop_.Now());
  *request.mutable_end_time() = ToProto(loop_.Now() + 24h);
  EXPECT_EQ(Send<ListScheduleMatchingTimesResponse>("ListScheduleMatchingTimes", request).Value().start_time_size(),
            24);
}

TEST_F(Schedules, ADeletedScheduleIsGoneAndItsRunsGoOn) {
  Create(Hourly("s"));
  loop_.Advance(1h);
  DeleteScheduleRequest request;
  request.set_namespace_("default");
  request.set_schedule_id("s");
  Send<DeleteScheduleResponse>("DeleteSchedule", request).Value();
  EXPECT_EQ(Send<DeleteScheduleResponse>("DeleteSchedule", request).error().code, StatusCode::kNotFound);
  KillAndStart();
  loop_.Advance(5h);
  EXPECT_EQ(FinishRuns(), 1);
  Create(Hourly("s"));
  EXPECT_EQ(Describe().info().action_count(), 0);
}

TEST_F(Schedules, BadOnesAreRefusedWithTheReason) {
  Create(Hourly("s"));
  Create(Hourly("s"));  // the same request again
  auto taken = Hourly("s");
  taken.set_request_id("another");
  EXPECT_EQ(Send<CreateScheduleResponse>("CreateSchedule", taken).error().code, StatusCode::kAlreadyExists);
  auto bad_cron = Hourly("b");
  bad_cron.mutable_schedule()->mutable_spec()->add_cron_string("61 * * * *");
  EXPECT_THAT(Send<CreateScheduleResponse>("CreateSchedule", bad_cron).error().message,
              ::testing::StartsWith("Invalid schedule spec: "));
  auto no_queue = Hourly("b");
  no_queue.mutable_schedule()->mutable_action()->mutable_start_workflow()->clear_task_queue();
  EXPECT_EQ(Send<CreateScheduleResponse>("CreateSchedule", no_queue).error().code, StatusCode::kInvalidArgument);
  auto no_action = Hourly("b");
  no_action.mutable_schedule()->clear_action();
  EXPECT_EQ(Send<CreateScheduleResponse>("CreateSchedule", no_action).error().code, StatusCode::kInvalidArgument);
  DescribeScheduleRequest describe;
  describe.set_namespace_("default");
  describe.set_schedule_id("nobody");
  EXPECT_EQ(Send<DescribeScheduleResponse>("DescribeSchedule", describe).error().code, StatusCode::kNotFound);
}

TEST_F(Schedules, NothingStartsBeforeItsDecisionIsDurable) {  // D4
  Create(Hourly("s"));
  loop_.when_idle = nullptr;  // the disk does not sync
  loop_.Advance(2h);
  EXPECT_THAT(WorkflowIds(), SizeIs(0));
  while (store_->stage().RunOnce() > 0) loop_.RunReady();
  EXPECT_THAT(WorkflowIds(), SizeIs(1));
}

TEST_F(Schedules, TheTimersEqualTheStates) {  // H21
  for (int i = 0; i < 6; ++i) Create(Hourly("s" + std::to_string(i)));
  loop_.Advance(90min);
  EXPECT_TRUE(CheckDerived().clean());
  KillAndStart();
  EXPECT_TRUE(CheckDerived().clean());
}

}  // namespace
}  // namespace wfe
