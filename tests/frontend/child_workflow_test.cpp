// Children, parents and other workflows through the whole engine: on one shard and across two, with crashes in between.
// S78 to S84 as a real 1.29.1 server answers, H43 and H44 over every store at the end.
#include <gmock/gmock.h>

#include <algorithm>
#include <functional>

#include "engine/history/obligations.h"
#include "engine/lint/lint.h"
#include "engine/storage/execution_reader.h"
#include "temporal/api/enums/v1/failed_cause.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::HasSubstr;
using ::testing::Not;
namespace enums = temporal::api::enums::v1;
using Command = temporal::api::command::v1::Command;
using HistoryEvent = temporal::api::history::v1::HistoryEvent;

/// Every workflow has a task queue of its own, named like it.
class ChildWorkflow : public testing::EngineFixture {
 protected:
  void TearDown() override {
    loop_.Advance(30s);
    ExpectNothingLostOrTwice();
    EngineFixture::TearDown();
  }

  std::string StartParent(const std::string& id) {
    StartWorkflowExecutionRequest request = StartRequest(id);
    request.mutable_task_queue()->set_name(id);
    return Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", request).Value().run_id();
  }

  /// Takes the workflow's task, which must be there, and answers it.
  void Do(const std::string& id, const std::vector<Command>& commands = {}) {
    auto completion = Completion(PollWorkflow(id).Value());
    completion.clear_sticky_attributes();
    for (const Command& command : commands) *completion.add_commands() = command;
    Complete(completion).Value();
  }

  static Command StartChild(const std::string& id,
                            enums::ParentClosePolicy policy = enums::PARENT_CLOSE_POLICY_UNSPECIFIED) {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION);
    auto& attributes = *command.mutable_start_child_workflow_execution_command_attributes();
    attributes.set_workflow_id(id);
    attributes.mutable_workflow_type()->set_name("Child");
    attributes.mutable_task_queue()->set_name(id);
    attributes.set_parent_close_policy(policy);
    return command;
  }

  static Command SignalWorkflow(const std::string& id, const std::string& signal, bool only_child = false) {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION);
    auto& attributes = *command.mutable_signal_external_workflow_execution_command_attributes();
    attributes.mutable_execution()->set_workflow_id(id);
    attributes.set_signal_name(signal);
    attributes.set_child_workflow_only(only_child);
    return command;
  }

  static Command CancelWorkflow(const std::string& id, bool only_child = false) {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION);
    auto& attributes = *command.mutable_request_cancel_external_workflow_execution_command_attributes();
    attributes.set_workflow_id(id);
    attributes.set_child_workflow_only(only_child);
    return command;
  }

  static Command Close(enums::CommandType type) {
    Command command;
    command.set_command_type(type);
    if (type == enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION) {
      command.mutable_fail_workflow_execution_command_attributes()->mutable_failure()->set_message("no luck");
    } else if (type == enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION) {
      command.mutable_cancel_workflow_execution_command_attributes();
    } else {
      command.mutable_continue_as_new_workflow_execution_command_attributes();
    }
    return command;
  }

  void Terminate(const std::string& id) {
    TerminateWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(id);
    Send<TerminateWorkflowExecutionResponse>("TerminateWorkflowExecution", request).Value();
  }

  DescribeWorkflowExecutionResponse Describe(const std::string& id) {
    DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(id);
    return Send<DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request).Value();
  }

  enums::WorkflowExecutionStatus StatusOf(const std::string& id) {
    return Describe(id).workflow_execution_info().status();
  }

  HistoryEvent Last(const std::string& id, enums::EventType type) {
    HistoryEvent found;
    for (const HistoryEvent& event : History(id)) {
      if (event.event_type() == type) found = event;
    }
    EXPECT_EQ(found.event_type(), type) << EventNames(id);
    return found;
  }

  std::vector<lint::OwedObligation> Owed() {
    std::vector<lint::OwedObligation> owed;
    const storage::ExecutionReader reader(*disk_);
    EXPECT_TRUE(reader.ForEachOwed([&](const history::ObligationId& id, Result<engine::v1::Obligation> obligation) {
      ASSERT_TRUE(obligation.has_value());
      owed.push_back({id.owner, *obligation});
    }));
    return owed;
  }

  void ExpectNothingLostOrTwice() {
    const storage::ExecutionReader reader(*disk_);
    std::vector<lint::RunHistory> runs;
    ASSERT_TRUE(reader.ForEachExecution([&](const ExecutionKey& key, bool) -> Status {
      lint::RunHistory run{key, {}};
      WFE_ASSIGN_OR_RETURN(const auto batches, reader.ReadStoredBatches(key));
      for (const storage::StoredBatch& batch : batches) {
        temporal::api::history::v1::History history;
        EXPECT_TRUE(history.ParseFromString(batch.events.bytes));
        run.events.insert(run.events.end(), history.events().begin(), history.events().end());
      }
      WFE_ASSIGN_OR_RETURN(const auto state, reader.Load(key));
      const auto& buffered = state->bookkeeping().buffered_events();
      run.buffered = {buffered.begin(), buffered.end()};
      EXPECT_EQ(lint::Describe(lint::LintHistory(run.events)), "") << key.ToString();
      runs.push_back(std::move(run));
      return Ok();
    }));
    EXPECT_EQ(lint::Describe(lint::LintObligations(runs, Owed())), "");
  }
};

