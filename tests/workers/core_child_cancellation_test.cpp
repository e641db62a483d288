// What a cancelled scope does to children, by their cancellation type and by how far they have come (S79).
#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"

namespace wfe::core::testing {
namespace {

using namespace std::chrono_literals;
using sdk::ChildCancellationType;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr sdk::WorkflowType<std::string, std::string> kPackage{"Package"};

/// Lets one child be cancelled by the workflow's own request, and tells what became of both awaits.
sdk::Task<json> Cancelled(sdk::WorkflowContext& ctx, int type) {
  std::string input = "x";
  sdk::ChildHandle<std::string> child = ctx.StartChild(
      kPackage, input, {.workflow_id = "child", .cancellation = static_cast<ChildCancellationType>(type)});
  json seen;
  try {
    std::string run_id = co_await child.Started();
    seen["started"] = run_id;
  } catch (const sdk::CancelledFailure&) {
    seen["started"] = "cancelled";
  } catch (const sdk::ChildStartFailure&) {
    seen["started"] = "failed";
  }
  try {
    std::string result = co_await child.Result();
    seen["result"] = result;
  } catch (const sdk::CancelledFailure& cancelled) {
    seen["result"] = "cancelled";
    seen["details"] = cancelled.details();
  } catch (const sdk::ChildWorkflowFailure& failure) {
    seen["result"] = failure.type();
  }
  co_return seen;
}

sdk::Task<std::string> Plain(sdk::WorkflowContext& ctx, int type) {
  std::string input = "x";
  std::string result = co_await ctx.Child(
      kPackage, input, {.workflow_id = "child", .cancellation = static_cast<ChildCancellationType>(type)});
  co_return result;
}

/// Its own scope, cancelled in the task that would start the children.
sdk::Task<int> AtOnce(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  int caught = 0;
  std::vector<sdk::ChildHandle<std::string>> children;
  {
    sdk::CancellationScope scope(ctx);
    for (int type = 0; type < 4; ++type) {
      children.push_back(ctx.StartChild(kPackage, input, {.cancellation = static_cast<ChildCancellationType>(type)}));
    }
    scope.Cancel();
    children.push_back(ctx.StartChild(kPackage, input));
  }
  for (const auto& child : children) {
    sdk::Future<void> signal = child.Signal("hello");
    try {
      co_await child.Started();
    } catch (const sdk::CancelledFailure&) {
      ++caught;
    }
    try {
      co_await child.Result();
    } catch (const sdk::CancelledFailure&) {
      ++caught;
    }
    try {
      co_await signal;
    } catch (const sdk::CancelledFailure&) {
      ++caught;
    }
  }
  co_return caught;
}

/// By the handle, beside a child that is left alone.
sdk::Task<std::string> ByHandle(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  sdk::ChildHandle<std::string> first = ctx.StartChild(kPackage, input, {.workflow_id = "first"});
  sdk::ChildHandle<std::string> second = ctx.StartChild(kPackage, input, {.workflow_id = "second"});
  co_await first.Started();
  first.Cancel("not needed");
  first.Cancel("twice is once");
  std::string seen;
  try {
    seen = co_await first.Result();
  } catch (const sdk::CancelledFailure&) {
    seen = "cancelled";
  }
  std::string other = co_await second.Result();
  first.Cancel("it is over");
  co_return seen + " " + other;
}

class CoreChildCancellation : public ::testing::TestWithParam<int> {
 protected:
  CoreChildCancellation() {
    registry.Register("Cancelled", &Cancelled);
    registry.Register("Plain", &Plain);
    registry.Register("AtOnce", &AtOnce);
    registry.Register("ByHandle", &ByHandle);
  }
  void Begin(const std::string& workflow, ChildCancellationType type) {
    engine.Start(workflow, static_cast<int>(type));
    EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("StartChildWorkflowExecution Package #child"));
  }
  std::vector<std::string> Task() { return Commands(engine.RunTask(handler)); }
  void TearDown() override { ExpectEveryPrefixReplays(engine, registry); }

