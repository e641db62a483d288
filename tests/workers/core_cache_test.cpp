#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"

namespace wfe::core::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr sdk::ActivityType<std::string, std::string> kStep{"step"};

int live_frames = 0;
struct CountsFrames {
  CountsFrames() { ++live_frames; }
  ~CountsFrames() { --live_frames; }
};

sdk::Task<void> Background(sdk::WorkflowContext& ctx, std::string name) {
  CountsFrames frame;
  sdk::Future<void> timer = ctx.StartTimer(1h);
  std::vector<sdk::Future<void>> all{timer};
  co_await sdk::All(all);
  ctx.Log(sdk::LogLevel::kInfo, name);
}

sdk::Task<std::string> SubSteps(sdk::WorkflowContext& ctx, std::string input) {
  CountsFrames frame;
  std::string one = co_await ctx.Activity(kStep, input, {.start_to_close = 1s});
  std::string two = co_await ctx.Activity(kStep, one, {.start_to_close = 1s});
  co_return two;
}

sdk::Task<std::string> Steps(sdk::WorkflowContext& ctx, std::string input) {
  CountsFrames frame;
  ctx.Log(sdk::LogLevel::kInfo, "begin");
  std::string name = "a background task with a name on the heap";
  sdk::Future<void> background = ctx.Spawn(Background(ctx, name));
  sdk::CancellationScope scope(ctx);
  std::string result = co_await SubSteps(ctx, input);
  ctx.Log(sdk::LogLevel::kInfo, ctx.IsReplaying() ? "replaying" : "end");
  co_return result;
}

int draws = 0;
sdk::Task<std::string> Draws(sdk::WorkflowContext& ctx) {
  const int number = ctx.SideEffect([] { return ++draws; });
  const std::string text = std::to_string(number);
  std::string echo = co_await ctx.Activity(kStep, text, {.start_to_close = 1s});
  co_return echo == text ? "the number of the history" : "another number";
}

/// What another attempt comes to differs from what the first came to.
sdk::Task<void> Drifts(sdk::WorkflowContext& ctx, std::string what) {
  ++draws;
  const std::string text = what == "input" ? std::to_string(draws) : "same";
  sdk::Future<std::string> step = ctx.StartActivity(kStep, text, {.start_to_close = 1s});
  sdk::Future<void> timer = ctx.StartTimer(what == "timer" ? std::chrono::seconds(draws) : 1h);
  (void)step;
  co_await timer;
}

struct SleepsOnDestruction {
  sdk::WorkflowContext* ctx;
  ~SleepsOnDestruction() {
    auto ignored = ctx->StartTimer(1s);
    (void)ignored;
  }
};
sdk::Task<void> UsesContextInDestructor(sdk::WorkflowContext& ctx) {
  SleepsOnDestruction guard{&ctx};
  co_await ctx.Sleep(1h);
}

class CoreCache : public ::testing::Test {
 protected:
  CoreCache() {
    live_frames = 0;
    draws = 0;
    registry.Register("Draws", &Draws);
    registry.Register("Drifts", &Drifts);
    registry.Register("Steps", &Steps);
    registry.Register("UsesContextInDestructor", &UsesContextInDestructor);
  }
  sdk::WorkflowRegistry registry;
};

TEST_F(CoreCache, EvictionDestroysAllCoroutinesOfTheRun) {
  WorkflowTaskHandler handler(registry, Options());
  FakeEngine engine;
  engine.Start("Steps", "in");
  engine.RunTask(handler);
  EXPECT_EQ(live_frames, 3);
  handler.Evict(engine.run_id());
  EXPECT_EQ(live_frames, 0);
  EXPECT_EQ(handler.stats().cached, 0u);
}

TEST_F(CoreCache, DestructorsThatUseTheContextDuringEvictionAreHarmless) {
  WorkflowTaskHandler handler(registry, Options());
  FakeEngine engine;
  engine.Start("UsesContextInDestructor");
  engine.RunTask(handler);
  handler.Evict(engine.run_id());
  EXPECT_EQ(handler.stats().cached, 0u);
}

TEST_F(CoreCache, ReplayAfterEvictionGivesTheSameCommandsAsTheLiveRun) {
  const auto run = [&](bool evict) {
    WorkflowTaskHandler handler(registry, Options());
    FakeEngine engine;
    std::vector<std::vector<std::string>> all;
    const auto step = [&] {
      if (evict) handler.Evict(engine.run_id());
      all.push_back(Commands(engine.RunTask(handler, /*sticky=*/!evict)));
    };
    engine.Start("Steps", "in");
    step();
    engine.CompleteActivity("1", "one");
    step();
    engine.CompleteActivity("2", "two");
    step();
    return all;
  };
  const auto live = run(false);
  EXPECT_EQ(run(true), live);
  EXPECT_THAT(live.back(), ElementsAre("CompleteWorkflowExecution \"two\""));
  EXPECT_EQ(live_frames, 0);
}

