// Killed and started again over the same disk: nothing acknowledged is lost, everything pending is offered again.
#include <gmock/gmock.h>

#include "temporal/api/enums/v1/workflow.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::HasSubstr;

class Restart : public testing::EngineFixture {
 protected:
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

TEST_F(Restart, APendingWorkflowTaskIsOfferedAgain) {  // F1
  const std::string run_id = StartWorkflow("w");
  KillAndStart();
  EXPECT_EQ(PollWorkflow().Value().workflow_execution().run_id(), run_id);
}

TEST_F(Restart, AHeldWorkflowTaskIsOfferedAgainAndItsOldTokenIsRefused) {  // R1, epoch_in_every_token
  StartWorkflow("w");
  const auto held = PollWorkflow().Value();
  KillAndStart();
  EXPECT_EQ(Complete(Completion(held)).error().code, StatusCode::kNotFound);
  const auto again = PollWorkflow().Value();
  EXPECT_EQ(again.started_event_id(), held.started_event_id());
  auto completion = Completion(again);
  *completion.add_commands() = CompleteWorkflow();
  Complete(completion).Value();
}

TEST_F(Restart, SignalsBufferedBehindALostTaskAreDelivered) {  // S61
  StartWorkflow("w");
  PollWorkflow().Value();
  Signal("w", "s").Value();
  KillAndStart();
  EXPECT_THAT(EventNames("w"), HasSubstr("WorkflowExecutionSignaled"));
  const auto task = PollWorkflow().Value();
  const auto& events = task.history().events();
  EXPECT_TRUE(std::any_of(events.begin(), events.end(),
                          [](const auto& e) { return e.has_workflow_execution_signaled_event_attributes(); }));
}

TEST_F(Restart, ARunThatCannotBeReadIsNamedAndKeepsNoOtherFromRunning) {  // F6
  StartWorkflow("damaged");
  StartWorkflow("sound");
  PollWorkflow().Value();  // of the damaged one
  Crash();
  std::string key;
  auto cursor = disk_->Scan(storage::Family::kState, "o", "p");
  for (; cursor->Valid(); cursor->Next()) {
    if (cursor->key().find("damaged") != std::string_view::npos) key = cursor->key();
  }
  ASSERT_TRUE(cursor->Finish().has_value());
  storage::WriteSet damage;
  damage.puts.push_back({storage::Family::kState, key, "\xff"});
  ASSERT_TRUE(disk_->Write({&damage}, true).has_value());
  Boot();

  ASSERT_EQ(log_.warnings().size(), 1u);
  EXPECT_THAT(log_.warnings()[0], ::testing::StartsWith("workflow damaged, run "));
  EXPECT_THAT(log_.warnings()[0], HasSubstr(" cannot be read and is left alone: "));
  const Error error = Signal("damaged", "s").error();
  EXPECT_EQ(error.code, StatusCode::kDataLoss);
  EXPECT_THAT(error.message, HasSubstr("workflow damaged"));
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = CompleteWorkflow();
  Complete(completion).Value();
  EXPECT_THAT(EventNames("sound"), HasSubstr("WorkflowExecutionCompleted"));
  EXPECT_FALSE(PollWorkflow().done());
}

TEST_F(Restart, AnActivityRunsOnAndItsAnswerIsTaken) {
  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = ScheduleActivity("1");
  Complete(completion).Value();
  const auto activity = PollActivity().Value();
  KillAndStart();
  auto poll = PollActivity();
  EXPECT_FALSE(poll.done()) << "an activity that runs is not offered again";
  CompleteActivity(activity.task_token()).Value();
  EXPECT_THAT(EventNames("w"), HasSubstr("ActivityTaskCompleted"));
}

TEST_F(Restart, AnActivityThatWaitedIsOfferedAgainOnce) {
  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = ScheduleActivity("1");
  Complete(completion).Value();
  KillAndStart();
  EXPECT_EQ(PollActivity().Value().activity_id(), "1");
  EXPECT_FALSE(PollActivity().done());
}

TEST_F(Restart, TimersFireAtTheirTimeAndOverdueOnesAtOnce) {  // F1, F8
  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = StartTimer("soon", 1min);
  *completion.add_commands() = StartTimer("later", 1h);
  Complete(completion).Value();
  Crash();
  loop_.Advance(30min);
  Boot();
  loop_.Advance(0s);
  EXPECT_THAT(EventNames("w"), ::testing::EndsWith("TimerStarted TimerStarted TimerFired WorkflowTaskScheduled"));
  loop_.Advance(29min);
  PollWorkflow();
  EXPECT_THAT(EventNames("w"), ::testing::Not(HasSubstr("TimerFired TimerFired")));
  loop_.Advance(1min);
  const auto events = History("w");
  EXPECT_EQ(
      std::count_if(events.begin(), events.end(), [](const auto& e) { return e.has_timer_fired_event_attributes(); }),
      2);
}

TEST_F(Restart, ARepeatedCallIsRecognisedAfterwards) {  // F11
  const auto start = StartRequest("w");
  const std::string run_id = Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", start).Value().run_id();
  Signal("w", "s", "r1").Value();
  KillAndStart();
  EXPECT_EQ(Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", start).Value().run_id(), run_id);
  Signal("w", "s", "r1").Value();
  EXPECT_THAT(EventNames("w"), ::testing::Not(HasSubstr("Signaled WorkflowExecutionSignaled")));
}

TEST_F(Restart, NothingIsAcknowledgedBeforeItIsDurable) {  // D4
  loop_.when_idle = nullptr;                               // the disk does not sync
  auto poll = PollWorkflow();
  auto start = Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", StartRequest("w"));
  auto read = Send<DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", [] {
    DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id("w");
    return request;
  }());
  EXPECT_FALSE(start.done());
  EXPECT_FALSE(poll.done());
  EXPECT_FALSE(read.done()) << "a read must not show what a crash may undo";
  store_->stage().RunOnce();
  loop_.RunReady();
  EXPECT_TRUE(start.done());
  EXPECT_TRUE(poll.done());
  EXPECT_TRUE(read.done());
}