  sdk::WorkflowRegistry registry;
  WorkflowTaskHandler handler{registry, Options()};
  FakeEngine engine;
};

TEST_F(CoreChildCancellation, WaitCompletedAsksAndWaitsForTheEnd) {
  Begin("Cancelled", ChildCancellationType::kWaitCompleted);
  engine.StartChild("child", "run-7");
  EXPECT_THAT(Task(), IsEmpty());
  engine.RequestCancel();
  EXPECT_THAT(Task(), ElementsAre("RequestCancelChild #child"));
  engine.DeliverCancel("child");
  EXPECT_THAT(Task(), IsEmpty());
  engine.CancelChild("child", {{"half", true}});
  EXPECT_THAT(
      Task(),
      ElementsAre(
          "CompleteWorkflowExecution {\"details\":{\"half\":true},\"result\":\"cancelled\",\"started\":\"run-7\"}"));
}

TEST_F(CoreChildCancellation, WaitCompletedGivesTheValueOfAChildThatEndsWell) {
  Begin("Cancelled", ChildCancellationType::kWaitCompleted);
  engine.StartChild("child", "run-7");
  engine.RequestCancel();
  EXPECT_THAT(Task(), ElementsAre("RequestCancelChild #child"));
  engine.CompleteChild("child", "packed");
  engine.RefuseCancel("child", enums::CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution {\"result\":\"packed\",\"started\":\"run-7\"}"));
}

TEST_F(CoreChildCancellation, WaitRequestedGoesOnWhenTheRequestHasArrived) {
  Begin("Cancelled", ChildCancellationType::kWaitRequested);
  engine.StartChild("child", "run-7");
  engine.RequestCancel();
  EXPECT_THAT(Task(), ElementsAre("RequestCancelChild #child"));
  engine.DeliverCancel("child");
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution "
                                  "{\"details\":null,\"result\":\"cancelled\",\"started\":\"run-7\"}"));
}

TEST_F(CoreChildCancellation, WaitRequestedWhoseRequestFindsNobodyWaitsForTheEnd) {
  Begin("Cancelled", ChildCancellationType::kWaitRequested);
  engine.StartChild("child", "run-7");
  engine.RequestCancel();
  EXPECT_THAT(Task(), ElementsAre("RequestCancelChild #child"));
  engine.RefuseCancel("child", enums::CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
  EXPECT_THAT(Task(), IsEmpty());
  engine.FailChild("child", {.message = "no space", .type = "DISK"});
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution {\"result\":\"DISK\",\"started\":\"run-7\"}"));
}

TEST_F(CoreChildCancellation, TryCancelAsksAndGoesOnAtOnce) {
  Begin("Cancelled", ChildCancellationType::kTryCancel);
  engine.StartChild("child", "run-7");
  EXPECT_THAT(Task(), IsEmpty());
  engine.RequestCancel();
  EXPECT_THAT(Task(), ElementsAre("RequestCancelChild #child",
                                  "CompleteWorkflowExecution "
                                  "{\"details\":null,\"result\":\"cancelled\",\"started\":\"run-7\"}"));
}

TEST_F(CoreChildCancellation, AbandonLeavesItRunning) {
  Begin("Cancelled", ChildCancellationType::kAbandon);
  engine.StartChild("child", "run-7");
  EXPECT_THAT(Task(), IsEmpty());
  engine.RequestCancel();
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution "
                                  "{\"details\":null,\"result\":\"cancelled\",\"started\":\"run-7\"}"));
}

// A request to a child that has not started would find nobody: it is kept until the child has.
TEST_F(CoreChildCancellation, WaitingTypesAskAChildThatHasNotStartedWhenItStarts) {
  for (const auto type : {ChildCancellationType::kWaitCompleted, ChildCancellationType::kWaitRequested}) {
    engine = FakeEngine("run-" + std::to_string(static_cast<int>(type)));
    Begin("Cancelled", type);
    engine.RequestCancel();
    EXPECT_THAT(Task(), IsEmpty());
    engine.StartChild("child", "run-7");
    EXPECT_THAT(Task(), ElementsAre("RequestCancelChild #child"));
    engine.DeliverCancel("child");
    engine.CancelChild("child");
    EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution "
                                    "{\"details\":null,\"result\":\"cancelled\",\"started\":\"run-7\"}"));
    ExpectEveryPrefixReplays(engine, registry);
  }
}

