// Stores that older versions wrote: they open, their open runs go on from where they stood, their chains hold.
//
// tests/testdata/stores/format_N.rows was written by MakeOne below at the last commit whose stores had format N: up to 2
// the state row of an open run was replaced at every transition, up to 3 nothing was owed.
//   WFE_WRITE_STORE=FILE old_store_test --gtest_also_run_disabled_tests --gtest_filter=*MakeOne
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "engine/history/decide.h"
#include "engine/history/rebuild.h"
#include "engine/lint/lint.h"
#include "temporal/api/enums/v1/failed_cause.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/row_dump.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::HasSubstr;
namespace enums = temporal::api::enums::v1;

class OldStore : public testing::EngineFixture, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {}  // each test boots on the rows it wants
  void TearDown() override {  // the lists of old versions counted the last batch of a closed run twice
    engine_.reset();
    store_.reset();
  }

  void BootOn(const std::string& name) {
    std::ifstream file(std::string(WFE_SOURCE_DIR) + "/tests/testdata/stores/" + name);
    ASSERT_TRUE(file.good()) << name;
    std::ostringstream text;
    text << file.rdbuf();
    const auto written_at = testing::LoadRows(text.str(), *disk_, *ledger_);
    ASSERT_TRUE(written_at.has_value()) << written_at.error().ToString();
    loop_.Advance(*written_at - loop_.Now());
    Boot();
  }

  /// What the store rules and the chain say of every run.
  void ExpectSound(int expected_runs) {
    const storage::ExecutionReader reader(*disk_);
    int runs = 0;
    const Status visited = reader.ForEachExecution([&](const ExecutionKey& key, bool) -> Status {
      ++runs;
      WFE_ASSIGN_OR_RETURN(const auto chain, reader.VerifyChain(key));
      EXPECT_TRUE(chain.ok()) << key.ToString() << ": " << chain.problem;
      lint::StoredRun run;
      run.key = key;
      WFE_ASSIGN_OR_RETURN(const auto batches, reader.ReadStoredBatches(key));
      for (const storage::StoredBatch& batch : batches) {
        run.batches.push_back({batch.events.first_event_id, batch.events.count, batch.events.bytes, batch.notes});
      }
      WFE_ASSIGN_OR_RETURN(const auto state, reader.Load(key));
      run.state = *state;
      WFE_ASSIGN_OR_RETURN(run.journal, reader.ReadJournal(key));
      lint::StoreLintOptions options;
      options.fold = history::Fold;
      options.rebuild = history::Rebuild;
      const auto findings = lint::LintStored(run, options);
      EXPECT_TRUE(findings.empty()) << key.ToString() << "\n" << lint::Describe(findings);
      return Ok();
    });
    EXPECT_TRUE(visited.has_value()) << visited.error().ToString();
    EXPECT_EQ(runs, expected_runs);
  }

  void StartOn(const std::string& queue, const std::string& id,
               const std::function<void(StartWorkflowExecutionRequest&)>& change = {}) {
    auto request = StartRequest(id);
    request.mutable_task_queue()->set_name(queue);
    if (change) change(request);
    Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", request).Value();
  }

  static temporal::api::command::v1::Command On(const std::string& queue, const std::string& id) {
    auto command = ScheduleActivity(id);
    auto& attributes = *command.mutable_schedule_activity_task_command_attributes();
    attributes.mutable_task_queue()->set_name(queue);
    attributes.mutable_start_to_close_timeout()->set_seconds(3600);
    return command;
  }

  /// Takes the next task of the queue and closes its run.
  void FinishOn(const std::string& queue) {
    auto poll = PollWorkflow(queue);
    ASSERT_TRUE(poll.done()) << queue;
    auto completion = Completion(poll.Value());
    *completion.add_commands() = CompleteWorkflow();
    Complete(completion).Value();
  }

  enums::WorkflowExecutionStatus StatusOf(const std::string& workflow_id) {
    DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(workflow_id);
    return Send<DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request)
        .Value()
        .workflow_execution_info()
        .status();
  }
};

