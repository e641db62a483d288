#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"

namespace wfe::core::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Tally {
  int total = 0;
  std::vector<std::string> log;
};
void to_json(json& j, const Tally& t) { j = {{"total", t.total}, {"log", t.log}}; }

/// Adds up until told to stop; answers for its state, open or closed.
sdk::Task<int> Adder(sdk::WorkflowContext& ctx) {
  auto tally = std::make_shared<Tally>();
  bool stop = false;
  ctx.OnSignal<int>("add", [&](int n) {
    tally->total += n;
    tally->log.push_back("add " + std::to_string(n));
  });
  ctx.OnSignal<sdk::Nothing>("stop", [&](sdk::Nothing) { stop = true; });
  tally->log.push_back("main");
  ctx.OnQuery<sdk::Nothing, Tally>("tally", tally, [](const Tally& t, const sdk::Nothing&) { return t; });
  ctx.OnQuery<int, int>("total plus", [&](const int& n) { return tally->total + n; });
  ctx.OnQuery<sdk::Nothing, int>("naughty", [&](const sdk::Nothing&) {
    auto timer = ctx.StartTimer(1s);
    return timer.ready() ? 1 : 0;
  });
  co_await ctx.WaitCondition([&] { return stop; });
  co_return tally->total;
}

sdk::Task<std::string> Receiver(sdk::WorkflowContext& ctx) {
  sdk::SignalChannel<std::string> words = ctx.Signals<std::string>("word");
  std::string text;
  while (text.size() < 6) {
    std::string word = co_await words.Receive();
    text += word;
  }
  while (auto rest = words.TryReceive()) text += "+" + *rest;
  co_return text;
}

sdk::Task<void> OnJob(sdk::WorkflowContext& ctx, int seconds) { co_await ctx.Sleep(std::chrono::seconds(seconds)); }

sdk::Task<void> Jobs(sdk::WorkflowContext& ctx) {
  ctx.OnSignal<int>("job", &OnJob);
  bool never = false;
  co_await ctx.WaitCondition([&] { return never; });
}

constexpr sdk::ActivityType<std::string, std::string> kStep{"step"};
constexpr int kInnerAwait = __LINE__ + 3;
sdk::Task<std::string> Inner(sdk::WorkflowContext& ctx) {
  const std::string input = "in";
  std::string result = co_await ctx.Activity(kStep, input, {.start_to_close = 1s});
  co_return result;
}
constexpr int kBesideAwait = __LINE__ + 2;
sdk::Task<void> Beside(sdk::WorkflowContext& ctx, Duration time) {
  co_await ctx.Sleep(time);
}
constexpr int kOuterAwait = __LINE__ + 6;
sdk::Task<std::string> Outer(sdk::WorkflowContext& ctx) {
  ctx.OnQuery<sdk::Nothing, int>("mine", [](const sdk::Nothing&) { return 1; });
  ctx.OnSignal<int>("told", [](int) {});
  sdk::Future<void> brief = ctx.Spawn(Beside(ctx, 1s));
  sdk::Future<void> beside = ctx.Spawn(Beside(ctx, 1h));
  std::string result = co_await Inner(ctx);
  co_await brief;
  co_return result;
}

class CoreSignalQuery : public ::testing::Test {
 protected:
  CoreSignalQuery() {
    registry.Register("Adder", &Adder);
    registry.Register("Receiver", &Receiver);
    registry.Register("Jobs", &Jobs);
    registry.Register("Outer", &Outer);
  }
  ws::RespondQueryTaskCompletedRequest Ask(const std::string& name, bool sticky, const json& input = nullptr) {
    const TaskAnswer answer = handler.Handle(engine.QueryTask(name, sticky, input));
    if (!std::holds_alternative<ws::RespondQueryTaskCompletedRequest>(answer)) {
      ADD_FAILURE() << "not an answer to a query";
      return {};
    }
    return std::get<ws::RespondQueryTaskCompletedRequest>(answer);
  }
  static json Value(const ws::RespondQueryTaskCompletedRequest& answer) {
    EXPECT_EQ(answer.completed_type(), enums::QUERY_RESULT_TYPE_ANSWERED) << answer.error_message();
    return json::parse(answer.query_result().payloads(0).data());
  }
  sdk::WorkflowRegistry registry;
  WorkflowTaskHandler handler{registry, Options()};
  FakeEngine engine;
};

// WIRE-F24
TEST_F(CoreSignalQuery, StackTraceNamesTheLineOfEachAwaitTheInnermostFirst) {
  engine.Start("Outer");
  engine.RunTask(handler);
  const auto at = [](int line) {
    return "    at tests/workers/core_signal_query_test.cpp:" + std::to_string(line) + "\n";
  };
  EXPECT_EQ(Value(Ask("__stack_trace", /*sticky=*/true)).get<std::string>(),
            "coroutine main\n" + at(kInnerAwait) + at(kOuterAwait) +           //
                "\ncoroutine spawned-1\n" + at(kBesideAwait) +                 //
                "\ncoroutine spawned-2\n" + at(kBesideAwait) +                 //
                "\nopen\n    activity step (id 1)\n    timer 1\n    timer 2\n");
  engine.FireTimer("1");
  engine.CompleteActivity("1", "out");
  engine.RunTask(handler);
  EXPECT_EQ(Value(Ask("__stack_trace", /*sticky=*/false)).get<std::string>(), "the workflow function has ended\n");
}

