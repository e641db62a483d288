// Activities of a worker: outcomes, heartbeats, cancellation, retries (S28, S29, S34, EN-9, AC-1).
#include "engine/base/usage_meter.h"
#include "tests/workers/worker_fixture.h"
#include "workers/core/payload_codec.h"

namespace wfe::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class WorkerActivityTest : public WorkerTest {
 protected:
  sdk::ActivityContext& context() { return *executor_.items.front().context; }
  void Beat(const nlohmann::json& details) {
    context().Heartbeat(details);
    loop_.RunReady();
  }
  size_t Beats() const { return service_.Count("RecordActivityTaskHeartbeat"); }
  ws::RespondActivityTaskFailedRequest LastFailure() const {
    return service_.Last<ws::RespondActivityTaskFailedRequest>("RespondActivityTaskFailed");
  }
  void Register(const std::string& name, sdk::ActivityFunction function) {
    activities_.RegisterErased(name, std::move(function));
  }
};

TEST_F(WorkerActivityTest, ResultsAreReportedAndTheAcknowledgementIsTold) {
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  EXPECT_EQ(context().info().activity_type, "echo");
  EXPECT_EQ(context().info().task_queue, "queue");
  EXPECT_EQ(context().info().heartbeat_timeout, 10s);
  FinishActivity();
  const auto completed = service_.Last<ws::RespondActivityTaskCompletedRequest>("RespondActivityTaskCompleted");
  EXPECT_EQ(completed.task_token(), "token-echo");
  EXPECT_EQ(*core::DecodePayloads(completed.result()), nlohmann::json("hello"));
  EXPECT_THAT(acknowledged_, IsEmpty());
  service_.Answer("RespondActivityTaskCompleted", ws::RespondActivityTaskCompletedResponse());
  loop_.RunReady();
  EXPECT_THAT(acknowledged_, ElementsAre("run-1/a1"));
}

TEST_F(WorkerActivityTest, ResultsCarryWhatTheirAttemptsUsedWhereThatIsMeasured) {  // PF-4
  const auto notes = [&](const std::string& input) {
    GiveActivity(ActivityTask("echo", input));
    FinishActivity();
    service_.Answer("RespondActivityTaskCompleted", ws::RespondActivityTaskCompletedResponse());
    loop_.RunReady();
    return service_.Last<ws::RespondActivityTaskCompletedRequest>("RespondActivityTaskCompleted")
        .result()
        .payloads(0)
        .metadata();
  };
  options_.measures_usage = true;
  Register("echo", [](sdk::ActivityContext&, const nlohmann::json& input) {
    UsageMeter::AddProcess(1500ms, 3 << 20);
    return sdk::ActivityResult<nlohmann::json>(input);
  });
  MakeAndStart(false);
  const auto measured = notes("1");
  EXPECT_NEAR(std::stod(measured.at(kCpuNote)), 1500, 200);
  EXPECT_EQ(measured.at(kMemoryNote), "3.000");
}

TEST_F(WorkerActivityTest, ResultsCarryNoUsageUnlessItIsMeasured) {  // PF-4, EN-14
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  FinishActivity();
  const auto completed = service_.Last<ws::RespondActivityTaskCompletedRequest>("RespondActivityTaskCompleted");
  EXPECT_FALSE(completed.result().payloads(0).metadata().contains(kCpuNote));
}

// A restart of the server loses no result.
TEST_F(WorkerActivityTest, ResultsAreReportedAgainUntilTheServerIsBack) {
  service_.Always("RespondActivityTaskCompleted", Unavailable("restarting"));
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  FinishActivity();
  loop_.RunFor(40s);
  EXPECT_EQ(worker_->stats().running_activities, 1u);
  service_.Always("RespondActivityTaskCompleted", ws::RespondActivityTaskCompletedResponse());
  loop_.RunFor(10s);
  EXPECT_EQ(worker_->stats().activities_completed, 1u);
  EXPECT_EQ(worker_->stats().running_activities, 0u);
  EXPECT_THAT(acknowledged_, SizeIs(1));
}