TEST_F(ChildWorkflow, StartsAndTellsItsParentHowItEnded) {  // S80
  const std::string parent_run = StartParent("p");
  Do("p", {StartChild("c1"), StartChild("c2"), StartChild("c3"), StartChild("c4")});
  EXPECT_THAT(EventNames("p"), HasSubstr("ChildWorkflowExecutionStarted WorkflowTaskScheduled "
                                         "ChildWorkflowExecutionStarted ChildWorkflowExecutionStarted"));
  EXPECT_THAT(Owed(), ::testing::IsEmpty()) << "what was acknowledged is owed no more";
  const auto first = PollWorkflow("c1").Value();
  const auto& started = first.history().events(0).workflow_execution_started_event_attributes();
  EXPECT_EQ(started.parent_workflow_namespace(), "default");
  EXPECT_EQ(started.parent_workflow_execution().workflow_id(), "p");
  EXPECT_EQ(started.parent_workflow_execution().run_id(), parent_run);
  EXPECT_EQ(started.parent_initiated_event_id(), 5);
  EXPECT_EQ(started.root_workflow_execution().workflow_id(), "p");
  EXPECT_EQ(started.identity(), "");
  auto completion = Completion(first);
  *completion.add_commands() = CompleteWorkflow("of the child");
  Complete(completion).Value();
  Do("c2", {Close(enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION)});
  Do("c3", {Close(enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION)});
  Terminate("c4");
  Do("p", {CompleteWorkflow()});
  const HistoryEvent done = Last("p", enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED);
  const auto& completed = done.child_workflow_execution_completed_event_attributes();
  EXPECT_EQ(completed.result().payloads(0).data(), "of the child");
  EXPECT_EQ(completed.workflow_execution().run_id(), first.workflow_execution().run_id());
  EXPECT_EQ(completed.initiated_event_id(), 5);
  EXPECT_EQ(completed.started_event_id(), 9);
  const HistoryEvent failed = Last("p", enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED);
  EXPECT_EQ(failed.child_workflow_execution_failed_event_attributes().failure().message(), "no luck");
  EXPECT_EQ(failed.child_workflow_execution_failed_event_attributes().retry_state(),
            enums::RETRY_STATE_RETRY_POLICY_NOT_SET);
  Last("p", enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED);
  Last("p", enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED);
}

TEST_F(ChildWorkflow, OfAChildNamesTheRootOfTheFamily) {
  StartParent("top");
  Do("top", {StartChild("middle")});
  Do("middle", {StartChild("leaf")});
  const auto leaf = Describe("leaf").workflow_execution_info();
  EXPECT_EQ(leaf.parent_execution().workflow_id(), "middle");
  EXPECT_EQ(leaf.root_execution().workflow_id(), "top");
  EXPECT_EQ(Describe("top").workflow_execution_info().root_execution().workflow_id(), "top");
  ListWorkflowExecutionsRequest list;
  list.set_namespace_("default");
  list.set_query("RootWorkflowId = 'top' AND ParentWorkflowId IS NOT NULL");
  EXPECT_EQ(Send<ListWorkflowExecutionsResponse>("ListWorkflowExecutions", list).Value().executions_size(), 2);
  const auto pending = Describe("top").pending_children();
  ASSERT_EQ(pending.size(), 1);
  EXPECT_EQ(pending[0].workflow_id(), "middle");
  EXPECT_EQ(pending[0].run_id(), Describe("middle").workflow_execution_info().execution().run_id());
  Terminate("top");  // the policies follow each other down
  EXPECT_EQ(StatusOf("leaf"), enums::WORKFLOW_EXECUTION_STATUS_TERMINATED);
}

TEST_F(ChildWorkflow, WithAnIdThatIsTakenDoesNotStart) {
  StartParent("p");
  StartParent("taken");
  Do("p", {StartChild("taken"), StartChild("twice"), StartChild("twice"), StartChild("p")});
  std::vector<std::string> failed;
  for (const HistoryEvent& event : History("p")) {
    if (!event.has_start_child_workflow_execution_failed_event_attributes()) continue;
    const auto& attributes = event.start_child_workflow_execution_failed_event_attributes();
    EXPECT_EQ(attributes.cause(), enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS);
    failed.push_back(attributes.workflow_id());
  }
  EXPECT_THAT(failed, ::testing::UnorderedElementsAre("taken", "twice", "p"));
  Terminate("p");
  EXPECT_EQ(StatusOf("taken"), enums::WORKFLOW_EXECUTION_STATUS_RUNNING) << "a stranger is left alone";
  EXPECT_EQ(StatusOf("twice"), enums::WORKFLOW_EXECUTION_STATUS_TERMINATED);
}

