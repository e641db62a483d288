// What nests too deep is cut or refused where it comes in, and what cannot be read keeps nobody else from being served.
#include <gmock/gmock.h>

#include "engine/base/proto_time.h"
#include "engine/history/nesting.h"
#include "engine/storage/keys.h"
#include "temporal/api/enums/v1/event_type.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using temporal::api::failure::v1::Failure;

Failure Chain(int causes) {
  Failure failure;
  Failure* at = &failure;
  for (int i = 0; i < causes; ++i) at = at->mutable_cause();
  at->set_message("the first");
  return failure;
}

int Causes(const Failure& failure) {
  int causes = 0;
  for (const Failure* at = &failure; at->has_cause(); at = &at->cause()) ++causes;
  return causes;
}

class Nesting : public testing::EngineFixture {
 protected:
  void KillAndStart() {
    Crash();
    Boot();
  }
  void Write(const std::string& key, std::string value) {
    storage::WriteSet rows;
    rows.puts.push_back({storage::Family::kState, key, std::move(value)});
    ASSERT_TRUE(disk_->Write({&rows}, true).has_value());
  }
  std::string StateKey(const std::string& workflow_id, const std::string& run_id) {
    return storage::keys::State({Namespace("default"), WorkflowId(workflow_id), RunId(run_id)}, true);
  }
  /// Runs an activity that fails with `failure` and is to be tried again.
  void FailAnActivity(const std::string& workflow_id, const Failure& failure) {
    StartWorkflow(workflow_id);
    auto completion = Completion(PollWorkflow().Value());
    *completion.add_commands() = ScheduleActivity("a");
    Complete(completion).Value();
    RespondActivityTaskFailedRequest failed;
    failed.set_namespace_("default");
    failed.set_task_token(PollActivity().Value().task_token());
    *failed.mutable_failure() = failure;
    Send<RespondActivityTaskFailedResponse>("RespondActivityTaskFailed", failed).Value();
  }
};

TEST_F(Nesting, AStoreMadeByARequestOfNinetyNineCausesOpensAgain) {  // SEC-C2
  std::string run_id;
  for (const int causes : {20, 55, 60, 90, 97, 98, 100, 500, 99}) {
    auto request = StartRequest("w" + std::to_string(causes));
    request.mutable_retry_policy()->set_maximum_attempts(3);
    *request.mutable_workflow_run_timeout() = ToProto(1h);
    *request.mutable_continued_failure() = Chain(causes);
    run_id = Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", request).Value().run_id();
  }
  loop_.Advance(1min);  // out of the cache
  KillAndStart();
  EXPECT_THAT(log_.warnings(), IsEmpty());
  // Every client reads the answer with protobuf's own limit.
  EXPECT_EQ(Causes(History("w20")[0].workflow_execution_started_event_attributes().continued_failure()), 20);
  EXPECT_EQ(Causes(History("w99")[0].workflow_execution_started_event_attributes().continued_failure()),
            history::kMaxCauses);
  loop_.Advance(61min);  // they time out
  EXPECT_THAT(EventNames("w99", run_id), HasSubstr("WorkflowExecutionTimedOut"));
}

TEST_F(Nesting, AWorkerThatWrapsAnErrorAHundredTimesIsHeard) {  // SEC-C2
  FailAnActivity("w", Chain(100));
  loop_.Advance(1min);
  KillAndStart();
  DescribeWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id("w");
  const auto described = Send<DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request).Value();
  EXPECT_EQ(Causes(described.pending_activities(0).last_failure()), history::kMaxCauses);
  EXPECT_THAT(log_.warnings(), IsEmpty());
}

TEST_F(Nesting, AFailureOfAWorkflowThatIsTooDeepIsCutAndReadByEveryone) {  // SEC-C2
  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  auto& command = *completion.add_commands();
  command.set_command_type(temporal::api::enums::v1::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION);
  *command.mutable_fail_workflow_execution_command_attributes()->mutable_failure() = Chain(98);
  Complete(completion).Value();
  KillAndStart();
  const auto last = History("w").back();
  EXPECT_EQ(Causes(last.workflow_execution_failed_event_attributes().failure()), history::kMaxCauses);
}

TEST_F(Nesting, AnActivityMayTimeOutAnyNumberOfTimes) {  // SEC-C2: each timeout has the one before as its cause
  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  auto& command = *completion.add_commands() = ScheduleActivity("a");
  auto& attributes = *command.mutable_schedule_activity_task_command_attributes();
  *attributes.mutable_start_to_close_timeout() = ToProto(1s);
  *attributes.mutable_retry_policy()->mutable_initial_interval() = ToProto(1s);
  attributes.mutable_retry_policy()->set_backoff_coefficient(1);
  *completion.mutable_commands(0) = command;
  Complete(completion).Value();
  for (int i = 0; i < 130; ++i) {
    auto poll = PollActivity();
    loop_.Advance(2s);
    ASSERT_EQ(poll.Value().attempt(), i + 1);
  }
  KillAndStart();
  EXPECT_THAT(log_.warnings(), IsEmpty());
}

