#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"

namespace wfe::core::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr sdk::ActivityType<std::string, std::string> kWork{"work"};
constexpr sdk::ActivityType<std::string, std::string> kCleanUp{"cleanUp"};

sdk::Task<std::string> Plain(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  std::string done = co_await ctx.Activity(kWork, input, {.start_to_close = 1min});
  co_return done;
}

sdk::Task<std::string> CleansUp(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  bool cancelled = false;
  try {
    co_await ctx.Activity(kWork, input, {.start_to_close = 1min});
  } catch (const sdk::CancelledFailure&) {
    cancelled = true;
  }
  if (cancelled) {
    sdk::ShieldScope shield(ctx);
    co_await ctx.Activity(kCleanUp, input, {.start_to_close = 1min});
    throw sdk::CancelledFailure();
  }
  co_return "done";
}

sdk::Task<std::string> Waits(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  std::string outcome;
  try {
    outcome = co_await ctx.Activity(
        kWork, input, {.start_to_close = 1min, .cancellation = sdk::ActivityCancellationType::kWaitCompleted});
  } catch (const sdk::CancelledFailure& cancelled) {
    outcome = "cancelled with " + cancelled.details().dump();
  }
  co_return outcome;
}

sdk::Task<std::string> Abandons(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  std::string outcome;
  try {
    outcome = co_await ctx.Activity(kWork, input,
                                    {.start_to_close = 1min, .cancellation = sdk::ActivityCancellationType::kAbandon});
  } catch (const sdk::CancelledFailure&) {
    outcome = "left alone";
  }
  co_return outcome;
}

/// A scope of its own around two operations; the workflow itself goes on.
sdk::Task<std::string> Scoped(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  std::string seen;
  {
    sdk::CancellationScope scope(ctx);
    sdk::Future<std::string> work = ctx.StartActivity(kWork, input, {.start_to_close = 1min});
    sdk::Future<void> timer = ctx.StartTimer(1h);
    co_await ctx.WaitCondition([&] { return true; });
    co_await ctx.Sleep(1s);
    scope.Cancel();
    try {
      co_await work;
    } catch (const sdk::CancelledFailure&) {
      seen += "work ";
    }
    try {
      co_await timer;
    } catch (const sdk::CancelledFailure&) {
      seen += "timer ";
    }
    try {
      co_await ctx.Sleep(1s);
    } catch (const sdk::CancelledFailure&) {
      seen += "later ";
    }
  }
  co_await ctx.Sleep(2s);
  co_return seen + "outside";
}

sdk::Task<std::string> Inner(sdk::WorkflowContext& ctx, std::string name) {
  std::string result = name + " ran";
  try {
    co_await ctx.Sleep(1h);
  } catch (const sdk::CancelledFailure&) {
    result = name + " cancelled";
  }
  co_return result;
}

/// The scope reaches into awaited and spawned coroutines, but not behind a shield, and not out of itself.
sdk::Task<json> Nested(sdk::WorkflowContext& ctx) {
  sdk::Future<std::string> outside = ctx.Spawn(Inner(ctx, "outside"));
  std::vector<sdk::Future<std::string>> inside;
  json seen;
  {
    sdk::CancellationScope outer(ctx);
    inside.push_back(ctx.Spawn(Inner(ctx, "outer")));
    {
      sdk::CancellationScope inner(ctx);
      inside.push_back(ctx.Spawn(Inner(ctx, "inner")));
    }
    {
      sdk::ShieldScope shield(ctx);
      inside.push_back(ctx.Spawn(Inner(ctx, "shielded")));
      co_await ctx.Sleep(1s);
    }
    outer.Cancel();
  }
  std::string first = co_await inside[0];
  std::string second = co_await inside[1];
  seen = {first, second, inside[2].ready(), outside.ready()};
  co_return seen;
}

sdk::Task<int> CancelsAtOnce(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  int caught = 0;
  {
    sdk::CancellationScope scope(ctx);
    auto work = ctx.StartActivity(kWork, input, {.start_to_close = 1min});
    auto waiting = ctx.StartActivity(
        kWork, input, {.start_to_close = 1min, .cancellation = sdk::ActivityCancellationType::kWaitCompleted});
    scope.Cancel();
    try {
      co_await work;
    } catch (const sdk::CancelledFailure&) {
      ++caught;
    }
    try {
      co_await waiting;
    } catch (const sdk::CancelledFailure&) {
      ++caught;
    }
  }
  co_return caught;
}

sdk::Task<void> LeaksItsOwnCancel(sdk::WorkflowContext& ctx) {
  sdk::CancellationScope scope(ctx);
  scope.Cancel("own decision");
  co_await ctx.Sleep(1s);
}