TEST_F(ChildWorkflow, EndsAsTheParentClosePolicySays) {  // S78
  const std::vector<std::pair<std::string, std::function<void(const std::string&)>>> closes = {
      {"completed", [&](const std::string& id) { Do(id, {CompleteWorkflow()}); }},
      {"failed", [&](const std::string& id) { Do(id, {Close(enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION)}); }},
      {"again",
       [&](const std::string& id) { Do(id, {Close(enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION)}); }},
      {"terminated", [&](const std::string& id) { Terminate(id); }},
  };
  for (const auto& [id, close] : closes) {
    SCOPED_TRACE(id);
    StartParent(id);
    Do(id, {StartChild(id + "-terminate"), StartChild(id + "-cancel", enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL),
            StartChild(id + "-abandon", enums::PARENT_CLOSE_POLICY_ABANDON)});
    close(id);
    const auto terminated = Last(id + "-terminate", enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED)
                                .workflow_execution_terminated_event_attributes();
    EXPECT_EQ(terminated.reason(), "by parent close policy");
    EXPECT_EQ(terminated.identity(), "history-service");
    const auto requested = Last(id + "-cancel", enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
                               .workflow_execution_cancel_requested_event_attributes();
    EXPECT_EQ(requested.cause(), "");
    EXPECT_EQ(requested.external_initiated_event_id(), 0);
    EXPECT_EQ(requested.external_workflow_execution().workflow_id(), id);
    EXPECT_THAT(EventNames(id + "-abandon"), Not(HasSubstr("CancelRequested")));
    EXPECT_EQ(StatusOf(id + "-abandon"), enums::WORKFLOW_EXECUTION_STATUS_RUNNING);
  }
  EXPECT_EQ(Describe("again").pending_children_size(), 0);
}

TEST_F(ChildWorkflow, OfTheTaskThatClosesItsParentNeverStarts) {
  StartParent("p");
  StartParent("other");
  Do("p", {StartChild("c1"), StartChild("c2", enums::PARENT_CLOSE_POLICY_ABANDON), SignalWorkflow("other", "s"),
           CancelWorkflow("other"), CompleteWorkflow()});
  loop_.Advance(5s);
  EXPECT_FALSE(PollWorkflow("c1").done());
  EXPECT_FALSE(PollWorkflow("c2").done());
  EXPECT_EQ(EventNames("other"), "WorkflowExecutionStarted WorkflowTaskScheduled");
  EXPECT_THAT(Owed(), ::testing::IsEmpty());
}

TEST_F(ChildWorkflow, ThatRetriesAndContinuesTellsItsParentOnceAtTheEnd) {
  StartParent("p");
  Command start = StartChild("c");
  auto& policy = *start.mutable_start_child_workflow_execution_command_attributes()->mutable_retry_policy();
  policy.set_maximum_attempts(2);
  Do("p", {start});
  const std::string first_run = Describe("c").workflow_execution_info().execution().run_id();
  Do("c", {Close(enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION)});
  loop_.Advance(2s);
  Do("c", {Close(enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION)});
  EXPECT_EQ(Describe("c").workflow_execution_info().parent_execution().workflow_id(), "p");
  EXPECT_EQ(Describe("p").pending_children(0).run_id(), first_run);
  EXPECT_THAT(EventNames("p"), Not(HasSubstr("ChildWorkflowExecutionFailed")));
  const std::string last_run = Describe("c").workflow_execution_info().execution().run_id();
  Do("c", {CompleteWorkflow("at last")});
  const auto completed = Last("p", enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED)
                             .child_workflow_execution_completed_event_attributes();
  EXPECT_EQ(completed.workflow_execution().run_id(), last_run);
  EXPECT_NE(last_run, first_run);
}

TEST_F(ChildWorkflow, IsSignalledAndCancelledByItsParent) {  // S79
  StartParent("p");
  StartParent("stranger");
  Do("p", {StartChild("c")});
  Do("p", {SignalWorkflow("c", "hello", true), SignalWorkflow("stranger", "hello", true),
           SignalWorkflow("stranger", "hello"), SignalWorkflow("nobody", "hello"), SignalWorkflow("p", "self"),
           CancelWorkflow("c", true), CancelWorkflow("c", true), CancelWorkflow("stranger", true),
           CancelWorkflow("nobody"), CancelWorkflow("p")});
  const auto signaled = Last("c", enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
                            .workflow_execution_signaled_event_attributes();
  EXPECT_EQ(signaled.signal_name(), "hello");
  EXPECT_EQ(signaled.identity(), "history-service");
  EXPECT_EQ(signaled.external_workflow_execution().workflow_id(), "p");
  int signals = 0, signals_failed = 0, cancels = 0, cancels_failed = 0;
  for (const HistoryEvent& event : History("p")) {
    signals += event.has_external_workflow_execution_signaled_event_attributes();
    signals_failed += event.has_signal_external_workflow_execution_failed_event_attributes();
    cancels += event.has_external_workflow_execution_cancel_requested_event_attributes();
    cancels_failed += event.has_request_cancel_external_workflow_execution_failed_event_attributes();
  }
  EXPECT_EQ(signals, 2);
  EXPECT_EQ(signals_failed, 3);
  EXPECT_EQ(cancels, 2) << "asking again is answered again, and changes nothing (S81)";
  EXPECT_EQ(cancels_failed, 3);
  EXPECT_THAT(EventNames("stranger"), Not(HasSubstr("CancelRequested")));
  const std::string names = EventNames("c");
  EXPECT_EQ(names.find("CancelRequested"), names.rfind("CancelRequested"));
}

TEST_F(ChildWorkflow, InANamespaceThatIsNotThereIsRefusedAndTheTaskStays) {
  StartParent("p");
  auto completion = Completion(PollWorkflow("p").Value());
  Command start = StartChild("c");
  start.mutable_start_child_workflow_execution_command_attributes()->set_namespace_("nowhere");
  *completion.add_commands() = start;
  EXPECT_EQ(Complete(completion).error().message, "Namespace nowhere is not found.");
  completion.clear_commands();
  *completion.add_commands() = CompleteWorkflow();
  Complete(completion).Value();
}

TEST_F(ChildWorkflow, SurvivesACrashAfterEveryCommit) {  // H43, H44
  // The same story again and again; each time one more commit reaches the disk before the process dies.
  int stories_begun = 0;
  for (int keep = 0; keep < 24; ++keep) {
    SCOPED_TRACE(keep);
    const std::string n = std::to_string(keep);
    StartParent("p" + n);
    StartParent("other" + n);
    auto completion = Completion(PollWorkflow("p" + n).Value());
    completion.clear_sticky_attributes();
    for (const Command& command : {StartChild("a" + n), StartChild("b" + n), SignalWorkflow("other" + n, "s")}) {
      *completion.add_commands() = command;
    }
    loop_.when_idle = [this, left = keep]() mutable {
      if (left == 0 || store_->stage().RunOnce() == 0) return false;
      --left;
      return true;
    };
    Complete(completion);
    Crash();
    Boot();
    loop_.Advance(15s);  // the lost task's timeout
    if (EventNames("p" + n).find("Initiated") == std::string::npos) continue;  // the completion did not survive
    ++stories_begun;
    Do("a" + n, {CompleteWorkflow()});
    Do("p" + n, {CompleteWorkflow()});
    EXPECT_EQ(StatusOf("b" + n), enums::WORKFLOW_EXECUTION_STATUS_TERMINATED);
    const std::string names = EventNames("other" + n);
    EXPECT_THAT(names, HasSubstr("Signaled"));
    EXPECT_EQ(names.find("Signaled"), names.rfind("Signaled"));
    EXPECT_THAT(EventNames("p" + n), HasSubstr("ChildWorkflowExecutionCompleted"));
  }
  EXPECT_GT(stories_begun, 15);
}

TEST_F(ChildWorkflow, EndsWithItsParentAfterACrashAfterEveryCommit) {  // H43, S78
  for (int keep = 0; keep < 12; ++keep) {
    SCOPED_TRACE(keep);
    const std::string n = std::to_string(keep);
    StartParent("p" + n);
    Do("p" + n, {StartChild("a" + n), StartChild("b" + n, enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL)});
    loop_.when_idle = [this, left = keep]() mutable {
      if (left == 0 || store_->stage().RunOnce() == 0) return false;
      --left;
      return true;
    };
    TerminateWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id("p" + n);
    Send<TerminateWorkflowExecutionResponse>("TerminateWorkflowExecution", request);
    Crash();
    Boot();
    if (StatusOf("p" + n) != enums::WORKFLOW_EXECUTION_STATUS_TERMINATED) {
      EXPECT_EQ(StatusOf("a" + n), enums::WORKFLOW_EXECUTION_STATUS_RUNNING);
      Terminate("p" + n);
    }
    loop_.Advance(1s);
    EXPECT_EQ(StatusOf("a" + n), enums::WORKFLOW_EXECUTION_STATUS_TERMINATED);
    EXPECT_THAT(EventNames("b" + n), HasSubstr("CancelRequested"));
  }
}

}  // namespace
}  // namespace wfe
