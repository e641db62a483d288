// The coroutine types by themselves, over a runtime that only notes what it is asked for.
#include <gmock/gmock.h>

#include <map>

#include "workers/sdk/workflow.h"
#include "workers/sdk/workflow_instance.h"

namespace wfe::sdk {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::ElementsAre;

class NotingRuntime final : public WorkflowRuntime {
 public:
  const WorkflowInfo& info() const override { return info_; }
  Instant Now() const override { return {}; }
  bool IsReplaying() const override { return false; }
  uint64_t RandomSeed() const override { return 1; }
  void ScheduleActivity(ActivityCommand command) override { notes.push_back("activity " + command.activity_type); }
  void CancelActivity(uint64_t seq) override { notes.push_back("cancel activity " + std::to_string(seq)); }
  void StartTimer(uint64_t seq, Duration) override { notes.push_back("timer " + std::to_string(seq)); }
  void CancelTimer(uint64_t seq) override { notes.push_back("cancel timer " + std::to_string(seq)); }
  std::optional<json> RecordedSideEffect(uint64_t) override { return std::nullopt; }
  void RecordSideEffect(uint64_t, const json&) override {}
  bool Patched(std::string_view, bool) override { return true; }
  void UpsertMemo(const json&) override {}
  void Log(LogLevel, std::string_view text) override { notes.emplace_back(text); }

  std::vector<std::string> notes;