TEST_F(CoreCache, StickyTaskOfAnUnknownRunAsksForTheWholeHistory) {
  WorkflowTaskHandler handler(registry, Options());
  FakeEngine engine;
  engine.Start("Steps", "in");
  engine.RunTask(handler);
  engine.CompleteActivity("1", "one");
  handler.Evict(engine.run_id());
  ws::PollWorkflowTaskQueueResponse task = engine.BeginTask(/*sticky=*/true);
  EXPECT_TRUE(std::holds_alternative<NeedFullHistory>(handler.Handle(task)));
  *task.mutable_history() = engine.history();
  EXPECT_TRUE(std::holds_alternative<ws::RespondWorkflowTaskCompletedRequest>(handler.Handle(task)));
  EXPECT_EQ(handler.stats().replays, 1u);
}

TEST_F(CoreCache, WholeHistoryForALiveRunContinuesIt) {
  WorkflowTaskHandler handler(registry, Options());
  FakeEngine engine;
  engine.Start("Steps", "in");
  engine.RunTask(handler);
  engine.CompleteActivity("1", "one");
  EXPECT_THAT(Commands(engine.RunTask(handler, /*sticky=*/false)), ElementsAre("ScheduleActivityTask step #2"));
  EXPECT_EQ(handler.stats().sticky_hits, 1u);
  EXPECT_EQ(handler.stats().replays, 0u);
}

TEST_F(CoreCache, FirstPageOfAHistoryIsNotEnough) {
  WorkflowTaskHandler handler(registry, Options());
  FakeEngine engine;
  engine.Start("Steps", "in");
  ws::PollWorkflowTaskQueueResponse task = engine.BeginTask(/*sticky=*/false);
  task.mutable_history()->mutable_events()->RemoveLast();
  task.set_next_page_token("more");
  EXPECT_TRUE(std::holds_alternative<NeedFullHistory>(handler.Handle(task)));
}

// F10: after a restart of the server another worker gets the task under the same event id, and its answer counts.
TEST_F(CoreCache, RunWhoseTaskWasAnsweredBySomebodyElseIsReplayedAndNotContinued) {
  WorkflowTaskHandler handler(registry, Options());
  WorkflowTaskHandler other(registry, Options());
  FakeEngine engine;
  engine.Start("Steps", "in");
  ws::PollWorkflowTaskQueueResponse task = engine.BeginTask(/*sticky=*/false);
  const auto hand_out = [&](const std::string& request_id) {
    const int last = task.history().events_size() - 1;
    for (History* history : {task.mutable_history(), &engine.mutable_history()}) {
      history->mutable_events(last)->mutable_workflow_task_started_event_attributes()->set_request_id(request_id);
    }
  };
  hand_out("poll-1");
  handler.Handle(task);
  hand_out("poll-2");
  engine.EndTask(std::get<ws::RespondWorkflowTaskCompletedRequest>(other.Handle(task)));
  engine.CompleteActivity("1", "one");
  EXPECT_THAT(Commands(engine.RunTask(handler, /*sticky=*/false)), ElementsAre("ScheduleActivityTask step #2"));
  EXPECT_EQ(handler.stats().sticky_hits, 0u);
  EXPECT_EQ(handler.stats().replays, 1u);
}

// WIRE-F27: two attempts of one task come to one worker; the answer of the first counts, the second is in the cache.
TEST_F(CoreCache, RunIsContinuedOnlyByTheInstanceWhoseAnswerCounted) {
  WorkflowTaskHandler handler(registry, Options());
  FakeEngine engine;
  engine.Start("Draws");
  const ws::PollWorkflowTaskQueueResponse task = engine.BeginTask(/*sticky=*/false);
  const auto counts = std::make_shared<Acknowledgement>();
  const auto lost = std::make_shared<Acknowledgement>();
  const TaskAnswer first = handler.Handle(task, counts);
  handler.Handle(task, lost);
  EXPECT_EQ(draws, 2);
  engine.EndTask(std::get<ws::RespondWorkflowTaskCompletedRequest>(first));
  counts->Give();
  engine.CompleteActivity("1", "1");
  ws::PollWorkflowTaskQueueResponse next = engine.BeginTask(/*sticky=*/true);
  EXPECT_TRUE(std::holds_alternative<NeedFullHistory>(handler.Handle(next, nullptr)));
  *next.mutable_history() = engine.history();
  EXPECT_THAT(Commands(std::get<ws::RespondWorkflowTaskCompletedRequest>(handler.Handle(next, nullptr))),
              ElementsAre("CompleteWorkflowExecution \"the number of the history\""));
}