TEST_F(CoreSignalQuery, StackTraceForgetsWhatHasReturnedAndEnded) {
  engine.Start("Outer");
  engine.RunTask(handler);
  engine.CompleteActivity("1", "out");
  engine.RunTask(handler);
  const auto at = [](int line) {
    return "    at tests/workers/core_signal_query_test.cpp:" + std::to_string(line) + "\n";
  };
  EXPECT_THAT(Value(Ask("__stack_trace", /*sticky=*/true)).get<std::string>(),
              ::testing::StartsWith("coroutine main\n" + at(kOuterAwait + 1) + "\ncoroutine spawned-1\n"));
}

// WIRE-F24: in the encoding in which other SDKs give it, so that the CLI and the web UI read it.
TEST_F(CoreSignalQuery, MetadataTellsTheTypeAndTheHandlers) {
  engine.Start("Outer");
  engine.RunTask(handler);
  engine.Signal("unheard", 1);
  engine.RunTask(handler);
  const auto answer = Ask("__temporal_workflow_metadata", /*sticky=*/true);
  const json definition = Value(answer)["definition"];
  EXPECT_EQ(definition["type"], "Outer");
  std::vector<std::string> queries;
  for (const json& query : definition["queryDefinitions"]) queries.push_back(query["name"]);
  EXPECT_THAT(queries, ElementsAre("__stack_trace", "__temporal_workflow_metadata", "mine"));
  EXPECT_EQ(definition["signalDefinitions"], json::parse(R"([{"name": "told"}])"));
  const auto& metadata = answer.query_result().payloads(0).metadata();
  EXPECT_EQ(metadata.at("encoding"), "json/protobuf");
  EXPECT_EQ(metadata.at("messageType"), "temporal.api.sdk.v1.WorkflowMetadata");
}

TEST_F(CoreSignalQuery, BuiltInQueriesThatAreNotServedAreRefusedByName) {
  engine.Start("Outer");
  engine.RunTask(handler);
  const auto answer = Ask("__enhanced_stack_trace", /*sticky=*/true);
  EXPECT_EQ(answer.completed_type(), enums::QUERY_RESULT_TYPE_FAILED);
  EXPECT_THAT(answer.error_message(), HasSubstr("does not answer __enhanced_stack_trace"));
  EXPECT_THAT(answer.failure().message(), HasSubstr("__stack_trace"));
}

// S63
TEST_F(CoreSignalQuery, SignalsBeforeTheFirstTaskAreHandledBeforeMainCodeGoesOn) {
  engine.Start("Adder");
  engine.Signal("add", 3);
  engine.Signal("add", 4);
  EXPECT_THAT(Commands(engine.RunTask(handler)), IsEmpty());
  const json tally = Value(Ask("tally", /*sticky=*/true));
  EXPECT_EQ(tally, json({{"total", 7}, {"log", {"add 3", "add 4", "main"}}}));
}

TEST_F(CoreSignalQuery, SignalsWakeTheWaitAndReplay) {
  engine.Start("Adder");
  engine.RunTask(handler);
  engine.Signal("add", 5);
  engine.Signal("stop", nullptr);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution 5"));
  ExpectEveryPrefixReplays(engine, registry);
}

