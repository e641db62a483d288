// Signals and cancel requests to workflows that somebody else started (S81, S82).
#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"

namespace wfe::core::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

sdk::Task<std::string> Signals(sdk::WorkflowContext& ctx, std::string run_id) {
  const json value = {{"n", 1}};
  sdk::ExternalWorkflow other = ctx.External("other", run_id);
  std::string outcome = "delivered";
  try {
    co_await other.Signal("add", value);
  } catch (const sdk::ExternalWorkflowFailure& failure) {
    outcome = failure.what();
  }
  co_return outcome;
}

sdk::Task<std::string> Cancels(sdk::WorkflowContext& ctx) {
  sdk::ExternalWorkflow other = ctx.External("other");
  std::string outcome = "requested";
  try {
    co_await other.Cancel("no longer wanted");
  } catch (const sdk::ExternalWorkflowFailure& failure) {
    outcome = failure.what();
  }
  co_return outcome;
}

sdk::Task<void> Careless(sdk::WorkflowContext& ctx) {
  sdk::ExternalWorkflow other = ctx.External("other");
  co_await other.Signal("add");
}

/// Requests of a scope that is cancelled: in the task that made them, and later.
sdk::Task<std::string> Scoped(sdk::WorkflowContext& ctx, bool at_once) {
  sdk::ExternalWorkflow other = ctx.External("other");
  std::string seen;
  sdk::CancellationScope scope(ctx);
  sdk::Future<void> signal = other.Signal("add");
  sdk::Future<void> cancel = other.Cancel();
  if (!at_once) co_await ctx.Sleep(1s);
  scope.Cancel();
  try {
    co_await signal;
    seen += "signalled ";
  } catch (const sdk::CancelledFailure&) {
    seen += "not signalled ";
  }
  try {
    co_await cancel;
    seen += "asked ";
  } catch (const sdk::CancelledFailure&) {
    seen += "not asked ";
  }
  try {
    co_await other.Signal("late");
  } catch (const sdk::CancelledFailure&) {
    seen += "nothing more";
  }
  co_return seen;
}

sdk::Task<void> NeverWaits(sdk::WorkflowContext& ctx) {
  sdk::ExternalWorkflow other = ctx.External("other");
  (void)other.Signal("add");
  (void)other.Cancel();
  co_return;
}

struct Change {
  std::string id = "other";
  std::string run_id;
  std::string signal = "add";
  std::string cancelled = "other";
};
Change change;

sdk::Task<void> Changing(sdk::WorkflowContext& ctx) {
  sdk::ExternalWorkflow other = ctx.External(change.id, change.run_id);
  sdk::ExternalWorkflow cancelled = ctx.External(change.cancelled);
  co_await other.Signal(change.signal);
  co_await cancelled.Cancel();
}

class CoreExternal : public ::testing::Test {
 protected:
  CoreExternal() {
    change = {};
    registry.Register("Signals", &Signals);
    registry.Register("Cancels", &Cancels);
    registry.Register("Careless", &Careless);
    registry.Register("Scoped", &Scoped);
    registry.Register("NeverWaits", &NeverWaits);
    registry.Register("Changing", &Changing);
  }
  std::vector<std::string> Task() { return Commands(engine.RunTask(handler)); }

  sdk::WorkflowRegistry registry;
  WorkflowTaskHandler handler{registry, Options()};
  FakeEngine engine;
};

TEST_F(CoreExternal, SignalIsAwaitedUntilItIsDelivered) {
  engine.Start("Signals", "run-9");
  const auto answer = engine.RunTask(handler);
  EXPECT_THAT(Commands(answer), ElementsAre("SignalExternal add #other {\"n\":1}"));
  const auto& a = answer.commands(0).signal_external_workflow_execution_command_attributes();
  EXPECT_EQ(a.execution().run_id(), "run-9");
  EXPECT_FALSE(a.child_workflow_only());
  engine.DeliverSignal("other");
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution \"delivered\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreExternal, SignalsThatReachNobodySayWhy) {
  const std::map<enums::SignalExternalWorkflowExecutionFailedCause, std::string> sentences = {
      {enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND,
       "the signal add for workflow other (run id run-9) did not reach it: no such workflow is open"},
      {enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND, "its namespace does not exist"},
      {enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_SIGNAL_COUNT_LIMIT_EXCEEDED, "as many signals as a run may"},
      {enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNSPECIFIED, "the engine gives no reason"},
  };
  for (const auto& [cause, sentence] : sentences) {
    engine = FakeEngine("run-" + std::to_string(cause));
    engine.Start("Signals", "run-9");
    engine.RunTask(handler);
    engine.RefuseSignal("other", cause);
    const std::vector<std::string> commands = Task();
    ASSERT_EQ(commands.size(), 1u);
    EXPECT_THAT(commands[0], HasSubstr(sentence));
    ExpectEveryPrefixReplays(engine, registry);
  }
}