TEST_F(WorkerActivityTest, ReportsAreGivenUpSomeTimeAfterTheAttemptsDeadline) {
  service_.Always("RespondActivityTaskCompleted", Unavailable("gone for good"));
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  FinishActivity();
  loop_.RunFor(200s);
  EXPECT_EQ(worker_->stats().activities_refused, 1u);
  EXPECT_EQ(worker_->stats().running_activities, 0u);
  EXPECT_THAT(acknowledged_, IsEmpty());
}

TEST_F(WorkerActivityTest, AResultThatTheServerDoesNotKnowAnyMoreIsDropped) {
  service_.Always("RespondActivityTaskCompleted", NotFound("no such attempt"));
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  FinishActivity();
  EXPECT_EQ(service_.Count("RespondActivityTaskCompleted"), 1u);
  EXPECT_EQ(worker_->stats().activities_refused, 1u);
  EXPECT_THAT(acknowledged_, IsEmpty());
}

TEST_F(WorkerActivityTest, AResultThatIsRefusedFailsTheActivityForGood) {
  service_.Always("RespondActivityTaskCompleted", InvalidArgument("payload of 3000000 bytes, at most 2097152"));
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  FinishActivity();
  EXPECT_THAT(LastFailure().failure().message(), HasSubstr("3000000"));
  EXPECT_TRUE(LastFailure().failure().application_failure_info().non_retryable());
}

// WIRE-F10: what is too large is said once, not sent again until the attempt times out.
TEST_F(WorkerActivityTest, AResultThatIsTooLargeFailsTheActivityForGood) {
  service_.Always("RespondActivityTaskCompleted",
                  ResourceExhausted("grpc: received message larger than max (5000000 vs. 4194304)"));
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  FinishActivity();
  EXPECT_EQ(service_.Count("RespondActivityTaskCompleted"), 1u);
  EXPECT_THAT(LastFailure().failure().message(), HasSubstr("5000000"));
  EXPECT_TRUE(LastFailure().failure().application_failure_info().non_retryable());
}

TEST_F(WorkerActivityTest, HeartbeatDetailsThatAreTooLargeAreLeftOut) {
  service_.Always("RecordActivityTaskHeartbeat",
                  ResourceExhausted("grpc: received message larger than max (5000000 vs. 4194304)"));
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  Beat("much");
  loop_.RunFor(1s);
  EXPECT_EQ(Beats(), 2u);
  EXPECT_FALSE(
      service_.Last<ws::RecordActivityTaskHeartbeatRequest>("RecordActivityTaskHeartbeat").has_details());
}

TEST_F(WorkerActivityTest, AnUnknownTypeIsARetryableFailureThatListsTheKnownOnes) {
  Register("build", [](sdk::ActivityContext&, const nlohmann::json&) {
    return sdk::ActivityResult<nlohmann::json>(nlohmann::json());
  });
  MakeAndStart(false);
  GiveActivity(ActivityTask("paint"));
  EXPECT_THAT(LastFailure().failure().message(), HasSubstr("no activity type paint; registered: build, echo"));
  EXPECT_FALSE(LastFailure().failure().application_failure_info().non_retryable());
}

TEST_F(WorkerActivityTest, FailuresKeepTypeDelayAndDetails) {
  Register("fail", [](sdk::ActivityContext&, const nlohmann::json&) {
    return sdk::ActivityResult<nlohmann::json>(sdk::ApplicationFailure{
        .message = "busy", .type = "RATE_LIMITED", .non_retryable = false, .next_retry_delay = 7s, .details = 42});
  });
  MakeAndStart(false);
  GiveActivity(ActivityTask("fail"));
  FinishActivity();
  const auto failure = LastFailure();
  const auto& info = failure.failure().application_failure_info();
  EXPECT_EQ(LastFailure().failure().message(), "busy");
  EXPECT_EQ(info.type(), "RATE_LIMITED");
  EXPECT_EQ(info.next_retry_delay().seconds(), 7);
  EXPECT_EQ(*core::DecodePayloads(info.details()), nlohmann::json(42));
}

