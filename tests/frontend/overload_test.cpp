// A server with too much to do refuses what comes, with a cause, and no text is without a limit (F5, F17, SEC-M1 to
// SEC-M3).
#include <gmock/gmock.h>

#include "temporal/api/errordetails/v1/message.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace enums = temporal::api::enums::v1;

enums::ResourceExhaustedCause CauseOf(const Error& error) {
  temporal::api::errordetails::v1::ResourceExhaustedFailure failure;
  EXPECT_EQ(error.code, StatusCode::kResourceExhausted) << error.ToString();
  EXPECT_TRUE(error.details.size() == 1 && failure.ParseFromString(error.details[0].bytes));
  return failure.cause();
}

class AdmissionOfTheEngine : public testing::EngineFixture {
 protected:
  void Restart() {
    Crash();
    Boot();
  }
};

TEST_F(AdmissionOfTheEngine, EveryAnsweredCallIsCountedOut) {  // F17
  options_.admission.max_calls = 3;
  Restart();
  StartWorkflow("w");
  for (int i = 0; i < 10; ++i) Signal("w", "s").Value();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Signal("nobody", "s").error().code, StatusCode::kNotFound);
  auto parked = PollWorkflow("empty");
  auto another = PollWorkflow("empty");
  Signal("w", "s").Value();
  auto third = PollWorkflow("empty");
  EXPECT_THAT(Signal("w", "s").error().message, HasSubstr("3 calls are in progress"));
  parked.Cancel();
  loop_.RunReady();
  Signal("w", "s").Value();
  loop_.Advance(61s);  // the polls end
  for (int i = 0; i < 10; ++i) Signal("w", "s").Value();
}

