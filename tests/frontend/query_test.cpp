// Queries in all their ways (S64-S68, pitfall 2).
#include <gmock/gmock.h>

#include "temporal/api/enums/v1/query.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::HasSubstr;
namespace enums = temporal::api::enums::v1;

class Queries : public testing::EngineFixture {
 protected:
  testing::Pending<RespondQueryTaskCompletedResponse> Answer(const PollWorkflowTaskQueueResponse& task,
                                                             const std::string& text) {
    RespondQueryTaskCompletedRequest request;
    request.set_namespace_("default");
    request.set_task_token(task.task_token());
    request.set_completed_type(enums::QUERY_RESULT_TYPE_ANSWERED);
    *request.mutable_query_result() = Payloads(text);
    return Send<RespondQueryTaskCompletedResponse>("RespondQueryTaskCompleted", request);
  }
  void AddResult(RespondWorkflowTaskCompletedRequest& completion, const std::string& id, const std::string& text) {
    auto& result = (*completion.mutable_query_results())[id];
    result.set_result_type(enums::QUERY_RESULT_TYPE_ANSWERED);
    *result.mutable_answer() = Payloads(text);
  }
  static std::string Text(const QueryWorkflowResponse& response) { return response.query_result().payloads(0).data(); }
};

TEST_F(Queries, AnIdleRunIsAskedThroughItsStickyQueueWithoutHistory) {
  StartWorkflow("w");
  IdleAfterFirstTask();
  auto poll = PollSticky();
  auto query = Query("w", "status");
  const auto task = poll.Value();
  EXPECT_EQ(task.query().query_type(), "status");
  EXPECT_EQ(task.history().events_size(), 0);
  EXPECT_EQ(task.workflow_execution().workflow_id(), "w");
  EXPECT_FALSE(query.done());
  Answer(task, "fine").Value();
  EXPECT_EQ(Text(query.Value()), "fine");
  EXPECT_EQ(Answer(task, "again").error().code, StatusCode::kNotFound);
}

TEST_F(Queries, WithoutAStickyWorkerTheNormalQueueGetsTheFullHistory) {
  StartWorkflow("w");
  IdleAfterFirstTask();
  auto poll = PollWorkflow();
  auto query = Query("w", "status");
  const auto task = poll.Value();
  EXPECT_EQ(task.history().events_size(), 4);
  EXPECT_EQ(task.previous_started_event_id(), 3);
  Answer(task, "fine").Value();
  EXPECT_EQ(Text(query.Value()), "fine");
}

TEST_F(Queries, AStickyWorkerThatDoesNotTakeTheQueryIsPassedOver) {
  StartWorkflow("w");
  IdleAfterFirstTask();
  auto sticky = PollSticky();
  sticky.Cancel();
  loop_.RunReady();
  auto query = Query("w", "status");
  auto poll = PollWorkflow();
  EXPECT_FALSE(poll.done());
  loop_.Advance(10s);
  EXPECT_EQ(poll.Value().query().query_type(), "status");
}

TEST_F(Queries, AQueryWhileATaskIsPendingRidesOnIt) {  // pitfall 2
  StartWorkflow("w");
  auto query = Query("w", "status");
  EXPECT_FALSE(query.done());
  const auto task = PollWorkflow().Value();
  ASSERT_EQ(task.queries_size(), 1);
  EXPECT_FALSE(task.has_query());
  EXPECT_EQ(task.queries().begin()->second.query_type(), "status");
  auto completion = Completion(task);
  AddResult(completion, task.queries().begin()->first, "rode");
  Complete(completion).Value();
  EXPECT_EQ(Text(query.Value()), "rode");
}

TEST_F(Queries, AQueryWhileATaskIsHeldWaitsAndIsThenAskedAlone) {  // pitfall 2
  StartWorkflow("w");
  auto sticky = PollSticky();
  const auto task = PollWorkflow().Value();
  auto query = Query("w", "status");
  EXPECT_FALSE(sticky.done());
  EXPECT_EQ(task.queries_size(), 0);
  Complete(Completion(task)).Value();
  const auto query_task = sticky.Value();
  EXPECT_EQ(query_task.query().query_type(), "status");
  EXPECT_EQ(query_task.previous_started_event_id(), 3);
  Answer(query_task, "fresh").Value();
  EXPECT_EQ(Text(query.Value()), "fresh");
}

TEST_F(Queries, AQueryBehindAHeldTaskRidesOnTheNextWhenThereIsOne) {
  StartWorkflow("w");
  auto sticky = PollSticky();
  const auto task = PollWorkflow().Value();
  auto query = Query("w", "status");
  Signal("w", "s").Value();
  Complete(Completion(task)).Value();
  const auto next = sticky.Value();
  ASSERT_EQ(next.queries_size(), 1);
  EXPECT_GT(next.history().events_size(), 0);
  auto completion = Completion(next);
  AddResult(completion, next.queries().begin()->first, "after the signal");
  Complete(completion).Value();
  EXPECT_EQ(Text(query.Value()), "after the signal");
}