class CoreCancellation : public ::testing::Test {
 protected:
  CoreCancellation() {
    registry.Register("Plain", &Plain);
    registry.Register("CleansUp", &CleansUp);
    registry.Register("Waits", &Waits);
    registry.Register("Abandons", &Abandons);
    registry.Register("Scoped", &Scoped);
    registry.Register("Nested", &Nested);
    registry.Register("CancelsAtOnce", &CancelsAtOnce);
    registry.Register("LeaksItsOwnCancel", &LeaksItsOwnCancel);
  }
  sdk::WorkflowRegistry registry;
  WorkflowTaskHandler handler{registry, Options()};
  FakeEngine engine;
};

// S33
TEST_F(CoreCancellation, CancelRequestCancelsTheActivityAndEndsTheRunAsCancelled) {
  engine.Start("Plain");
  engine.RunTask(handler);
  engine.RequestCancel("enough");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("RequestCancelActivityTask 5", "CancelWorkflowExecution"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreCancellation, CancelBeforeTheFirstTaskLetsNothingStart) {
  engine.Start("Plain");
  engine.RequestCancel();
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CancelWorkflowExecution"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreCancellation, CancelAfterTheResultCameDoesNotTakeItBack) {
  engine.Start("Plain");
  engine.RunTask(handler);
  engine.CompleteActivity("1", "done");
  engine.RequestCancel();
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"done\""));
}

TEST_F(CoreCancellation, ShieldLetsTheCleanUpFinish) {
  engine.Start("CleansUp");
  engine.RunTask(handler);
  engine.RequestCancel();
  EXPECT_THAT(Commands(engine.RunTask(handler)),
              ElementsAre("RequestCancelActivityTask 5", "ScheduleActivityTask cleanUp #2"));
  engine.CancelActivity("1");
  EXPECT_THAT(Commands(engine.RunTask(handler)), IsEmpty());
  engine.CompleteActivity("2", "clean");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CancelWorkflowExecution"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreCancellation, WaitingForCompletionSeesTheActivitysLastWord) {
  engine.Start("Waits");
  engine.RunTask(handler);
  engine.RequestCancel();
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("RequestCancelActivityTask 5"));
  engine.CancelActivity("1", {{"kept", 2}});
  EXPECT_THAT(Commands(engine.RunTask(handler)),
              ElementsAre(R"(CompleteWorkflowExecution "cancelled with {\"kept\":2}")"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreCancellation, WaitingForCompletionTakesAResultThatComesAnyway) {
  engine.Start("Waits");
  engine.RunTask(handler);
  engine.RequestCancel();
  engine.RunTask(handler);
  engine.CompleteActivity("1", "done");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"done\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreCancellation, AbandonedActivityIsNotAskedToStop) {
  engine.Start("Abandons");
  engine.RunTask(handler);
  engine.RequestCancel();
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"left alone\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreCancellation, ScopeEndsItsOwnOperationsAndNoOthers) {
  engine.Start("Scoped");
  EXPECT_THAT(Commands(engine.RunTask(handler)),
              ElementsAre("ScheduleActivityTask work #1", "StartTimer 1", "StartTimer 2"));
  engine.FireTimer("2");
  EXPECT_THAT(Commands(engine.RunTask(handler)),
              ElementsAre("RequestCancelActivityTask 5", "CancelTimer 1", "StartTimer 3"));
  engine.CompleteActivity("1", "too late");
  EXPECT_THAT(Commands(engine.RunTask(handler)), IsEmpty());
  engine.FireTimer("3");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"work timer later outside\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreCancellation, NestedScopesPassItDownAndShieldsStopIt) {
  engine.Start("Nested");
  EXPECT_THAT(Commands(engine.RunTask(handler)),
              ElementsAre("StartTimer 1", "StartTimer 2", "StartTimer 3", "StartTimer 4", "StartTimer 5"));
  engine.FireTimer("1");
  EXPECT_THAT(Commands(engine.RunTask(handler)),
              ElementsAre("CancelTimer 3", "CancelTimer 4",
                          "CompleteWorkflowExecution [\"outer cancelled\",\"inner cancelled\",false,false]"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreCancellation, ActivityCancelledInItsOwnTaskIsNeverScheduled) {
  engine.Start("CancelsAtOnce");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution 2"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreCancellation, CancellationThatNobodyRequestedFailsTheRun) {
  engine.Start("LeaksItsOwnCancel");
  const auto answer = engine.RunTask(handler);
  EXPECT_THAT(Commands(answer), ElementsAre("FailWorkflowExecution own decision"));
  EXPECT_TRUE(answer.commands(0).fail_workflow_execution_command_attributes().failure().has_canceled_failure_info());
}

}  // namespace
}  // namespace wfe::core::testing
