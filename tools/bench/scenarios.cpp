#include "tools/bench/scenarios.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "tools/bench/clock.h"
#include "tools/bench/fresh_stack.h"
#include "tools/bench/everyday.h"
#include "tools/bench/generations.h"
#include "tools/bench/load.h"
#include "tools/bench/million.h"
#include "tools/bench/money.h"
#include "tools/bench/process.h"
#include "tools/bench/traces.h"
#include "tools/bench/resume.h"
#include "tools/bench/wide.h"
#include "tools/bench/workload.h"
#include "workers/client/blocking_call.h"
#include "workers/client/grpc_client.h"

namespace wfe::bench {
namespace {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
using namespace std::chrono_literals;

/// A load scenario: `steps` activities a workflow.
struct LoadScenario {
  std::string name;
  std::string_view workflow;
  int steps;
  std::vector<int> concurrency;
};

Status Load(const LoadScenario& scenario, const Environment& env, std::vector<Figure>& figures) {
  const std::vector<int>& wanted = env.options.concurrency.empty() ? scenario.concurrency : env.options.concurrency;
  for (const int callers : wanted) {
    env.progress(scenario.name + " with " + std::to_string(callers) + " callers");
    double server_cpu = 0;
    double worker_cpu = 0;
    double own_cpu = 0;
    const auto sign = [&](double factor) {
      own_cpu += factor * CpuSeconds(getpid());
      if (env.server_pid == 0) return;
      server_cpu += factor * CpuSeconds(env.server_pid);
      worker_cpu += factor * CpuSeconds(env.worker_pid);
    };
    const LoadResult result = RunLoad(
        *env.client,
        {.workflow_type = std::string(scenario.workflow),
         .input_json = {},
         .callers = callers,
         .warm_up_s = 1,
         .measured_s = env.options.seconds},
        [&] { sign(-1); }, [&] { sign(1); });
    if (!result.first_error.empty()) return Internal(result.first_error);
    if (result.completed == 0) return Internal("no workflow ended in the measured time");
    const auto add = [&](Figure figure) {
      figure.scenario = scenario.name;
      figure.concurrency = callers;
      figure.samples = result.completed;
      figures.push_back(std::move(figure));
    };
    Figure rate{.name = "workflows", .value = result.PerSecond(), .unit = "/s"};
    if (scenario.name == "one" && callers == 128) rate.aim = 3000;
    rate.against = "rocksdb_synced_batches";
    rate.ratio = rate.value / env.limits.rocksdb_batches_per_s;
    add(rate);
    if (scenario.steps > 1) {
      Figure steps{.name = "steps", .value = result.PerSecond() * scenario.steps, .unit = "/s"};
      if (scenario.name == "ten" && callers == 128) steps.aim = 7000;
      steps.against = "rocksdb_synced_batches";
      steps.ratio = steps.value / env.limits.rocksdb_batches_per_s;
      add(steps);
    }
    Figure p50{.name = "p50", .value = result.Percentile(0.5), .unit = "ms"};
    p50.against = "fdatasync_p50";
    p50.ratio = p50.value / env.limits.fdatasync_ms;
    if (scenario.name == "one" && callers == 1) {
      p50.aim = 12 * env.limits.fdatasync_ms;
      p50.aim_is_upper = true;
    }
    add(p50);
    add({.name = "p99", .value = result.Percentile(0.99), .unit = "ms"});
    const auto workflows = static_cast<double>(result.completed);
    if (env.options.transport == Transport::kEmbedded) {
      add({.name = "process_cpu", .value = own_cpu / workflows * 1e6, .unit = "us/workflow"});
    }
    if (env.server_pid != 0) {
      add({.name = "server_cpu", .value = server_cpu / workflows * 1e6, .unit = "us/workflow"});
      add({.name = "worker_cpu", .value = worker_cpu / workflows * 1e6, .unit = "us/workflow"});
    }
  }
  return Ok();
}

/// Lateness of a sleeping workflow: TimerFired's event time minus due time.
Result<double> TimerLatenessMs(client::ServiceClient& client, const std::string& id) {
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(id);
  WFE_ASSIGN_OR_RETURN(const auto page, (client::BlockingCall<ws::GetWorkflowExecutionHistoryResponse>(
                                            client, client::kWorkflowService, "GetWorkflowExecutionHistory", request)));
  double due_ms = 0;
  for (const auto& event : page.history().events()) {
    const double at_ms = static_cast<double>(event.event_time().seconds()) * 1e3 + event.event_time().nanos() / 1e6;
    if (event.event_type() == enums::EVENT_TYPE_TIMER_STARTED) {
      const auto& timeout = event.timer_started_event_attributes().start_to_fire_timeout();
      due_ms = at_ms + static_cast<double>(timeout.seconds()) * 1e3 + timeout.nanos() / 1e6;
    } else if (event.event_type() == enums::EVENT_TYPE_TIMER_FIRED) {
      return at_ms - due_ms;
    }
  }
  return NotFound(id + " has no fired timer");
}

Status Timers(const Environment& env, std::vector<Figure>& figures) {
  constexpr int kCount = 10'000;
  const std::string prefix = "timer-" + std::to_string(getpid()) + "-" + std::to_string(time(nullptr));
  env.progress("timers: starting 10,000 workflows that sleep 5 s");
  WFE_RETURN_IF_ERROR(StartMany(*env.client, std::string(kSleep), "5000", prefix, kCount, 128));
  for (int i = kCount - 100; i < kCount; ++i) {
    WFE_RETURN_IF_ERROR(AwaitClose(*env.client, prefix + "-" + std::to_string(i), 60s));
  }
  env.progress("timers: reading 10,000 histories");
  std::vector<double> lateness;
  double earliest = 0;
  for (int i = 0; i < kCount; ++i) {
    WFE_ASSIGN_OR_RETURN(const double late, TimerLatenessMs(*env.client, prefix + "-" + std::to_string(i)));
    earliest = std::min(earliest, late);
    lateness.push_back(late);
  }
  if (earliest < 0) return Internal("a timer fired " + std::to_string(-earliest) + " ms before it was due");
  std::sort(lateness.begin(), lateness.end());
  const auto at = [&](double p) { return lateness[static_cast<size_t>(p * static_cast<double>(lateness.size() - 1))]; };
  figures.push_back({.scenario = "timers", .name = "lateness_p50", .value = at(0.5), .unit = "ms", .samples = kCount});
  figures.push_back({.scenario = "timers",
                     .name = "lateness_p99",
                     .value = at(0.99),
                     .unit = "ms",
                     .samples = kCount,
                     .aim = 50,
                     .aim_is_upper = true});
  figures.push_back({.scenario = "timers", .name = "lateness_max", .value = at(1), .unit = "ms", .samples = kCount});
  return Ok();
}

/// The server's memory once it has stopped falling.
int64_t SettledRssBytes(pid_t server) {
  constexpr int kQuietSeconds = 5;
  int64_t lowest = RssBytes(server);
  for (int waited = 0, quiet = 0; waited < 90 && quiet < kQuietSeconds; ++waited) {
    std::this_thread::sleep_for(1s);
    const int64_t now = RssBytes(server);
    quiet = now < lowest - (100 << 10) ? 0 : quiet + 1;
    lowest = std::min(lowest, now);
  }
  return lowest;
}

/// On a server of its own: after a load scenario the memory that the allocator gives back would hide what is measured.
Status Park(const Environment& env, std::vector<Figure>& figures) {
  constexpr int kFirst = 10'000;
  constexpr int kMore = 20'000;
  WFE_ASSIGN_OR_RETURN(const FreshStack stack, StartFresh(env, env.directory + "/park"));
  const auto client = NewClient(stack.address, env.options);
  // One workflow first, so that what the server sets up once is not counted.
  Status warm = Internal("not tried");
  for (int i = 0; i < 1000 && !warm; ++i) {
    warm = StartMany(*client, std::string(kOne), "", "park-warm", 1, 1);
    if (!warm) std::this_thread::sleep_for(10ms);
  }
  WFE_RETURN_IF_ERROR(warm);
  WFE_RETURN_IF_ERROR(AwaitClose(*client, "park-warm-0", 30s));
  int64_t before = RssBytes(stack.server.pid());
  // The first of them pay for the store's write buffers, too, which are full from then on, however many come.
  for (const auto& [name, count] : {std::pair{"first", kFirst}, std::pair{"memory", kMore}}) {
    env.progress("park: starting " + std::to_string(count) + " workflows that wait for a signal");
    WFE_RETURN_IF_ERROR(StartMany(*client, std::string(kPark), "", std::string("park-") + name, count, 128));
    std::this_thread::sleep_for(25s);  // unused executions leave the cache after 10 s, which is looked at every 10 s
    const int64_t after = SettledRssBytes(stack.server.pid());
    if (after == 0) return Internal("the server is gone");
    figures.push_back({.scenario = "park",
                       .name = name,
                       .value = static_cast<double>(after - before) / count,
                       .unit = "B/workflow",
                       .samples = count});
    before = after;
  }
  figures.back().aim = 1024;
  figures.back().aim_is_upper = true;
  return Ok();
}

Status Cold(const Environment& env, std::vector<Figure>& figures) {
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) {
    const std::string directory = env.directory + "/cold" + std::to_string(i);
    env.progress("cold: empty directory to first result, " + std::to_string(i + 1) + " of 5");
    const Clock::time_point begin = Clock::now();
    WFE_ASSIGN_OR_RETURN(const FreshStack stack, StartFresh(env, directory));
    const auto client = NewClient(stack.address, env.options);
    Status started = Internal("not tried");
    while (!started && SecondsSince(begin) < 30) {
      started = StartMany(*client, std::string(kOne), "", "cold", 1, 1);
      if (!started) std::this_thread::sleep_for(5ms);
    }
    WFE_RETURN_IF_ERROR(started);
    WFE_RETURN_IF_ERROR(AwaitClose(*client, "cold-0", 30s));
    times.push_back(SecondsSince(begin));
  }
  std::sort(times.begin(), times.end());
  figures.push_back({.scenario = "cold",
                     .name = "first_result_p50",
                     .value = times[times.size() / 2],
                     .unit = "s",
                     .samples = static_cast<int64_t>(times.size()),
                     .aim = 0.5,
                     .aim_is_upper = true});
  figures.push_back({.scenario = "cold",
                     .name = "first_result_max",
                     .value = times.back(),
                     .unit = "s",
                     .samples = static_cast<int64_t>(times.size())});
  return Ok();
}

Status Idle(const Environment& env, std::vector<Figure>& figures) {
  env.progress("idle: memory 10 s after the start");
  WFE_ASSIGN_OR_RETURN(const FreshStack stack, StartFresh(env, env.directory + "/idle"));
  std::this_thread::sleep_for(10s);
  const int64_t rss = RssBytes(stack.server.pid());
  if (rss == 0) return Internal("the idle server is gone");
  figures.push_back({.scenario = "idle",
                     .name = "server_rss",
                     .value = static_cast<double>(rss) / (1 << 20),
                     .unit = "MiB",
                     .samples = 1,
                     .aim = 60,
                     .aim_is_upper = true});
  figures.push_back({.scenario = "idle",
                     .name = "worker_rss",
                     .value = static_cast<double>(RssBytes(stack.worker.pid())) / (1 << 20),
                     .unit = "MiB",
                     .samples = 1});
  return Ok();
}

}  // namespace

