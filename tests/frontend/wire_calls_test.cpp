// Calls as Temporal's SDKs and its CLI make them (docs/reference/wire-faults.md); answers are a real server's, 1.29.1.
#include <gmock/gmock.h>

#include "engine/base/proto_time.h"
#include "temporal/api/enums/v1/event_type.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::HasSubstr;
namespace enums = temporal::api::enums::v1;

class WireCalls : public testing::EngineFixture {
 protected:
  testing::Pending<RequestCancelWorkflowExecutionResponse> Cancel(const std::string& id, const std::string& run,
                                                                  const std::string& first_run) {
    RequestCancelWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(id);
    request.mutable_workflow_execution()->set_run_id(run);
    request.set_first_execution_run_id(first_run);
    return Send<RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", request);
  }
  testing::Pending<TerminateWorkflowExecutionResponse> Terminate(const std::string& id, const std::string& run,
                                                                 const std::string& first_run) {
    TerminateWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(id);
    request.mutable_workflow_execution()->set_run_id(run);
    request.set_first_execution_run_id(first_run);
    return Send<TerminateWorkflowExecutionResponse>("TerminateWorkflowExecution", request);
  }
  static temporal::api::command::v1::Command ContinueAsNew() {
    temporal::api::command::v1::Command command;
    command.set_command_type(enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION);
    command.mutable_continue_as_new_workflow_execution_command_attributes();
    return command;
  }
  testing::Pending<SignalWithStartWorkflowExecutionResponse> SignalWithStart(
      const std::string& id, enums::WorkflowIdReusePolicy reuse, enums::WorkflowIdConflictPolicy conflict) {
    SignalWithStartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id(id);
    request.mutable_workflow_type()->set_name("T");
    request.mutable_task_queue()->set_name("tq");
    request.set_signal_name("go");
    request.set_workflow_id_reuse_policy(reuse);
    request.set_workflow_id_conflict_policy(conflict);
    return Send<SignalWithStartWorkflowExecutionResponse>("SignalWithStartWorkflowExecution", request);
  }
};

constexpr const char* kOtherRun = "0b3be7a5-7d8c-4d4d-9d6d-0f6d6d2b1f11";

// WIRE-F5: Java's WorkflowStub sends the run it started and the first one of the chain.
TEST_F(WireCalls, WithAFirstRunCancelAndTerminateMeanTheCurrentRunOfItsChain) {
  const std::string first = StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = ContinueAsNew();
  Complete(completion).Value();

  Error error = Cancel("w", first, kOtherRun).error();
  EXPECT_EQ(error.code, StatusCode::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("workflow execution not found"));
  error = Terminate("w", first, kOtherRun).error();
  EXPECT_EQ(error.code, StatusCode::kNotFound);
  EXPECT_THAT(EventNames("w"), ::testing::Not(HasSubstr("CancelRequested")));

  Cancel("w", first, first).Value();
  EXPECT_THAT(EventNames("w"), HasSubstr("WorkflowExecutionCancelRequested"));
  Terminate("w", first, first).Value();
  EXPECT_THAT(EventNames("w"), HasSubstr("WorkflowExecutionTerminated"));
}

// WIRE-F6: Java's CancelTest.secondCancellationAfterWorkflowIsCancelled.
TEST_F(WireCalls, CancellingAClosedRunSucceedsAndChangesNothing) {
  const std::string run = StartWorkflow("w");
  Terminate("w", "", "").Value();
  const std::string before = EventNames("w");
  Cancel("w", "", "").Value();
  Cancel("w", run, "").Value();
  Cancel("w", run, run).Value();
  Cancel("w", "", kOtherRun).Value();
  EXPECT_EQ(EventNames("w"), before);
  for (const Error& error : {Terminate("w", "", "").error(), Terminate("w", "", kOtherRun).error(),
                             Signal("w", "late").error()}) {
    EXPECT_EQ(error.code, StatusCode::kNotFound);
    EXPECT_THAT(error.message, HasSubstr("workflow execution already completed"));
  }
  EXPECT_EQ(Cancel("unknown", "", "").error().code, StatusCode::kNotFound);
}

