// Activities through the Dispatcher: retries, heartbeats, tokens, answers by id.
#include <gmock/gmock.h>

#include "temporal/api/enums/v1/event_type.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
namespace enums = temporal::api::enums::v1;

class Activities : public testing::EngineFixture {
 protected:
  /// A run "w" whose first task scheduled one activity.
  void StartWithActivity(temporal::api::command::v1::Command command) {
    StartWorkflow("w");
    auto completion = Completion(PollWorkflow().Value());
    *completion.add_commands() = std::move(command);
    Complete(completion).Value();
  }

  testing::Pending<RespondActivityTaskFailedResponse> Fail(const std::string& token, const std::string& message) {
    RespondActivityTaskFailedRequest request;
    request.set_namespace_("default");
    request.set_task_token(token);
    request.mutable_failure()->set_message(message);
    request.mutable_failure()->mutable_application_failure_info()->set_type("Flaky");
    return Send<RespondActivityTaskFailedResponse>("RespondActivityTaskFailed", request);
  }

  testing::Pending<RecordActivityTaskHeartbeatResponse> Heartbeat(const std::string& token,
                                                                  const std::string& details) {
    RecordActivityTaskHeartbeatRequest request;
    request.set_namespace_("default");
    request.set_task_token(token);
    *request.mutable_details() = Payloads(details);
    return Send<RecordActivityTaskHeartbeatResponse>("RecordActivityTaskHeartbeat", request);
  }
};

// S17, S20, S30
TEST_F(Activities, AFailedAttemptIsOfferedAgainAfterItsBackoffAndWritesNoEvent) {
  StartWithActivity(ScheduleActivity("1"));
  Fail(PollActivity().Value().task_token(), "once").Value();

  auto poll = PollActivity();
  EXPECT_FALSE(poll.done());
  loop_.Advance(999ms);
  EXPECT_FALSE(poll.done());
  loop_.Advance(1ms);
  ASSERT_TRUE(poll.done());
  EXPECT_EQ(poll.Value().attempt(), 2);

  Fail(poll.Value().task_token(), "twice").Value();
  poll = PollActivity();
  loop_.Advance(2s);
  EXPECT_EQ(poll.Value().attempt(), 3);
  CompleteActivity(poll.Value().task_token()).Value();
  PollWorkflow().Value();

  for (const auto& event : History("w")) {
    if (!event.has_activity_task_started_event_attributes()) continue;
    EXPECT_EQ(event.activity_task_started_event_attributes().attempt(), 3);
    EXPECT_EQ(event.activity_task_started_event_attributes().last_failure().message(), "twice");
  }
}

TEST_F(Activities, AnAnswerForAnOldAttemptIsNotFound) {  // pitfall 8, F10
  StartWithActivity(ScheduleActivity("1"));
  const std::string stale = PollActivity().Value().task_token();
  loop_.Advance(12s);  // start-to-close 10 s, back-off 1 s
  const auto second = PollActivity().Value();
  EXPECT_EQ(second.attempt(), 2);

  const Error error = CompleteActivity(stale).error();
  EXPECT_EQ(error.code, StatusCode::kNotFound);
  ASSERT_EQ(error.details.size(), 1U);
  EXPECT_EQ(error.details[0].type_name, "temporal.api.errordetails.v1.NotFoundFailure");
  CompleteActivity(second.task_token()).Value();
}

TEST_F(Activities, AnEagerActivityComesWithTheCompletionAndNotThroughThePoll) {  // R2, S40
  StartWorkflow("w");
  auto command = ScheduleActivity("1");
  command.mutable_schedule_activity_task_command_attributes()->set_request_eager_execution(true);
  auto poll = PollActivity();
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = command;
  const auto answer = Complete(completion).Value();
  ASSERT_EQ(answer.activity_tasks_size(), 1);
  EXPECT_EQ(answer.activity_tasks(0).input().payloads(0).data(), "activity input");
  EXPECT_TRUE(answer.activity_tasks(0).has_started_time());
  EXPECT_FALSE(poll.done());
  CompleteActivity(answer.activity_tasks(0).task_token()).Value();
  EXPECT_EQ(PollWorkflow().Value().history().events_size(), 9);
}