TEST_F(OldStore, DISABLED_MakeOne) {
  const char* path = std::getenv("WFE_WRITE_STORE");
  ASSERT_NE(path, nullptr) << "WFE_WRITE_STORE names no file";
  Boot();
  // closed: from the first event to the last.
  StartOn("closed", "closed");
  FinishOn("closed");
  // activities: one attempt runs and has given a sign of life, one failed and waits, one nobody took; and a timer.
  StartOn("activities", "activities");
  auto completion = Completion(PollWorkflow("activities").Value());
  *completion.add_commands() = On("running", "1");
  *completion.add_commands() = On("failing", "2");
  *completion.add_commands() = On("waiting", "3");
  *completion.add_commands() = StartTimer("t", 1h);
  Complete(completion).Value();
  RecordActivityTaskHeartbeatRequest heartbeat;
  heartbeat.set_namespace_("default");
  heartbeat.set_task_token(PollActivity("running").Value().task_token());
  *heartbeat.mutable_details() = Payloads("half way");
  Send<RecordActivityTaskHeartbeatResponse>("RecordActivityTaskHeartbeat", heartbeat).Value();
  RespondActivityTaskFailedRequest failed;
  failed.set_namespace_("default");
  failed.set_task_token(PollActivity("failing").Value().task_token());
  failed.mutable_failure()->set_message("once");
  failed.mutable_failure()->mutable_application_failure_info()->set_type("Flaky");
  Send<RespondActivityTaskFailedResponse>("RespondActivityTaskFailed", failed).Value();
  // buffered: a signal and a fired timer wait behind a task that a worker holds.
  StartOn("buffered", "buffered");
  completion = Completion(PollWorkflow("buffered").Value());
  completion.clear_sticky_attributes();
  *completion.add_commands() = StartTimer("t", 1s);
  completion.set_force_create_new_workflow_task(true);
  Complete(completion).Value();
  PollWorkflow("buffered").Value();
  Signal("buffered", "s", "request-1").Value();
  loop_.Advance(2s);
  // retried: has a retry policy, and its second workflow task attempt is transient.
  StartOn("retried", "retried", [](auto& request) { request.mutable_retry_policy()->set_maximum_attempts(2); });
  RespondWorkflowTaskFailedRequest broken;
  broken.set_namespace_("default");
  broken.set_task_token(PollWorkflow("retried").Value().task_token());
  broken.set_cause(enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE);
  broken.mutable_failure()->set_message("broken code");
  Send<RespondWorkflowTaskFailedResponse>("RespondWorkflowTaskFailed", broken).Value();
  // sticky: idle, with its worker's queue known.
  StartOn("idle", "idle");
  Complete(Completion(PollWorkflow("idle").Value())).Value();
  // delayed: its first task waits.
  StartOn("delayed", "delayed", [](auto& request) { request.mutable_workflow_start_delay()->set_seconds(3600); });
  // again: continued as new once, with a memo.
  StartOn("again", "again", [](auto& request) {
    (*request.mutable_memo()->mutable_fields())["note"] = Payloads("kept").payloads(0);
  });
  completion = Completion(PollWorkflow("again").Value());
  temporal::api::command::v1::Command again;
  again.set_command_type(enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION);
  *again.mutable_continue_as_new_workflow_execution_command_attributes()->mutable_input() = Payloads("again");
  *completion.add_commands() = again;
  Complete(completion).Value();
  // new: nobody has looked at it.
  StartOn("new", "new");
  Crash();
  std::ofstream(path) << testing::DumpRows(*disk_, *ledger_->Read().value(), loop_.Now());
  Boot();
  ExpectSound(9);
}

TEST_P(OldStore, OpensAndItsRunsGoOn) {
  BootOn(GetParam());
  ASSERT_FALSE(HasFatalFailure());
  ExpectSound(9);

  RespondActivityTaskCompletedByIdRequest by_id;
  by_id.set_namespace_("default");
  by_id.set_workflow_id("activities");
  by_id.set_activity_id("1");
  Send<RespondActivityTaskCompletedByIdResponse>("RespondActivityTaskCompletedById", by_id).Value();
  loop_.Advance(2s);  // the second one's back-off
  const auto second = PollActivity("failing").Value();
  EXPECT_EQ(second.attempt(), 2);
  CompleteActivity(second.task_token()).Value();
  CompleteActivity(PollActivity("waiting").Value().task_token()).Value();
  EXPECT_THAT(EventNames("activities"), HasSubstr("ActivityTaskStarted ActivityTaskCompleted"));
  loop_.Advance(20s);  // nobody polls the old sticky queue
  FinishOn("activities");

  EXPECT_THAT(EventNames("buffered"), HasSubstr("WorkflowExecutionSignaled TimerFired"));
  Signal("buffered", "s", "request-1").Value();  // known already
  EXPECT_EQ(EventNames("buffered").find("Signaled"), EventNames("buffered").rfind("Signaled"));
  FinishOn("buffered");

  auto retried = PollWorkflow("retried").Value();
  EXPECT_EQ(retried.attempt(), 2);
  auto completion = Completion(retried);
  auto& fail = *completion.add_commands();
  fail.set_command_type(enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION);
  fail.mutable_fail_workflow_execution_command_attributes()->mutable_failure()->set_message("no luck");
  Complete(completion).Value();
  loop_.Advance(2s);  // the run's back-off
  const auto second_run = PollWorkflow("retried").Value();
  const auto& first_event = second_run.history().events(0).workflow_execution_started_event_attributes();
  EXPECT_EQ(first_event.attempt(), 2);
  EXPECT_EQ(first_event.input().payloads(0).data(), "input");
  completion = Completion(second_run);
  *completion.add_commands() = CompleteWorkflow();
  Complete(completion).Value();

  Signal("idle", "wake").Value();
  loop_.Advance(20s);
  FinishOn("idle");
  Signal("delayed", "now").Value();
  FinishOn("delayed");
  FinishOn("again");
  FinishOn("new");
  for (const char* id : {"closed", "activities", "buffered", "retried", "idle", "delayed", "again", "new"}) {
    EXPECT_EQ(StatusOf(id), enums::WORKFLOW_EXECUTION_STATUS_COMPLETED) << id;
  }
  Crash();
  Boot();
  ExpectSound(10);  // the retried run's second one is new
}

INSTANTIATE_TEST_SUITE_P(Formats, OldStore, ::testing::Values("format_2.rows", "format_3.rows"));

}  // namespace
}  // namespace wfe
