// One workflow task of a run at a time (WIRE-F27): what waits for what, and for how long.
#include "tests/workers/worker_fixture.h"

namespace wfe::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class WorkerTurns : public WorkerTest {
 protected:
  static ws::PollWorkflowTaskQueueResponse Attempt(int attempt, int64_t previous = 0, int64_t started = 3) {
    ws::PollWorkflowTaskQueueResponse task = WorkflowTask();
    task.set_attempt(attempt);
    task.set_previous_started_event_id(previous);
    task.set_started_event_id(started);
    return task;
  }
  std::vector<int> Attempts() const {
    std::vector<int> attempts;
    for (const auto& task : handler_->tasks) attempts.push_back(task.attempt());
    return attempts;
  }
  void Accept(const ws::RespondWorkflowTaskCompletedResponse& response = {}) {
    ASSERT_TRUE(service_.Answer("RespondWorkflowTaskCompleted", response));
    loop_.RunReady();
  }
};

TEST_F(WorkerTurns, TheNextTaskOfARunBeginsWhenTheAnswerToTheLastIsTaken) {
  MakeAndStart();
  GiveWorkflowTask(Attempt(1));
  GiveWorkflowTask(Attempt(1, /*previous=*/3, /*started=*/7));
  EXPECT_THAT(handler_->tasks, SizeIs(1));
  EXPECT_FALSE(handler_->acknowledgements[0]->given());
  Accept();
  EXPECT_TRUE(handler_->acknowledgements[0]->given());
  EXPECT_THAT(handler_->tasks, SizeIs(2));
  EXPECT_FALSE(handler_->acknowledgements[1]->given());
  EXPECT_THAT(handler_->evicted, IsEmpty());
}

TEST_F(WorkerTurns, ARefusedAnswerIsNeverAcknowledgedAndTheNextAttemptIsRun) {
  MakeAndStart();
  GiveWorkflowTask(Attempt(2));
  GiveWorkflowTask(Attempt(3));
  ASSERT_TRUE(service_.Answer("RespondWorkflowTaskCompleted", NotFound("stale")));
  loop_.RunReady();
  EXPECT_FALSE(handler_->acknowledgements[0]->given());
  EXPECT_THAT(handler_->evicted, ElementsAre("run-1"));
  EXPECT_THAT(Attempts(), ElementsAre(2, 3));
}

// The newest attempt came first: once its answer counts, the server has long given the older ones up.
TEST_F(WorkerTurns, AttemptsThatAnAcceptedAnswerHasOvertakenAreNotRun) {
  MakeAndStart();
  GiveWorkflowTask(Attempt(3));
  GiveWorkflowTask(Attempt(2));
  GiveWorkflowTask(Attempt(1));
  EXPECT_EQ(worker_->stats().running_workflow_tasks, 3u);
  ws::RespondWorkflowTaskCompletedResponse response;
  *response.mutable_workflow_task() = Attempt(4, /*previous=*/3, /*started=*/7);
  Accept(response);
  EXPECT_THAT(Attempts(), ElementsAre(3, 4));
  EXPECT_EQ(worker_->stats().running_workflow_tasks, 1u);
}

TEST_F(WorkerTurns, OtherRunsDoNotWait) {
  MakeAndStart();
  GiveWorkflowTask(OfRun("run-1"));
  GiveWorkflowTask(OfRun("run-2"));
  EXPECT_THAT(handler_->tasks, SizeIs(2));
}

TEST_F(WorkerTurns, WordOfAnAnswerIsWaitedForOnlySoLong) {
  MakeAndStart();
  GiveWorkflowTask(Attempt(1));
  GiveWorkflowTask(Attempt(2));
  loop_.RunFor(kAnswerPatience / 2);
  EXPECT_THAT(Attempts(), ElementsAre(1));
  loop_.RunFor(kAnswerPatience);
  EXPECT_THAT(Attempts(), ElementsAre(1, 2));
  EXPECT_THAT(handler_->evicted, ElementsAre("run-1")) << "what the first assumed may not be true";
  // The refusal of the first says nothing about the second's live instance.
  ASSERT_TRUE(service_.Answer("RespondWorkflowTaskCompleted", NotFound("stale")));
  loop_.RunReady();
  EXPECT_THAT(handler_->evicted, SizeIs(1));
  Accept();
  EXPECT_TRUE(handler_->acknowledgements[1]->given());
  EXPECT_EQ(worker_->stats().running_workflow_tasks, 0u);
}

TEST_F(WorkerTurns, CodeIsWaitedForHoweverLongItRuns) {
  support::EventLoop code;
  workflow_code_ = &code;
  MakeAndStart();
  GiveWorkflowTask(Attempt(1));
  GiveWorkflowTask(Attempt(2));
  loop_.RunFor(kAnswerPatience * 3);
  EXPECT_THAT(handler_->evicted, IsEmpty());
  code.RunReady();
  loop_.RunReady();
  EXPECT_THAT(Attempts(), ElementsAre(1));
  ASSERT_TRUE(service_.Answer("RespondWorkflowTaskCompleted", NotFound("stale")));
  loop_.RunReady();
  code.RunReady();
  EXPECT_THAT(Attempts(), ElementsAre(1, 2));
}

// Its own wait for a turn may outlast the server's patience: an answer would be refused.
TEST_F(WorkerTurns, ATaskWhoseTimeIsUpIsNotRun) {
  support::EventLoop code;
  workflow_code_ = &code;
  MakeAndStart();
  GiveWorkflowTask(Attempt(1));
  GiveWorkflowTask(Attempt(2));
  loop_.RunFor(11s);  // the task's timeout is 10 s (S8)
  code.RunReady();
  loop_.RunReady();
  ASSERT_TRUE(service_.Answer("RespondWorkflowTaskCompleted", NotFound("stale")));
  loop_.RunReady();
  code.RunReady();
  EXPECT_THAT(Attempts(), ElementsAre(1));
  EXPECT_EQ(worker_->stats().running_workflow_tasks, 0u);
}

TEST_F(WorkerTurns, AQueryWaitsForTheAnswerThatItMustSeeAndNobodyWaitsForAQuery) {
  MakeAndStart();
  ws::PollWorkflowTaskQueueResponse query = WorkflowTask();
  query.mutable_query()->set_query_type("q");
  GiveWorkflowTask(Attempt(1));
  GiveWorkflowTask(query);
  GiveWorkflowTask(Attempt(1, /*previous=*/3, /*started=*/7));
  EXPECT_THAT(handler_->tasks, SizeIs(1));
  handler_->answers.push_back(ws::RespondQueryTaskCompletedRequest());
  Accept();
  EXPECT_THAT(handler_->tasks, SizeIs(3)) << "the answer to the query is still on its way";
  EXPECT_THAT(service_.Open("RespondQueryTaskCompleted"), SizeIs(1));
}

}  // namespace
}  // namespace wfe::worker