TEST_F(CoreExternal, CancelRequestIsAwaitedUntilItHasArrived) {
  engine.Start("Cancels");
  const auto answer = engine.RunTask(handler);
  EXPECT_THAT(Commands(answer), ElementsAre("RequestCancelExternal #other"));
  EXPECT_EQ(answer.commands(0).request_cancel_external_workflow_execution_command_attributes().reason(),
            "no longer wanted");
  engine.DeliverCancel("other");
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution \"requested\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreExternal, CancelRequestThatReachesNobodySaysSo) {
  engine.Start("Cancels");
  engine.RunTask(handler);
  engine.RefuseCancel("other",
                      enums::CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution \"the cancel request for workflow other did not reach it: "
                                  "no such workflow is open\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreExternal, FailureThatNobodyCatchesFailsTheRunUnderItsName) {
  engine.Start("Careless");
  engine.RunTask(handler);
  engine.RefuseSignal("other",
                      enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
  const auto answer = engine.RunTask(handler);
  const auto& failure = answer.commands(0).fail_workflow_execution_command_attributes().failure();
  EXPECT_EQ(failure.application_failure_info().type(), "ExternalWorkflowExecutionNotFound");
}

TEST_F(CoreExternal, RequestsWithdrawnInTheirOwnTaskNeverLeave) {
  engine.Start("Scoped", true);
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution \"not signalled not asked nothing more\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreExternal, RequestsThatHaveLeftAreAnsweredAlthoughTheirScopeIsCancelled) {
  engine.Start("Scoped", false);
  EXPECT_THAT(Task(), ElementsAre("SignalExternal add #other null", "RequestCancelExternal #other", "StartTimer 1"));
  engine.FireTimer("1");
  EXPECT_THAT(Task(), IsEmpty());
  engine.DeliverSignal("other");
  // The cancel request stands behind it in the list of the same workflow.
  engine.DeliverCancel("other");
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution \"signalled asked nothing more\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreExternal, RequestsThatNobodyWaitsForAreSentWithTheEnd) {
  engine.Start("NeverWaits");
  EXPECT_THAT(Task(), ElementsAre("SignalExternal add #other null", "RequestCancelExternal #other",
                                  "CompleteWorkflowExecution null"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreExternal, OtherTargetsInTheHistoryAreDivergences) {
  engine.Start("Changing");
  engine.RunTask(handler);
  engine.DeliverSignal("other");
  engine.RunTask(handler);
  engine.DeliverCancel("other");
  engine.RunTask(handler);
  ExpectEveryPrefixReplays(engine, registry);
  const auto field = [&](Change now) {
    change = std::move(now);
    const ReplayReport report = Replay(engine.history(), registry);
    const auto* divergence = std::get_if<Divergence>(&report.outcome);
    return divergence == nullptr ? report.ToString() : divergence->field + ": " + divergence->expected;
  };
  const std::string signal =
      "SignalExternalWorkflowExecutionInitiated(workflow id=other, signal name=add)";
  EXPECT_EQ(field({.id = "another"}), "workflow id: " + signal);
  EXPECT_EQ(field({.run_id = "run-9"}), "run id: " + signal);
  EXPECT_EQ(field({.signal = "subtract"}), "signal name: " + signal);
  EXPECT_EQ(field({.cancelled = "another"}),
            "workflow id: RequestCancelExternalWorkflowExecutionInitiated(workflow id=other)");
}

TEST_F(CoreExternal, AnswerThatNothingAskedForBreaksTheHistory) {
  engine.Start("Signals", "");
  engine.RunTask(handler);
  engine.DeliverSignal("other");
  History history = engine.history();
  auto& again = *history.add_events();
  again = history.events(history.events().size() - 2);
  again.set_event_id(history.events().size());
  EXPECT_THAT(Replay(history, registry).ToString(), HasSubstr("answers a request that event 5 did not initiate"));
}

}  // namespace
}  // namespace wfe::core::testing
