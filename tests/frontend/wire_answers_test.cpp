// Answers as Temporal's SDKs and its CLI read them (docs/reference/wire-faults.md); a real server's are those of 1.29.1.
#include <gmock/gmock.h>

#include <functional>

#include "engine/base/proto_time.h"
#include "temporal/api/enums/v1/query.pb.h"
#include "temporal/api/enums/v1/task_queue.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "temporal/api/errordetails/v1/message.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::HasSubstr;
namespace enums = temporal::api::enums::v1;

class WireAnswers : public testing::EngineFixture {
 protected:
  temporal::api::workflow::v1::PendingActivityInfo Pending() {
    DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id("w");
    return Send<DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request).Value().pending_activities(0);
  }
  void CreateSchedule() {
    CreateScheduleRequest request;
    request.set_namespace_("default");
    request.set_schedule_id("s");
    request.set_request_id("create");
    request.mutable_schedule()->mutable_policies()->set_overlap_policy(enums::SCHEDULE_OVERLAP_POLICY_ALLOW_ALL);
    request.mutable_schedule()->mutable_spec()->add_interval()->mutable_interval()->set_seconds(3600);
    auto& action = *request.mutable_schedule()->mutable_action()->mutable_start_workflow();
    action.set_workflow_id("scheduled");
    action.mutable_workflow_type()->set_name("T");
    action.mutable_task_queue()->set_name("tq");
    Send<CreateScheduleResponse>("CreateSchedule", request).Value();
  }
  testing::Pending<DescribeScheduleResponse> DescribeSchedule() {
    DescribeScheduleRequest request;
    request.set_namespace_("default");
    request.set_schedule_id("s");
    return Send<DescribeScheduleResponse>("DescribeSchedule", request);
  }
  void Trigger(const std::string& request_id) {
    PatchScheduleRequest request;
    request.set_namespace_("default");
    request.set_schedule_id("s");
    request.set_request_id(request_id);
    request.mutable_patch()->mutable_trigger_immediately();
    Send<PatchScheduleResponse>("PatchSchedule", request).Value();
  }
  DescribeTaskQueueResponse DescribeQueue(const std::function<void(DescribeTaskQueueRequest&)>& fill) {
    DescribeTaskQueueRequest request;
    request.set_namespace_("default");
    request.mutable_task_queue()->set_name("tq");
    fill(request);
    return Send<DescribeTaskQueueResponse>("DescribeTaskQueue", request).Value();
  }
};

// WIRE-F12: Python's test_schedule_last_completion_result describes right after a trigger.
TEST_F(WireAnswers, ADescribedScheduleShowsWhatWasTriggeredBefore) {
  options_.shard.max_scheduled_starts_per_second = 1;  // so that a start takes a while
  Crash();
  Boot();
  CreateSchedule();
  loop_.Advance(600ms);
  Trigger("one");
  EXPECT_EQ(DescribeSchedule().Value().info().action_count(), 1);
  loop_.Advance(500ms);  // another second, so another workflow id
  Trigger("two");
  auto described = DescribeSchedule();
  EXPECT_FALSE(described.done());
  loop_.Advance(1s);
  ASSERT_TRUE(described.done());
  EXPECT_EQ(described.Value().info().action_count(), 2);
}

// WIRE-F12
TEST_F(WireAnswers, ADescriptionDoesNotWaitForEverForAStartThatCannotBeMade) {
  options_.shard.max_scheduled_starts_per_second = 0;
  Crash();
  Boot();
  CreateSchedule();
  Trigger("one");
  auto described = DescribeSchedule();
  auto deleted = DescribeSchedule();
  EXPECT_FALSE(described.done());
  loop_.Advance(2s);
  ASSERT_TRUE(described.done());
  EXPECT_EQ(described.Value().info().action_count(), 0);
  EXPECT_TRUE(deleted.done());

  deleted = DescribeSchedule();
  DeleteScheduleRequest request;
  request.set_namespace_("default");
  request.set_schedule_id("s");
  Send<DeleteScheduleResponse>("DeleteSchedule", request).Value();
  EXPECT_EQ(deleted.error().code, StatusCode::kNotFound);
}

