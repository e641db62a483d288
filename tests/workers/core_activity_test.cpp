#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"

namespace wfe::core::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct BuildInput {
  std::string target;
  std::vector<std::string> flags;
};
void to_json(json& j, const BuildInput& b) { j = {{"target", b.target}, {"flags", b.flags}}; }

constexpr sdk::ActivityType<BuildInput, std::string> kBuild{"build"};
constexpr sdk::ActivityType<std::string, int> kCount{"count"};
constexpr sdk::ActivityType<sdk::Nothing, std::string> kPing{"ping"};

sdk::Task<std::string> Sequential(sdk::WorkflowContext& ctx, std::string target) {
  BuildInput input{.target = target, .flags = {"a long enough flag to live on the heap", "b"}};
  std::string first = co_await ctx.Activity(kBuild, input, {.start_to_close = 10s, .retry = {.maximum_attempts = 3}});
  int count = co_await ctx.Activity(kCount, first, {.start_to_close = 1s});
  std::string pong = co_await ctx.Activity(kPing, {.schedule_to_close = 1s});
  co_return first + std::to_string(count) + pong;
}

sdk::Task<json> Parallel(sdk::WorkflowContext& ctx, std::vector<std::string> words) {
  std::vector<sdk::Future<int>> futures;
  for (const std::string& word : words) futures.push_back(ctx.StartActivity(kCount, word, {.start_to_close = 1s}));
  std::string extra = "extra";
  sdk::Future<int> one = ctx.StartActivity(kCount, extra, {.start_to_close = 1s});
  sdk::Future<void> timer = ctx.StartTimer(1h);
  size_t winner = co_await sdk::Any(one, timer);
  timer.Cancel();
  std::vector<int> counts = co_await sdk::All(futures);
  auto [again, first] = co_await sdk::All(one, futures[0]);
  json result = {{"winner", winner}, {"counts", counts}, {"again", again}, {"first", first}};
  co_return result;
}

sdk::Task<json> Catches(sdk::WorkflowContext& ctx, std::string input) {
  json seen;
  try {
    co_await ctx.Activity(kCount, input, {.start_to_close = 1s, .heartbeat = 1s});
  } catch (const sdk::ActivityFailure& failure) {
    seen = {{"what", failure.what()},
            {"message", failure.message()},
            {"type", failure.type()},
            {"id", failure.activity_id()},
            {"activity", failure.activity_type()},
            {"non_retryable", failure.non_retryable()},
            {"retry_state", static_cast<int>(failure.retry_state())},
            {"timeout", static_cast<int>(failure.timeout_type())},
            {"details", failure.details()}};
  }
  co_return seen;
}

sdk::Task<int> LetsPass(sdk::WorkflowContext& ctx, std::string input) {
  int n = co_await ctx.Activity(kCount, input, {.start_to_close = 1s});
  co_return n;
}

sdk::Task<void> FullOptions(sdk::WorkflowContext& ctx) {
  static constexpr std::string_view kFatal[] = {"INVALID_INPUT", "SAFETY"};
  std::string input = "x";
  std::string id = "my-activity-with-a-name-longer-than-small-strings";
  co_await ctx.Activity(kCount, input,
                        {.task_queue = "other",
                         .activity_id = id,
                         .schedule_to_close = 1h,
                         .schedule_to_start = 2min,
                         .start_to_close = 1500ms,
                         .heartbeat = 5s,
                         .retry = {.initial_interval = 2s,
                                   .backoff_coefficient = 3,
                                   .maximum_interval = 60s,
                                   .maximum_attempts = 4,
                                   .non_retryable_types = kFatal}});
}

sdk::Task<void> NoTimeout(sdk::WorkflowContext& ctx) { co_await ctx.Activity(kPing, {}); }

class CoreActivity : public ::testing::Test {
 protected:
  CoreActivity() {
    registry.Register("Sequential", &Sequential);
    registry.Register("Parallel", &Parallel);
    registry.Register("Catches", &Catches);
    registry.Register("LetsPass", &LetsPass);
    registry.Register("FullOptions", &FullOptions);
    registry.Register("NoTimeout", &NoTimeout);
  }
  sdk::WorkflowRegistry registry;
  WorkflowTaskHandler handler{registry, Options()};
  FakeEngine engine;
};