TEST_F(AdmissionOfTheEngine, ADiskThatDoesNotKeepUpRefusesCallsUntilItDoes) {  // F5
  options_.admission.max_pending_commits = 4;
  Restart();
  auto idle = std::exchange(loop_.when_idle, [] { return false; });  // the disk hangs
  std::vector<testing::Pending<StartWorkflowExecutionResponse>> pending;
  for (int i = 0; i < 5; ++i) {
    pending.push_back(
        Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", StartRequest("w" + std::to_string(i))));
    EXPECT_FALSE(pending.back().done());
  }
  const auto refused = Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", StartRequest("late"));
  EXPECT_EQ(CauseOf(refused.error()), enums::RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED);
  EXPECT_THAT(log_.warnings(), ElementsAre(HasSubstr("does not keep up")));
  loop_.when_idle = std::move(idle);
  loop_.Advance(2s);  // told without any call
  EXPECT_EQ(log_.Of("disk_keeps_up").size(), 1U);
  for (const auto& start : pending) start.Value();
  StartWorkflow("late");
}

TEST_F(AdmissionOfTheEngine, HeartbeatsOfTwoMegabytesAreBoundedByWhatTheDiskTakes) {  // F17
  options_.admission.max_pending_commit_bytes = 16 << 20;
  Restart();
  std::vector<std::string> tokens;
  for (int i = 0; i < 30; ++i) {
    StartWorkflow("w" + std::to_string(i));
    auto completion = Completion(PollWorkflow().Value());
    *completion.add_commands() = ScheduleActivity("a");
    Complete(completion).Value();
    tokens.push_back(PollActivity().Value().task_token());
  }
  const auto idle = std::exchange(loop_.when_idle, [] { return false; });
  int refused = 0;
  for (const std::string& token : tokens) {
    RecordActivityTaskHeartbeatRequest beat;
    beat.set_namespace_("default");
    beat.set_task_token(token);
    *beat.mutable_details() = Payloads(std::string(2'000'000, 'x'));
    const auto answer = Send<RecordActivityTaskHeartbeatResponse>("RecordActivityTaskHeartbeat", beat);
    if (answer.done()) refused += CauseOf(answer.error()) == enums::RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED;
  }
  EXPECT_GE(refused, 20);
  EXPECT_LE(store_->stage().pending_bytes(), static_cast<size_t>(options_.admission.max_pending_commit_bytes) + (3 << 20));
}

TEST_F(AdmissionOfTheEngine, OfAHundredThousandPollersAsManyWaitAsMayAndTheRestIsRefused) {  // F17
  int refused = 0;
  std::vector<testing::Pending<PollWorkflowTaskQueueResponse>> polls;
  for (int i = 0; i < 100'000; ++i) {
    polls.push_back(PollWorkflow("queue-" + std::to_string(i % 50)));
    if (!polls.back().done()) continue;
    EXPECT_EQ(polls.back().error().code, StatusCode::kResourceExhausted);
    ++refused;
    polls.pop_back();
  }
  EXPECT_EQ(refused, 100'000 - options_.shard.max_pollers);
  StartWorkflow("w");
  loop_.Advance(61s);
  for (const auto& poll : polls) EXPECT_TRUE(poll.done());
}

TEST_F(AdmissionOfTheEngine, ListsWaitInAQueueOfBoundedLengthAndKeepNobodyWaiting) {  // SEC-M1
  options_.admission.max_blocking_calls = 3;
  Restart();
  ListWorkflowExecutionsRequest list;
  list.set_namespace_("default");
  std::vector<std::shared_ptr<testing::TestCall>> calls;
  for (int i = 0; i < 5; ++i) {  // none runs before all are there
    calls.push_back(std::make_shared<testing::TestCall>(loop_.Now() + 10s));
    engine_->dispatcher().Dispatch(kService, "ListWorkflowExecutions", list.SerializeAsString(), calls.back());
  }
  EXPECT_FALSE(calls[2]->reply().has_value());
  ASSERT_TRUE(calls[3]->reply().has_value() && calls[4]->reply().has_value());
  EXPECT_THAT(calls[4]->reply()->error().message, HasSubstr("max_blocking_queue"));
  loop_.RunReady();
  EXPECT_TRUE(calls[0]->reply()->has_value() && calls[2]->reply()->has_value());
  EXPECT_TRUE(Send<ListWorkflowExecutionsResponse>("ListWorkflowExecutions", list).Get());
}

TEST_F(AdmissionOfTheEngine, APageOfAListEndsAtItsBytes) {  // SEC-M1
  options_.max_list_page_bytes = 10'000;
  Restart();
  for (int i = 0; i < 10; ++i) {
    auto request = StartRequest("w" + std::to_string(i));
    (*request.mutable_memo()->mutable_fields())["m"].set_data(std::string(4000, 'm'));
    Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", request).Value();
  }
  ListWorkflowExecutionsRequest list;
  list.set_namespace_("default");
  int found = 0;
  int pages = 0;
  do {
    const auto page = Send<ListWorkflowExecutionsResponse>("ListWorkflowExecutions", list).Value();
    EXPECT_LE(page.ByteSizeLong(), 16'000U);
    found += page.executions_size();
    list.set_next_page_token(page.next_page_token());
    ++pages;
  } while (!list.next_page_token().empty());
  EXPECT_EQ(found, 10);
  EXPECT_GE(pages, 4);
}

TEST_F(AdmissionOfTheEngine, NamespacesHaveANumberAndADescriptionOfBoundedLength) {  // SEC-M1
  options_.max_namespaces = 3;
  Restart();
  RegisterNamespaceRequest request;
  request.set_namespace_("big");
  request.set_description(std::string(4'000'000, 'd'));
  EXPECT_EQ(Send<RegisterNamespaceResponse>("RegisterNamespace", request).error().message,
            "Description length exceeds limit of 4096 bytes.");
  request.clear_description();
  for (const char* name : {"a", "b"}) {
    request.set_namespace_(name);
    Send<RegisterNamespaceResponse>("RegisterNamespace", request).Value();
  }
  request.set_namespace_("c");
  EXPECT_THAT(Send<RegisterNamespaceResponse>("RegisterNamespace", request).error().message,
              HasSubstr("max_namespaces"));
}

TEST_F(AdmissionOfTheEngine, NoTextOfARequestIsStoredWithoutALimit) {  // SEC-M3
  const std::string run_id = StartWorkflow("w");
  const std::string big(1001, 'x');
  auto start = StartRequest("other");
  start.set_identity(big);
  EXPECT_EQ(Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", start).error().message,
            "Identity length exceeds limit of 1000 bytes.");
  RequestCancelWorkflowExecutionRequest cancel;
  cancel.set_namespace_("default");
  cancel.mutable_workflow_execution()->set_workflow_id("w");
  cancel.set_request_id(big);
  EXPECT_EQ(Send<RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", cancel).error().code,
            StatusCode::kInvalidArgument);
  cancel.clear_request_id();
  cancel.set_reason(std::string(4097, 'r'));
  EXPECT_EQ(Send<RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", cancel).error().message,
            "Reason length exceeds limit of 4096 bytes.");
  cancel.set_reason(std::string(4096, 'r'));
  Send<RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", cancel).Value();
  auto completion = Completion(PollWorkflow().Value());
  completion.set_identity(big);
  EXPECT_EQ(Complete(completion).error().code, StatusCode::kInvalidArgument);
}

TEST_F(AdmissionOfTheEngine, AnErrorQuotesNoMoreThanABeginning) {  // SEC-M2
  const std::string big(20'000, 'x');
  ListWorkflowExecutionsRequest list;
  list.set_namespace_("default");
  list.set_query(big + " = 'a'");
  const Error error = Send<ListWorkflowExecutionsResponse>("ListWorkflowExecutions", list).error();
  EXPECT_EQ(error.code, StatusCode::kInvalidArgument);
  EXPECT_LT(error.message.size(), 1100U);
  CreateScheduleRequest create;
  create.set_namespace_("default");
  create.set_schedule_id("s");
  auto& action = *create.mutable_schedule()->mutable_action()->mutable_start_workflow();
  action.set_workflow_id("w");
  action.mutable_workflow_type()->set_name("T");
  action.mutable_task_queue()->set_name("tq");
  create.mutable_schedule()->mutable_spec()->add_cron_string(big);
  const Error refused = Send<CreateScheduleResponse>("CreateSchedule", create).error();
  EXPECT_THAT(refused.message, HasSubstr("(20000 bytes)"));
  EXPECT_LT(refused.message.size(), 500U);
}

TEST_F(AdmissionOfTheEngine, WhatAnErrorCarriesFitsIntoItsHeaders) {  // SEC-M2: a worker's failure of a query
  StartWorkflow("w");
  IdleAfterFirstTask();
  auto poll = PollWorkflow();
  auto query = Query("w", "q");
  const auto task = poll.Value();
  RespondQueryTaskCompletedRequest answer;
  answer.set_namespace_("default");
  answer.set_task_token(task.task_token());
  answer.set_completed_type(enums::QUERY_RESULT_TYPE_FAILED);
  answer.set_error_message(std::string(100'000, 'e'));
  answer.mutable_failure()->set_stack_trace(std::string(1'000'000, 's'));
  Send<RespondQueryTaskCompletedResponse>("RespondQueryTaskCompleted", answer).Value();
  const Error error = query.error();
  EXPECT_LT(error.message.size(), 1100U);
  ASSERT_EQ(error.details.size(), 1U);
  EXPECT_LT(error.details[0].bytes.size(), 2000U);
}

}  // namespace
}  // namespace wfe