// WIRE-F16: Go's TestScheduleUpdate compares with nothing.
TEST_F(WireAnswers, AScheduleWithoutMemoAndSearchAttributesHasNone) {
  CreateSchedule();
  EXPECT_FALSE(DescribeSchedule().Value().has_memo());
  EXPECT_FALSE(DescribeSchedule().Value().has_search_attributes());
  ListSchedulesRequest list;
  list.set_namespace_("default");
  const auto listed = Send<ListSchedulesResponse>("ListSchedules", list).Value();
  ASSERT_EQ(listed.schedules_size(), 1);
  EXPECT_FALSE(listed.schedules(0).has_memo());
  EXPECT_FALSE(listed.schedules(0).has_search_attributes());
}

// WIRE-F13: the features runner waits for this text before it begins.
TEST_F(WireAnswers, ARunIdThatIsNoUuidIsInvalidEverywhere) {
  StartWorkflow("w");
  temporal::api::common::v1::WorkflowExecution run;
  run.set_workflow_id("w");
  for (const char* bad : {"nope", "0b3be7a5-7d8c-4d4d-9d6d-0f6d6d2b1f1", "0b3be7a5-7d8c-4d4d-9d6d-0f6d6d2b1f1g",
                          "0b3be7a507d8c04d4d09d6d00f6d6d2b1f11"}) {
    run.set_run_id(bad);
    const auto check = [](const auto& pending) {
      const Error error = pending.error();
      EXPECT_EQ(error.code, StatusCode::kInvalidArgument);
      EXPECT_EQ(error.message, "Invalid RunId.");
    };
    const auto ask = [&]<class Request, class Response>(const char* method, Request request, Response) {
      request.set_namespace_("default");
      if constexpr (requires { request.mutable_workflow_execution(); }) {
        *request.mutable_workflow_execution() = run;
      } else if constexpr (requires { request.mutable_execution(); }) {
        *request.mutable_execution() = run;
      } else {
        request.set_workflow_id(run.workflow_id());
        request.set_run_id(run.run_id());
      }
      check(Send<Response>(method, request));
    };
    ask("DescribeWorkflowExecution", DescribeWorkflowExecutionRequest(), DescribeWorkflowExecutionResponse());
    ask("GetWorkflowExecutionHistory", GetWorkflowExecutionHistoryRequest(), GetWorkflowExecutionHistoryResponse());
    ask("GetWorkflowExecutionHistoryReverse", GetWorkflowExecutionHistoryReverseRequest(),
        GetWorkflowExecutionHistoryReverseResponse());
    ask("SignalWorkflowExecution", SignalWorkflowExecutionRequest(), SignalWorkflowExecutionResponse());
    ask("RequestCancelWorkflowExecution", RequestCancelWorkflowExecutionRequest(),
        RequestCancelWorkflowExecutionResponse());
    ask("TerminateWorkflowExecution", TerminateWorkflowExecutionRequest(), TerminateWorkflowExecutionResponse());
    ask("QueryWorkflow", QueryWorkflowRequest(), QueryWorkflowResponse());
    ask("ResetStickyTaskQueue", ResetStickyTaskQueueRequest(), ResetStickyTaskQueueResponse());
    ask("RespondActivityTaskCompletedById", RespondActivityTaskCompletedByIdRequest(),
        RespondActivityTaskCompletedByIdResponse());
    ask("RecordActivityTaskHeartbeatById", RecordActivityTaskHeartbeatByIdRequest(),
        RecordActivityTaskHeartbeatByIdResponse());
  }
}