// WIRE-F9: Go's TestTaskQueuePriority.
TEST_F(WireCalls, AnActivityInheritsThePriorityOfItsWorkflowFieldByField) {
  auto start = StartRequest("w");
  start.mutable_priority()->set_priority_key(2);
  start.mutable_priority()->set_fairness_key("fk");
  start.mutable_priority()->set_fairness_weight(1.5F);
  Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", start).Value();
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = ScheduleActivity("plain");
  auto own = ScheduleActivity("own");
  own.mutable_schedule_activity_task_command_attributes()->mutable_priority()->set_priority_key(4);
  *completion.add_commands() = own;
  Complete(completion).Value();
  const auto plain = PollActivity().Value();
  EXPECT_EQ(plain.activity_id(), "plain");
  EXPECT_EQ(plain.priority().priority_key(), 2);
  EXPECT_EQ(plain.priority().fairness_key(), "fk");
  EXPECT_EQ(plain.priority().fairness_weight(), 1.5F);
  const auto second = PollActivity().Value();
  EXPECT_EQ(second.priority().priority_key(), 4);
  EXPECT_EQ(second.priority().fairness_key(), "fk");
  EXPECT_EQ(second.priority().fairness_weight(), 1.5F);

  DescribeWorkflowExecutionRequest describe;
  describe.set_namespace_("default");
  describe.mutable_execution()->set_workflow_id("w");
  const auto described = Send<DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", describe).Value();
  EXPECT_EQ(described.workflow_execution_info().priority().fairness_key(), "fk");
  EXPECT_FALSE(described.pending_activities(0).has_priority());
  EXPECT_EQ(described.pending_activities(1).priority().priority_key(), 4);

  // The run that follows has it too.
  CompleteActivity(plain.task_token()).Value();
  completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = ContinueAsNew();
  Complete(completion).Value();
  EXPECT_EQ(History("w")[0].workflow_execution_started_event_attributes().priority().fairness_key(), "fk");
}

// WIRE-F20
TEST_F(WireCalls, AnImpossiblePriorityIsRefused) {
  auto start = StartRequest("w");
  start.mutable_priority()->set_priority_key(-1);
  Error error = Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", start).error();
  EXPECT_EQ(error.code, StatusCode::kInvalidArgument);
  EXPECT_EQ(error.message, "PriorityKey can't be negative");
  start.mutable_priority()->set_priority_key(6);
  start.mutable_priority()->set_fairness_key(std::string(65, 'x'));
  error = Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", start).error();
  EXPECT_EQ(error.message, "FairnessKey length exceeds limit");
  start.mutable_priority()->set_fairness_key("");
  start.mutable_priority()->set_fairness_weight(-1);
  error = Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", start).error();
  EXPECT_EQ(error.message, "FairnessWeight can't be negative");

  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  auto command = ScheduleActivity("1");
  command.mutable_schedule_activity_task_command_attributes()->mutable_priority()->set_priority_key(-1);
  *completion.add_commands() = command;
  EXPECT_EQ(Complete(completion).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(History("w")[3].workflow_task_failed_event_attributes().cause(),
            enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES);
}

// WIRE-F11: Go's TestSignalWithStartIdConflictPolicy.
TEST_F(WireCalls, PoliciesThatContradictEachOtherAreRefusedWhateverRuns) {
  StartWorkflow("w");
  for (const char* id : {"w", "nobody"}) {
    Error error = SignalWithStart(id, {}, enums::WORKFLOW_ID_CONFLICT_POLICY_FAIL).error();
    EXPECT_EQ(error.code, StatusCode::kInvalidArgument);
    EXPECT_EQ(error.message,
              "Invalid WorkflowIDConflictPolicy: WORKFLOW_ID_CONFLICT_POLICY_FAIL is not supported for this operation.");
    auto start = StartRequest(id);
    start.set_workflow_id_reuse_policy(enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE);
    start.set_workflow_id_conflict_policy(enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING);
    error = Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", start).error();
    EXPECT_EQ(error.code, StatusCode::kInvalidArgument);
    EXPECT_EQ(error.message,
              "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE cannot be used together with "
              "WorkflowIdConflictPolicy WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING");
    EXPECT_EQ(SignalWithStart(id, enums::WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING,
                              enums::WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING)
                  .error()
                  .message,
              "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING cannot be used together "
              "with a WorkflowIDConflictPolicy");
  }
  EXPECT_EQ(EventNames("w"), "WorkflowExecutionStarted WorkflowTaskScheduled");
}

}  // namespace
}  // namespace wfe
