// Children of a workflow: starting them, their ends, their ids, signals to them, and replay (S80).
#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"

namespace wfe::core::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr sdk::WorkflowType<std::string, std::string> kPackage{"Package"};
constexpr sdk::WorkflowType<sdk::Nothing, int> kCount{"Count"};

sdk::Task<std::string> Waits(sdk::WorkflowContext& ctx, std::string input) {
  sdk::ChildHandle<std::string> child = ctx.StartChild(kPackage, input, {.workflow_id = "child"});
  std::string run_id = co_await child.Started();
  std::string result = co_await child.Result();
  co_return child.workflow_id() + " " + run_id + " " + result;
}

sdk::Task<json> Several(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  const json anything = {{"a", 1}};
  sdk::Future<std::string> first = ctx.Child(kPackage, input);
  sdk::ChildHandle<int> second = ctx.StartChild(kCount, {.workflow_id = "named"});
  sdk::ChildHandle<json> third = ctx.StartChild("Foreign", anything);
  std::string a = co_await first;
  int b = co_await second.Result();
  json c = co_await third.Result();
  json all = {a, b, c};
  co_return all;
}

const json kMemo = {{"ticket", "T-1"}};
const json kAttributes = {{"Team", "core"}};
constexpr std::string_view kNotAgain[] = {"INVALID_INPUT"};

sdk::Task<std::string> AllOptions(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  std::string result = co_await ctx.Child(kPackage, input,
                                          {.workflow_id = "child",
                                           .task_queue = "packages",
                                           .execution_timeout = 3h,
                                           .run_timeout = 2h,
                                           .task_timeout = 20s,
                                           .retry = {.initial_interval = 2s,
                                                     .backoff_coefficient = 3,
                                                     .maximum_interval = 1min,
                                                     .maximum_attempts = 4,
                                                     .non_retryable_types = kNotAgain},
                                           .cron_schedule = "@daily",
                                           .parent_close = sdk::ParentClosePolicy::kRequestCancel,
                                           .id_reuse = sdk::WorkflowIdReusePolicy::kRejectDuplicate,
                                           .memo = &kMemo,
                                           .search_attributes = &kAttributes,
                                           .priority = {.priority_key = 2, .fairness_key = "team", .fairness_weight = 1.5},
                                           .static_summary = "packs it",
                                           .static_details = "all of it"});
  co_return result;
}

/// What the parent sees of a child that did not end well.
sdk::Task<json> Reports(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  sdk::ChildHandle<std::string> child = ctx.StartChild(kPackage, input, {.workflow_id = "child"});
  json seen;
  try {
    co_await child.Started();
  } catch (const sdk::ChildStartFailure& failure) {
    seen["not started"] = failure.already_started();
  }
  try {
    co_await child.Result();
  } catch (const sdk::ChildWorkflowFailure& failure) {
    seen["failure"] = {failure.workflow_id(), failure.run_id(),       failure.workflow_type(),
                       failure.type(),        failure.message(),      failure.cancelled(),
                       failure.timed_out(),   failure.terminated(),   static_cast<int>(failure.retry_state()),
                       failure.details(),     failure.data().ns,      failure.data().initiated_event_id,
                       failure.data().started_event_id};
    seen["what"] = failure.what();
  }
  co_return seen;
}

sdk::Task<std::string> Careless(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  std::string result = co_await ctx.Child(kPackage, input, {.workflow_id = "child"});
  co_return result;
}

sdk::Task<std::string> Signals(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  const json seven = 7;
  sdk::ChildHandle<std::string> child = ctx.StartChild(kPackage, input, {.workflow_id = "child"});
  sdk::Future<void> early = child.Signal("early", seven);
  std::string outcome = "delivered";
  try {
    co_await early;
    co_await child.Signal("late");
  } catch (const sdk::ExternalWorkflowFailure& failure) {
    outcome = failure.type();
  } catch (const sdk::ChildStartFailure& failure) {
    outcome = failure.type();
  }
  co_return outcome;
}

