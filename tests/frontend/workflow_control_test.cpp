// Starting, signalling and ending runs through the Dispatcher.
#include <gmock/gmock.h>

#include "temporal/api/enums/v1/workflow.pb.h"
#include "temporal/api/errordetails/v1/message.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::HasSubstr;
namespace enums = temporal::api::enums::v1;

class WorkflowControl : public testing::EngineFixture {
 protected:
  testing::Pending<StartWorkflowExecutionResponse> Start(const StartWorkflowExecutionRequest& request) {
    return Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", request);
  }
  testing::Pending<TerminateWorkflowExecutionResponse> Terminate(const std::string& id,
                                                                 const std::string& first_run = {}) {
    TerminateWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(id);
    request.set_reason("enough");
    request.set_first_execution_run_id(first_run);
    return Send<TerminateWorkflowExecutionResponse>("TerminateWorkflowExecution", request);
  }
  DescribeWorkflowExecutionResponse Describe(const std::string& id, const std::string& run_id = {}) {
    DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(id);
    request.mutable_execution()->set_run_id(run_id);
    return Send<DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request).Value();
  }
  void Finish(const std::string& id) {
    StartWorkflow(id);
    auto completion = Completion(PollWorkflow().Value());
    *completion.add_commands() = CompleteWorkflow();
    Complete(completion).Value();
  }
};

// S6
TEST_F(WorkflowControl, ARepeatedStartGivesTheSameRun) {
  const auto request = StartRequest("w");
  const std::string run_id = Start(request).Value().run_id();
  const auto again = Start(request).Value();
  EXPECT_EQ(again.run_id(), run_id);
  EXPECT_TRUE(again.started());
}

// S2, S5, pitfall 12
TEST_F(WorkflowControl, ASecondStartOfARunningIdFailsAndNamesTheRun) {
  const std::string run_id = StartWorkflow("w");
  const Error error = Start(StartRequest("w")).error();
  EXPECT_EQ(error.code, StatusCode::kAlreadyExists);
  ASSERT_EQ(error.details.size(), 1U);
  temporal::api::errordetails::v1::WorkflowExecutionAlreadyStartedFailure failure;
  ASSERT_EQ(error.details[0].type_name, failure.GetTypeName());
  ASSERT_TRUE(failure.ParseFromString(error.details[0].bytes));
  EXPECT_EQ(failure.run_id(), run_id);
}

TEST_F(WorkflowControl, UseExistingReturnsTheRunningRun) {  // S5
  const std::string run_id = StartWorkflow("w");
  auto request = StartRequest("w");
  request.set_workflow_id_conflict_policy(enums::WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING);
  const auto response = Start(request).Value();
  EXPECT_EQ(response.run_id(), run_id);
  EXPECT_FALSE(response.started());
}

TEST_F(WorkflowControl, TerminateExistingEndsTheOldRunInTheCommitOfTheNewOne) {  // S5
  const std::string old_run = StartWorkflow("w");
  const uint64_t commits = store_->stage().stats().commits;
  auto request = StartRequest("w");
  request.set_workflow_id_conflict_policy(enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING);
  const std::string new_run = Start(request).Value().run_id();
  EXPECT_EQ(store_->stage().stats().commits, commits + 1);
  EXPECT_NE(new_run, old_run);
  EXPECT_EQ(Describe("w", old_run).workflow_execution_info().status(), enums::WORKFLOW_EXECUTION_STATUS_TERMINATED);
  EXPECT_EQ(Describe("w").workflow_execution_info().execution().run_id(), new_run);
}

TEST_F(WorkflowControl, TheDeprecatedTerminateIfRunningDoesTheSame) {  // S4
  const std::string old_run = StartWorkflow("w");
  auto request = StartRequest("w");
  request.set_workflow_id_reuse_policy(enums::WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING);
  EXPECT_NE(Start(request).Value().run_id(), old_run);
}