TEST_F(CoreActivity, SequentialActivitiesAreScheduledOneTaskAfterAnother) {
  engine.Start("Sequential", "app");
  auto answer = engine.RunTask(handler);
  EXPECT_THAT(Commands(answer), ElementsAre("ScheduleActivityTask build #1"));
  const auto& first = answer.commands(0).schedule_activity_task_command_attributes();
  EXPECT_EQ(first.task_queue().name(), "builds");
  EXPECT_EQ(first.start_to_close_timeout().seconds(), 10);
  EXPECT_EQ(first.retry_policy().maximum_attempts(), 3);
  EXPECT_FALSE(first.retry_policy().has_initial_interval());
  EXPECT_EQ(json::parse(first.input().payloads(0).data()).at("target"), "app");
  EXPECT_EQ(first.input().payloads(0).metadata().at("encoding"), "json/plain");

  engine.CompleteActivity("1", "built");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("ScheduleActivityTask count #2"));
  engine.CompleteActivity("2", 7);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("ScheduleActivityTask ping #3"));
  engine.CompleteActivity("3", "!");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"built7!\""));
  EXPECT_EQ(handler.stats().sticky_hits, 3u);
  EXPECT_EQ(handler.stats().replays, 0u);
  EXPECT_EQ(handler.stats().cached, 0u);
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreActivity, ParallelActivitiesShareOneTaskAndAreCollectedInTheirOwnOrder) {
  engine.Start("Parallel", {"a", "b"});
  EXPECT_THAT(Commands(engine.RunTask(handler)),
              ElementsAre("ScheduleActivityTask count #1", "ScheduleActivityTask count #2",
                          "ScheduleActivityTask count #3", "StartTimer 1"));
  engine.CompleteActivity("3", 30);
  engine.CompleteActivity("2", 20);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CancelTimer 1"));
  engine.CompleteActivity("1", 10);
  const auto answer = engine.RunTask(handler);
  ASSERT_EQ(answer.commands().size(), 1);
  const json result =
      json::parse(answer.commands(0).complete_workflow_execution_command_attributes().result().payloads(0).data());
  EXPECT_EQ(result, json({{"winner", 0}, {"counts", {10, 20}}, {"again", 30}, {"first", 10}}));
  ExpectEveryPrefixReplays(engine, registry);
}

// SEC-M10: a result that nobody can read is a failed activity to the workflow, not a task that fails for ever.
TEST_F(CoreActivity, AResultThatCannotBeReadIsAFailureOfTheActivity) {
  engine.Start("Catches", "x");
  engine.RunTask(handler);
  engine.CompleteActivity("1", 1);
  for (auto& event : *engine.mutable_history().mutable_events()) {
    if (!event.has_activity_task_completed_event_attributes()) continue;
    event.mutable_activity_task_completed_event_attributes()->mutable_result()->mutable_payloads(0)->set_data("{bad");
  }
  const auto answer = engine.RunTask(handler);
  ASSERT_EQ(answer.commands().size(), 1);
  const json seen =
      json::parse(answer.commands(0).complete_workflow_execution_command_attributes().result().payloads(0).data());
  EXPECT_EQ(seen["type"], "INVALID_RESULT");
  EXPECT_THAT(seen["message"].get<std::string>(), HasSubstr("the result of count cannot be read: a payload says"));
  EXPECT_EQ(seen["non_retryable"], true);
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreActivity, FailureThatIsCaughtTellsItsWholeCause) {
  engine.Start("Catches", "x");
  engine.RunTask(handler);
  sdk::ApplicationFailure failure;
  failure.message = "no such file";
  failure.type = "NOT_FOUND";
  failure.non_retryable = true;
  failure.details = {{"path", "/x"}};
  engine.FailActivity("1", failure, enums::RETRY_STATE_NON_RETRYABLE_FAILURE);
  const auto answer = engine.RunTask(handler);
  const json seen =
      json::parse(answer.commands(0).complete_workflow_execution_command_attributes().result().payloads(0).data());
  EXPECT_EQ(seen.at("message"), "no such file");
  EXPECT_EQ(seen.at("type"), "NOT_FOUND");
  EXPECT_EQ(seen.at("id"), "1");
  EXPECT_EQ(seen.at("activity"), "count");
  EXPECT_EQ(seen.at("non_retryable"), true);
  EXPECT_EQ(seen.at("retry_state"), static_cast<int>(sdk::RetryState::kNonRetryableFailure));
  EXPECT_EQ(seen.at("details"), json({{"path", "/x"}}));
  EXPECT_THAT(seen.at("what").get<std::string>(), HasSubstr("activity count (id 1) failed: no such file [NOT_FOUND]"));
  ExpectEveryPrefixReplays(engine, registry);
}