class CoreChild : public ::testing::Test {
 protected:
  CoreChild() {
    registry.Register("Waits", &Waits);
    registry.Register("Several", &Several);
    registry.Register("AllOptions", &AllOptions);
    registry.Register("Reports", &Reports);
    registry.Register("Careless", &Careless);
    registry.Register("Signals", &Signals);
  }
  /// The parent's report of how its child ended; `end` makes it end.
  template <class F>
  json ReportOf(F end) {
    engine.Start("Reports");
    engine.RunTask(handler);
    engine.StartChild("child", "run-7");
    end(engine);
    const auto answer = engine.RunTask(handler);
    ExpectEveryPrefixReplays(engine, registry);
    return json::parse(
        answer.commands(0).complete_workflow_execution_command_attributes().result().payloads(0).data());
  }
  sdk::WorkflowRegistry registry;
  WorkflowTaskHandler handler{registry, Options()};
  FakeEngine engine;
};

// S80
TEST_F(CoreChild, StartAndEndAreAwaitedOneAfterTheOther) {
  engine.Start("Waits", "app");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("StartChildWorkflowExecution Package #child"));
  engine.StartChild("child", "run-7");
  EXPECT_THAT(Commands(engine.RunTask(handler)), IsEmpty());
  engine.CompleteChild("child", "packed");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"child run-7 packed\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreChild, StartAndEndThatComeTogetherAreSeenInOneTask) {
  engine.Start("Waits", "app");
  engine.RunTask(handler);
  engine.StartChild("child", "run-7");
  engine.CompleteChild("child", "packed");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"child run-7 packed\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreChild, ChildrenWithoutAnIdAreNamedByTheRunAndANumber) {
  engine.Start("Several");
  EXPECT_THAT(Commands(engine.RunTask(handler)),
              ElementsAre("StartChildWorkflowExecution Package #run-1_1", "StartChildWorkflowExecution Count #named",
                          "StartChildWorkflowExecution Foreign #run-1_3"));
  for (const char* id : {"named", "run-1_3", "run-1_1"}) engine.StartChild(id);
  engine.CompleteChild("run-1_3", {{"b", 2}});
  engine.CompleteChild("run-1_1", "packed");
  engine.RunTask(handler);
  engine.CompleteChild("named", 5);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution [\"packed\",5,{\"b\":2}]"));
  ExpectEveryPrefixReplays(engine, registry);
}

// S85: a replay knows only the original run's id, until the history says that the run was reset.
TEST_F(CoreChild, ResetRunNamesItsNextChildrenByItsOwnRunId) {
  FakeEngine run("run-2");
  run.Start("Several").mutable_workflow_execution_started_event_attributes()->set_original_execution_run_id("run-1");
  run.Append(enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED);
  run.Append(enums::EVENT_TYPE_WORKFLOW_TASK_STARTED);
  auto& reset = *run.Append(enums::EVENT_TYPE_WORKFLOW_TASK_FAILED).mutable_workflow_task_failed_event_attributes();
  reset.set_cause(enums::WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW);
  reset.set_new_run_id("run-2");
  EXPECT_EQ(Commands(run.RunTask(handler)).front(), "StartChildWorkflowExecution Package #run-2_1");
  ExpectEveryPrefixReplays(run, registry);
}