// WIRE-F15: Go's TestLargeQueryResultError.
TEST_F(WireAnswers, AQueryResultBeyondTheBlobLimitFailsTheQuery) {
  StartWorkflow("w");
  IdleAfterFirstTask();
  const auto check = [](const testing::Pending<QueryWorkflowResponse>& query) {
    const Error error = query.error();
    EXPECT_EQ(error.code, StatusCode::kInvalidArgument);
    EXPECT_EQ(error.message, "Blob data size exceeds limit.");
    ASSERT_EQ(error.details.size(), 1U);
    EXPECT_EQ(error.details[0].type_name, temporal::api::errordetails::v1::QueryFailedFailure().GetTypeName());
  };
  const auto big = Payloads(std::string(static_cast<size_t>(options_.shard.history.max_payload_bytes) + 1, 'x'));
  auto poll = PollSticky();
  auto query = Query("w", "status");
  RespondQueryTaskCompletedRequest answer;
  answer.set_namespace_("default");
  answer.set_task_token(poll.Value().task_token());
  answer.set_completed_type(enums::QUERY_RESULT_TYPE_ANSWERED);
  *answer.mutable_query_result() = big;
  Send<RespondQueryTaskCompletedResponse>("RespondQueryTaskCompleted", answer).Value();
  check(query);

  // Riding on a workflow task.
  Signal("w", "go").Value();
  query = Query("w", "status");
  const auto task = PollSticky().Value();
  ASSERT_EQ(task.queries_size(), 1);
  auto completion = Completion(task);
  auto& result = (*completion.mutable_query_results())[task.queries().begin()->first];
  result.set_result_type(enums::QUERY_RESULT_TYPE_ANSWERED);
  *result.mutable_answer() = big;
  Complete(completion).Value();
  check(query);
}

// WIRE-F18
TEST_F(WireAnswers, AnActivityInBackOffTellsWhenItEndedAndWhenItGoesOn) {
  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  auto command = ScheduleActivity("1");
  command.mutable_schedule_activity_task_command_attributes()
      ->mutable_retry_policy()
      ->mutable_initial_interval()
      ->set_seconds(3);
  *completion.add_commands() = command;
  Complete(completion).Value();
  EXPECT_EQ(Pending().current_retry_interval().seconds(), 3);
  EXPECT_FALSE(Pending().has_last_attempt_complete_time());
  EXPECT_EQ(Pending().activity_options().retry_policy().initial_interval().seconds(), 3);

  RespondActivityTaskFailedRequest failed;
  failed.set_namespace_("default");
  failed.set_task_token(PollActivity().Value().task_token());
  failed.mutable_failure()->mutable_application_failure_info();
  Send<RespondActivityTaskFailedResponse>("RespondActivityTaskFailed", failed).Value();
  const Instant ended = loop_.Now();
  loop_.Advance(1s);
  auto info = Pending();
  EXPECT_EQ(info.state(), enums::PENDING_ACTIVITY_STATE_SCHEDULED);
  EXPECT_EQ(FromProto(info.last_attempt_complete_time()), ended);
  EXPECT_EQ(FromProto(info.next_attempt_schedule_time()), ended + 3s);
  EXPECT_EQ(info.current_retry_interval().seconds(), 3);

  loop_.Advance(2s);  // offered again
  info = Pending();
  EXPECT_FALSE(info.has_next_attempt_schedule_time());
  EXPECT_EQ(info.current_retry_interval().seconds(), 6);
  PollActivity().Value();
  info = Pending();
  EXPECT_EQ(info.state(), enums::PENDING_ACTIVITY_STATE_STARTED);
  EXPECT_EQ(FromProto(info.last_attempt_complete_time()), ended);
  EXPECT_FALSE(info.has_current_retry_interval());
}