TEST_F(WorkflowControl, ReusePoliciesLookAtHowTheLastRunEnded) {  // S1, S3, S4
  Finish("done");
  auto request = StartRequest("done");
  request.set_workflow_id_reuse_policy(enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY);
  EXPECT_EQ(Start(request).error().code, StatusCode::kAlreadyExists);
  request.set_workflow_id_reuse_policy(enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE);
  EXPECT_EQ(Start(request).error().code, StatusCode::kAlreadyExists);
  request.set_workflow_id_reuse_policy(enums::WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED);
  EXPECT_TRUE(Start(request).Value().started());

  StartWorkflow("stopped");
  Terminate("stopped").Value();
  request = StartRequest("stopped");
  request.set_workflow_id_reuse_policy(enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY);
  EXPECT_TRUE(Start(request).Value().started());
}

TEST_F(WorkflowControl, StartsAreCheckedBeforeAnythingHappens) {  // S11, S13, S18, S19
  auto request = StartRequest("");
  EXPECT_EQ(Start(request).error().message, "WorkflowId is not set on request.");
  request = StartRequest(std::string(1001, 'x'));
  EXPECT_THAT(Start(request).error().message, HasSubstr("WorkflowId length exceeds limit of 1000"));
  request = StartRequest("w");
  request.mutable_workflow_type()->clear_name();
  EXPECT_THAT(Start(request).error().message, HasSubstr("WorkflowType"));
  request = StartRequest("w");
  request.clear_task_queue();
  EXPECT_THAT(Start(request).error().message, HasSubstr("TaskQueue"));
  request = StartRequest("w");
  request.mutable_retry_policy()->set_backoff_coefficient(0.5);
  EXPECT_THAT(Start(request).error().message, HasSubstr("BackoffCoefficient"));
  request = StartRequest("w");
  request.mutable_retry_policy()->set_maximum_attempts(-1);
  EXPECT_THAT(Start(request).error().message, HasSubstr("MaximumAttempts"));
  request = StartRequest("w");
  request.set_namespace_("nowhere");
  const Error unknown = Start(request).error();
  EXPECT_EQ(unknown.code, StatusCode::kNotFound);
  EXPECT_EQ(unknown.details.at(0).type_name, "temporal.api.errordetails.v1.NamespaceNotFoundFailure");
  request = StartRequest("w");
  (*request.mutable_search_attributes()->mutable_indexed_fields())["Big"].set_data(std::string(2049, 'x'));
  EXPECT_THAT(Start(request).error().message, HasSubstr("search attribute Big has 2049 bytes, at most 2048"));  // S103
  request = StartRequest("w");
  request.mutable_workflow_run_timeout()->set_seconds(-1);
  EXPECT_EQ(Start(request).error().code, StatusCode::kInvalidArgument);
}

TEST_F(WorkflowControl, AStartDelayHoldsTheFirstTaskAndASignalEndsIt) {  // S11
  auto request = StartRequest("w");
  request.mutable_workflow_start_delay()->set_seconds(30);
  Start(request).Value();
  auto poll = PollWorkflow();
  loop_.Advance(29s);
  EXPECT_FALSE(poll.done());
  loop_.Advance(1s);
  EXPECT_TRUE(poll.done());

  request = StartRequest("signalled");
  request.mutable_workflow_start_delay()->set_seconds(30);
  Start(request).Value();
  poll = PollWorkflow();
  EXPECT_FALSE(poll.done());
  Signal("signalled", "now").Value();
  EXPECT_EQ(poll.Value().workflow_execution().workflow_id(), "signalled");
}

TEST_F(WorkflowControl, AnEagerStartCarriesTheFirstTask) {  // S12
  auto poll = PollWorkflow();
  auto request = StartRequest("w");
  request.set_request_eager_execution(true);
  const auto response = Start(request).Value();
  ASSERT_TRUE(response.has_eager_workflow_task());
  EXPECT_EQ(response.eager_workflow_task().history().events_size(), 3);
  EXPECT_TRUE(History("w")[0].workflow_execution_started_event_attributes().eager_execution_accepted());
  EXPECT_FALSE(poll.done());
  auto completion = Completion(response.eager_workflow_task());
  *completion.add_commands() = CompleteWorkflow();
  Complete(completion).Value();
}

