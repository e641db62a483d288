#include "tools/bench/workload.h"

namespace wfe::bench {
namespace {

using namespace std::chrono_literals;
using sdk::Task;
using sdk::WorkflowContext;

constexpr sdk::ActivityType<int, int> kAddOne{"benchAddOne"};

Task<int> Chain(WorkflowContext& ctx, int steps) {
  int value = 0;
  for (int i = 0; i < steps; ++i) {
    value = co_await ctx.Activity(kAddOne, value, {.start_to_close = 60s});
  }
  co_return value;
}

Task<int> One(WorkflowContext& ctx) {
  const int value = co_await Chain(ctx, 1);
  co_return value;
}

Task<int> Ten(WorkflowContext& ctx) {
  const int value = co_await Chain(ctx, 10);
  co_return value;
}

Task<int> Spread(WorkflowContext& ctx, int count, bool eager) {
  std::vector<sdk::Future<int>> steps;
  for (int i = 0; i < count; ++i) {
    steps.push_back(ctx.StartActivity(kAddOne, i, {.start_to_close = 60s, .allow_eager = eager}));
  }
  const sdk::Future<std::vector<int>> all = sdk::All(steps);
  const std::vector<int> values = co_await all;
  co_return static_cast<int>(values.size());
}

Task<int> Wide(WorkflowContext& ctx, int count) {
  const int done = co_await Spread(ctx, count, true);
  co_return done;
}

Task<int> Polled(WorkflowContext& ctx, int count) {
  const int done = co_await Spread(ctx, count, false);
  co_return done;
}

Task<int> Fan(WorkflowContext& ctx) {
  const int count = co_await Spread(ctx, 100, true);
  co_return count;
}

Task<int> Alarms(WorkflowContext& ctx, int count) {
  std::vector<sdk::Future<void>> timers;
  for (int i = 0; i < count; ++i) timers.push_back(ctx.StartTimer(kAlarmAfter));
  const sdk::Future<void> all = sdk::All(timers);
  co_await all;
  co_return count;
}

Task<int> Sleeper(WorkflowContext& ctx, int milliseconds) {
  co_await ctx.Sleep(std::chrono::milliseconds(milliseconds));
  co_return milliseconds;
}

Task<int> Park(WorkflowContext& ctx) {
  sdk::SignalChannel<int> go = ctx.Signals<int>("go");
  const int value = co_await go.Receive();
  co_return value;
}

}  // namespace

void RegisterWorkload(sdk::WorkflowRegistry& workflows, sdk::ActivityRegistry& activities) {
  workflows.Register(std::string(kOne), &One);
  workflows.Register(std::string(kTen), &Ten);
  workflows.Register(std::string(kFan), &Fan);
  workflows.Register(std::string(kWide), &Wide);
  workflows.Register(std::string(kPolled), &Polled);
  workflows.Register(std::string(kAlarms), &Alarms);
  workflows.Register(std::string(kSleep), &Sleeper);
  workflows.Register(std::string(kPark), &Park);
  activities.Register(kAddOne,
                      [](sdk::ActivityContext&, const int& value) { return sdk::ActivityResult<int>(value + 1); });
}

}  // namespace wfe::bench
