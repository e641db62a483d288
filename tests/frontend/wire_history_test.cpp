// Histories as Temporal's SDKs read them (docs/reference/wire-faults.md); the values are a real server's, 1.29.1.
#include <gmock/gmock.h>

#include "engine/base/proto_time.h"
#include "temporal/api/enums/v1/event_type.pb.h"
#include "temporal/api/enums/v1/failed_cause.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace enums = temporal::api::enums::v1;
using temporal::api::history::v1::HistoryEvent;

class WireHistory : public testing::EngineFixture {
 protected:
  GetWorkflowExecutionHistoryRequest Read(const std::string& id, const std::string& run_id = {}) {
    GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(id);
    request.mutable_execution()->set_run_id(run_id);
    return request;
  }
  testing::Pending<GetWorkflowExecutionHistoryResponse> Get(const GetWorkflowExecutionHistoryRequest& request) {
    return Send<GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request);
  }
  static std::vector<int64_t> Ids(const temporal::api::history::v1::History& history) {
    std::vector<int64_t> ids;
    for (const HistoryEvent& event : history.events()) ids.push_back(event.event_id());
    return ids;
  }
  DescribeWorkflowExecutionResponse Describe(const std::string& id) {
    DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(id);
    return Send<DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request).Value();
  }
  static temporal::api::command::v1::Command FailWorkflow() {
    temporal::api::command::v1::Command command;
    command.set_command_type(enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION);
    command.mutable_fail_workflow_execution_command_attributes()->mutable_failure()->set_message("no");
    return command;
  }
};

// WIRE-F1: the Go SDK reads info.GetSearchAttributes().IndexedFields of any run.
TEST_F(WireHistory, DescribeHasEmptySearchAttributesMemoAndResetPointsInsteadOfNone) {
  StartWorkflow("w");
  const auto info = Describe("w").workflow_execution_info();
  EXPECT_TRUE(info.has_search_attributes());
  EXPECT_TRUE(info.has_memo());
  EXPECT_TRUE(info.has_auto_reset_points());
}

// WIRE-F2: a worker that lost the run from its cache reads the history itself, up to the Started event of its task.
TEST_F(WireHistory, WhileATaskIsOutTheHistoryEndsWithItsStart) {
  StartWorkflow("w");
  EXPECT_THAT(Ids(Get(Read("w")).Value().history()), ElementsAre(1, 2));
  const auto task = PollWorkflow().Value();
  const auto page = Get(Read("w")).Value();
  EXPECT_THAT(Ids(page.history()), ElementsAre(1, 2, 3));
  EXPECT_EQ(page.history().events(2).SerializeAsString(), task.history().events(2).SerializeAsString());
  EXPECT_EQ(Describe("w").workflow_execution_info().history_length(), 3);

  auto paged = Read("w");
  paged.set_maximum_page_size(1);
  std::vector<int64_t> ids;
  do {
    const auto one = Get(paged).Value();
    for (const int64_t id : Ids(one.history())) ids.push_back(id);
    paged.set_next_page_token(one.next_page_token());
  } while (!paged.next_page_token().empty());
  EXPECT_THAT(ids, ElementsAre(1, 2, 3));

  GetWorkflowExecutionHistoryReverseRequest reverse;
  reverse.set_namespace_("default");
  reverse.mutable_execution()->set_workflow_id("w");
  const auto backwards =
      Send<GetWorkflowExecutionHistoryReverseResponse>("GetWorkflowExecutionHistoryReverse", reverse).Value();
  EXPECT_THAT(Ids(backwards.history()), ElementsAre(3, 2, 1));

  auto completion = Completion(task);
  *completion.add_commands() = ScheduleActivity("1");
  Complete(completion).Value();
  EXPECT_EQ(Get(Read("w")).Value().history().events(2).SerializeAsString(),
            page.history().events(2).SerializeAsString());
}

// WIRE-F2: whoever waits is told of the start when it happens, and of nothing twice.
TEST_F(WireHistory, WhoWaitsForEventsGetsTheStartOfATaskOnceAndThenWhatFollows) {
  StartWorkflow("w");
  auto request = Read("w");
  request.set_wait_new_event(true);
  auto answer = Get(request).Value();
  EXPECT_THAT(Ids(answer.history()), ElementsAre(1, 2));

  request.set_next_page_token(answer.next_page_token());
  auto waiting = Get(request);
  EXPECT_FALSE(waiting.done());
  const auto task = PollWorkflow().Value();
  ASSERT_TRUE(waiting.done());
  EXPECT_THAT(Ids(waiting.Value().history()), ElementsAre(3));

  request.set_next_page_token(waiting.Value().next_page_token());
  waiting = Get(request);
  EXPECT_FALSE(waiting.done());
  auto completion = Completion(task);
  *completion.add_commands() = ScheduleActivity("1");
  Complete(completion).Value();
  EXPECT_THAT(Ids(waiting.Value().history()), ElementsAre(4, 5));
}

// WIRE-F2: the start was promised, not stored; after a crash its id may belong to another event, which is not skipped.
TEST_F(WireHistory, AStartThatACrashUndidDoesNotHideWhatTookItsPlace) {
  StartWorkflow("w");
  PollWorkflow().Value();
  Signal("w", "go").Value();  // buffered behind the task
  auto request = Read("w");
  request.set_wait_new_event(true);
  const auto before = Get(request).Value();
  EXPECT_THAT(Ids(before.history()), ElementsAre(1, 2, 3));

  Crash();
  Boot();
  request.set_next_page_token(before.next_page_token());
  const auto after = Get(request).Value();
  ASSERT_THAT(Ids(after.history()), ElementsAre(3));
  EXPECT_TRUE(after.history().events(0).has_workflow_execution_signaled_event_attributes());
}