TEST_F(Activities, HeartbeatDetailsReachTheNextAttempt) {  // S28
  auto command = ScheduleActivity("1");
  command.mutable_schedule_activity_task_command_attributes()->mutable_heartbeat_timeout()->set_seconds(3);
  StartWithActivity(command);
  const auto first = PollActivity().Value();
  EXPECT_FALSE(Heartbeat(first.task_token(), "half").Value().cancel_requested());
  loop_.Advance(3s);
  loop_.Advance(1s);
  const auto second = PollActivity().Value();
  EXPECT_EQ(second.attempt(), 2);
  EXPECT_EQ(second.heartbeat_details().payloads(0).data(), "half");
}

TEST_F(Activities, ACancelRequestIsSeenByTheHeartbeat) {  // S34
  StartWithActivity(ScheduleActivity("1"));
  const auto task = PollActivity().Value();
  Signal("w", "go").Value();
  auto completion = Completion(PollWorkflow().Value());
  auto& command = *completion.add_commands();
  command.set_command_type(enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK);
  command.mutable_request_cancel_activity_task_command_attributes()->set_scheduled_event_id(5);
  Complete(completion).Value();

  EXPECT_TRUE(Heartbeat(task.task_token(), "x").Value().cancel_requested());
  RespondActivityTaskCanceledRequest canceled;
  canceled.set_namespace_("default");
  canceled.set_task_token(task.task_token());
  Send<RespondActivityTaskCanceledResponse>("RespondActivityTaskCanceled", canceled).Value();
  EXPECT_THAT(EventNames("w"), ::testing::HasSubstr("ActivityTaskCanceled"));
}

TEST_F(Activities, AnActivityIsCompletedByItsId) {  // S35
  StartWithActivity(ScheduleActivity("by-id"));
  PollActivity().Value();
  RespondActivityTaskCompletedByIdRequest request;
  request.set_namespace_("default");
  request.set_workflow_id("w");
  request.set_activity_id("by-id");
  *request.mutable_result() = Payloads("r");
  Send<RespondActivityTaskCompletedByIdResponse>("RespondActivityTaskCompletedById", request).Value();
  EXPECT_THAT(EventNames("w"), ::testing::HasSubstr("ActivityTaskStarted ActivityTaskCompleted"));

  request.set_activity_id("unknown");
  EXPECT_EQ(Send<RespondActivityTaskCompletedByIdResponse>("RespondActivityTaskCompletedById", request).error().code,
            StatusCode::kNotFound);
}

TEST_F(Activities, ATimedOutActivityLeavesItsQueue) {
  auto command = ScheduleActivity("1");
  command.mutable_schedule_activity_task_command_attributes()->mutable_schedule_to_start_timeout()->set_seconds(1);
  StartWithActivity(command);
  loop_.Advance(1s);
  EXPECT_THAT(EventNames("w"), ::testing::HasSubstr("ActivityTaskTimedOut"));
  auto poll = PollActivity();
  EXPECT_FALSE(poll.done());
}

// Security test S3: forged, flipped, foreign tokens.
TEST_F(Activities, AForgedTokenIsRefusedAndChangesNothing) {
  StartWithActivity(ScheduleActivity("1"));
  const std::string token = PollActivity().Value().task_token();
  const std::string before = EventNames("w");

  for (size_t i = 0; i < token.size(); ++i) {
    std::string flipped = token;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    const StatusCode code = CompleteActivity(flipped).error().code;
    EXPECT_TRUE(code == StatusCode::kPermissionDenied || code == StatusCode::kInvalidArgument) << i;
  }
  EXPECT_EQ(CompleteActivity("").error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(CompleteActivity("x").error().code, StatusCode::kInvalidArgument);

  RespondWorkflowTaskCompletedRequest wrong_kind;
  wrong_kind.set_namespace_("default");
  wrong_kind.set_task_token(token);
  EXPECT_EQ(Complete(wrong_kind).error().code, StatusCode::kPermissionDenied);

  RegisterNamespaceRequest other;
  other.set_namespace_("other");
  Send<RegisterNamespaceResponse>("RegisterNamespace", other).Value();
  RespondActivityTaskCompletedRequest wrong_namespace;
  wrong_namespace.set_namespace_("other");
  wrong_namespace.set_task_token(token);
  EXPECT_EQ(Send<RespondActivityTaskCompletedResponse>("RespondActivityTaskCompleted", wrong_namespace).error().code,
            StatusCode::kPermissionDenied);

  EXPECT_EQ(EventNames("w"), before);
  CompleteActivity(token).Value();
}

}  // namespace
}  // namespace wfe