TEST_F(Restart, NothingIsRefusedForWhatIsNotDurable) {  // D4: a refusal tells of the state as much as an answer
  StartWorkflow("w");
  const auto terminate = [this] {
    TerminateWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id("w");
    return Send<TerminateWorkflowExecutionResponse>("TerminateWorkflowExecution", request);
  };
  loop_.when_idle = nullptr;  // the disk does not sync
  auto started = Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", StartRequest("v"));
  auto again = Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", StartRequest("v"));
  auto terminated = terminate();
  auto late = terminate();
  auto signalled = Signal("w", "s", "r1");
  EXPECT_FALSE(again.done()) << "the run that is in the way may not outlive a crash";
  EXPECT_FALSE(late.done()) << "nor may the end of this one";
  EXPECT_FALSE(signalled.done());
  store_->stage().RunOnce();
  loop_.RunReady();
  EXPECT_TRUE(started.done());
  EXPECT_EQ(again.error().code, StatusCode::kAlreadyExists);
  EXPECT_TRUE(terminated.done());
  EXPECT_EQ(late.error().code, StatusCode::kNotFound);
  EXPECT_EQ(signalled.error().code, StatusCode::kNotFound);
}

TEST_F(Restart, AWorkflowTaskIsHandedOutWithoutACommit) {  // R1
  StartWorkflow("w");
  const uint64_t before = store_->stage().stats().commits;
  const auto task = PollWorkflow().Value();
  EXPECT_EQ(store_->stage().stats().commits, before);
  Complete(Completion(task)).Value();
  EXPECT_EQ(store_->stage().stats().commits, before + 1);
}

TEST_F(Restart, TheTimerIndexEqualsTheStates) {  // timer_index_equals_state, H21, H33
  for (int i = 0; i < 5; ++i) {
    StartWorkflow("w" + std::to_string(i));
    auto completion = Completion(PollWorkflow().Value());
    *completion.add_commands() = StartTimer("t", 1h);
    Complete(completion).Value();
  }
  StartWorkflow("task");
  auto report = CheckDerived();
  EXPECT_EQ(report.open_executions, 6);
  EXPECT_TRUE(report.clean());
  KillAndStart();
  report = CheckDerived();
  EXPECT_EQ(report.open_executions, 6);
  EXPECT_TRUE(report.clean());
}

TEST_F(Restart, EveryWorkflowIdHasOneWriter) {  // H32
  for (int i = 0; i < 16; ++i) {
    const std::string id = "w" + std::to_string(i);
    auto request = StartRequest(id);
    request.mutable_workflow_start_delay()->set_seconds(60);
    Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", request).Value();
    Signal(id, "s").Value();
    EXPECT_EQ(EventNames(id), "WorkflowExecutionStarted WorkflowExecutionSignaled WorkflowTaskScheduled");
  }
  EXPECT_TRUE(CheckDerived().clean());
}

TEST_F(Restart, RegisteredNamespacesRemain) {
  RegisterNamespaceRequest request;
  request.set_namespace_("team");
  Send<RegisterNamespaceResponse>("RegisterNamespace", request).Value();
  KillAndStart();
  DescribeNamespaceRequest describe;
  describe.set_namespace_("team");
  EXPECT_EQ(Send<DescribeNamespaceResponse>("DescribeNamespace", describe).Value().namespace_info().name(), "team");
}

TEST_F(Restart, KilledAfterEveryStepAWorkflowStillFinishesOnce) {  // F1
  StartWorkflow("w");
  for (int step = 0; step < 4; ++step) {
    KillAndStart();
    auto completion = Completion(PollWorkflow().Value());
    *completion.add_commands() = ScheduleActivity(std::to_string(step));
    Complete(completion).Value();
    KillAndStart();
    const auto activity = PollActivity().Value();
    KillAndStart();
    CompleteActivity(activity.task_token()).Value();
  }
  KillAndStart();
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = CompleteWorkflow();
  Complete(completion).Value();
  KillAndStart();
  const auto events = History("w");
  for (size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].event_id(), static_cast<int64_t>(i) + 1);
  EXPECT_EQ(std::count_if(events.begin(), events.end(),
                          [](const auto& e) { return e.has_activity_task_completed_event_attributes(); }),
            4);
  EXPECT_TRUE(events.back().has_workflow_execution_completed_event_attributes());
  EXPECT_TRUE(CheckDerived().clean());
}

}  // namespace
}  // namespace wfe