const std::vector<std::string>& ScenarioNames() {
  static const std::vector<std::string> kNames = {"one",  "ten",  "graph", "fan100", "wide",   "timers",
                                                   "park", "cold", "idle", "resume", "traces", "money", "generate", "everyday", "million"};
  return kNames;
}

bool NeedsProcesses(const std::string& name) {
  return name == "park" || name == "cold" || name == "idle" || name == "resume" || name == "generate" ||
         name == "million";
}

Status RunScenario(const std::string& name, const Environment& env, std::vector<Figure>& figures) {
  if (env.options.transport == Transport::kEmbedded && NeedsProcesses(name)) {
    return InvalidArgument(name + " needs a server of its own: --transport stream or unary");
  }
  if (name == "one") return Load({name, kOne, 1, {1, 16, 128}}, env, figures);
  if (name == "ten") return Load({name, kTen, 10, {1, 16, 128}}, env, figures);
  if (name == "graph") return Load({name, kGraphTen, 10, {1, 16, 128}}, env, figures);
  if (name == "fan100") return Load({name, kFan, 100, {1, 16, 128}}, env, figures);
  if (name == "wide") return MeasureWide(env, figures);
  if (name == "timers") return Timers(env, figures);
  if (name == "park") return Park(env, figures);
  if (name == "cold") return Cold(env, figures);
  if (name == "idle") return Idle(env, figures);
  if (name == "resume") return MeasureResume(env, figures);
  if (name == "traces") return MeasureTraces(env.directory, 200'000'000, env.progress, figures);
  if (name == "money") return MeasureMoney(env, figures);
  if (name == "generate") return MeasureGenerations(env, figures);
  if (name == "everyday") return MeasureEveryday(env, figures);
  if (name == "million") return MeasureMillion(env, figures);
  std::string known;
  for (const std::string& each : ScenarioNames()) known += " " + each;
  return InvalidArgument("no scenario " + name + "; there are:" + known);
}

}  // namespace wfe::bench