// S28
TEST_F(CoreActivity, HeartbeatTimeoutBringsTheLastHeartbeatDetails) {
  engine.Start("Catches", "x");
  engine.RunTask(handler);
  engine.TimeOutActivity("1", enums::TIMEOUT_TYPE_HEARTBEAT, {{"done", 3}});
  const auto answer = engine.RunTask(handler);
  const json seen =
      json::parse(answer.commands(0).complete_workflow_execution_command_attributes().result().payloads(0).data());
  EXPECT_EQ(seen.at("type"), "TemporalTimeout:Heartbeat");
  EXPECT_EQ(seen.at("timeout"), static_cast<int>(sdk::TimeoutType::kHeartbeat));
  EXPECT_EQ(seen.at("details"), json({{"done", 3}}));
}

TEST_F(CoreActivity, FailureThatIsNotCaughtFailsTheRunAndKeepsItsCause) {
  engine.Start("LetsPass", "x");
  engine.RunTask(handler);
  sdk::ApplicationFailure cause;
  cause.message = "boom";
  cause.type = "BOOM";
  engine.FailActivity("1", cause);
  const auto answer = engine.RunTask(handler);
  ASSERT_EQ(answer.commands().size(), 1);
  const auto& failure = answer.commands(0).fail_workflow_execution_command_attributes().failure();
  EXPECT_EQ(failure.activity_failure_info().activity_id(), "1");
  EXPECT_EQ(failure.activity_failure_info().retry_state(), enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
  EXPECT_EQ(failure.cause().message(), "boom");
  EXPECT_EQ(failure.cause().application_failure_info().type(), "BOOM");
}

TEST_F(CoreActivity, OptionsReachTheCommandUnchanged) {
  engine.Start("FullOptions");
  const auto answer = engine.RunTask(handler);
  const auto& a = answer.commands(0).schedule_activity_task_command_attributes();
  EXPECT_EQ(a.task_queue().name(), "other");
  EXPECT_EQ(a.activity_id(), "my-activity-with-a-name-longer-than-small-strings");
  EXPECT_EQ(a.schedule_to_close_timeout().seconds(), 3600);
  EXPECT_EQ(a.schedule_to_start_timeout().seconds(), 120);
  EXPECT_EQ(a.start_to_close_timeout().seconds(), 1);
  EXPECT_EQ(a.start_to_close_timeout().nanos(), 500'000'000);
  EXPECT_EQ(a.heartbeat_timeout().seconds(), 5);
  EXPECT_EQ(a.retry_policy().initial_interval().seconds(), 2);
  EXPECT_EQ(a.retry_policy().backoff_coefficient(), 3);
  EXPECT_EQ(a.retry_policy().maximum_interval().seconds(), 60);
  EXPECT_THAT(a.retry_policy().non_retryable_error_types(), ElementsAre("INVALID_INPUT", "SAFETY"));
  EXPECT_FALSE(a.request_eager_execution());
}

// S40
TEST_F(CoreActivity, EagerExecutionIsAskedForOnlyOnTheWorkersOwnQueue) {
  HandlerOptions options = Options();
  options.activity_queue = "builds";
  WorkflowTaskHandler eager(registry, options);
  engine.Start("LetsPass", "x");
  EXPECT_TRUE(engine.RunTask(eager).commands(0).schedule_activity_task_command_attributes().request_eager_execution());
  FakeEngine other("run-2");
  other.Start("FullOptions");
  EXPECT_FALSE(other.RunTask(eager).commands(0).schedule_activity_task_command_attributes().request_eager_execution());
}

// S25
TEST_F(CoreActivity, ActivityWithoutTimeoutFailsTheTaskAndNamesTheActivity) {
  engine.Start("NoTimeout");
  const auto failed = engine.RunFailingTask(handler);
  EXPECT_THAT(failed.failure().message(), HasSubstr("activity ping has neither start_to_close nor schedule_to_close"));
}

}  // namespace
}  // namespace wfe::core::testing