/// Unknown fields are kept, so they count: groups in groups, as field 1000 of the request.
std::string NestedGroups(int depth) {
  std::string bytes;
  for (int i = 0; i < depth; ++i) bytes += "\xc3\x3e";
  for (int i = 0; i < depth; ++i) bytes += "\xc4\x3e";
  return bytes;
}

TEST_F(Nesting, WhatNestsTooDeepWithoutBeingAFailureIsRefused) {  // SEC-C2
  for (const int depth : {50, 70, 99, 1500, 100'000}) {
    auto call = std::make_shared<testing::TestCall>(loop_.Now() + 1min);
    const std::string bytes = StartRequest("w" + std::to_string(depth)).SerializeAsString() + NestedGroups(depth);
    engine_->dispatcher().Dispatch(kService, "StartWorkflowExecution", bytes, call);
    loop_.RunReady();
    const auto& reply = call->reply();
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->has_value(), depth == 50) << depth;
    if (depth != 50) {
      EXPECT_EQ(reply->error().code, StatusCode::kInvalidArgument);
    }
  }
  loop_.Advance(1min);
  KillAndStart();
  EXPECT_EQ(History("w50").size(), 2u);
}

TEST_F(Nesting, AStateThatAnOlderVersionStoredTooDeepIsRead) {  // SEC-C2
  const std::string run_id = StartWorkflow("w");
  const std::string key = StateKey("w", run_id);
  Crash();
  engine::v1::MutableState state;
  ASSERT_TRUE(state.ParseFromString(disk_->Get(storage::Family::kState, key).value()));
  *state.mutable_folded()->mutable_started()->mutable_continued_failure() = Chain(99);
  Write(key, state.SerializeAsString());
  Boot();
  EXPECT_THAT(log_.warnings(), IsEmpty());
  EXPECT_EQ(PollWorkflow().Value().workflow_execution().run_id(), run_id);
}

TEST_F(Nesting, ARunThatCannotBeReadIsNamedAndKeepsNobodyElseFromBeingServed) {  // SEC-C2, F6
  const std::string broken = StartWorkflow("broken");
  const std::string sound = StartWorkflow("sound");
  Crash();
  Write(StateKey("broken", broken), "\x0a\xff\xff no state");
  Boot();
  EXPECT_THAT(log_.warnings(), Contains(AllOf(HasSubstr("broken"), HasSubstr("left alone"))));
  EXPECT_EQ(PollWorkflow().Value().workflow_execution().run_id(), sound);
  EXPECT_EQ(Signal("broken", "s").error().code, StatusCode::kDataLoss);
  Signal("sound", "s").Value();
  loop_.Advance(2min);
  EXPECT_EQ(Signal("broken", "s").error().code, StatusCode::kDataLoss);
  StartWorkflow("another");
}

TEST_F(Nesting, ARunThatTurnsUnreadableWhileItSleepsLosesItsTimerAndNothingElse) {  // SEC-C2, F6
  auto request = StartRequest("broken");
  *request.mutable_workflow_run_timeout() = ToProto(10min);
  const std::string run_id =
      Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", request).Value().run_id();
  loop_.Advance(1min);  // out of the cache
  Write(StateKey("broken", run_id), "\x0a\xff\xff no state");
  loop_.Advance(10min);
  EXPECT_THAT(log_.warnings(), Contains(HasSubstr("broken")));
  StartWorkflow("another");
}

TEST_F(Nesting, AScheduleThatCannotBeReadIsNamedAndCanBeDeleted) {  // SEC-C2, F6
  Write(storage::keys::Schedule("default", "broken"), "\x0a\xff\xff no schedule");
  KillAndStart();
  EXPECT_THAT(log_.warnings(), Contains(HasSubstr("schedule default/broken")));
  DescribeScheduleRequest describe;
  describe.set_namespace_("default");
  describe.set_schedule_id("broken");
  EXPECT_EQ(Send<DescribeScheduleResponse>("DescribeSchedule", describe).error().code, StatusCode::kDataLoss);
  DeleteScheduleRequest remove;
  remove.set_namespace_("default");
  remove.set_schedule_id("broken");
  Send<DeleteScheduleResponse>("DeleteSchedule", remove).Value();
  EXPECT_EQ(Send<DescribeScheduleResponse>("DescribeSchedule", describe).error().code, StatusCode::kNotFound);
  log_.Clear();
  KillAndStart();
  EXPECT_THAT(log_.warnings(), IsEmpty());
}

TEST_F(Nesting, AScheduleWhoseTimeZoneIsNoLongerKnownIsNamedAndCanBeDeleted) {  // SEC-C2, SEC-H1
  engine::v1::ScheduleRow row;
  row.set_namespace_("default");
  row.set_schedule_id("piped");
  row.mutable_schedule()->mutable_spec()->set_timezone_name("/tmp/a-pipe");
  Write(storage::keys::Schedule("default", "piped"), row.SerializeAsString());
  KillAndStart();
  EXPECT_THAT(log_.warnings(), Contains(HasSubstr("schedule default/piped")));
  StartWorkflow("another");
}

}  // namespace
}  // namespace wfe
