// Long polls: for tasks, for history; sticky queues; callers that leave.
#include <gmock/gmock.h>

#include "engine/base/proto_time.h"
#include "temporal/api/enums/v1/task_queue.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::HasSubstr;
namespace enums = temporal::api::enums::v1;

class Polling : public testing::EngineFixture {
 protected:
  GetWorkflowExecutionHistoryRequest HistoryRequest(const std::string& id) {
    GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(id);
    return request;
  }
  testing::Pending<GetWorkflowExecutionHistoryResponse> Read(const GetWorkflowExecutionHistoryRequest& request,
                                                             Duration timeout = 70s) {
    return Send<GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request, timeout);
  }
};

TEST_F(Polling, AnEmptyAnswerComesBeforeTheCallersDeadline) {  // pitfall 6, S100
  auto poll = PollWorkflow();                                  // deadline 70 s
  loop_.Advance(60s - 1ms);
  EXPECT_FALSE(poll.done());
  loop_.Advance(1ms);
  EXPECT_EQ(poll.Value().task_token(), "");

  PollActivityTaskQueueRequest request;
  request.set_namespace_("default");
  request.mutable_task_queue()->set_name("tq");
  auto brief = Send<PollActivityTaskQueueResponse>("PollActivityTaskQueue", request, 10s);
  loop_.Advance(8999ms);
  EXPECT_FALSE(brief.done());
  loop_.Advance(1ms);
  EXPECT_EQ(brief.Value().task_token(), "");
}

TEST_F(Polling, TheLongestWaitingPollerGetsTheTask) {
  auto first = PollWorkflow();
  auto second = PollWorkflow();
  StartWorkflow("w");
  EXPECT_TRUE(first.done());
  EXPECT_FALSE(second.done());
}

TEST_F(Polling, ADeadPollerNeverGetsATask) {  // pitfall 19
  auto dead = PollWorkflow();
  auto alive = PollWorkflow();
  dead.Cancel();
  StartWorkflow("w");
  EXPECT_TRUE(alive.done());
  EXPECT_EQ(alive.Value().workflow_execution().workflow_id(), "w");
}

TEST_F(Polling, ATaskThatMetALeavingCallerGoesToTheHeadOfTheQueue) {  // pitfall 19
  auto leaving = PollWorkflow();
  auto call = std::make_shared<testing::TestCall>(loop_.Now() + 70s);
  engine_->dispatcher().Dispatch(kService, "StartWorkflowExecution", StartRequest("first").SerializeAsString(), call);
  leaving.Cancel();  // while the start is on its way
  loop_.RunReady();
  StartWorkflow("second");
  EXPECT_EQ(PollWorkflow().Value().workflow_execution().workflow_id(), "first");
  EXPECT_EQ(PollWorkflow().Value().workflow_execution().workflow_id(), "second");
}

TEST_F(Polling, TasksOfATerminatedRunAreWithdrawn) {
  StartWorkflow("w");
  TerminateWorkflowExecutionRequest terminate;
  terminate.set_namespace_("default");
  terminate.mutable_workflow_execution()->set_workflow_id("w");
  Send<TerminateWorkflowExecutionResponse>("TerminateWorkflowExecution", terminate).Value();
  EXPECT_FALSE(PollWorkflow().done());
}

TEST_F(Polling, AStickyTaskThatNobodyTakesFallsBackWithTheFullHistory) {  // S45, pitfall 7
  StartWorkflow("w");
  IdleAfterFirstTask();
  auto sticky = PollSticky();  // seen lately, so the task waits for this worker
  sticky.Cancel();
  loop_.RunReady();
  Signal("w", "s").Value();
  auto normal = PollWorkflow();
  EXPECT_FALSE(normal.done());
  loop_.Advance(10s);
  ASSERT_TRUE(normal.done());
  EXPECT_EQ(normal.Value().history().events(0).event_id(), 1);
  EXPECT_THAT(EventNames("w"), HasSubstr("WorkflowExecutionSignaled WorkflowTaskScheduled WorkflowTaskTimedOut"));
}

