#include <gmock/gmock.h>

#include <stdexcept>

#include "temporal/api/update/v1/message.pb.h"
#include "tests/workers/history_builder.h"

namespace wfe::core::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;


bool poisoned = false;

sdk::Task<std::string> Poison(sdk::WorkflowContext& ctx) {
  co_await ctx.Sleep(1s);
  if (poisoned) throw std::runtime_error("index out of range");
  co_return "fine";
}

sdk::Task<void> Fails(sdk::WorkflowContext& ctx) {
  co_await ctx.Sleep(1s);
  throw sdk::WorkflowFailure({.message = "budget used up",
                              .type = "BUDGET",
                              .non_retryable = true,
                              .details = {{"tokens", 5}},
                              .next_retry_delay = 3s});
}

sdk::Task<std::string> FailingPart(sdk::WorkflowContext& ctx) {
  co_await ctx.Sleep(1s);
  throw sdk::WorkflowFailure("part failed", "PART");
}

sdk::Task<std::string> CatchesSpawned(sdk::WorkflowContext& ctx) {
  sdk::Future<std::string> part = ctx.Spawn(FailingPart(ctx));
  std::string text;
  try {
    text = co_await part;
  } catch (const sdk::WorkflowFailure& failure) {
    text = failure.type();
  }
  co_return text;
}

sdk::Task<void> FailingHandler(sdk::WorkflowContext& ctx, std::string) {
  co_await ctx.Sleep(1s);
  throw sdk::WorkflowFailure("handler failed", "HANDLER");
}

sdk::Task<void> HasFailingHandler(sdk::WorkflowContext& ctx) {
  ctx.OnSignal<std::string>("go", &FailingHandler);
  bool never = false;
  co_await ctx.WaitCondition([&] { return never; });
}

sdk::Task<void> ContinuesAsNew(sdk::WorkflowContext& ctx, int n) {
  co_await ctx.Sleep(1s);
  try {
    ctx.ContinueAsNew(n + 1, {.workflow_type = "Next", .run_timeout = 1h});
  } catch (const std::exception&) {
    // A handler for everything that can go wrong does not swallow it.
  }
}

sdk::Task<std::string> NotUtf8(sdk::WorkflowContext&) { co_return std::string("\xff\xfe"); }

sdk::Task<int> TakesAnInt(sdk::WorkflowContext&, int n) { co_return n; }

sdk::Task<json> Info(sdk::WorkflowContext& ctx) {
  const sdk::WorkflowInfo& i = ctx.info();
  json seen = {{"ns", i.ns},
               {"workflow", i.workflow_id},
               {"run", i.run_id},
               {"first", i.first_run_id},
               {"type", i.workflow_type},
               {"queue", i.task_queue},
               {"attempt", i.attempt},
               {"length", i.history_length},
               {"suggest", i.suggest_continue_as_new},
               {"started", i.started_time.time_since_epoch() / 1s}};
  co_return seen;
}

class CoreFailure : public ::testing::Test {
 protected:
  CoreFailure() {
    poisoned = false;
    registry.Register("Poison", &Poison);
    registry.Register("Fails", &Fails);
    registry.Register("CatchesSpawned", &CatchesSpawned);
    registry.Register("HasFailingHandler", &HasFailingHandler);
    registry.Register("ContinuesAsNew", &ContinuesAsNew);
    registry.Register("NotUtf8", &NotUtf8);
    registry.Register("TakesAnInt", &TakesAnInt);
    registry.Register("Info", &Info);
  }
  sdk::WorkflowRegistry registry;
  WorkflowTaskHandler handler{registry, Options()};
  FakeEngine engine;
};

