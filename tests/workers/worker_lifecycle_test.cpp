// Start, polling and draining of a worker.
#include "tests/workers/worker_fixture.h"

namespace wfe::worker {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(WorkerTest, PollsItsQueueAndItsStickyQueueOnceTheServerIsThere) {
  options_.extra_activity_queues = {"queue@host-x"};
  MakeAndStart();
  EXPECT_EQ(worker_->state(), WorkerState::kRunning);
  const auto workflow_polls = service_.Open("PollWorkflowTaskQueue");
  ASSERT_THAT(workflow_polls, SizeIs(2));
  const auto sticky = workflow_polls[0]->As<ws::PollWorkflowTaskQueueRequest>();
  EXPECT_EQ(sticky.task_queue().name(), worker_->sticky_queue());
  EXPECT_EQ(sticky.task_queue().normal_name(), "queue");
  EXPECT_EQ(sticky.task_queue().kind(), temporal::api::enums::v1::TASK_QUEUE_KIND_STICKY);
  EXPECT_EQ(workflow_polls[1]->As<ws::PollWorkflowTaskQueueRequest>().task_queue().name(), "queue");
  EXPECT_EQ(workflow_polls[1]->options.timeout, 70s);
  const auto activity_polls = service_.Open("PollActivityTaskQueue");
  ASSERT_THAT(activity_polls, SizeIs(2));
  EXPECT_EQ(activity_polls[1]->As<ws::PollActivityTaskQueueRequest>().task_queue().name(), "queue@host-x");
}

TEST_F(WorkerTest, WaitsForTheServerAndSaysSoOnce) {
  service_.Always("GetSystemInfo", Unavailable("connection refused"));
  MakeAndStart();
  loop_.RunFor(60s);
  EXPECT_EQ(worker_->state(), WorkerState::kConnecting);
  EXPECT_GE(service_.Count("GetSystemInfo"), 5u);
  EXPECT_THAT(log_, ElementsAre(HasSubstr("connection refused")));
  EXPECT_THAT(service_.Calls("PollActivityTaskQueue"), IsEmpty());
  service_.Always("GetSystemInfo", ws::GetSystemInfoResponse());
  loop_.RunFor(11s);
  EXPECT_EQ(worker_->state(), WorkerState::kRunning);
}

TEST_F(WorkerTest, NamesTheNamespaceThatDoesNotExist) {
  options_.ns = "nowhere";
  service_.Always("DescribeNamespace", NotFound("no"));
  MakeAndStart();
  loop_.RunFor(60s);
  EXPECT_THAT(log_, ElementsAre(HasSubstr("namespace nowhere does not exist")));
}

TEST_F(WorkerTest, WithoutWorkflowsPollsForActivitiesOnly) {
  MakeAndStart(/*workflows=*/false);
  EXPECT_EQ(worker_->sticky_queue(), "");
  EXPECT_THAT(service_.Calls("PollWorkflowTaskQueue"), IsEmpty());
  EXPECT_THAT(service_.Open("PollActivityTaskQueue"), SizeIs(1));
}

TEST_F(WorkerTest, KeepsPollingWithGrowingDelaysWhileTheServerIsAwayAndSaysSoOnce) {
  MakeAndStart(false);
  log_.clear();
  service_.Always("PollActivityTaskQueue", Unavailable("restarting"));
  service_.Answer("PollActivityTaskQueue", Result<std::string>(Unavailable("restarting")));
  loop_.RunFor(60s);
  EXPECT_GE(service_.Count("PollActivityTaskQueue"), 8u);
  EXPECT_LE(service_.Count("PollActivityTaskQueue"), 30u);
  EXPECT_THAT(log_, ElementsAre(HasSubstr("restarting")));
  service_.Never("PollActivityTaskQueue");
  loop_.RunFor(11s);
  EXPECT_THAT(service_.Open("PollActivityTaskQueue"), SizeIs(1));
}

TEST_F(WorkerTest, EmptyAnswersThatComeTooSoonDoNotMakeAHotLoop) {
  service_.Always("PollActivityTaskQueue", ws::PollActivityTaskQueueResponse());
  MakeAndStart(false);
  loop_.RunFor(60s);
  EXPECT_LE(service_.Count("PollActivityTaskQueue"), 30u);
}

TEST_F(WorkerTest, AnEmptyAnswerAfterALongPollIsFollowedByTheNextPollAtOnce) {
  MakeAndStart(false);
  loop_.RunFor(60s);
  service_.Answer("PollActivityTaskQueue", ws::PollActivityTaskQueueResponse());
  loop_.RunReady();
  EXPECT_EQ(service_.Count("PollActivityTaskQueue"), 2u);
}

TEST_F(WorkerTest, TakesNoMoreActivitiesThanItHasSlots) {
  options_.max_concurrent_activities = 2;
  options_.activity_pollers = 5;
  MakeAndStart(false);
  EXPECT_THAT(service_.Open("PollActivityTaskQueue"), SizeIs(2));
  GiveActivity(ActivityTask());
  GiveActivity(ActivityTask());
  EXPECT_THAT(service_.Open("PollActivityTaskQueue"), IsEmpty());
  service_.Always("RespondActivityTaskCompleted", ws::RespondActivityTaskCompletedResponse());
  FinishActivity();
  EXPECT_THAT(service_.Open("PollActivityTaskQueue"), SizeIs(1));
}

TEST_F(WorkerTest, AFullQueueOfItsOwnDoesNotKeepItFromPollingTheOther) {
  options_.max_concurrent_activities = 1;
  options_.extra_activity_queues = {"other"};
  MakeAndStart(false);
  EXPECT_THAT(service_.Open("PollActivityTaskQueue"), SizeIs(2));
}

TEST_F(WorkerTest, DrainingLetsRunningActivitiesFinishAndReport) {
  MakeAndStart();
  GiveActivity(ActivityTask());
  bool stopped = false;
  loop_.OnLoop([&] { worker_->Shutdown([&] { stopped = true; }); });
  EXPECT_THAT(service_.Open("PollActivityTaskQueue"), IsEmpty());
  EXPECT_THAT(service_.Open("PollWorkflowTaskQueue"), IsEmpty());
  EXPECT_EQ(service_.Last<ws::ShutdownWorkerRequest>("ShutdownWorker").sticky_task_queue(), worker_->sticky_queue());
  EXPECT_FALSE(stopped);
  loop_.RunFor(30s);
  EXPECT_FALSE(executor_.items.front().context->IsCancelled());
  FinishActivity();
  EXPECT_FALSE(stopped);
  service_.Answer("RespondActivityTaskCompleted", ws::RespondActivityTaskCompletedResponse());
  loop_.RunReady();
  EXPECT_TRUE(stopped);
  EXPECT_EQ(worker_->state(), WorkerState::kStopped);
}

TEST_F(WorkerTest, DrainingCancelsWhatRunsTooLongAndReportsItAsRetryable) {
  options_.drain_timeout = 20s;
  activities_.RegisterErased("slow", [](sdk::ActivityContext& context, const nlohmann::json&) {
    return context.IsCancelled() ? sdk::ActivityResult<nlohmann::json>(sdk::ActivityCancelled{})
                                 : sdk::ActivityResult<nlohmann::json>(nlohmann::json("done"));
  });
  MakeAndStart(false);
  GiveActivity(ActivityTask("slow"));
  bool stopped = false;
  loop_.OnLoop([&] { worker_->Shutdown([&] { stopped = true; }); });
  loop_.RunFor(21s);
  EXPECT_TRUE(executor_.items.front().context->IsCancelled());
  FinishActivity();
  const auto failed = service_.Last<ws::RespondActivityTaskFailedRequest>("RespondActivityTaskFailed");
  EXPECT_EQ(failed.failure().application_failure_info().type(), "WORKER_STOPPING");
  EXPECT_FALSE(failed.failure().application_failure_info().non_retryable());
  service_.Answer("RespondActivityTaskFailed", ws::RespondActivityTaskFailedResponse());
  loop_.RunReady();
  EXPECT_TRUE(stopped);
}

TEST_F(WorkerTest, DrainingEndsEvenWhenAnActivityDoesNot) {
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  bool stopped = false;
  loop_.OnLoop([&] { worker_->Shutdown([&] { stopped = true; }); });
  loop_.RunFor(options_.drain_timeout + options_.cancel_grace);
  EXPECT_TRUE(stopped);
  EXPECT_THAT(log_, Contains(HasSubstr("1 activities unfinished")));
}

TEST_F(WorkerTest, ATaskThatCrossesTheShutdownIsStillDone) {
  MakeAndStart(false);
  service_.Answer("PollActivityTaskQueue", ActivityTask());
  bool stopped = false;
  service_.Always("RespondActivityTaskCompleted", ws::RespondActivityTaskCompletedResponse());
  // The answer is on its way when the polls are cancelled.
  loop_.OnLoop([&] { worker_->Shutdown([&] { stopped = true; }); });
  EXPECT_FALSE(stopped);
  FinishActivity();
  EXPECT_TRUE(stopped);
  EXPECT_EQ(worker_->stats().activities_completed, 1u);
}

TEST_F(WorkerTest, ShutDownWhileItStillWaitsForTheServerIsDoneAtOnce) {
  service_.Always("GetSystemInfo", Unavailable("no"));
  MakeAndStart();
  bool stopped = false;
  loop_.OnLoop([&] { worker_->Shutdown([&] { stopped = true; }); });
  EXPECT_TRUE(stopped);
  EXPECT_THAT(service_.Calls("ShutdownWorker"), IsEmpty());
}

TEST_F(WorkerTest, DestroyedInTheMiddleOfEverythingTouchesNothingAnyMore) {
  MakeAndStart();
  GiveActivity(ActivityTask());
  GiveWorkflowTask(WorkflowTask());
  executor_.items.front().context->Heartbeat(1);
  loop_.RunReady();
  loop_.OnLoop([this] { worker_.reset(); });
  FinishActivity();
  service_.Answer("RespondWorkflowTaskCompleted", Result<std::string>(Unavailable("gone")));
  service_.Answer("RecordActivityTaskHeartbeat", Result<std::string>(Unavailable("gone")));
  const size_t polls = service_.Count("PollActivityTaskQueue");
  loop_.RunFor(300s);
  EXPECT_EQ(service_.Count("PollActivityTaskQueue"), polls);
  EXPECT_THAT(service_.Calls("RespondActivityTaskCompleted"), IsEmpty());
}

}  // namespace
}  // namespace wfe::worker