TEST_F(Polling, AStickyQueueNobodyPollsIsPassedOver) {
  StartWorkflow("w");
  IdleAfterFirstTask();
  auto normal = PollWorkflow();
  Signal("w", "s").Value();
  ASSERT_TRUE(normal.done());
  EXPECT_EQ(normal.Value().history().events(0).event_id(), 1);
}

TEST_F(Polling, AWorkersGoodbyeMovesItsTasksToTheNormalQueue) {  // pitfall 7
  StartWorkflow("w");
  IdleAfterFirstTask();
  PollSticky().Cancel();
  loop_.RunReady();
  Signal("w", "s").Value();
  auto other_sticky = PollSticky();
  EXPECT_TRUE(other_sticky.done());  // the task was kept for the sticky queue

  Complete(Completion(other_sticky.Value())).Value();
  auto parked = PollSticky();
  ShutdownWorkerRequest shutdown;
  shutdown.set_namespace_("default");
  shutdown.set_sticky_task_queue("sticky");
  Send<ShutdownWorkerResponse>("ShutdownWorker", shutdown).Value();
  EXPECT_EQ(parked.Value().task_token(), "");
  auto normal = PollWorkflow();
  Signal("w", "s").Value();
  EXPECT_TRUE(normal.done());
}

TEST_F(Polling, ResetStickyGivesTheNextTaskToTheNormalQueue) {
  StartWorkflow("w");
  IdleAfterFirstTask();
  auto sticky = PollSticky();
  ResetStickyTaskQueueRequest reset;
  reset.set_namespace_("default");
  reset.mutable_execution()->set_workflow_id("w");
  Send<ResetStickyTaskQueueResponse>("ResetStickyTaskQueue", reset).Value();
  auto normal = PollWorkflow();
  Signal("w", "s").Value();
  EXPECT_TRUE(normal.done());
  EXPECT_FALSE(sticky.done());
}

TEST_F(Polling, AWorkflowTaskThatIsNotAnsweredIsOfferedAgain) {
  StartWorkflow("w");
  PollWorkflow().Value();
  auto next = PollWorkflow();
  loop_.Advance(10s);
  ASSERT_TRUE(next.done());
  EXPECT_EQ(next.Value().attempt(), 2);
  // Transient: its Scheduled and Started events are not stored yet, but the worker sees them (S42).
  EXPECT_EQ(next.Value().history().events().rbegin()->event_id(), next.Value().started_event_id());
  EXPECT_EQ(next.Value().history().events_size(), 6);
  Complete(Completion(next.Value())).Value();
}

TEST_F(Polling, AHistoryWaiterGetsNewEventsAndThenATokenToGoOn) {
  StartWorkflow("w");
  auto request = HistoryRequest("w");
  request.set_wait_new_event(true);
  auto first = Read(request).Value();
  EXPECT_EQ(first.history().events_size(), 2);
  ASSERT_NE(first.next_page_token(), "");
  request.set_next_page_token(first.next_page_token());
  auto waiting = Read(request);
  EXPECT_FALSE(waiting.done());
  Signal("w", "s").Value();
  ASSERT_TRUE(waiting.done());
  EXPECT_EQ(waiting.Value().history().events(0).event_id(), 3);
  EXPECT_NE(waiting.Value().next_page_token(), "");
}

// Pitfall 1
TEST_F(Polling, AWaitForTheCloseEndsEmptyWithATokenAndGoesOn) {
  StartWorkflow("w");
  auto request = HistoryRequest("w");
  request.set_wait_new_event(true);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  auto waiting = Read(request, 20s);
  Signal("w", "s").Value();
  EXPECT_FALSE(waiting.done());
  loop_.Advance(19s);
  ASSERT_TRUE(waiting.done());
  EXPECT_EQ(waiting.Value().history().events_size(), 0);
  ASSERT_NE(waiting.Value().next_page_token(), "");

  request.set_next_page_token(waiting.Value().next_page_token());
  auto again = Read(request);
  EXPECT_FALSE(again.done());
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = CompleteWorkflow();
  Complete(completion).Value();
  ASSERT_EQ(again.Value().history().events_size(), 1);
  EXPECT_TRUE(again.Value().history().events(0).has_workflow_execution_completed_event_attributes());
  EXPECT_EQ(again.Value().next_page_token(), "");
}