// S46
TEST_F(CoreFailure, StrayExceptionFailsTheTaskAndTheRunGoesOnOnceTheCodeIsCorrected) {
  poisoned = true;
  engine.Start("Poison");
  engine.RunTask(handler);
  engine.FireTimer("1");
  const auto failed = engine.RunFailingTask(handler);
  EXPECT_EQ(failed.cause(), enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE);
  EXPECT_THAT(failed.failure().message(), HasSubstr("index out of range"));
  EXPECT_EQ(failed.failure().application_failure_info().type(), "UnhandledException");
  EXPECT_EQ(handler.stats().cached, 0u);
  EXPECT_THAT(engine.RunFailingTask(handler, /*sticky=*/false).failure().message(), HasSubstr("index out of range"));
  poisoned = false;
  EXPECT_THAT(Commands(engine.RunTask(handler, /*sticky=*/false)), ElementsAre("CompleteWorkflowExecution \"fine\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreFailure, WorkflowFailureFailsTheRunWithAllItSays) {
  engine.Start("Fails");
  engine.RunTask(handler);
  engine.FireTimer("1");
  const auto answer = engine.RunTask(handler);
  EXPECT_THAT(Commands(answer), ElementsAre("FailWorkflowExecution budget used up"));
  const auto& info =
      answer.commands(0).fail_workflow_execution_command_attributes().failure().application_failure_info();
  EXPECT_EQ(info.type(), "BUDGET");
  EXPECT_TRUE(info.non_retryable());
  EXPECT_EQ(info.details().payloads(0).data(), "{\"tokens\":5}");
  EXPECT_EQ(info.next_retry_delay().seconds(), 3);
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreFailure, FailureOfASpawnedTaskIsThrownWhereItIsAwaited) {
  engine.Start("CatchesSpawned");
  engine.RunTask(handler);
  engine.FireTimer("1");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"PART\""));
}

TEST_F(CoreFailure, FailureOfASignalHandlerFailsTheRun) {
  engine.Start("HasFailingHandler");
  engine.Signal("go", "now");
  engine.RunTask(handler);
  engine.FireTimer("1");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("FailWorkflowExecution handler failed"));
}

TEST_F(CoreFailure, UnknownTypeFailsTheTaskAndListsTheKnownOnes) {
  engine.Start("Missing");
  const auto failed = engine.RunFailingTask(handler);
  EXPECT_THAT(failed.failure().message(),
              HasSubstr("does not know the workflow type Missing; registered types: CatchesSpawned, ContinuesAsNew"));
}

// SEC-M10: the run ends with a sentence; its task does not fail for ever.
TEST_F(CoreFailure, InputOfTheWrongTypeFailsTheRun) {
  engine.Start("TakesAnInt", "three");
  const auto answer = engine.RunTask(handler);
  EXPECT_THAT(Commands(answer), ElementsAre("FailWorkflowExecution the input of TakesAnInt is not what it takes: type "
                                            "must be number, but is string"));
  const auto& info =
      answer.commands(0).fail_workflow_execution_command_attributes().failure().application_failure_info();
  EXPECT_EQ(info.type(), "INVALID_INPUT");
  EXPECT_TRUE(info.non_retryable());
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreFailure, ResultThatIsNotJsonFailsTheTask) {
  engine.Start("NotUtf8");
  EXPECT_THAT(engine.RunFailingTask(handler).failure().message(), HasSubstr("holds a value that is not JSON"));
}

// S84
TEST_F(CoreFailure, ContinueAsNewEndsTheRunAndHandsOnTheRetryPolicy) {
  auto& started = engine.Start("ContinuesAsNew", 4);
  started.mutable_workflow_execution_started_event_attributes()->mutable_retry_policy()->set_maximum_attempts(7);
  engine.RunTask(handler);
  engine.FireTimer("1");
  const auto answer = engine.RunTask(handler);
  EXPECT_THAT(Commands(answer), ElementsAre("ContinueAsNewWorkflowExecution 5"));
  const auto& a = answer.commands(0).continue_as_new_workflow_execution_command_attributes();
  EXPECT_EQ(a.workflow_type().name(), "Next");
  EXPECT_EQ(a.task_queue().name(), "builds");
  EXPECT_EQ(a.workflow_run_timeout().seconds(), 3600);
  EXPECT_EQ(a.retry_policy().maximum_attempts(), 7);
  ExpectEveryPrefixReplays(engine, registry);
}