// S61
TEST_F(WorkflowControl, ASignalIsDeduplicatedByItsRequestId) {
  StartWorkflow("w");
  Signal("w", "s", "id-1").Value();
  Signal("w", "s", "id-1").Value();
  Signal("w", "s", "id-2").Value();
  EXPECT_EQ(EventNames("w"),
            "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowExecutionSignaled WorkflowExecutionSignaled");
  Terminate("w").Value();
  Signal("w", "s", "id-1").Value();  // still the same call
  const Error closed = Signal("w", "s", "id-3").error();
  EXPECT_EQ(closed.code, StatusCode::kNotFound);  // S16
  EXPECT_THAT(closed.message, HasSubstr("workflow execution already completed"));
  EXPECT_EQ(Signal("unknown", "s").error().code, StatusCode::kNotFound);
}

// Pitfall 3
TEST_F(WorkflowControl, ASignalDuringATaskIsBufferedAndMakesTheNextTask) {
  StartWorkflow("w");
  const auto task = PollWorkflow().Value();
  Signal("w", "s").Value();
  EXPECT_EQ(EventNames("w"), "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted");
  auto completion = Completion(task);
  completion.set_return_new_workflow_task(true);
  *completion.add_commands() = StartTimer("t", 1h);
  const auto response = Complete(completion).Value();
  EXPECT_THAT(EventNames("w"),
              HasSubstr("WorkflowTaskCompleted TimerStarted WorkflowExecutionSignaled WorkflowTaskScheduled"));
  ASSERT_TRUE(response.has_workflow_task());
  EXPECT_EQ(response.workflow_task().history().events(0).event_id(), 4);
  EXPECT_EQ(response.workflow_task().previous_started_event_id(), 3);
  Complete(Completion(response.workflow_task())).Value();
}

// S15
TEST_F(WorkflowControl, AClosingCommandIsRefusedWhileASignalWaits) {
  StartWorkflow("w");
  const auto task = PollWorkflow().Value();
  Signal("w", "s").Value();
  auto completion = Completion(task);
  *completion.add_commands() = CompleteWorkflow();
  EXPECT_EQ(Complete(completion).error().code, StatusCode::kInvalidArgument);
  EXPECT_THAT(EventNames("w"), HasSubstr("WorkflowTaskFailed WorkflowExecutionSignaled WorkflowTaskScheduled"));
  auto next = Completion(PollWorkflow().Value());
  *next.add_commands() = CompleteWorkflow();
  Complete(next).Value();
}

// S2, S77
TEST_F(WorkflowControl, SignalWithStartStartsOrSignals) {
  SignalWithStartWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.set_workflow_id("w");
  request.mutable_workflow_type()->set_name("T");
  request.mutable_task_queue()->set_name("tq");
  request.set_signal_name("s");
  request.set_request_id("r1");
  const auto first =
      Send<SignalWithStartWorkflowExecutionResponse>("SignalWithStartWorkflowExecution", request).Value();
  EXPECT_TRUE(first.started());
  EXPECT_THAT(EventNames("w"), HasSubstr("WorkflowExecutionSignaled"));
  request.set_request_id("r2");
  const auto second =
      Send<SignalWithStartWorkflowExecutionResponse>("SignalWithStartWorkflowExecution", request).Value();
  EXPECT_FALSE(second.started());
  EXPECT_EQ(second.run_id(), first.run_id());
  Send<SignalWithStartWorkflowExecutionResponse>("SignalWithStartWorkflowExecution", request).Value();
  const auto events = History("w");
  EXPECT_EQ(std::count_if(events.begin(), events.end(),
                          [](const auto& e) { return e.has_workflow_execution_signaled_event_attributes(); }),
            2);
}

// S81
TEST_F(WorkflowControl, ACancelRequestIsAnEventThatTheWorkflowAnswers) {
  StartWorkflow("w");
  IdleAfterFirstTask();
  RequestCancelWorkflowExecutionRequest cancel;
  cancel.set_namespace_("default");
  cancel.mutable_workflow_execution()->set_workflow_id("w");
  cancel.set_reason("no longer wanted");
  Send<RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", cancel).Value();
  Send<RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", cancel).Value();
  EXPECT_TRUE(Describe("w").workflow_extended_info().cancel_requested());
  auto completion = Completion(PollWorkflow().Value());
  completion.add_commands()->set_command_type(enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION);
  completion.mutable_commands(0)->mutable_cancel_workflow_execution_command_attributes();
  Complete(completion).Value();
  EXPECT_EQ(Describe("w").workflow_execution_info().status(), enums::WORKFLOW_EXECUTION_STATUS_CANCELED);
}