// WIRE-F27: the last line of defence.  Somebody says of the wrong instance that its answer counted.
TEST_F(CoreCache, InstanceThatMeetsOtherValuesThanItSentFailsItsTaskAndGivesNoResult) {
  const auto meets_another_answer = [&](const std::string& type, const std::string& input) {
    draws = 0;
    WorkflowTaskHandler handler(registry, Options());
    FakeEngine engine;
    engine.Start(type, input);
    const ws::PollWorkflowTaskQueueResponse task = engine.BeginTask(/*sticky=*/false);
    const TaskAnswer first = handler.Handle(task);
    const auto wrong = std::make_shared<Acknowledgement>();
    handler.Handle(task, wrong);
    wrong->Give();
    engine.EndTask(std::get<ws::RespondWorkflowTaskCompletedRequest>(first));
    engine.CompleteActivity("1", "1");
    const TaskAnswer answer = handler.Handle(engine.BeginTask(/*sticky=*/true));
    const auto* failed = std::get_if<ws::RespondWorkflowTaskFailedRequest>(&answer);
    if (failed == nullptr) return std::string("no failure");
    EXPECT_EQ(failed->cause(), enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR);
    return failed->failure().message();
  };
  EXPECT_THAT(meets_another_answer("Draws", ""), HasSubstr("side effect's value"));
  EXPECT_THAT(meets_another_answer("Drifts", "input"), HasSubstr("input"));
  EXPECT_THAT(meets_another_answer("Drifts", "timer"), HasSubstr("2000000000 ns"));
  EXPECT_EQ(meets_another_answer("Drifts", "nothing"), "no failure");
}

// The answer to the first task never arrived: what the live coroutine assumed did not happen.
TEST_F(CoreCache, RunWhoseAnswerWasLostIsReplayedAndNotContinued) {
  WorkflowTaskHandler handler(registry, Options());
  FakeEngine engine;
  engine.Start("Steps", "in");
  handler.Handle(engine.BeginTask(/*sticky=*/false));
  engine.TimeOutTask();
  EXPECT_THAT(Commands(engine.RunTask(handler, /*sticky=*/false)),
              ElementsAre("ScheduleActivityTask step #1", "StartTimer 1"));
  engine.CompleteActivity("1", "one");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("ScheduleActivityTask step #2"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreCache, LeastRecentlyUsedRunGoesWhenTheCacheIsFull) {
  WorkflowTaskHandler handler(registry, Options(/*cached=*/2));
  FakeEngine a("a");
  FakeEngine b("b");
  FakeEngine c("c");
  for (FakeEngine* engine : {&a, &b}) {
    engine->Start("Steps", "in");
    engine->RunTask(handler);
  }
  a.CompleteActivity("1", "one");
  a.RunTask(handler);
  c.Start("Steps", "in");
  c.RunTask(handler);
  EXPECT_EQ(handler.stats().cached, 2u);
  EXPECT_EQ(handler.stats().forced_evictions, 1u);
  EXPECT_EQ(live_frames, 6);
  b.CompleteActivity("1", "one");
  EXPECT_TRUE(std::holds_alternative<NeedFullHistory>(handler.Handle(b.BeginTask(/*sticky=*/true))));
  a.CompleteActivity("2", "two");
  EXPECT_THAT(Commands(a.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"two\""));
}

TEST_F(CoreCache, WithoutACacheNothingIsKeptAndNoStickyQueueIsNamed) {
  WorkflowTaskHandler handler(registry, Options(/*cached=*/0));
  FakeEngine engine;
  engine.Start("Steps", "in");
  EXPECT_FALSE(engine.RunTask(handler).has_sticky_attributes());
  EXPECT_EQ(live_frames, 0);
  engine.CompleteActivity("1", "one");
  EXPECT_THAT(Commands(engine.RunTask(handler, /*sticky=*/false)), ElementsAre("ScheduleActivityTask step #2"));
}

TEST_F(CoreCache, AnswerCarriesWhoAndWhat) {
  WorkflowTaskHandler handler(registry, Options());
  FakeEngine engine;
  engine.Start("Steps", "in");
  const auto answer = engine.RunTask(handler);
  EXPECT_EQ(answer.task_token(), "token");
  EXPECT_EQ(answer.identity(), "worker-1");
  EXPECT_EQ(answer.binary_checksum(), "build-1");
  EXPECT_EQ(answer.namespace_(), "default");
  EXPECT_EQ(answer.sdk_metadata().sdk_name(), "wfe-cpp");
  EXPECT_TRUE(answer.return_new_workflow_task());
  EXPECT_EQ(answer.sticky_attributes().worker_task_queue().name(), "sticky-1");
  EXPECT_EQ(answer.sticky_attributes().worker_task_queue().normal_name(), "builds");
  EXPECT_EQ(answer.sticky_attributes().schedule_to_start_timeout().seconds(), 10);
}

TEST_F(CoreCache, LogIsSilentDuringReplay) {
  std::vector<std::string> lines;
  HandlerOptions options = Options();
  options.log = [&](sdk::LogLevel, const sdk::WorkflowInfo& info, std::string_view text) {
    lines.push_back(info.workflow_id + ": " + std::string(text));
  };
  WorkflowTaskHandler handler(registry, options);
  FakeEngine engine;
  engine.Start("Steps", "in");
  engine.RunTask(handler);
  engine.CompleteActivity("1", "one");
  handler.Evict(engine.run_id());
  engine.RunTask(handler, /*sticky=*/false);
  engine.CompleteActivity("2", "two");
  engine.RunTask(handler);
  EXPECT_THAT(lines, ElementsAre("workflow-1: begin", "workflow-1: end"));
}

}  // namespace
}  // namespace wfe::core::testing