// SEC-M10, H6: a signal that cannot be read, or is of another type, is ignored with a warning, and the run goes on.
TEST_F(CoreSignalQuery, SignalsThatCannotBeReadAreIgnored) {
  std::vector<std::string> log;
  HandlerOptions options = Options();
  options.log = [&](sdk::LogLevel level, const sdk::WorkflowInfo&, std::string_view text) {
    EXPECT_EQ(level, sdk::LogLevel::kWarning);
    log.emplace_back(text);
  };
  WorkflowTaskHandler logging(registry, options);
  engine.Start("Adder");
  engine.RunTask(logging);
  engine.Signal("add", "three");
  auto& bad = engine.Signal("add", 1);
  bad.mutable_workflow_execution_signaled_event_attributes()->mutable_input()->mutable_payloads(0)->set_data("{bad");
  auto& deep = engine.Signal("add", 1);
  deep.mutable_workflow_execution_signaled_event_attributes()->mutable_input()->mutable_payloads(0)->set_data(
      std::string(200'000, '['));
  engine.Signal("add", 5);
  engine.Signal("stop", nullptr);
  EXPECT_THAT(Commands(engine.RunTask(logging)), ElementsAre("CompleteWorkflowExecution 5"));
  EXPECT_THAT(log, ::testing::UnorderedElementsAre(
                       HasSubstr("signal add is ignored: type must be number"),
                       HasSubstr("signal add of event 6 is ignored: a payload says json/plain but is not JSON"),
                       HasSubstr("is nested too deeply")));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreSignalQuery, AChannelTakesOnlyWhatIsOfItsType) {
  engine.Start("Receiver");
  engine.Signal("word", 1);
  engine.Signal("word", "abc");
  engine.RunTask(handler);
  engine.Signal("word", json::object());
  engine.Signal("word", "def");
  engine.Signal("word", nullptr);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"abcdef\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreSignalQuery, SignalThatArrivesWhileTheTaskIsOutIsSeenByTheNext) {
  engine.Start("Adder");
  const TaskAnswer answer = handler.Handle(engine.BeginTask(/*sticky=*/false), Taken());
  engine.Signal("add", 2);
  engine.EndTask(std::get<ws::RespondWorkflowTaskCompletedRequest>(answer));
  engine.Signal("stop", nullptr);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution 2"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreSignalQuery, ChannelHandsOutSignalsInOrderAndKeepsTheRest) {
  engine.Start("Receiver");
  engine.Signal("word", "ab");
  EXPECT_THAT(Commands(engine.RunTask(handler)), IsEmpty());
  engine.Signal("word", "cd");
  EXPECT_THAT(Commands(engine.RunTask(handler)), IsEmpty());
  engine.Signal("word", "ef");
  engine.Signal("word", "gh");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution \"abcdef+gh\""));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreSignalQuery, CoroutineHandlerRunsOncePerSignal) {
  engine.Start("Jobs");
  engine.Signal("job", 1);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("StartTimer 1"));
  engine.Signal("job", 2);
  engine.Signal("job", 3);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("StartTimer 2", "StartTimer 3"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(CoreSignalQuery, QueryOfALiveRunTakesItsInputAndChangesNothing) {
  engine.Start("Adder");
  engine.Signal("add", 3);
  engine.RunTask(handler);
  EXPECT_EQ(Value(Ask("total plus", true, 10)), 13);
  EXPECT_EQ(Value(Ask("total plus", true, 20)), 23);
  engine.Signal("stop", nullptr);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution 3"));
  EXPECT_EQ(handler.stats().replays, 0u);
}

// S68
TEST_F(CoreSignalQuery, QueryOfAClosedRunReplaysItAndAnswersFromSharedState) {
  engine.Start("Adder");
  engine.Signal("add", 3);
  engine.RunTask(handler);
  engine.Signal("stop", nullptr);
  engine.RunTask(handler);
  EXPECT_TRUE(std::holds_alternative<NeedFullHistory>(handler.Handle(engine.QueryTask("tally", /*sticky=*/true))));
  EXPECT_EQ(Value(Ask("tally", /*sticky=*/false)).at("total"), 3);
  const auto gone = Ask("total plus", /*sticky=*/false, 1);
  EXPECT_EQ(gone.completed_type(), enums::QUERY_RESULT_TYPE_FAILED);
  EXPECT_THAT(gone.error_message(), HasSubstr("the workflow function has ended"));
}

TEST_F(CoreSignalQuery, QueryOfAnEvictedRunReplaysItAndMakesItLiveAgain) {
  engine.Start("Adder");
  engine.Signal("add", 3);
  engine.RunTask(handler);
  handler.Evict(engine.run_id());
  EXPECT_EQ(Value(Ask("total plus", /*sticky=*/false, 1)), 4);
  EXPECT_EQ(handler.stats().cached, 1u);
  engine.Signal("stop", nullptr);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution 3"));
  EXPECT_EQ(handler.stats().replays, 1u);
}

TEST_F(CoreSignalQuery, QueriesThatRideOnATaskAreAnsweredAfterItsEvents) {
  engine.Start("Adder");
  engine.RunTask(handler);
  engine.Signal("add", 9);
  auto task = engine.BeginTask(/*sticky=*/true);
  (*task.mutable_queries())["q1"].set_query_type("total plus");
  *(*task.mutable_queries())["q1"].mutable_query_args() = EncodePayloads(1);
  (*task.mutable_queries())["q2"].set_query_type("no such query");
  const TaskAnswer answer = handler.Handle(task);
  const auto& completed = std::get<ws::RespondWorkflowTaskCompletedRequest>(answer);
  EXPECT_EQ(completed.query_results().at("q1").answer().payloads(0).data(), "10");
  EXPECT_EQ(completed.query_results().at("q2").result_type(), enums::QUERY_RESULT_TYPE_FAILED);
  EXPECT_THAT(completed.query_results().at("q2").error_message(),
              HasSubstr("unknown query no such query; this workflow answers naughty, tally, total plus"));
}

TEST_F(CoreSignalQuery, QueryHandlerThatIssuesACommandFailsAndLeavesNoTrace) {
  engine.Start("Adder");
  engine.RunTask(handler);
  const auto answer = Ask("naughty", true);
  EXPECT_EQ(answer.completed_type(), enums::QUERY_RESULT_TYPE_FAILED);
  EXPECT_THAT(answer.error_message(), HasSubstr("may not issue commands"));
  engine.Signal("stop", nullptr);
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("CompleteWorkflowExecution 0"));
}

}  // namespace
}  // namespace wfe::core::testing
