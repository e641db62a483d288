// Workflow tasks of a worker: answers, further history, eager activities, eviction (R2, S45, pitfalls 1 and 8).
#include "tests/workers/worker_fixture.h"

namespace wfe::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<int64_t> EventIds(const ws::PollWorkflowTaskQueueResponse& task) {
  std::vector<int64_t> ids;
  for (const auto& event : task.history().events()) ids.push_back(event.event_id());
  return ids;
}

ws::GetWorkflowExecutionHistoryResponse Page(int64_t first, int64_t last, const std::string& next = "") {
  ws::GetWorkflowExecutionHistoryResponse page;
  for (int64_t id = first; id <= last; ++id) page.mutable_history()->add_events()->set_event_id(id);
  page.set_next_page_token(next);
  return page;
}

ws::RespondWorkflowTaskCompletedRequest WithActivities(int count) {
  ws::RespondWorkflowTaskCompletedRequest request;
  for (int i = 0; i < count; ++i) {
    request.add_commands()->mutable_schedule_activity_task_command_attributes()->set_request_eager_execution(true);
  }
  return request;
}

TEST_F(WorkerTest, WorkflowTasksAreAnsweredWithTheirToken) {
  MakeAndStart();
  GiveWorkflowTask(WorkflowTask());
  const auto answer = service_.Last<ws::RespondWorkflowTaskCompletedRequest>("RespondWorkflowTaskCompleted");
  EXPECT_EQ(answer.task_token(), "workflow-token");
  EXPECT_EQ(answer.namespace_(), "default");
  EXPECT_TRUE(answer.return_new_workflow_task());
  service_.Answer("RespondWorkflowTaskCompleted", ws::RespondWorkflowTaskCompletedResponse());
  loop_.RunReady();
  EXPECT_EQ(worker_->stats().workflow_tasks_completed, 1u);
  EXPECT_THAT(handler_->evicted, IsEmpty());
}

// WIRE-F10: an answer that is too large fails its task with a cause that says so.
TEST_F(WorkerTest, AnAnswerThatIsTooLargeFailsTheTask) {
  service_.Always("RespondWorkflowTaskCompleted",
                  ResourceExhausted("grpc: received message larger than max (6000000 vs. 4194304)"));
  MakeAndStart();
  GiveWorkflowTask(WorkflowTask());
  EXPECT_EQ(service_.Count("RespondWorkflowTaskCompleted"), 1u);
  const auto failed = service_.Last<ws::RespondWorkflowTaskFailedRequest>("RespondWorkflowTaskFailed");
  EXPECT_EQ(failed.cause(), temporal::api::enums::v1::WORKFLOW_TASK_FAILED_CAUSE_GRPC_MESSAGE_TOO_LARGE);
  EXPECT_THAT(failed.failure().message(), testing::HasSubstr("6000000"));
  EXPECT_EQ(failed.task_token(), "workflow-token");
}

// RW-D1: workflow code has a place of its own, and what is handled there comes back to the strand.
TEST_F(WorkerTest, WorkflowCodeRunsWhereTheEnvironmentSays) {
  support::EventLoop code;
  workflow_code_ = &code;
  MakeAndStart();
  GiveWorkflowTask(WorkflowTask());
  EXPECT_THAT(handler_->tasks, IsEmpty());
  EXPECT_EQ(worker_->stats().running_workflow_tasks, 1u);
  service_.Always("RespondActivityTaskCompleted", ws::RespondActivityTaskCompletedResponse());
  GiveActivity(ActivityTask());
  FinishActivity();
  EXPECT_EQ(worker_->stats().activities_completed, 1u) << "nothing else waits for it";
  code.RunReady();
  EXPECT_THAT(handler_->tasks, SizeIs(1));
  EXPECT_EQ(service_.Count("RespondWorkflowTaskCompleted"), 0u);
  loop_.RunReady();
  EXPECT_EQ(service_.Count("RespondWorkflowTaskCompleted"), 1u);
  // An eviction is in order with the tasks.
  service_.Answer("RespondWorkflowTaskCompleted", NotFound("timed out"));
  loop_.RunReady();
  EXPECT_THAT(handler_->evicted, IsEmpty());
  code.RunReady();
  EXPECT_THAT(handler_->evicted, ElementsAre("run-1"));
}