TEST_F(WorkerActivityTest, ExceptionsBecomeRetryableFailures) {
  Register("throw", [](sdk::ActivityContext&, const nlohmann::json&) -> sdk::ActivityResult<nlohmann::json> {
    throw std::runtime_error("disk on fire");
  });
  MakeAndStart(false);
  GiveActivity(ActivityTask("throw"));
  FinishActivity();
  EXPECT_THAT(LastFailure().failure().message(), HasSubstr("disk on fire"));
  EXPECT_FALSE(LastFailure().failure().application_failure_info().non_retryable());
}

TEST_F(WorkerActivityTest, AResultThatIsNoUtf8IsAFailureNotACrash) {
  Register("binary", [](sdk::ActivityContext&, const nlohmann::json&) {
    return sdk::ActivityResult<nlohmann::json>(nlohmann::json("\xff\xfe"));
  });
  MakeAndStart(false);
  GiveActivity(ActivityTask("binary"));
  FinishActivity();
  EXPECT_EQ(LastFailure().failure().application_failure_info().type(), "INVALID_RESULT");
}

// S29, RW-D11: 0.8 of the timeout, but never more than 3 s: cancels are learned from the answers.
TEST_F(WorkerActivityTest, HeartbeatsAreThrottledAndTheLatestDetailsSent) {
  service_.Always("RecordActivityTaskHeartbeat", ws::RecordActivityTaskHeartbeatResponse());
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  Beat(1);
  EXPECT_EQ(Beats(), 1u);
  for (int i = 2; i <= 50; ++i) Beat(i);
  loop_.RunFor(2900ms);
  EXPECT_EQ(Beats(), 1u);
  loop_.RunFor(100ms);
  EXPECT_EQ(Beats(), 2u);
  const auto last = service_.Last<ws::RecordActivityTaskHeartbeatRequest>("RecordActivityTaskHeartbeat");
  EXPECT_EQ(*core::DecodePayloads(last.details()), nlohmann::json(50));
  loop_.RunFor(30s);
  EXPECT_EQ(Beats(), 2u) << "without news there is nothing to say";
}

TEST_F(WorkerActivityTest, AShortHeartbeatTimeoutShortensTheThrottle) {
  service_.Always("RecordActivityTaskHeartbeat", ws::RecordActivityTaskHeartbeatResponse());
  MakeAndStart(false);
  auto task = ActivityTask();
  task.mutable_heartbeat_timeout()->set_seconds(2);
  GiveActivity(task);
  Beat(1);
  Beat(2);
  loop_.RunFor(1599ms);
  EXPECT_EQ(Beats(), 1u);
  loop_.RunFor(1ms);
  EXPECT_EQ(Beats(), 2u);
}

// The watchdog (RW-D1): an activity that promised heartbeats and is silent is named, once for each silence.
TEST_F(WorkerActivityTest, AnActivityThatKeepsSilentForItsHeartbeatTimeoutIsNamed) {
  service_.Always("RecordActivityTaskHeartbeat", ws::RecordActivityTaskHeartbeatResponse());
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  log_.clear();
  loop_.RunFor(9s);
  Beat(1);
  loop_.RunFor(9s);
  EXPECT_THAT(log_, IsEmpty());
  EXPECT_EQ(worker_->stats().silent_activities, 0u);
  loop_.RunFor(1s);
  ASSERT_THAT(log_, SizeIs(1));
  EXPECT_THAT(log_[0], HasSubstr("activity echo (a1) of workflow w, run run-1 has not sent a heartbeat for 10 s"));
  EXPECT_EQ(worker_->stats().silent_activities, 1u);
  loop_.RunFor(30s);
  EXPECT_THAT(log_, SizeIs(1)) << "one silence is named once";
  Beat(2);
  loop_.RunFor(10s);
  EXPECT_EQ(worker_->stats().silent_activities, 2u) << "the next one is another";
}

TEST_F(WorkerActivityTest, AnActivityThatEndsOrPromisesNothingIsNotNamed) {
  MakeAndStart(false);
  auto task = ActivityTask();
  task.clear_heartbeat_timeout();
  GiveActivity(task);
  GiveActivity(ActivityTask());
  executor_.items.pop_front();
  FinishActivity();
  loop_.RunFor(90s);
  EXPECT_EQ(worker_->stats().silent_activities, 0u);
}