// WIRE-F19: the CLI reads the status unasked in its old mode, and `versions_info` in the other.
TEST_F(WireAnswers, ATaskQueueIsDescribedInBothModes) {
  auto workflow_poll = PollWorkflow();
  auto activity_poll = PollActivity();
  auto old = DescribeQueue([](auto& request) { request.set_include_task_queue_status(true); });
  ASSERT_EQ(old.pollers_size(), 1);
  EXPECT_TRUE(old.task_queue_status().has_task_id_block());
  EXPECT_FALSE(old.has_stats());
  EXPECT_TRUE(DescribeQueue([](auto& request) { request.set_report_stats(true); }).has_stats());

  const auto enhanced = DescribeQueue([](auto& request) {
    request.set_api_mode(enums::DESCRIBE_TASK_QUEUE_MODE_ENHANCED);
    request.set_report_task_reachability(true);
  });
  ASSERT_EQ(enhanced.versions_info().count(""), 1U);
  const auto& all = enhanced.versions_info().at("");
  EXPECT_EQ(all.task_reachability(), enums::BUILD_ID_TASK_REACHABILITY_REACHABLE);
  ASSERT_EQ(all.types_info_size(), 2);
  EXPECT_EQ(all.types_info().at(enums::TASK_QUEUE_TYPE_WORKFLOW).pollers(0).identity(), "worker");
  EXPECT_EQ(all.types_info().at(enums::TASK_QUEUE_TYPE_ACTIVITY).pollers_size(), 1);

  StartWorkflow("w");
  workflow_poll.Cancel();
  StartWorkflow("waits");
  const auto one = DescribeQueue([](auto& request) {
    request.set_api_mode(enums::DESCRIBE_TASK_QUEUE_MODE_ENHANCED);
    for (int i = 0; i < 1000; ++i) request.add_task_queue_types(enums::TASK_QUEUE_TYPE_WORKFLOW);
  });
  ASSERT_EQ(one.versions_info().at("").types_info_size(), 1);
  EXPECT_EQ(one.versions_info().at("").types_info().at(enums::TASK_QUEUE_TYPE_WORKFLOW).stats().approximate_backlog_count(),
            1);
}

// WIRE-F20: nothing is deleted by age, and nothing else is said.
TEST_F(WireAnswers, ANamespaceClaimsNoRetentionThatNobodyKeeps) {
  DescribeNamespaceRequest describe;
  describe.set_namespace_("default");
  const auto config = Send<DescribeNamespaceResponse>("DescribeNamespace", describe).Value().config();
  EXPECT_TRUE(config.has_workflow_execution_retention_ttl());
  EXPECT_EQ(config.workflow_execution_retention_ttl().seconds(), 0);
}

// WIRE-F20, S89
TEST_F(WireAnswers, TheFirstTaskOfEachBuildIsAnAutomaticResetPointAlsoForTheRunsThatFollow) {
  const std::string run = StartWorkflow("w");
  for (const char* build : {"b1", "b1", "b2"}) {
    Signal("w", "go").Value();
    auto completion = Completion(PollWorkflow().Value());
    completion.mutable_worker_version_stamp()->set_build_id(build);
    Complete(completion).Value();
  }
  DescribeWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id("w");
  const auto points = Send<DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request)
                          .Value()
                          .workflow_execution_info()
                          .auto_reset_points();
  ASSERT_EQ(points.points_size(), 2);
  EXPECT_EQ(points.points(0).build_id(), "b1");
  EXPECT_EQ(points.points(0).run_id(), run);
  EXPECT_EQ(points.points(1).build_id(), "b2");
  EXPECT_TRUE(points.points(1).resettable());

  Signal("w", "go").Value();
  auto completion = Completion(PollWorkflow().Value());
  completion.mutable_worker_version_stamp()->set_build_id("b2");
  auto& command = *completion.add_commands();
  command.set_command_type(enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION);
  command.mutable_continue_as_new_workflow_execution_command_attributes();
  Complete(completion).Value();
  const auto started = History("w")[0].workflow_execution_started_event_attributes();
  EXPECT_EQ(started.prev_auto_reset_points().points_size(), 2);
}

// WIRE-F17: `workflow.info().get_current_build_id()` is the same on replay, with whatever worker.
TEST_F(WireAnswers, WhatAWorkerSaysOfItsBuildStandsInTheHistory) {
  EXPECT_TRUE(Send<GetSystemInfoResponse>("GetSystemInfo", GetSystemInfoRequest())
                  .Value()
                  .capabilities()
                  .build_id_based_versioning());
  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  completion.mutable_worker_version_stamp()->set_build_id("b1");
  completion.mutable_deployment_options()->set_deployment_name("dep");
  completion.mutable_deployment_options()->set_build_id("b1");
  completion.mutable_deployment_options()->set_worker_versioning_mode(enums::WORKER_VERSIONING_MODE_UNVERSIONED);
  auto command = ScheduleActivity("1");
  command.mutable_schedule_activity_task_command_attributes()->set_use_workflow_build_id(true);
  *completion.add_commands() = command;
  Complete(completion).Value();
  const auto completed = History("w")[3].workflow_task_completed_event_attributes();
  EXPECT_EQ(completed.worker_version().build_id(), "b1");
  EXPECT_EQ(completed.worker_deployment_name(), "dep");
  EXPECT_FALSE(completed.has_deployment_version());
  EXPECT_TRUE(History("w")[4].activity_task_scheduled_event_attributes().use_workflow_build_id());
}

