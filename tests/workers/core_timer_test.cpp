#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"

namespace wfe::core::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr sdk::ActivityType<std::string, std::string> kWork{"work"};

sdk::Task<int64_t> SleepTwice(sdk::WorkflowContext& ctx) {
  const Instant begin = ctx.Now();
  co_await ctx.Sleep(5s);
  co_await ctx.Sleep(0s);
  co_await ctx.Sleep(250ms);
  co_return std::chrono::duration_cast<std::chrono::seconds>(ctx.Now() - begin).count();
}

/// Cancels the timer as soon as the activity is done.
sdk::Task<std::string> Race(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  sdk::Future<std::string> work = ctx.StartActivity(kWork, input, {.start_to_close = 1min});
  sdk::Future<void> limit = ctx.StartTimer(10s);
  size_t first = co_await sdk::Any(work, limit);
  if (first == 1) co_return "too late";
  limit.Cancel();
  co_await ctx.Sleep(1s);
  std::string done = co_await work;
  co_return done;
}

sdk::Task<int> StartAndCancelAtOnce(sdk::WorkflowContext& ctx) {
  sdk::Future<void> timer = ctx.StartTimer(10s);
  timer.Cancel();
  int caught = 0;
  try {
    co_await timer;
  } catch (const sdk::CancelledFailure&) {
    caught = 1;
  }
  co_await ctx.Sleep(1s);
  co_return caught;
}

sdk::Task<bool> WaitWithTimeout(sdk::WorkflowContext& ctx) {
  bool ready = false;
  ctx.OnSignal<bool>("set", [&](bool value) { ready = value; });
  bool in_time = co_await ctx.WaitCondition([&] { return ready; }, 10s);
  co_return in_time;
}

class CoreTimer : public ::testing::Test {
 protected:
  CoreTimer() {
    registry.Register("SleepTwice", &SleepTwice);
    registry.Register("Race", &Race);
    registry.Register("StartAndCancelAtOnce", &StartAndCancelAtOnce);
    registry.Register("WaitWithTimeout", &WaitWithTimeout);
  }
  sdk::WorkflowRegistry registry;
  WorkflowTaskHandler handler{registry, Options()};
  FakeEngine engine;
};

TEST_F(CoreTimer, SleepIsATimerAndNowComesFromTheHistory) {
  engine.Start("SleepTwice");
  const auto answer = engine.RunTask(handler);
  EXPECT_THAT(Commands(answer), ElementsAre("StartTimer 1"));
  EXPECT_EQ(answer.commands(0).start_timer_command_attributes().start_to_fire_timeout().seconds(), 5);
  engine.FireTimer("1");
  const auto second = engine.RunTask(handler);
  EXPECT_THAT(Commands(second), ElementsAre("StartTimer 2")) << "a sleep of zero leaves no trace";
  EXPECT_EQ(second.commands(0).start_timer_command_attributes().start_to_fire_timeout().nanos(), 250'000'000);
  engine.FireTimer("2");
  // Workflow task starts are events 3 and 13, a second apart each.
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution 10"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreTimer, CancelledTimerGetsACancelCommand) {
  engine.Start("Race");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("ScheduleActivityTask work #1", "StartTimer 1"));
  engine.CompleteActivity("1", "done");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CancelTimer 1", "StartTimer 2"));
  engine.FireTimer("2");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"done\""));
  ExpectEveryPrefixReplays(engine, registry);
}

// cancel_vs_fire_race: the timer fires while the task that cancels it is out.
TEST_F(CoreTimer, FireThatWasBufferedBehindTheCancelIsHarmless) {
  engine.Start("Race");
  engine.RunTask(handler);
  engine.CompleteActivity("1", "done");
  const auto task = engine.BeginTask(/*sticky=*/true);
  const TaskAnswer answer = handler.Handle(task, Taken());
  engine.FireTimer("1");
  engine.EndTask(std::get<ws::RespondWorkflowTaskCompletedRequest>(answer));
  engine.FireTimer("2");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"done\""));
  ExpectEveryPrefixReplays(engine, registry);
}

// The same race when an engine keeps the fire as well.
TEST_F(CoreTimer, FireAfterCancelInTheHistoryIsIgnored) {
  engine.Start("Race");
  engine.RunTask(handler);
  engine.CompleteActivity("1", "done");
  engine.RunTask(handler);
  engine.FireTimer("1");
  engine.FireTimer("2");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"done\""));
  ExpectEveryPrefixReplays(engine, registry);
}

// cancel_vs_fire_race, the other way round: fire and completion arrive together, so there is nothing left to cancel.
TEST_F(CoreTimer, TimerThatFiredInTheSameTaskIsNotCancelled) {
  engine.Start("Race");
  engine.RunTask(handler);
  engine.CompleteActivity("1", "done");
  engine.FireTimer("1");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("StartTimer 2"));
  engine.FireTimer("2");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"done\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreTimer, TimerCancelledInItsOwnTaskLeavesNoCommands) {
  engine.Start("StartAndCancelAtOnce");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("StartTimer 2"));
  engine.FireTimer("2");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution 1"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreTimer, WaitThatIsMetInTimeCancelsItsTimer) {
  engine.Start("WaitWithTimeout");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("StartTimer 1"));
  engine.Signal("set", false);
  EXPECT_THAT(Commands(engine.RunTask(handler)), IsEmpty());
  engine.Signal("set", true);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CancelTimer 1", "CompleteWorkflowExecution true"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreTimer, WaitThatRunsOutIsFalse) {
  engine.Start("WaitWithTimeout");
  engine.RunTask(handler);
  engine.FireTimer("1");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution false"));
  ExpectEveryPrefixReplays(engine, registry);
}

}  // namespace
}  // namespace wfe::core::testing