// S53
TEST_F(CoreFailure, UnknownEventFailsTheTaskUnlessItMayBeIgnored) {
  engine.Start("Poison");
  engine.RunTask(handler);
  auto& unknown = engine.Append(enums::EVENT_TYPE_NEXUS_OPERATION_STARTED);
  unknown.set_worker_may_ignore(true);
  engine.FireTimer("1");
  EXPECT_TRUE(Replay(engine.history(), registry).deterministic());
  engine.mutable_history().mutable_events(5)->set_worker_may_ignore(false);
  const ReplayReport report = Replay(engine.history(), registry);
  ASSERT_TRUE(std::holds_alternative<TaskFailure>(report.outcome));
  EXPECT_THAT(report.ToString(), HasSubstr("event 6 is a NexusOperationStarted, which this SDK does not know"));
}

// SEC-M10, H6: every way in which an input can be unreadable.
TEST_F(CoreFailure, InputThatCannotBeReadFailsTheRunAndNamesWhy) {
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {"binary/encrypted", "{}", "the encoding 'binary/encrypted', which this worker does not read"},
      {"", "{}", "the encoding ''"},
      {"json/plain", "{bad", "says json/plain but is not JSON"},
      {"json/plain", "\"\xff\xfe\"", "says json/plain but is not JSON"},
      {"json/plain", std::string(200'000, '[') + std::string(200'000, ']'), "is nested too deeply"},
      {"json/protobuf", "", "says json/protobuf but is not JSON"},
  };
  for (const auto& [encoding, data, sentence] : cases) {
    SCOPED_TRACE(sentence);
    FakeEngine fresh;
    auto& started = fresh.Start("Poison");
    auto& payload =
        *started.mutable_workflow_execution_started_event_attributes()->mutable_input()->mutable_payloads(0);
    (*payload.mutable_metadata())["encoding"] = encoding;
    payload.set_data(data);
    WorkflowTaskHandler fresh_handler(registry, Options());
    const auto answer = fresh.RunTask(fresh_handler);
    ASSERT_EQ(answer.commands_size(), 1);
    const auto& failure = answer.commands(0).fail_workflow_execution_command_attributes().failure();
    EXPECT_THAT(failure.message(), HasSubstr("the input of Poison cannot be read: a payload"));
    EXPECT_THAT(failure.message(), HasSubstr(sentence));
    EXPECT_EQ(failure.application_failure_info().type(), "INVALID_INPUT");
    EXPECT_TRUE(failure.application_failure_info().non_retryable());
    ExpectEveryPrefixReplays(fresh, registry);
  }
}

TEST_F(CoreFailure, InfoTellsWhatTheHistoryTells) {
  engine.Start("Info");
  const auto answer = engine.RunTask(handler);
  const json seen =
      json::parse(answer.commands(0).complete_workflow_execution_command_attributes().result().payloads(0).data());
  EXPECT_EQ(seen, json({{"ns", "default"},
                        {"workflow", "workflow-1"},
                        {"run", "run-1"},
                        {"first", "run-1"},
                        {"type", "Info"},
                        {"queue", "builds"},
                        {"attempt", 1},
                        {"length", 3},
                        {"suggest", false},
                        {"started", 1'700'000'001}}));
}

// S70
TEST_F(CoreFailure, UpdateRequestIsRejected) {
  engine.Start("Poison");
  auto task = engine.BeginTask(/*sticky=*/false);
  temporal::api::update::v1::Request request;
  request.mutable_input()->set_name("setTarget");
  auto& message = *task.add_messages();
  message.set_id("u1/request");
  message.set_protocol_instance_id("u1");
  message.set_event_id(2);
  message.mutable_body()->PackFrom(request);
  const TaskAnswer answer = handler.Handle(task);
  const auto& completed = std::get<ws::RespondWorkflowTaskCompletedRequest>(answer);
  ASSERT_EQ(completed.messages().size(), 1);
  temporal::api::update::v1::Rejection rejection;
  ASSERT_TRUE(completed.messages(0).body().UnpackTo(&rejection));
  EXPECT_EQ(rejection.rejected_request_message_id(), "u1/request");
  EXPECT_THAT(rejection.failure().message(), HasSubstr("update setTarget is not known"));
}

}  // namespace
}  // namespace wfe::core::testing
