#include "tools/bench/workload.h"

#include <fcntl.h>
#include <unistd.h>

#include "activities/graph/graph.h"
#include "engine/base/unique_fd.h"
#include "workflows/graph/graph_workflow.h"

namespace wfe::bench {
namespace {

using namespace std::chrono_literals;
using sdk::Task;
using sdk::WorkflowContext;

constexpr sdk::ActivityType<int, int> kAddOne{"benchAddOne"};

/// One step of a recorded workflow.
struct Step {
  std::string file;
  std::string line;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Step, file, line)
constexpr sdk::ActivityType<Step, int> kRecord{"benchRecord"};

sdk::ActivityResult<int> Record(sdk::ActivityContext&, const Step& step) {
  const UniqueFd file(::open(step.file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const std::string line = step.line + "\n";
  if (!file.open() || ::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return sdk::ApplicationFailure{.message = "cannot write to " + step.file};
  }
  return 0;
}

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

/// What an activity of a graph takes and gives: an object.
constexpr sdk::ActivityType<nlohmann::json, int> kAddOneTo{"benchAddOneTo"};

nlohmann::json GraphOfTen() {
  graph::Graph graph{.id = "bench", .start = "n0", .inputs = {"value"}, .outputs = {"value"}};
  for (int i = 0; i < 10; ++i) {
    graph.nodes.push_back({.id = "n" + std::to_string(i),
                           .activity = std::string(kAddOneTo.name),
                           .reads = {"value"},
                           .writes = {"value"},
                           .timeout_s = 60});
    if (i > 0) graph.edges.push_back({.source = "n" + std::to_string(i - 1), .target = "n" + std::to_string(i)});
  }
  return graph;
}

Task<nlohmann::json> GraphTen(WorkflowContext& ctx) {
  static const nlohmann::json kInput = {{"graph", GraphOfTen()}, {"state", {{"value", 0}}}};
  Task<workflows::GraphProgress> run = workflows::RunGraph(ctx, kInput);
  const workflows::GraphProgress progress = co_await run;
  co_return progress.outputs;
}

Task<int> Recorded(WorkflowContext& ctx, std::string file) {
  for (int i = 0; i < 10; ++i) {
    const Step step{file, ctx.info().workflow_id + " " + std::to_string(i)};
    co_await ctx.Activity(kRecord, step, {.start_to_close = 60s});
  }
  co_return 10;
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

worker::WorkerOptions WorkloadOptions(std::string_view queue) {
  worker::WorkerOptions options;
  options.task_queue = queue;
  options.identity = "bench-worker-" + std::to_string(getpid());
  options.max_cached_workflows = 20'000;
  // As many as the widest workflow has: with fewer, some of its activities would ride on an answer and others be polled
  // for, and 2,000 and 200 would measure two different ways.
  options.max_concurrent_activities = 2000;
  options.drain_timeout = std::chrono::seconds(1);
  return options;
}

void RegisterWorkload(sdk::WorkflowRegistry& workflows, sdk::ActivityRegistry& activities) {
  workflows.Register(std::string(kOne), &One);
  workflows.Register(std::string(kTen), &Ten);
  workflows.Register(std::string(kGraphTen), &GraphTen);
  workflows.Register(std::string(kFan), &Fan);
  workflows.Register(std::string(kWide), &Wide);
  workflows.Register(std::string(kPolled), &Polled);
  workflows.Register(std::string(kAlarms), &Alarms);
  workflows.Register(std::string(kSleep), &Sleeper);
  workflows.Register(std::string(kPark), &Park);
  workflows.Register(std::string(kRecorded), &Recorded);
  activities.Register(kRecord, &Record);
  activities.Register(kAddOneTo, [](sdk::ActivityContext&, const nlohmann::json& input) {
    return sdk::ActivityResult<int>(input.value("value", 0) + 1);
  });
  activities.Register(kAddOne,
                      [](sdk::ActivityContext&, const int& value) { return sdk::ActivityResult<int>(value + 1); });
}

}  // namespace wfe::bench
