// Whole workflows through the Dispatcher: the calls an SDK makes, in its order.
#include <gmock/gmock.h>

#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;

class WorkflowFlow : public testing::EngineFixture {};

TEST_F(WorkflowFlow, OneActivityRunsFromStartToResult) {
  ASSERT_TRUE(Send<testing::ws::GetSystemInfoResponse>("GetSystemInfo", testing::ws::GetSystemInfoRequest())
                  .Value()
                  .capabilities()
                  .eager_workflow_start());
  const std::string run_id = StartWorkflow("w");

  testing::ws::GetWorkflowExecutionHistoryRequest wait;
  wait.set_namespace_("default");
  wait.mutable_execution()->set_workflow_id("w");
  wait.set_wait_new_event(true);
  wait.set_history_event_filter_type(temporal::api::enums::v1::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  auto result = Send<testing::ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", wait);
  EXPECT_FALSE(result.done());

  const auto first = PollWorkflow().Value();
  EXPECT_EQ(first.workflow_execution().run_id(), run_id);
  EXPECT_EQ(first.history().events_size(), 3);
  EXPECT_EQ(first.started_event_id(), 3);
  EXPECT_EQ(first.previous_started_event_id(), 0);
  EXPECT_EQ(first.attempt(), 1);

  auto completion = Completion(first);
  *completion.add_commands() = ScheduleActivity("1");
  Complete(completion).Value();

  auto sticky = PollSticky();
  const auto activity = PollActivity().Value();
  EXPECT_EQ(activity.activity_id(), "1");
  EXPECT_EQ(activity.attempt(), 1);
  EXPECT_EQ(activity.input().payloads(0).data(), "activity input");
  CompleteActivity(activity.task_token()).Value();

  const auto second = sticky.Value();
  EXPECT_EQ(second.previous_started_event_id(), 3);
  ASSERT_EQ(second.history().events_size(), 6);
  EXPECT_EQ(second.history().events(0).event_id(), 4);
  EXPECT_EQ(second.history().events(5).event_id(), second.started_event_id());

  completion = Completion(second);
  *completion.add_commands() = CompleteWorkflow();
  Complete(completion).Value();

  const auto closed = result.Value();
  ASSERT_EQ(closed.history().events_size(), 1);
  EXPECT_TRUE(closed.history().events(0).has_workflow_execution_completed_event_attributes());
  EXPECT_EQ(closed.next_page_token(), "");
  EXPECT_EQ(EventNames("w"),
            "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskCompleted "
            "ActivityTaskScheduled ActivityTaskStarted ActivityTaskCompleted WorkflowTaskScheduled "
            "WorkflowTaskStarted WorkflowTaskCompleted WorkflowExecutionCompleted");
}

}  // namespace
}  // namespace wfe