TEST_F(CoreChild, EveryOptionReachesTheCommand) {
  engine.Start("AllOptions");
  const auto answer = engine.RunTask(handler);
  ASSERT_EQ(answer.commands_size(), 1);
  const auto& a = answer.commands(0).start_child_workflow_execution_command_attributes();
  EXPECT_EQ(a.workflow_id(), "child");
  EXPECT_EQ(a.workflow_type().name(), "Package");
  EXPECT_EQ(a.task_queue().name(), "packages");
  EXPECT_EQ(a.input().payloads(0).data(), "\"x\"");
  EXPECT_EQ(a.workflow_execution_timeout().seconds(), 3 * 3600);
  EXPECT_EQ(a.workflow_run_timeout().seconds(), 2 * 3600);
  EXPECT_EQ(a.workflow_task_timeout().seconds(), 20);
  EXPECT_EQ(a.retry_policy().initial_interval().seconds(), 2);
  EXPECT_EQ(a.retry_policy().backoff_coefficient(), 3);
  EXPECT_EQ(a.retry_policy().maximum_interval().seconds(), 60);
  EXPECT_EQ(a.retry_policy().maximum_attempts(), 4);
  EXPECT_THAT(a.retry_policy().non_retryable_error_types(), ElementsAre("INVALID_INPUT"));
  EXPECT_EQ(a.cron_schedule(), "@daily");
  EXPECT_EQ(a.parent_close_policy(), enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL);
  EXPECT_EQ(a.workflow_id_reuse_policy(), enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE);
  EXPECT_EQ(a.memo().fields().at("ticket").data(), "\"T-1\"");
  EXPECT_EQ(a.search_attributes().indexed_fields().at("Team").data(), "\"core\"");
  EXPECT_EQ(a.priority().priority_key(), 2);
  EXPECT_EQ(a.priority().fairness_key(), "team");
  EXPECT_EQ(a.priority().fairness_weight(), 1.5);
  EXPECT_EQ(answer.commands(0).user_metadata().summary().data(), "\"packs it\"");
  EXPECT_EQ(answer.commands(0).user_metadata().details().data(), "\"all of it\"");
}

// S78: and a child without options has no retry policy, so that its failure is its parent's to judge.
TEST_F(CoreChild, WithoutOptionsItIsTerminatedWithItsParentAndNotRetried) {
  engine.Start("Several");
  const auto answer = engine.RunTask(handler);
  const auto& a = answer.commands(0).start_child_workflow_execution_command_attributes();
  EXPECT_EQ(a.parent_close_policy(), enums::PARENT_CLOSE_POLICY_TERMINATE);
  EXPECT_EQ(a.workflow_id_reuse_policy(), enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE);
  EXPECT_EQ(a.task_queue().name(), "builds");
  EXPECT_FALSE(a.has_retry_policy());
  EXPECT_FALSE(a.has_memo());
  EXPECT_FALSE(a.has_search_attributes());
  EXPECT_FALSE(a.has_priority());
  EXPECT_FALSE(answer.commands(0).has_user_metadata());
}

TEST_F(CoreChild, FailedChildGivesItsFailureWithIdsAndCause) {
  const json seen = ReportOf([](FakeEngine& e) {
    e.FailChild("child", {.message = "no space", .type = "DISK", .details = {{"left", 0}}});
  });
  EXPECT_EQ(seen["failure"], json({"child", "run-7", "Package", "DISK", "no space", false, false, false,
                                   static_cast<int>(sdk::RetryState::kRetryPolicyNotSet), {{"left", 0}}, "default", 5, 6}));
  EXPECT_EQ(seen["what"], "child workflow Package (id child) failed: no space [DISK]");
}

TEST_F(CoreChild, TimedOutTerminatedAndForeignCancelledChildrenAreToldApart) {
  json seen = ReportOf([](FakeEngine& e) { e.TimeOutChild("child"); });
  EXPECT_EQ(seen["failure"][3], "TemporalTimeout:StartToClose");
  EXPECT_EQ(seen["failure"][6], true);
  engine = FakeEngine("run-2");
  seen = ReportOf([](FakeEngine& e) { e.TerminateChild("child"); });
  EXPECT_EQ(seen["failure"][7], true);
  EXPECT_EQ(seen["what"], "child workflow Package (id child) failed: the child workflow was terminated");
  // Somebody else cancelled it: to this parent it has failed.
  engine = FakeEngine("run-3");
  seen = ReportOf([](FakeEngine& e) { e.CancelChild("child", {{"why", "quota"}}); });
  EXPECT_EQ(seen["failure"][5], true);
  EXPECT_EQ(seen["failure"][9], json({{"why", "quota"}}));
}