TEST_F(WorkerTest, TheNextWorkflowTaskInAnAnswerIsHandledWithoutAPoll) {
  MakeAndStart();
  GiveWorkflowTask(WorkflowTask());
  ws::RespondWorkflowTaskCompletedResponse response;
  *response.mutable_workflow_task() = WorkflowTask(4);
  service_.Answer("RespondWorkflowTaskCompleted", response);
  loop_.RunReady();
  EXPECT_THAT(handler_->tasks, SizeIs(2));
  EXPECT_THAT(service_.Open("RespondWorkflowTaskCompleted"), SizeIs(1));
}

TEST_F(WorkerTest, EagerActivitiesInAnAnswerRunAtOnce) {
  MakeAndStart();
  handler_->answers.push_back(WithActivities(1));
  GiveWorkflowTask(WorkflowTask());
  ws::RespondWorkflowTaskCompletedResponse response;
  *response.add_activity_tasks() = ActivityTask();
  service_.Answer("RespondWorkflowTaskCompleted", response);
  loop_.RunReady();
  ASSERT_THAT(executor_.items, SizeIs(1));
  EXPECT_EQ(executor_.items.front().context->info().task_queue, "queue");
  EXPECT_EQ(worker_->stats().eager_activities, 1u);
}

/// Whoever completes workflow tasks all the time asks for eager activities all the time.
TEST_F(WorkerTest, EagerActivitiesLeaveASlotToTasksThatWaitInAQueue) {
  options_.max_concurrent_activities = 8;
  options_.activity_pollers = 1;
  MakeAndStart();
  handler_->answers.push_back(WithActivities(20));
  GiveWorkflowTask(WorkflowTask());
  const auto answer = service_.Last<ws::RespondWorkflowTaskCompletedRequest>("RespondWorkflowTaskCompleted");
  ws::RespondWorkflowTaskCompletedResponse response;
  for (const auto& command : answer.commands()) {
    if (!command.schedule_activity_task_command_attributes().request_eager_execution()) continue;
    auto task = ActivityTask();
    task.set_task_token("eager-" + std::to_string(response.activity_tasks_size()));
    *response.add_activity_tasks() = std::move(task);
  }
  EXPECT_EQ(response.activity_tasks_size(), 7);
  service_.Answer("RespondWorkflowTaskCompleted", response);
  loop_.RunReady();
  EXPECT_THAT(executor_.items, SizeIs(7));
  EXPECT_THAT(service_.Open("PollActivityTaskQueue"), SizeIs(1)) << "a poll is out for what waits";
}

TEST_F(WorkerTest, EagerActivitiesAreAskedForOnlyWhereThereAreSlots) {
  options_.max_concurrent_activities = 3;
  MakeAndStart();
  handler_->answers.push_back(WithActivities(3));
  handler_->answers.push_back(WithActivities(1));
  const auto asked = [&] {
    const auto answer = service_.Last<ws::RespondWorkflowTaskCompletedRequest>("RespondWorkflowTaskCompleted");
    int count = 0;
    for (const auto& command : answer.commands()) {
      count += command.schedule_activity_task_command_attributes().request_eager_execution() ? 1 : 0;
    }
    return count;
  };
  GiveWorkflowTask(OfRun("run-1"));
  EXPECT_EQ(asked(), 2);
  // Those two are set aside until the answer says what came of them.
  GiveWorkflowTask(OfRun("run-2"));
  EXPECT_EQ(asked(), 0);
  service_.Answer("RespondWorkflowTaskCompleted", ws::RespondWorkflowTaskCompletedResponse());
  loop_.RunReady();
  handler_->answers.push_back(WithActivities(3));
  GiveWorkflowTask(OfRun("run-3"));
  EXPECT_EQ(asked(), 2);
}

TEST_F(WorkerTest, FurtherPagesOfATaskAreFetchedBeforeItIsHandled) {
  MakeAndStart();
  auto task = WorkflowTask();
  task.set_next_page_token("page-2");
  GiveWorkflowTask(task);
  EXPECT_THAT(handler_->tasks, IsEmpty());
  EXPECT_EQ(service_.Last<ws::GetWorkflowExecutionHistoryRequest>("GetWorkflowExecutionHistory").next_page_token(),
            "page-2");
  service_.Answer("GetWorkflowExecutionHistory", Page(4, 5, "page-3"));
  loop_.RunReady();
  service_.Answer("GetWorkflowExecutionHistory", Page(6, 7));
  loop_.RunReady();
  ASSERT_THAT(handler_->tasks, SizeIs(1));
  EXPECT_THAT(EventIds(handler_->tasks[0]), ElementsAre(1, 2, 3, 4, 5, 6, 7));
}