// WIRE-F17: what is versioned by rules that wfe does not know must not be handed out as if it were not.
TEST_F(WireAnswers, APollOfAVersionedWorkerIsRefusedByName) {
  PollWorkflowTaskQueueRequest poll;
  poll.set_namespace_("default");
  poll.mutable_task_queue()->set_name("tq");
  poll.mutable_worker_version_capabilities()->set_build_id("b1");
  poll.mutable_worker_version_capabilities()->set_use_versioning(true);
  Error error = Send<PollWorkflowTaskQueueResponse>("PollWorkflowTaskQueue", poll).error();
  EXPECT_EQ(error.code, StatusCode::kUnimplemented);
  EXPECT_THAT(error.message, HasSubstr("use_versioning"));
  PollActivityTaskQueueRequest activity;
  activity.set_namespace_("default");
  activity.mutable_task_queue()->set_name("tq");
  activity.mutable_deployment_options()->set_worker_versioning_mode(enums::WORKER_VERSIONING_MODE_VERSIONED);
  error = Send<PollActivityTaskQueueResponse>("PollActivityTaskQueue", activity).error();
  EXPECT_EQ(error.code, StatusCode::kUnimplemented);
}

// WIRE-F17: as Temporal's, the ids of first runs sort by time.
TEST_F(WireAnswers, ARunIdIsAUuidOfVersionSeven) {
  const std::string first = StartWorkflow("a");
  loop_.Advance(1ms);
  const std::string second = StartWorkflow("b");
  EXPECT_EQ(first[14], '7');
  EXPECT_THAT(std::string("89ab"), HasSubstr(std::string(1, first[19])));
  EXPECT_LT(first, second);
}

// WIRE-F22: a worker that leaves waits until its polls have ended, so none of them may end with a task on its way.
TEST_F(WireAnswers, AWorkerThatLeavesHasItsPollsAnsweredAndNoOthers) {
  PollWorkflowTaskQueueRequest poll;
  poll.set_namespace_("default");
  poll.mutable_task_queue()->set_name("tq");
  poll.set_worker_instance_key("leaves");
  auto leaving = Send<PollWorkflowTaskQueueResponse>("PollWorkflowTaskQueue", poll);
  poll.set_worker_instance_key("stays");
  auto staying = Send<PollWorkflowTaskQueueResponse>("PollWorkflowTaskQueue", poll);
  PollActivityTaskQueueRequest activity;
  activity.set_namespace_("default");
  activity.mutable_task_queue()->set_name("tq");
  activity.set_worker_instance_key("leaves");
  auto leaving_activities = Send<PollActivityTaskQueueResponse>("PollActivityTaskQueue", activity);

  ShutdownWorkerRequest shutdown;
  shutdown.set_namespace_("default");
  shutdown.set_worker_instance_key("leaves");
  Send<ShutdownWorkerResponse>("ShutdownWorker", shutdown).Value();
  EXPECT_EQ(leaving.Value().task_token(), "");
  EXPECT_EQ(leaving_activities.Value().task_token(), "");
  EXPECT_FALSE(staying.done());

  // One that was still on its way when the worker said goodbye.
  poll.set_worker_instance_key("leaves");
  EXPECT_EQ(Send<PollWorkflowTaskQueueResponse>("PollWorkflowTaskQueue", poll).Value().task_token(), "");
  StartWorkflow("w");
  EXPECT_NE(staying.Value().task_token(), "");

  DescribeNamespaceRequest describe;
  describe.set_namespace_("default");
  EXPECT_TRUE(Send<DescribeNamespaceResponse>("DescribeNamespace", describe)
                  .Value()
                  .namespace_info()
                  .capabilities()
                  .worker_poll_complete_on_shutdown());
}

}  // namespace
}  // namespace wfe