TEST_F(CoreChild, ChildThatCannotStartIsATypedFailureOfBothAwaits) {
  engine.Start("Reports");
  engine.RunTask(handler);
  engine.FailChildStart("child", enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS);
  const auto answer = engine.RunTask(handler);
  const json seen = json::parse(
      answer.commands(0).complete_workflow_execution_command_attributes().result().payloads(0).data());
  EXPECT_EQ(seen["not started"], true);
  EXPECT_EQ(seen["failure"][3], "WorkflowExecutionAlreadyStarted");
  EXPECT_EQ(seen["failure"][12], 0);
  EXPECT_EQ(seen["what"],
            "child workflow Package (id child) was not started: a workflow of that id exists already "
            "[WorkflowExecutionAlreadyStarted]");
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreChild, FailureThatNobodyCatchesFailsTheParentAndKeepsItsCause) {
  engine.Start("Careless");
  engine.RunTask(handler);
  engine.StartChild("child", "run-7");
  engine.FailChild("child", {.message = "no space", .type = "DISK"});
  const auto answer = engine.RunTask(handler);
  ASSERT_EQ(answer.commands(0).command_type(), enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION);
  const auto& failure = answer.commands(0).fail_workflow_execution_command_attributes().failure();
  const auto& info = failure.child_workflow_execution_failure_info();
  EXPECT_EQ(info.namespace_(), "default");
  EXPECT_EQ(info.workflow_execution().workflow_id(), "child");
  EXPECT_EQ(info.workflow_execution().run_id(), "run-7");
  EXPECT_EQ(info.workflow_type().name(), "Package");
  EXPECT_EQ(info.initiated_event_id(), 5);
  EXPECT_EQ(info.started_event_id(), 6);
  EXPECT_EQ(info.retry_state(), enums::RETRY_STATE_RETRY_POLICY_NOT_SET);
  EXPECT_EQ(failure.cause().application_failure_info().type(), "DISK");
  EXPECT_EQ(failure.cause().message(), "no space");
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreChild, StartFailureThatNobodyCatchesSaysWhyInTheParentsFailure) {
  engine.Start("Careless");
  engine.RunTask(handler);
  engine.FailChildStart("child", enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS);
  const auto answer = engine.RunTask(handler);
  const auto& failure = answer.commands(0).fail_workflow_execution_command_attributes().failure();
  EXPECT_EQ(failure.child_workflow_execution_failure_info().initiated_event_id(), 5);
  EXPECT_EQ(failure.child_workflow_execution_failure_info().started_event_id(), 0);
  EXPECT_EQ(failure.cause().application_failure_info().type(), "WorkflowExecutionAlreadyStarted");
}

TEST_F(CoreChild, ResultOfAnotherTypeFailsTheTaskWithASentenceAndTheRunGoesOnWithBetterCode) {
  engine.Start("Careless");
  engine.RunTask(handler);
  engine.StartChild("child");
  engine.CompleteChild("child", {{"path", "/tmp"}});
  const auto failed = engine.RunFailingTask(handler);
  EXPECT_THAT(failed.failure().message(),
              HasSubstr("what child workflow Package (id child) gave is not what its caller takes: type must be string"));
}

TEST_F(CoreChild, ResultThatCannotBeReadIsAFailureOfTheChild) {
  engine.Start("Careless");
  engine.RunTask(handler);
  engine.StartChild("child");
  engine.CompleteChild("child", "x");
  auto& last = *engine.mutable_history().mutable_events(engine.history().events().size() - 1);
  last.mutable_child_workflow_execution_completed_event_attributes()->mutable_result()->mutable_payloads(0)->set_data("{");
  const auto answer = engine.RunTask(handler);
  const auto& failure = answer.commands(0).fail_workflow_execution_command_attributes().failure();
  EXPECT_EQ(failure.cause().application_failure_info().type(), "INVALID_RESULT");
  EXPECT_THAT(failure.cause().message(), HasSubstr("the result of Package cannot be read"));
}