TEST_F(WorkerTest, AStickyTaskOfARunThatIsNotCachedIsHandledWithItsWholeHistory) {
  MakeAndStart();
  handler_->answers.push_back(core::NeedFullHistory{});
  GiveWorkflowTask(WorkflowTask(8));  // 8, 9, 10; the server has stored up to 9
  EXPECT_EQ(service_.Last<ws::GetWorkflowExecutionHistoryRequest>("GetWorkflowExecutionHistory").next_page_token(), "");
  service_.Answer("GetWorkflowExecutionHistory", Page(1, 5, "page-2"));
  loop_.RunReady();
  service_.Answer("GetWorkflowExecutionHistory", Page(6, 9));
  loop_.RunReady();
  ASSERT_THAT(handler_->tasks, SizeIs(2));
  EXPECT_THAT(EventIds(handler_->tasks[1]), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(service_.Open("RespondWorkflowTaskCompleted"), SizeIs(1));
}

TEST_F(WorkerTest, ARunWhoseAnswerTheServerRefusesIsEvicted) {
  service_.Always("RespondWorkflowTaskCompleted", NotFound("terminated"));
  MakeAndStart();
  GiveWorkflowTask(WorkflowTask());
  EXPECT_THAT(handler_->evicted, ElementsAre("run-1"));
  EXPECT_EQ(service_.Count("RespondWorkflowTaskCompleted"), 1u);
  EXPECT_EQ(worker_->stats().running_workflow_tasks, 0u);
}

TEST_F(WorkerTest, ARunWhoseCommandsAreInvalidIsEvicted) {
  service_.Always("RespondWorkflowTaskCompleted", InvalidArgument("UNHANDLED_COMMAND"));
  MakeAndStart();
  GiveWorkflowTask(WorkflowTask());
  EXPECT_THAT(handler_->evicted, ElementsAre("run-1"));
}

TEST_F(WorkerTest, AnAnswerIsRepeatedUntilTheServerIsBack) {
  service_.Always("RespondWorkflowTaskCompleted", Unavailable("restarting"));
  MakeAndStart();
  GiveWorkflowTask(WorkflowTask());
  loop_.RunFor(2s);
  EXPECT_THAT(handler_->evicted, IsEmpty());
  service_.Always("RespondWorkflowTaskCompleted", ws::RespondWorkflowTaskCompletedResponse());
  loop_.RunFor(3s);
  EXPECT_EQ(worker_->stats().workflow_tasks_completed, 1u);
}

TEST_F(WorkerTest, AnAnswerThatCannotBeGivenInTimeEvictsTheRun) {
  service_.Always("RespondWorkflowTaskCompleted", Unavailable("gone"));
  MakeAndStart();
  GiveWorkflowTask(WorkflowTask());
  loop_.RunFor(11s);  // the task's timeout is 10 s (S8)
  EXPECT_THAT(handler_->evicted, ElementsAre("run-1"));
}

TEST_F(WorkerTest, AFailedWorkflowTaskIsReportedAndTheRunEvicted) {
  service_.Always("RespondWorkflowTaskFailed", ws::RespondWorkflowTaskFailedResponse());
  MakeAndStart();
  handler_->answers.push_back(ws::RespondWorkflowTaskFailedRequest());
  GiveWorkflowTask(WorkflowTask());
  EXPECT_EQ(service_.Last<ws::RespondWorkflowTaskFailedRequest>("RespondWorkflowTaskFailed").task_token(),
            "workflow-token");
  EXPECT_THAT(handler_->evicted, ElementsAre("run-1"));
  EXPECT_EQ(worker_->stats().workflow_tasks_failed, 1u);
}

TEST_F(WorkerTest, AQueryIsAnsweredWithoutTouchingTheRun) {
  service_.Always("RespondQueryTaskCompleted", ws::RespondQueryTaskCompletedResponse());
  MakeAndStart();
  handler_->answers.push_back(ws::RespondQueryTaskCompletedRequest());
  GiveWorkflowTask(WorkflowTask());
  EXPECT_EQ(worker_->stats().queries_answered, 1u);
  EXPECT_THAT(handler_->evicted, IsEmpty());
}

TEST_F(WorkerTest, DrainingWaitsForTheAnswersUnderWay) {
  MakeAndStart();
  GiveWorkflowTask(WorkflowTask());
  bool stopped = false;
  loop_.OnLoop([&] { worker_->Shutdown([&] { stopped = true; }); });
  EXPECT_FALSE(stopped);
  service_.Answer("RespondWorkflowTaskCompleted", ws::RespondWorkflowTaskCompletedResponse());
  loop_.RunReady();
  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace wfe::worker