TEST_F(CoreChildCancellation, ChildThatIsCancelledAndThenCannotStartSaysThatItDidNot) {
  Begin("Cancelled", ChildCancellationType::kWaitCompleted);
  engine.RequestCancel();
  EXPECT_THAT(Task(), IsEmpty());
  engine.FailChildStart("child", enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS);
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution "
                                  "{\"result\":\"WorkflowExecutionAlreadyStarted\",\"started\":\"failed\"}"));
}

/// Goes on for a while after its child was cancelled.
sdk::Task<std::string> Lingers(sdk::WorkflowContext& ctx, int type) {
  std::string input = "x";
  {
    sdk::CancellationScope scope(ctx);
    sdk::ChildHandle<std::string> child = ctx.StartChild(
        kPackage, input, {.workflow_id = "child", .cancellation = static_cast<ChildCancellationType>(type)});
    co_await ctx.Sleep(1s);
    scope.Cancel();
    try {
      co_await child.Started();
    } catch (const sdk::CancelledFailure&) {
    }
  }
  co_await ctx.Sleep(1h);
  co_return "done";
}

TEST_F(CoreChildCancellation, TryCancelAsksAChildThatStartsLaterAndAbandonDoesNot) {
  registry.Register("Lingers", &Lingers);
  for (const auto type : {ChildCancellationType::kTryCancel, ChildCancellationType::kAbandon}) {
    engine = FakeEngine("run-" + std::to_string(static_cast<int>(type)));
    engine.Start("Lingers", static_cast<int>(type));
    EXPECT_THAT(Task(), ElementsAre("StartChildWorkflowExecution Package #child", "StartTimer 1"));
    engine.FireTimer("1");
    EXPECT_THAT(Task(), ElementsAre("StartTimer 2"));
    engine.StartChild("child");
    if (type == ChildCancellationType::kTryCancel) {
      EXPECT_THAT(Task(), ElementsAre("RequestCancelChild #child"));
      engine.DeliverCancel("child");
    }
    engine.CancelChild("child");
    EXPECT_THAT(Task(), IsEmpty());
    engine.FireTimer("2");
    EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution \"done\""));
    ExpectEveryPrefixReplays(engine, registry);
  }
}

// S79: the parent's end and the request leave together; the parent close policy is what the child can count on.
TEST_F(CoreChildCancellation, ParentThatEndsAsCancelledSendsTheRequestWithItsEnd) {
  Begin("Plain", ChildCancellationType::kTryCancel);
  engine.StartChild("child");
  EXPECT_THAT(Task(), IsEmpty());
  engine.RequestCancel();
  EXPECT_THAT(Task(), ElementsAre("RequestCancelChild #child", "CancelWorkflowExecution"));
}

TEST_F(CoreChildCancellation, ParentWhoseChildEndsAsAskedEndsAsCancelled) {
  Begin("Plain", ChildCancellationType::kWaitCompleted);
  engine.StartChild("child");
  engine.RequestCancel();
  EXPECT_THAT(Task(), ElementsAre("RequestCancelChild #child"));
  engine.CancelChild("child");
  EXPECT_THAT(Task(), ElementsAre("CancelWorkflowExecution"));
}

TEST_F(CoreChildCancellation, ChildThatEndsInTheSameTaskAsTheCancelIsNotAskedAnyMore) {
  Begin("Cancelled", ChildCancellationType::kWaitCompleted);
  engine.StartChild("child", "run-7");
  EXPECT_THAT(Task(), IsEmpty());
  engine.RequestCancel();
  engine.CompleteChild("child", "packed");
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution {\"result\":\"packed\",\"started\":\"run-7\"}"));
}

TEST_F(CoreChildCancellation, ChildCancelledBeforeItsCommandLeavesIsNeverStarted) {
  engine.Start("AtOnce");
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution 15"));
}

TEST_F(CoreChildCancellation, HandleCancelsItsOwnChildOnceAndNoOther) {
  engine.Start("ByHandle");
  engine.RunTask(handler);
  engine.StartChild("second");
  engine.StartChild("first");
  EXPECT_THAT(Task(), ElementsAre("RequestCancelChild #first"));
  engine.CancelChild("first");
  EXPECT_THAT(Task(), IsEmpty());
  engine.CompleteChild("second", "packed");
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution \"cancelled packed\""));
}

}  // namespace
}  // namespace wfe::core::testing