TEST_F(CoreChild, SignalToAChildThatHasNotStartedWaitsForItsStart) {
  engine.Start("Signals");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("StartChildWorkflowExecution Package #child"));
  engine.StartChild("child");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("SignalChild early #child 7"));
  engine.DeliverSignal("child");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("SignalChild late #child null"));
  engine.DeliverSignal("child");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"delivered\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreChild, SignalToAChildThatHasClosedIsATypedFailure) {
  engine.Start("Signals");
  engine.RunTask(handler);
  engine.StartChild("child");
  engine.RunTask(handler);
  engine.RefuseSignal("child",
                      enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
  EXPECT_THAT(Commands(engine.RunTask(handler)),
              ElementsAre("CompleteWorkflowExecution \"ExternalWorkflowExecutionNotFound\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreChild, SignalToAChildThatNeverStartsFailsAsItsStart) {
  engine.Start("Signals");
  engine.RunTask(handler);
  engine.FailChildStart("child", enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"NamespaceNotFound\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreChild, StackTraceNamesOpenChildren) {
  engine.Start("Waits", "app");
  engine.RunTask(handler);
  const TaskAnswer answer = handler.Handle(engine.QueryTask("__stack_trace", /*sticky=*/true));
  const auto& query = std::get<ws::RespondQueryTaskCompletedRequest>(answer);
  EXPECT_THAT(query.query_result().payloads(0).data(), HasSubstr("child workflow Package (id child, not started yet)"));
}

// ---- Bad input ----------------------------------------------------------------------------------------------------

sdk::Task<std::string> StartsBadly(sdk::WorkflowContext& ctx, std::string what) {
  std::string input = "x";
  sdk::ChildOptions options;
  sdk::WorkflowType<std::string, std::string> type = kPackage;
  const json list = json::array();
  if (what == "type") type.name = "";
  if (what == "timeout") options.run_timeout = -1s;
  if (what == "attempts") options.retry.maximum_attempts = -1;
  if (what == "coefficient") options.retry.backoff_coefficient = 0.5;
  if (what == "close") options.parent_close = static_cast<sdk::ParentClosePolicy>(9);
  if (what == "cancellation") options.cancellation = static_cast<sdk::ChildCancellationType>(-1);
  if (what == "reuse") options.id_reuse = static_cast<sdk::WorkflowIdReusePolicy>(7);
  if (what == "memo") options.memo = &list;
  if (what == "external") ctx.External("");
  if (what == "signal") {
    sdk::ExternalWorkflow other = ctx.External("other");
    co_await other.Signal("");
  }
  std::string result = co_await ctx.Child(type, input, options);
  co_return result;
}

TEST_F(CoreChild, BadOptionsFailTheTaskWithASentenceThatNamesThem) {
  registry.Register("StartsBadly", &StartsBadly);
  const std::map<std::string, std::string> sentences = {
      {"type", "child workflow : it has no type"},
      {"timeout", "child workflow Package: run_timeout is negative"},
      {"attempts", "child workflow Package: retry.maximum_attempts is negative"},
      {"coefficient", "child workflow Package: retry.backoff_coefficient is less than 1"},
      {"close", "child workflow Package: parent_close has no value 9"},
      {"cancellation", "child workflow Package: cancellation has no value -1"},
      {"reuse", "child workflow Package: id_reuse has no value 7"},
      {"memo", "child workflow Package: memo is not a JSON object"},
      {"external", "an external workflow has no id"},
      {"signal", "a signal for workflow other has no name"},
  };
  for (const auto& [what, sentence] : sentences) {
    FakeEngine run("run-" + what);
    run.Start("StartsBadly", what);
    EXPECT_THAT(run.RunFailingTask(handler).failure().message(), HasSubstr(sentence));
  }
}

// ---- Replay with other code, and histories that cannot be -----------------------------------------------------------

struct Change {
  std::string type = "Package";
  std::string id = "child";
  bool missing = false;
  bool extra = false;
  bool timer_instead = false;
};
Change change;

sdk::Task<std::string> Changing(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  sdk::WorkflowType<std::string, std::string> type{change.type};
  if (change.extra) ctx.StartChild(kCount);
  if (change.timer_instead) co_await ctx.Sleep(1s);
  std::string result = "none";
  if (!change.missing) result = co_await ctx.Child(type, input, {.workflow_id = change.id});
  co_return result;
}

class CoreChildReplay : public CoreChild {
 protected:
  CoreChildReplay() {
    change = {};
    registry.Register("Changing", &Changing);
    engine.Start("Changing");
    engine.RunTask(handler);
    engine.StartChild("child");
    engine.RunTask(handler);
    engine.CompleteChild("child", "packed");
    engine.RunTask(handler);
  }
  Divergence Diverge() { return DivergenceOf(engine, registry); }
};

TEST_F(CoreChildReplay, UnchangedCodeReplaysFromEveryPrefix) { ExpectEveryPrefixReplays(engine, registry); }

TEST_F(CoreChildReplay, ChangedTypeIsReportedFieldByField) {
  change.type = "Bundle";
  const Divergence divergence = Diverge();
  EXPECT_EQ(divergence.event_id, 5);
  EXPECT_EQ(divergence.expected, "StartChildWorkflowExecutionInitiated(workflow type=Package, workflow id=child)");
  EXPECT_EQ(divergence.produced, "StartChildWorkflowExecution(workflow type=Bundle, workflow id=child)");
  EXPECT_EQ(divergence.field, "workflow type");
  EXPECT_EQ(divergence.expected_value, "Package");
  EXPECT_EQ(divergence.produced_value, "Bundle");
}

TEST_F(CoreChildReplay, ChangedIdIsReported) {
  change.id = "other";
  EXPECT_EQ(Diverge().field, "workflow id");
}

TEST_F(CoreChildReplay, MissingExtraAndOtherCommandsAreReported) {
  change.missing = true;
  EXPECT_EQ(Diverge().produced, "CompleteWorkflowExecution");
  change = {.extra = true};
  EXPECT_EQ(Diverge().produced, "StartChildWorkflowExecution(workflow type=Count, workflow id=run-1_1)");
  change = {.timer_instead = true};
  EXPECT_EQ(Diverge().produced, "StartTimer(timer id=1)");
}

TEST_F(CoreChildReplay, AnswersThatNothingAskedForBreakTheHistory) {
  History history = engine.history();
  for (HistoryEvent& event : *history.mutable_events()) {
    if (event.has_child_workflow_execution_completed_event_attributes()) {
      event.mutable_child_workflow_execution_completed_event_attributes()->set_initiated_event_id(99);
    }
  }
  EXPECT_THAT(Replay(history, registry).ToString(), HasSubstr("is about a child that event 99 did not initiate"));

  history = engine.Prefix(6);
  auto& again = *history.add_events();
  again = engine.history().events(5);
  again.set_event_id(7);
  EXPECT_THAT(Replay(history, registry).ToString(), HasSubstr("starts child child a second time"));

  history = engine.Prefix(5);
  auto& end = *history.add_events();
  end.set_event_id(6);
  end.set_event_type(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED);
  end.mutable_child_workflow_execution_terminated_event_attributes()->set_initiated_event_id(5);
  EXPECT_THAT(Replay(history, registry).ToString(), HasSubstr("ends child child, which had not started"));
}

// WIRE-F27: another attempt's answer, with the same ids and another input, is not this instance's.
TEST_F(CoreChild, InputThatThisInstanceDidNotSendIsADivergence) {
  engine.Start("Waits", "app");
  engine.RunTask(handler);
  auto& initiated = *engine.mutable_history().mutable_events(4);
  *initiated.mutable_start_child_workflow_execution_initiated_event_attributes()->mutable_input() = EncodePayloads("y");
  engine.StartChild("child");
  EXPECT_THAT(engine.RunFailingTask(handler).failure().message(), HasSubstr("first difference: input"));
}

}  // namespace
}  // namespace wfe::core::testing