TEST_F(Polling, HistoriesComeInPages) {  // S52
  StartWorkflow("w");
  for (int i = 0; i < 300; ++i) Signal("w", "s").Value();
  auto request = HistoryRequest("w");
  auto page = Read(request).Value();
  EXPECT_EQ(page.history().events_size(), 256);
  request.set_next_page_token(page.next_page_token());
  page = Read(request).Value();
  EXPECT_EQ(page.history().events_size(), 302 - 256);
  EXPECT_EQ(page.history().events(0).event_id(), 257);
  EXPECT_EQ(page.next_page_token(), "");

  request = HistoryRequest("w");
  request.set_maximum_page_size(1);
  page = Read(request).Value();
  EXPECT_EQ(page.history().events_size(), 1);
  request.set_next_page_token("nonsense");
  EXPECT_EQ(Read(request).error().code, StatusCode::kInvalidArgument);
}

TEST_F(Polling, AHistoryReadsBackwardsInPages) {
  StartWorkflow("w");
  for (int i = 0; i < 8; ++i) Signal("w", "s").Value();
  GetWorkflowExecutionHistoryReverseRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id("w");
  request.set_maximum_page_size(4);
  std::vector<int64_t> ids;
  do {
    const auto page =
        Send<GetWorkflowExecutionHistoryReverseResponse>("GetWorkflowExecutionHistoryReverse", request).Value();
    for (const auto& event : page.history().events()) ids.push_back(event.event_id());
    request.set_next_page_token(page.next_page_token());
  } while (!request.next_page_token().empty());
  EXPECT_THAT(ids, ::testing::ElementsAre(10, 9, 8, 7, 6, 5, 4, 3, 2, 1));
}