TEST_F(WorkerActivityTest, HeartbeatsWithoutATimeoutAreSentEvery3Seconds) {
  service_.Always("RecordActivityTaskHeartbeat", ws::RecordActivityTaskHeartbeatResponse());
  MakeAndStart(false);
  auto task = ActivityTask();
  task.clear_heartbeat_timeout();
  GiveActivity(task);
  Beat(1);
  Beat(2);
  loop_.RunFor(2900ms);
  EXPECT_EQ(Beats(), 1u);
  loop_.RunFor(100ms);
  EXPECT_EQ(Beats(), 2u);
}

// S28: the details that the throttle held back ride with the failure.
TEST_F(WorkerActivityTest, TheLastDetailsAreFlushedWithAFailure) {
  Register("fail", [](sdk::ActivityContext&, const nlohmann::json&) {
    return sdk::ActivityResult<nlohmann::json>(Unavailable("try again"));
  });
  service_.Always("RecordActivityTaskHeartbeat", ws::RecordActivityTaskHeartbeatResponse());
  MakeAndStart(false);
  GiveActivity(ActivityTask("fail"));
  Beat(1);
  Beat(2);
  FinishActivity();
  EXPECT_EQ(*core::DecodePayloads(LastFailure().last_heartbeat_details()), nlohmann::json(2));
}

TEST_F(WorkerActivityTest, DetailsOfTheAttemptBeforeAreAtHand) {
  MakeAndStart(false);
  auto task = ActivityTask();
  GiveActivity(task);
  EXPECT_FALSE(context().LastHeartbeatDetails().has_value());
  *task.mutable_heartbeat_details() = core::EncodePayloads("half");
  GiveActivity(task);
  EXPECT_EQ(executor_.items.back().context->LastHeartbeatDetails(), nlohmann::json("half"));
}

TEST_F(WorkerActivityTest, AHeartbeatThatIsLostIsSentAgainSoon) {
  service_.Always("RecordActivityTaskHeartbeat", Unavailable("restarting"));
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  Beat(1);
  service_.Always("RecordActivityTaskHeartbeat", ws::RecordActivityTaskHeartbeatResponse());
  loop_.RunFor(1s);
  EXPECT_EQ(Beats(), 2u);
  EXPECT_FALSE(context().IsCancelled());
}

// S34: cancellation comes with a heartbeat's answer.
TEST_F(WorkerActivityTest, ACancellationReachesTheActivityAndIsReportedAsOne) {
  Register("wait", [](sdk::ActivityContext& activity, const nlohmann::json&) {
    EXPECT_TRUE(activity.WaitForCancel(0s));
    return sdk::ActivityResult<nlohmann::json>(sdk::ActivityCancelled{.details = "cleaned up"});
  });
  ws::RecordActivityTaskHeartbeatResponse cancel;
  cancel.set_cancel_requested(true);
  service_.Always("RecordActivityTaskHeartbeat", cancel);
  MakeAndStart(false);
  GiveActivity(ActivityTask("wait"));
  Beat(nullptr);
  EXPECT_TRUE(context().IsCancelled());
  FinishActivity();
  const auto cancelled = service_.Last<ws::RespondActivityTaskCanceledRequest>("RespondActivityTaskCanceled");
  EXPECT_EQ(*core::DecodePayloads(cancelled.details()), nlohmann::json("cleaned up"));
}

TEST_F(WorkerActivityTest, AnAttemptThatTheServerForgotIsCancelledAndNotReported) {
  service_.Always("RecordActivityTaskHeartbeat", NotFound("timed out"));
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  Beat(1);
  EXPECT_TRUE(context().IsCancelled());
  FinishActivity();
  EXPECT_THAT(service_.Calls("RespondActivityTaskCompleted"), IsEmpty());
  EXPECT_EQ(worker_->stats().running_activities, 0u);
}

TEST_F(WorkerActivityTest, AnAttemptIsCancelledWhenItsStartToCloseTimeIsOver) {
  MakeAndStart(false);
  GiveActivity(ActivityTask());
  loop_.RunFor(99s);
  EXPECT_FALSE(context().IsCancelled());
  loop_.RunFor(1s);
  EXPECT_TRUE(context().IsCancelled());
}

}  // namespace
}  // namespace wfe::worker