 private:
  WorkflowInfo info_;
};

template <class Output>
json RunToEnd(Task<Output> (*workflow)(WorkflowContext&), NotingRuntime& runtime, std::vector<uint64_t> timers = {}) {
  WorkflowRegistry registry;
  registry.Register("W", workflow);
  WorkflowInstance instance(*registry.Find("W"), runtime);
  instance.Start(nullptr);
  instance.Run();
  for (const uint64_t timer : timers) {
    instance.TimerFired(timer);
    instance.Run();
  }
  if (instance.poison().has_value()) return "poison: " + instance.poison()->message;
  if (!instance.outcome().has_value()) return "still waiting";
  const auto* completed = std::get_if<WorkflowCompleted>(&*instance.outcome());
  return completed == nullptr ? json("not completed") : completed->result;
}

Task<int> Down(WorkflowContext& ctx, int depth) {
  if (depth == 0) co_return 0;
  Task<int> below = Down(ctx, depth - 1);
  int n = co_await below;
  co_return n + 1;
}
Task<int> Deep(WorkflowContext& ctx) {
  Task<int> all = Down(ctx, 10'000);
  int n = co_await all;
  co_return n;
}
TEST(SdkCoroutine, DeepCallChainDoesNotGrowTheStack) {
  NotingRuntime runtime;
  EXPECT_EQ(RunToEnd(&Deep, runtime), 10'000);
}

Task<int> One(WorkflowContext&) { co_return 1; }
Task<int> Loop(WorkflowContext& ctx) {
  int sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    int n = co_await One(ctx);
    sum += n;
    co_await ctx.Sleep(0s);
  }
  co_return sum;
}
TEST(SdkCoroutine, ManyAwaitsThatAreReadyAtOnceDoNotGrowTheStack) {
  NotingRuntime runtime;
  EXPECT_EQ(RunToEnd(&Loop, runtime), 100'000);
}

Task<void> Say(WorkflowContext& ctx, std::string word) {
  ctx.Log(LogLevel::kInfo, word + " begins");
  co_await ctx.Sleep(1s);
  ctx.Log(LogLevel::kInfo, word + " ends");
}
Task<void> Order(WorkflowContext& ctx) {
  Future<void> a = ctx.Spawn(Say(ctx, "a"));
  Future<void> b = ctx.Spawn(Say(ctx, "b"));
  ctx.Log(LogLevel::kInfo, "main goes on");
  co_await b;
  co_await a;
  ctx.Log(LogLevel::kInfo, "main ends");
}
TEST(SdkCoroutine, SpawnedTasksRunInTheOrderOfTheirSpawning) {
  NotingRuntime runtime;
  RunToEnd(&Order, runtime, {2, 1});
  EXPECT_THAT(runtime.notes, ElementsAre("main goes on", "a begins", "timer 1", "b begins", "timer 2", "b ends",
                                         "a ends", "main ends"));
}

Task<void> CallOrder(WorkflowContext& ctx) {
  Future<void> other = ctx.Spawn(Say(ctx, "other"));
  Task<int> call = One(ctx);
  int n = co_await call;
  ctx.Log(LogLevel::kInfo, "called " + std::to_string(n));
  co_await other;
}
TEST(SdkCoroutine, AwaitedCallRunsLikeAFunctionBeforeOtherReadyTasks) {
  NotingRuntime runtime;
  RunToEnd(&CallOrder, runtime, {1});
  EXPECT_THAT(runtime.notes, ElementsAre("called 1", "other begins", "timer 1", "other ends"));
}

Task<void> ThrowLater(WorkflowContext& ctx) {
  co_await ctx.Sleep(1s);
  throw WorkflowFailure("later", "LATER");
}
Task<json> AllFails(WorkflowContext& ctx) {
  std::vector<Future<void>> futures;
  futures.push_back(ctx.StartTimer(1h));
  futures.push_back(ctx.Spawn(ThrowLater(ctx)));
  json seen;
  try {
    co_await All(futures);
  } catch (const WorkflowFailure& failure) {
    seen = {failure.type(), futures[0].ready(), futures[1].failed()};
  }
  size_t first = co_await Any(futures);
  seen.push_back(first);
  co_return seen;
}
TEST(SdkCoroutine, AllThrowsTheFirstFailureAndLeavesTheOthersRunning) {
  NotingRuntime runtime;
  EXPECT_EQ(RunToEnd(&AllFails, runtime, {2}), json({"LATER", false, true, 1}));
}

Task<std::string> Shared(WorkflowContext& ctx, Future<void> gate, std::string name) {
  co_await gate;
  ctx.Log(LogLevel::kInfo, name);
  co_return name;
}
Task<json> Waiters(WorkflowContext& ctx) {
  Future<void> gate = ctx.StartTimer(1s);
  std::vector<Future<std::string>> waiters;
  for (const char* name : {"x", "y", "z"}) {
    std::string copy = name;
    waiters.push_back(ctx.Spawn(Shared(ctx, gate, copy)));
  }
  std::vector<std::string> names = co_await All(waiters);
  json seen = names;
  co_return seen;
}
TEST(SdkCoroutine, OneFutureWakesAllItsWaitersInOrder) {
  NotingRuntime runtime;
  EXPECT_EQ(RunToEnd(&Waiters, runtime, {1}), json({"x", "y", "z"}));
  EXPECT_THAT(runtime.notes, ElementsAre("timer 1", "x", "y", "z"));
}

Task<json> Conditions(WorkflowContext& ctx) {
  int step = 0;
  json seen = json::array();
  Future<void> two = ctx.WaitCondition([&] { return step >= 2; });
  Future<void> one = ctx.WaitCondition([&] { return step >= 1; });
  Future<void> bad = ctx.WaitCondition([&]() -> bool {
    if (step > 0) throw WorkflowFailure("bad predicate");
    return false;
  });
  step = 1;
  co_await one;
  seen.push_back(two.ready());
  step = 2;
  co_await two;
  try {
    co_await bad;
  } catch (const WorkflowFailure& failure) {
    seen.push_back(failure.message());
  }
  co_return seen;
}
TEST(SdkCoroutine, ConditionsAreCheckedWheneverNothingElseIsReady) {
  NotingRuntime runtime;
  EXPECT_EQ(RunToEnd(&Conditions, runtime), json({false, "bad predicate"}));
}

Task<json> Empty(WorkflowContext& ctx) {
  std::vector<Future<int>> none;
  std::vector<Future<void>> nothing;
  Future<std::vector<int>> all = All(none);
  std::vector<int> values = co_await all;
  co_await All(nothing);
  Future<void> timer = ctx.StartTimer(1s);
  size_t first = co_await Any(all, timer);
  json seen = {values.size(), first};
  co_return seen;
}
TEST(SdkCoroutine, AllOfNothingIsReadyAtOnce) {
  NotingRuntime runtime;
  EXPECT_EQ(RunToEnd(&Empty, runtime), json({0, 0}));
}

Task<int> Twice(WorkflowContext& ctx) {
  Task<int> once = One(ctx);
  int n = co_await once;
  n += co_await once;
  co_return n;
}
TEST(SdkCoroutine, TaskThatIsAwaitedTwiceFailsTheWorkflowTaskAndNotTheProcess) {
  NotingRuntime runtime;
  EXPECT_EQ(RunToEnd(&Twice, runtime), "poison: a Task is awaited or spawned once");
}

Task<int> ScopeInHandler(WorkflowContext& ctx) {
  ctx.OnSignal<int>("s", [&](int) { CancellationScope scope(ctx); });
  co_await ctx.Sleep(1s);
  co_return 1;
}
TEST(SdkCoroutine, ScopeInASignalHandlerFailsTheWorkflowTaskAndNotTheProcess) {
  NotingRuntime runtime;
  WorkflowRegistry registry;
  registry.Register("W", &ScopeInHandler);
  WorkflowInstance instance(*registry.Find("W"), runtime);
  instance.Start(nullptr);
  instance.Run();
  instance.Signal("s", 1);
  instance.Run();
  ASSERT_TRUE(instance.poison().has_value());
}

/// Forms that GCC 12 gets right and that workflows use; the sanitizers watch.
struct Heavy {
  std::string text;
  std::vector<std::string> list;
};
void to_json(json& j, const Heavy& h) { j = {{"text", h.text}, {"list", h.list}}; }
void from_json(const json& j, Heavy& h) {
  j.at("text").get_to(h.text);
  j.at("list").get_to(h.list);
}
constexpr ActivityType<Heavy, Heavy> kHeavy{"heavy"};
Task<Heavy> Wrapped(WorkflowContext& ctx, Heavy input) {
  Heavy output = co_await ctx.Activity(kHeavy, input, {.start_to_close = 1s, .retry = {.maximum_attempts = 2}});
  output.list.push_back(input.text);
  co_return output;
}
Task<Heavy> Forms(WorkflowContext& ctx) {
  Heavy input{.text = "a text that is too long to be stored in the string itself", .list = {"one", "two"}};
  std::string prefix = "an-activity-id-that-lives-on-the-heap-";
  Heavy direct = co_await ctx.Activity(kHeavy, input, {.activity_id = prefix + "1", .start_to_close = 1s});
  Heavy wrapped = co_await Wrapped(ctx, direct);
  if (wrapped.list.size() > 2) wrapped = co_await Wrapped(ctx, wrapped);
  co_return wrapped;
}
TEST(SdkCoroutine, HeavyValuesSurviveTheAwaitsTheyPass) {
  NotingRuntime runtime;
  WorkflowRegistry registry;
  registry.Register("Forms", &Forms);
  WorkflowInstance instance(*registry.Find("Forms"), runtime);
  instance.Start(nullptr);
  instance.Run();
  for (uint64_t seq = 1; seq <= 3; ++seq) {
    const json result = {{"text", "result number " + std::to_string(seq) + " with more than a few characters"},
                         {"list", {"p", "q"}}};
    instance.ActivityResolved(seq, ActivityCompleted{result});
    instance.Run();
  }
  ASSERT_TRUE(instance.outcome().has_value());
  const auto& completed = std::get<WorkflowCompleted>(*instance.outcome());
  EXPECT_EQ(completed.result.at("text"), "result number 3 with more than a few characters");
  EXPECT_EQ(completed.result.at("list"), json({"p", "q", "result number 2 with more than a few characters"}));
}

Task<int> Never(WorkflowContext& ctx) {
  Future<void> timer = ctx.StartTimer(1h);
  Future<void> spawned = ctx.Spawn(Say(ctx, "spawned"));
  auto both = All(timer, spawned);
  bool done = false;
  Future<bool> wait = ctx.WaitCondition([&] { return done; }, 1h);
  co_await both;
  bool in_time = co_await wait;
  co_return in_time ? 1 : 0;
}
TEST(SdkCoroutine, RunThatIsDroppedWhileItWaitsLeaksNothing) {
  NotingRuntime runtime;
  EXPECT_EQ(RunToEnd(&Never, runtime), "still waiting");
}

}  // namespace
}  // namespace wfe::sdk