// Pitfall 1
TEST_F(WorkflowControl, ALateCompletionAfterTerminateIsNotFoundAndLeavesTheHistoryClosed) {
  StartWorkflow("w");
  const auto task = PollWorkflow().Value();
  Terminate("w").Value();
  const std::string closed = EventNames("w");
  EXPECT_THAT(closed, ::testing::EndsWith("WorkflowExecutionTerminated"));
  auto completion = Completion(task);
  *completion.add_commands() = CompleteWorkflow();
  EXPECT_EQ(Complete(completion).error().code, StatusCode::kNotFound);
  EXPECT_EQ(EventNames("w"), closed);
  EXPECT_EQ(Terminate("w").error().code, StatusCode::kNotFound);
}

TEST_F(WorkflowControl, ContinueAsNewStartsTheNextRunInTheSameCommit) {  // S84, pitfall 18
  const std::string first = StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  auto& command = *completion.add_commands();
  command.set_command_type(enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION);
  auto& attributes = *command.mutable_continue_as_new_workflow_execution_command_attributes();
  attributes.mutable_workflow_type()->set_name("T");
  attributes.mutable_task_queue()->set_name("tq");
  *attributes.mutable_input() = Payloads("again");
  const uint64_t commits = store_->stage().stats().commits;
  Complete(completion).Value();
  EXPECT_EQ(store_->stage().stats().commits, commits + 1);

  const auto info = Describe("w").workflow_execution_info();
  EXPECT_NE(info.execution().run_id(), first);
  EXPECT_EQ(info.first_run_id(), first);
  EXPECT_EQ(Describe("w", first).workflow_execution_info().status(), enums::WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW);
  const auto next = PollWorkflow().Value();
  EXPECT_EQ(next.workflow_execution().run_id(), info.execution().run_id());
  EXPECT_EQ(next.history().events(0).workflow_execution_started_event_attributes().continued_execution_run_id(), first);

  EXPECT_EQ(Terminate("w", "another-run").error().code, StatusCode::kNotFound);
  Terminate("w", first).Value();  // S82: follows the chain
}

TEST_F(WorkflowControl, ATimerFiresWhenItIsDueAndNotBefore) {
  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = StartTimer("t", 1h);
  Complete(completion).Value();
  loop_.Advance(1h - 1ms);
  EXPECT_THAT(EventNames("w"), ::testing::EndsWith("TimerStarted"));
  loop_.Advance(1ms);
  EXPECT_THAT(EventNames("w"), HasSubstr("TimerStarted TimerFired WorkflowTaskScheduled"));
}

TEST_F(WorkflowControl, DescribeShowsWhatIsPending) {
  StartWorkflow("w");
  EXPECT_EQ(Describe("w").pending_workflow_task().state(), enums::PENDING_WORKFLOW_TASK_STATE_SCHEDULED);
  const auto task = PollWorkflow().Value();
  EXPECT_EQ(Describe("w").pending_workflow_task().state(), enums::PENDING_WORKFLOW_TASK_STATE_STARTED);
  auto completion = Completion(task);
  *completion.add_commands() = ScheduleActivity("1");
  Complete(completion).Value();
  auto described = Describe("w");
  EXPECT_FALSE(described.has_pending_workflow_task());
  ASSERT_EQ(described.pending_activities_size(), 1);
  EXPECT_EQ(described.pending_activities(0).state(), enums::PENDING_ACTIVITY_STATE_SCHEDULED);
  PollActivity().Value();
  EXPECT_EQ(Describe("w").pending_activities(0).state(), enums::PENDING_ACTIVITY_STATE_STARTED);
  EXPECT_EQ(described.workflow_execution_info().history_length(), 5);
}

}  // namespace
}  // namespace wfe
