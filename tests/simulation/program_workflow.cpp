// The workflow that runs programs.
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/simulation/activity_host.h"
#include "tests/simulation/program.h"
#include "tests/simulation/program_neighbours.h"
#include "workers/sdk/workflow.h"

namespace wfe::simulation {

using namespace std::chrono_literals;
using namespace sdk;  // NOLINT: workflow code reads as its authors write it
using nlohmann::json;

namespace {

/// Shared with spawned branches, which may outlive the main coroutine's locals when the run is cancelled.
struct Run {
  json input;
  Flags& flags;
  int64_t sum = 0;
  std::map<std::string, int64_t> signals;  // by number: the same one may come twice across runs
};
using RunPtr = std::shared_ptr<Run>;

ActivityOptions Patient() {
  return {.start_to_close = 20s,
          .retry = {.initial_interval = 500ms, .backoff_coefficient = 2, .maximum_interval = 5s}};
}

std::chrono::milliseconds Millis(const json& op) { return std::chrono::milliseconds(op["ms"].get<int64_t>()); }

Task<int64_t> RunOps(WorkflowContext& ctx, RunPtr run, const json* ops, bool top);

/// 1 when the activity fails, as it must.
Task<int64_t> Doomed(WorkflowContext& ctx, ActivityType<int64_t, int64_t> type, ActivityOptions options) {
  const int64_t input = 0;
  Future<int64_t> activity = ctx.Activity(type, input, options);
  int64_t result = -1'000'000;
  try {
    co_await activity;
  } catch (const ActivityFailure&) {
    result = 1;
  }
  co_return result;
}

Task<int64_t> Fan(WorkflowContext& ctx, int64_t value, int64_t count) {
  std::vector<Future<int64_t>> all;
  for (int64_t i = 0; i < count; ++i) all.push_back(ctx.StartActivity(kWork, value, Patient()));
  Future<size_t> first = Any(all);
  co_await first;
  Future<std::vector<int64_t>> join = All(all);
  std::vector<int64_t> values = co_await join;
  int64_t sum = 0;
  for (const int64_t each : values) sum += each;
  co_return sum;
}

Task<int64_t> Race(WorkflowContext& ctx, int64_t value, Duration limit) {
  Future<int64_t> activity = ctx.StartActivity(kWork, value, Patient());
  Future<void> timer = ctx.StartTimer(limit);
  Future<size_t> any = Any(activity, timer);
  const size_t first = co_await any;
  if (first == 0) timer.Cancel();
  co_return co_await activity;
}

Task<int64_t> CancelTimer(WorkflowContext& ctx, Duration duration, Duration wait) {
  Future<void> timer = ctx.StartTimer(duration);
  co_await ctx.Sleep(wait);
  timer.Cancel();
  try {
    co_await timer;
  } catch (const CancelledFailure&) {
  }
  co_return 0;
}

Task<int64_t> Scope(WorkflowContext& ctx, Duration after, ActivityCancellationType type) {
  CancellationScope scope(ctx);
  const int64_t input = 1;
  ActivityOptions options = Patient();
  options.start_to_close = 2min;
  options.heartbeat = 6s;
  options.cancellation = type;
  Future<int64_t> activity = ctx.StartActivity(kBeating, input, options);
  co_await ctx.Sleep(after);
  scope.Cancel();
  try {
    co_await activity;
  } catch (const CancelledFailure&) {
  } catch (const ActivityFailure&) {
  }
  co_return 1;
}

Task<int64_t> Branches(WorkflowContext& ctx, RunPtr run, const json* branches) {
  std::vector<Future<int64_t>> all;
  for (const json& ops : *branches) all.push_back(ctx.Spawn(RunOps(ctx, run, &ops, false)));
  Future<std::vector<int64_t>> join = All(all);
  std::vector<int64_t> values = co_await join;
  int64_t sum = 0;
  for (const int64_t each : values) sum += each;
  co_return sum;
}

/// 1 when the activity was given what the code had in hand: a replay that came up with another number would not.
Task<int64_t> Echoed(WorkflowContext& ctx, int64_t number) {
  const int64_t echo = co_await ctx.Activity(kWork, number, Patient());
  co_return echo == number ? 1 : -1'000'000;
}

[[noreturn]] void Continue(WorkflowContext& ctx, const Run& run, size_t next) {
  // The next run would know nothing of a cancel that this one has heard of.
  if (ctx.IsCancelRequested()) throw CancelledFailure();
  json input = run.input;
  json rest = json::array();
  for (size_t i = next; i < input["ops"].size(); ++i) rest.push_back(input["ops"][i]);
  input["ops"] = std::move(rest);
  input["sum"] = run.sum;
  input["signals"] = run.signals;
  ctx.ContinueAsNew(input);
}

Task<int64_t> RunOp(WorkflowContext& ctx, RunPtr run, const json* op_pointer) {
  const json& op = *op_pointer;
  const std::string name = op["op"];
  const int64_t value = op.value("value", int64_t{0});
  if (name == "work") co_return co_await ctx.Activity(kWork, value, Patient());
  if (name == "flaky") co_return co_await ctx.Activity(kFlaky, value, Patient());
  if (name == "sleep") co_await ctx.Sleep(Millis(op));
  if (name == "fan") co_return co_await Fan(ctx, value, op["count"].get<int64_t>());
  if (name == "race") co_return co_await Race(ctx, value, Millis(op));
  if (name == "all") co_return co_await Branches(ctx, run, &op["branches"]);
  if (name == "cancel_timer") {
    co_return co_await CancelTimer(ctx, Millis(op), Millis(op) - std::chrono::milliseconds(op["early"].get<int64_t>()));
  }
  if (name == "scope") {
    co_return co_await Scope(ctx, Millis(op), static_cast<ActivityCancellationType>(op["type"].get<int>()));
  }
  if (name == "beating") {
    ActivityOptions options = Patient();
    options.start_to_close = 2min;
    options.heartbeat = 10s;
    co_return co_await ctx.Activity(kBeating, value, options);
  }
  if (name == "refused") co_return co_await Doomed(ctx, kRefused, Patient());
  if (name == "broken") {
    ActivityOptions options = Patient();
    options.retry.maximum_attempts = 3;
    co_return co_await Doomed(ctx, kBroken, options);
  }
  if (name == "stuck") {
    ActivityOptions options = Patient();
    if (op["to_close"].get<bool>()) {
      options.schedule_to_close = 12s;
    } else {
      options.retry.maximum_attempts = 2;
    }
    options.start_to_close = 5s;
    co_return co_await Doomed(ctx, kStuck, options);
  }
  if (name == "silent") {
    ActivityOptions options = Patient();
    options.heartbeat = 3s;
    options.retry.maximum_attempts = 1;
    co_return co_await Doomed(ctx, kSilent, options);
  }
  if (name == "effect") {
    const int64_t number = ctx.SideEffect([&run] { return ++run->flags.side_effects; });
    co_return co_await Echoed(ctx, number);
  }
  if (name == "random") {
    const auto number = static_cast<int64_t>((ctx.Random() ^ ctx.NewUuid().size()) % 1'000'000);
    co_return co_await Echoed(ctx, number);
  }
  if (name == "patched") {
    const std::string id = op["id"];
    if (!ctx.Patched(id)) throw WorkflowFailure("no run is older than the patch");
    co_return co_await ctx.Activity(kWork, value, Patient());
  }
  if (name == "memo") ctx.UpsertMemo({{"value", value}});
  if (name == "wait") {
    const size_t signals = run->signals.size();
    const Run* state = run.get();
    co_await ctx.WaitCondition([state, signals] { return state->signals.size() > signals; }, Millis(op));
  }
  if (name == "signals") {
    const auto count = op["count"].get<size_t>();
    const Run* state = run.get();
    co_await ctx.WaitCondition([state, count] { return state->signals.size() >= count; });
  }
  if (name == "nobody" || name.starts_with("child")) co_return co_await RunNeighbourStep(ctx, op_pointer);
  if (name == "poison" && !run->flags.healed) throw std::runtime_error("poisoned");
  co_return 0;
}

Task<int64_t> RunOps(WorkflowContext& ctx, RunPtr run, const json* ops, bool top) {
  int64_t sum = 0;
  for (size_t i = 0; i < ops->size(); ++i) {
    const json* op = &(*ops)[i];
    if (top && (*op)["op"] == "continue") Continue(ctx, *run, i + 1);
    const int64_t value = co_await RunOp(ctx, run, op);
    sum += value;
    if (top) run->sum += value;
  }
  co_return sum;
}

/// Waits to be cancelled; cleans up before it lets go.
Task<void> EndCancelled(WorkflowContext& ctx) {
  bool cancelled = false;
  try {
    co_await ctx.Sleep(24h);
  } catch (const CancelledFailure&) {
    cancelled = true;
  }
  if (!cancelled) throw WorkflowFailure("nobody cancelled it");
  ShieldScope shield(ctx);
  const int64_t value = 1;
  co_await ctx.Activity(kWork, value, Patient());
  throw CancelledFailure();
}

Task<json> RunProgram(WorkflowContext& ctx, json input, Flags* flags) {
  auto run = std::make_shared<Run>(Run{.input = std::move(input), .flags = *flags, .sum = 0, .signals = {}});
  run->sum = run->input["sum"].get<int64_t>();
  run->signals = run->input["signals"].get<std::map<std::string, int64_t>>();
  Run* state = run.get();
  ctx.OnSignal<json>(kSignalName, [state](const json& signal) {
    const auto number = std::to_string(signal["number"].get<int64_t>());
    const bool first = state->signals.emplace(number, signal["value"].get<int64_t>()).second;
    if (!first && signal.contains("once")) state->sum -= 1'000'000;  // H22: what a workflow sends arrives once
  });
  ctx.OnQuery<Nothing, int64_t>(kQueryName, run, [](const Run& r, const Nothing&) { return r.sum; });

  co_await RunOps(ctx, run, &run->input["ops"], true);
  const auto expected = run->input["expect"].get<size_t>();
  co_await ctx.WaitCondition([state, expected] { return state->signals.size() >= expected; });

  const std::string end = run->input["end"];
  if (end == "fail") throw WorkflowFailure("as planned", "PLANNED");
  if (end == "third" && ctx.info().attempt < 3) throw WorkflowFailure("not yet", "NOT_YET");
  if (end == "cancel") co_await EndCancelled(ctx);
  if (end == "forever") co_await ctx.WaitCondition([] { return false; });
  int64_t value = run->sum;
  for (const auto& [number, each] : run->signals) value += each;
  co_return json{{"value", value}, {"signals", run->signals.size()}};
}

}  // namespace

void RegisterWorkflows(WorkflowRegistry& registry, Flags& flags) {
  registry.RegisterErased(kProgramWorkflow, [flags = &flags](WorkflowContext& ctx, json input) {
    return RunProgram(ctx, std::move(input), flags);
  });
}

}  // namespace wfe::simulation