// WIRE-F2: Temporal shows 4 events here, and gives the worker 6.
TEST_F(WireHistory, TheEventsOfATransientTaskAreForItsWorkerAlone) {
  StartWorkflow("w");
  RespondWorkflowTaskFailedRequest failed;
  failed.set_namespace_("default");
  failed.set_task_token(PollWorkflow().Value().task_token());
  failed.set_cause(enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE);
  Send<RespondWorkflowTaskFailedResponse>("RespondWorkflowTaskFailed", failed).Value();
  EXPECT_EQ(PollWorkflow().Value().history().events_size(), 6);
  EXPECT_THAT(Ids(Get(Read("w")).Value().history()), ElementsAre(1, 2, 3, 4));
}

// WIRE-F3: Go's TestCancelActivityImmediately, through the service.
TEST_F(WireHistory, CancellingAWaitingActivityDoesNotMoveTheEventsOfLaterCommands) {
  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = ScheduleActivity("A");
  auto& cancel = *completion.add_commands();
  cancel.set_command_type(enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK);
  cancel.mutable_request_cancel_activity_task_command_attributes()->set_scheduled_event_id(5);
  *completion.add_commands() = ScheduleActivity("B");
  Complete(completion).Value();
  EXPECT_THAT(EventNames("w"), HasSubstr("ActivityTaskScheduled ActivityTaskCancelRequested ActivityTaskScheduled "
                                         "ActivityTaskCanceled WorkflowTaskScheduled"));
  const auto canceled = History("w")[7].activity_task_canceled_event_attributes();
  EXPECT_EQ(canceled.details().payloads(0).data(), "\"ACTIVITY_ID_NOT_STARTED\"");
  EXPECT_EQ(PollActivity().Value().activity_id(), "B");
}

// WIRE-F4: Java, and every client that does not say `follows-next-run-id`.
TEST_F(WireHistory, ToWhoDoesNotFollowRunsARetriedFailureLooksContinuedAsNew) {
  auto start = StartRequest("w");
  start.mutable_retry_policy()->set_maximum_attempts(2);
  const std::string run = Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", start).Value().run_id();
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = FailWorkflow();
  Complete(completion).Value();

  auto request = Read("w", run);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  request.set_wait_new_event(true);
  const HistoryEvent told = Get(request).Value().history().events(0);
  ASSERT_TRUE(told.has_workflow_execution_failed_event_attributes());

  const auto java = std::make_shared<testing::TestCall>(loop_.Now() + 60s, /*features=*/"");
  engine_->dispatcher().Dispatch(kService, "GetWorkflowExecutionHistory", request.SerializeAsString(), java);
  loop_.RunReady();
  const HistoryEvent event = testing::Pending<GetWorkflowExecutionHistoryResponse>(java).Value().history().events(0);
  ASSERT_TRUE(event.has_workflow_execution_continued_as_new_event_attributes());
  const auto& continued = event.workflow_execution_continued_as_new_event_attributes();
  EXPECT_EQ(event.event_id(), told.event_id());
  EXPECT_EQ(FromProto(event.event_time()), FromProto(told.event_time()));
  EXPECT_EQ(continued.new_execution_run_id(),
            told.workflow_execution_failed_event_attributes().new_execution_run_id());
  EXPECT_EQ(continued.failure().message(), "no");

  // The last attempt is told as it ended.
  loop_.Advance(1s);
  completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = FailWorkflow();
  Complete(completion).Value();
  request.mutable_execution()->set_run_id(continued.new_execution_run_id());
  const auto last = std::make_shared<testing::TestCall>(loop_.Now() + 60s, /*features=*/"");
  engine_->dispatcher().Dispatch(kService, "GetWorkflowExecutionHistory", request.SerializeAsString(), last);
  loop_.RunReady();
  EXPECT_TRUE(testing::Pending<GetWorkflowExecutionHistoryResponse>(last)
                  .Value()
                  .history()
                  .events(0)
                  .has_workflow_execution_failed_event_attributes());
}

// A page that is not in memory is read on another thread: whoever comes next at the shard is served meanwhile.
TEST_F(WireHistory, AReadOfStoredEventsHoldsNoShard) {  // F16
  StartWorkflow("w");
  IdleAfterFirstTask();
  loop_.Advance(20s);  // it leaves memory
  const auto read = [&](const std::string& method, const auto& request) {
    auto call = std::make_shared<testing::TestCall>(loop_.Now() + 70s);
    bool held = false;
    // Whatever the shards do for the call is done before these run; the blocking executor's turn is after them.
    blocking_strand_.Post([&] {
      engine_->dispatcher().Dispatch(kService, method, request.SerializeAsString(), call);
      for (auto& strand : shard_strands_) strand.Post([&] { held = held || call->reply().has_value(); });
    });
    loop_.RunReady();
    EXPECT_FALSE(held) << method;
    EXPECT_TRUE(call->reply().has_value() && call->reply()->has_value()) << method;
  };
  read("GetWorkflowExecutionHistory", Read("w"));
  GetWorkflowExecutionHistoryReverseRequest reverse;
  reverse.set_namespace_("default");
  reverse.mutable_execution()->set_workflow_id("w");
  reverse.set_maximum_page_size(100);
  read("GetWorkflowExecutionHistoryReverse", reverse);
}

}  // namespace
}  // namespace wfe