TEST_F(Polling, ALongHistoryOfATaskIsPagedAndEndsWithItsStartedEvent) {
  StartWorkflow("w");
  for (int i = 0; i < 4; ++i) {
    SignalWorkflowExecutionRequest signal;
    signal.set_namespace_("default");
    signal.mutable_workflow_execution()->set_workflow_id("w");
    signal.set_signal_name("big");
    *signal.mutable_input() = Payloads(std::string(1 << 20, 'x'));
    Send<SignalWorkflowExecutionResponse>("SignalWorkflowExecution", signal).Value();
  }
  const auto task = PollWorkflow().Value();
  std::vector<int64_t> ids;
  for (const auto& event : task.history().events()) ids.push_back(event.event_id());
  ASSERT_NE(task.next_page_token(), "");
  auto request = HistoryRequest("w");
  request.mutable_execution()->set_run_id(task.workflow_execution().run_id());
  request.set_next_page_token(task.next_page_token());
  while (!request.next_page_token().empty()) {
    const auto page = Read(request).Value();
    for (const auto& event : page.history().events()) ids.push_back(event.event_id());
    request.set_next_page_token(page.next_page_token());
  }
  EXPECT_THAT(ids, ::testing::ElementsAre(1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(task.started_event_id(), 7);
}

TEST_F(Polling, AnIdleRunLeavesMemoryAndComesBackWhenItIsNeeded) {
  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = StartTimer("t", 1h);
  Complete(completion).Value();
  loop_.Advance(59min);
  auto poll = PollWorkflow();
  loop_.Advance(1min);
  // Poll answers hold at most a minute, and this one was parked at that very minute.
  if (poll.Value().task_token().empty()) poll = PollWorkflow();
  EXPECT_EQ(poll.Value().history().events(0).event_id(), 1);
  EXPECT_THAT(EventNames("w"), HasSubstr("TimerFired"));
}

TEST_F(Polling, TooManyPollersAreRefused) {  // F17
  engine_.reset();
  store_.reset();
  loop_.DropEverything();
  options_.shard.max_pollers_per_queue = 2;
  Boot();
  auto first = PollWorkflow();
  auto second = PollWorkflow();
  const Error error = PollWorkflow().error();
  EXPECT_EQ(error.code, StatusCode::kResourceExhausted);
  EXPECT_EQ(error.details.at(0).type_name, "temporal.api.errordetails.v1.ResourceExhaustedFailure");
  second.Cancel();
  loop_.RunReady();
  EXPECT_FALSE(PollWorkflow().done());
}

TEST_F(Polling, ABacklogBeyondItsLimitIsOfferedAgainWhenItDrains) {  // F17
  engine_.reset();
  store_.reset();
  loop_.DropEverything();
  options_.shard.max_backlog_per_queue = 4;
  Boot();
  for (int i = 0; i < 10; ++i) StartWorkflow("w" + std::to_string(i));
  for (int i = 0; i < 10; ++i) {
    auto poll = PollWorkflow();
    ASSERT_TRUE(poll.done()) << i;
    EXPECT_NE(poll.Value().task_token(), "");
  }
}

TEST_F(Polling, StoppingAnswersEverythingThatWaits) {
  StartWorkflow("w");
  auto request = HistoryRequest("w");
  request.set_wait_new_event(true);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  auto waiting = Read(request);
  auto poll = PollActivity();
  bool stopped = false;
  engine_->Stop([&] { stopped = true; });
  loop_.RunReady();
  EXPECT_TRUE(stopped);
  EXPECT_EQ(poll.Value().task_token(), "");
  EXPECT_EQ(waiting.error().code, StatusCode::kUnavailable);
  EXPECT_EQ(PollActivity().error().code, StatusCode::kUnavailable);
}

TEST_F(Polling, DescribeTaskQueueNamesThePollers) {
  auto poll = PollWorkflow();
  DescribeTaskQueueRequest request;
  request.set_namespace_("default");
  request.mutable_task_queue()->set_name("tq");
  request.set_task_queue_type(enums::TASK_QUEUE_TYPE_WORKFLOW);
  const auto described = Send<DescribeTaskQueueResponse>("DescribeTaskQueue", request).Value();
  ASSERT_EQ(described.pollers_size(), 1);
  EXPECT_EQ(described.pollers(0).identity(), "worker");
}

TEST_F(Polling, ThoseWhoWaitGoByTheMonotonicClock) {  // SEC-H3: the engine's own may be a day ahead, or slow
  ManualClock since_boot(Instant(1000s));
  monotonic_ = &since_boot;
  Crash();
  Boot();
  StartWorkflow("w");
  IdleAfterFirstTask();
  auto poll = PollWorkflow("another");
  auto request = HistoryRequest("w");
  request.set_wait_new_event(true);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  auto waiting = Read(request);
  DescribeTaskQueueRequest describe;
  describe.set_namespace_("default");
  describe.mutable_task_queue()->set_name("another");
  describe.set_task_queue_type(enums::TASK_QUEUE_TYPE_WORKFLOW);
  const auto described = Send<DescribeTaskQueueResponse>("DescribeTaskQueue", describe).Value();
  EXPECT_EQ(FromProto(described.pollers(0).last_access_time()), loop_.Now()) << "told on the engine's clock";
  EXPECT_FALSE(poll.done());
  EXPECT_FALSE(waiting.done());
  since_boot.Advance(61s);
  loop_.Advance(61s);
  EXPECT_EQ(poll.Value().task_token(), "");
  EXPECT_TRUE(waiting.done());
  engine_.reset();  // before the clock it was lent
}

}  // namespace
}  // namespace wfe