TEST_F(Queries, AQueryLeftUnansweredByItsTaskGetsOneOfItsOwn) {
  StartWorkflow("w");
  auto query = Query("w", "status");
  auto sticky = PollSticky();
  const auto task = PollWorkflow().Value();
  ASSERT_EQ(task.queries_size(), 1);
  Complete(Completion(task)).Value();
  Answer(sticky.Value(), "alone").Value();
  EXPECT_EQ(Text(query.Value()), "alone");
}

TEST_F(Queries, OnlyOneIsBufferedBehindATask) {  // S65
  StartWorkflow("w");
  auto first = Query("w", "status");
  EXPECT_FALSE(first.done());
  const Error second = Query("w", "status").error();
  EXPECT_EQ(second.code, StatusCode::kResourceExhausted);
  EXPECT_THAT(second.message, HasSubstr("buffer is full"));
  first.Cancel();
  EXPECT_FALSE(Query("w", "status").done());
}

TEST_F(Queries, WithoutAnyPollerItFailsAtOnce) {  // S67
  StartWorkflow("w");
  IdleAfterFirstTask();
  loop_.Advance(21s);
  const Error error = Query("w", "status").error();
  EXPECT_EQ(error.code, StatusCode::kFailedPrecondition);
  EXPECT_THAT(error.message, HasSubstr("no poller seen"));
}

TEST_F(Queries, ARunWhoseTaskKeepsFailingCannotBeAsked) {  // S67
  StartWorkflow("w");
  for (int attempt = 1; attempt < 3; ++attempt) {
    RespondWorkflowTaskFailedRequest failed;
    failed.set_namespace_("default");
    failed.set_task_token(PollWorkflow().Value().task_token());
    failed.set_cause(enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR);
    Send<RespondWorkflowTaskFailedResponse>("RespondWorkflowTaskFailed", failed).Value();
  }
  const Error error = Query("w", "status").error();
  EXPECT_EQ(error.code, StatusCode::kFailedPrecondition);
  EXPECT_EQ(error.details.at(0).type_name, "temporal.api.errordetails.v1.WorkflowNotReadyFailure");
}

TEST_F(Queries, AClosedRunIsStillAnswered) {  // S68, S66
  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = CompleteWorkflow();
  Complete(completion).Value();
  auto poll = PollWorkflow();
  auto query = Query("w", "status");
  const auto task = poll.Value();
  EXPECT_EQ(task.history().events_size(), 5);
  Answer(task, "closed").Value();
  EXPECT_EQ(Text(query.Value()), "closed");

  QueryWorkflowRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id("w");
  request.mutable_query()->set_query_type("status");
  request.set_query_reject_condition(enums::QUERY_REJECT_CONDITION_NOT_OPEN);
  EXPECT_EQ(Send<QueryWorkflowResponse>("QueryWorkflow", request).Value().query_rejected().status(),
            enums::WORKFLOW_EXECUTION_STATUS_COMPLETED);
  request.set_query_reject_condition(enums::QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY);
  EXPECT_FALSE(Send<QueryWorkflowResponse>("QueryWorkflow", request).done());
}

TEST_F(Queries, AnUnknownHandlerIsInvalidArgumentWithAQueryFailure) {
  StartWorkflow("w");
  IdleAfterFirstTask();
  auto poll = PollWorkflow();
  auto query = Query("w", "nonsense");
  RespondQueryTaskCompletedRequest request;
  request.set_namespace_("default");
  request.set_task_token(poll.Value().task_token());
  request.set_completed_type(enums::QUERY_RESULT_TYPE_FAILED);
  request.set_error_message("unknown query nonsense");
  Send<RespondQueryTaskCompletedResponse>("RespondQueryTaskCompleted", request).Value();
  EXPECT_EQ(query.error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(query.error().message, "unknown query nonsense");
  EXPECT_EQ(query.error().details.at(0).type_name, "temporal.api.errordetails.v1.QueryFailedFailure");
}

TEST_F(Queries, AWorkerThatNeverAnswersMeansDeadlineExceeded) {
  StartWorkflow("w");
  IdleAfterFirstTask();
  auto poll = PollWorkflow();
  auto query = Query("w", "status");
  poll.Value();
  loop_.Advance(30s);
  EXPECT_EQ(query.error().code, StatusCode::kDeadlineExceeded);
}

TEST_F(Queries, AQueryTaskDoesNotOvertakeAWorkflowTaskThatCameMeanwhile) {  // pitfall 2
  StartWorkflow("w");
  IdleAfterFirstTask();
  PollWorkflow().Cancel();  // somebody polls this queue
  auto query = Query("w", "status");
  Signal("w", "s").Value();
  const auto task = PollWorkflow().Value();
  EXPECT_FALSE(task.has_query());
  ASSERT_EQ(task.queries_size() + PollWorkflow().done(), 1);
}

}  // namespace
}  // namespace wfe
