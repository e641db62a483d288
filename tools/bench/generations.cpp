#include "tools/bench/generations.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <thread>

#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "tools/bench/clock.h"
#include "tools/bench/load.h"
#include "tools/bench/process.h"
#include "tools/bench/workload.h"
#include "workers/client/blocking_call.h"

namespace wfe::bench {
namespace {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
using namespace std::chrono_literals;

constexpr const char* kGeneration = "StreamlinedGenerationWorkflow";
constexpr const char* kSample =
    R"({"task":"count the words of a text","backend":"scripted","plan_model":"count_words",)"
    R"("generate_model":"count_words","escalate_model":"count_words"})";
constexpr int kWatched = 30;

/// A server and a worker with every activity there is.
struct WholeStack {
  std::string address;
  ChildProcess server;
  ChildProcess worker;
};

Result<WholeStack> StartWhole(const Environment& env) {
  const std::string directory = env.directory + "/generate";
  std::filesystem::create_directories(directory);
  const std::string address = "127.0.0.1:" + std::to_string(FreePort());
  WFE_ASSIGN_OR_RETURN(ChildProcess server, ChildProcess::Start({env.program, "server", "--http", "off", "--data",
                                                                 directory + "/data", "--listen", address},
                                                                directory + "/server.log"));
  WFE_ASSIGN_OR_RETURN(ChildProcess worker,
                       ChildProcess::Start({env.program, "worker", "--address", address, "--queue",
                                            std::string(kBenchQueue), "--work-root", directory + "/work"},
                                           directory + "/worker.log"));
  return WholeStack{address, std::move(server), std::move(worker)};
}

Result<std::vector<temporal::api::history::v1::HistoryEvent>> HistoryOf(client::ServiceClient& client,
                                                                        const std::string& id) {
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(id);
  std::vector<temporal::api::history::v1::HistoryEvent> events;
  do {
    WFE_ASSIGN_OR_RETURN(const auto page,
                         client::BlockingCall<ws::GetWorkflowExecutionHistoryResponse>(
                             client, client::kWorkflowService, "GetWorkflowExecutionHistory", request, 10s));
    events.insert(events.end(), page.history().events().begin(), page.history().events().end());
    request.set_next_page_token(page.next_page_token());
  } while (!request.next_page_token().empty());
  return events;
}

struct Watched {
  double whole_ms = 0;
  double steps_ms = 0;  ///< From an activity's start to its end, of all activities.
};

/// INTERNAL when the run was no success: then it did not do the work that is measured.
Result<Watched> Watch(client::ServiceClient& client, const std::string& id) {
  WFE_ASSIGN_OR_RETURN(const auto events, HistoryOf(client, id));
  Watched watched;
  std::map<int64_t, double> begun;
  for (const auto& event : events) {
    if (event.event_type() == enums::EVENT_TYPE_ACTIVITY_TASK_STARTED) {
      begun[event.activity_task_started_event_attributes().scheduled_event_id()] = Milliseconds(event.event_time());
    } else if (event.event_type() == enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED) {
      watched.steps_ms += Milliseconds(event.event_time()) -
                          begun[event.activity_task_completed_event_attributes().scheduled_event_id()];
    }
  }
  const auto& last = events.back();
  watched.whole_ms = Milliseconds(last.event_time()) - Milliseconds(events.front().event_time());
  const auto& payloads = last.workflow_execution_completed_event_attributes().result().payloads();
  if (payloads.empty() || payloads[0].data().find("\"success_first_pass\"") == std::string::npos) {
    return Internal("generation " + id + " was no success; `wfe generate \"count the words of a text\"` shows why");
  }
  return watched;
}

Status WaitForTheFirst(client::ServiceClient& client) {
  Status started = Internal("not tried");
  for (int i = 0; i < 1000 && !started; ++i) {
    started = StartMany(client, kGeneration, kSample, "first", 1, 1);
    if (!started) std::this_thread::sleep_for(10ms);
  }
  WFE_RETURN_IF_ERROR(started);
  return AwaitClose(client, "first-0", 60s);
}

Status MeasureOverhead(const Environment& env, client::ServiceClient& client, std::vector<Figure>& figures) {
  env.progress("generate: what is added to the steps");
  std::vector<double> added;
  std::vector<double> whole;
  for (int i = 0; i < kWatched; ++i) {
    const std::string prefix = "watched-" + std::to_string(i);
    WFE_RETURN_IF_ERROR(StartMany(client, kGeneration, kSample, prefix, 1, 1));
    WFE_RETURN_IF_ERROR(AwaitClose(client, prefix + "-0", 60s));
    WFE_ASSIGN_OR_RETURN(const Watched watched, Watch(client, prefix + "-0"));
    added.push_back(watched.whole_ms - watched.steps_ms);
    whole.push_back(watched.whole_ms);
  }
  std::ranges::sort(added);
  std::ranges::sort(whole);
  figures.push_back({.scenario = "generate",
                     .concurrency = 1,
                     .name = "added_p50",
                     .value = added[added.size() / 2],
                     .unit = "ms",
                     .samples = kWatched,
                     .aim = 50,
                     .aim_is_upper = true});
  figures.push_back({.scenario = "generate",
                     .concurrency = 1,
                     .name = "whole_p50",
                     .value = whole[whole.size() / 2],
                     .unit = "ms",
                     .samples = kWatched});
  return Ok();
}

Result<LoadResult> Generate(client::ServiceClient& client, int callers, double seconds) {
  const LoadResult load = RunLoad(client,
                                  {.workflow_type = kGeneration,
                                   .input_json = kSample,
                                   .callers = callers,
                                   .warm_up_s = 1,
                                   .measured_s = seconds},
                                  [] {}, [] {});
  if (!load.first_error.empty()) return Internal(load.first_error);
  return load;
}

/// One caller, alone and beside cycles of the optimizer that follow each other without a pause.
Status MeasureBesideLearning(const Environment& env, client::ServiceClient& client, std::vector<Figure>& figures) {
  env.progress("generate: beside the optimizer");
  WFE_ASSIGN_OR_RETURN(const LoadResult alone, Generate(client, 1, env.options.seconds));
  std::atomic<bool> stop = false;
  std::atomic<int64_t> cycles = 0;
  std::thread learner([&] {
    for (int64_t i = 0; !stop; ++i) {
      const std::string prefix = "cycle-" + std::to_string(i);
      if (!StartMany(client, "PromptOptimizationWorkflow", "{}", prefix, 1, 1)) return;
      if (AwaitClose(client, prefix + "-0", 60s)) ++cycles;
    }
  });
  const Result<LoadResult> beside = Generate(client, 1, env.options.seconds);
  stop = true;
  learner.join();
  if (!beside) return beside.error();
  if (cycles == 0) return Internal("no cycle of the optimizer ended");
  const auto add = [&](const char* name, const LoadResult& load) {
    figures.push_back({.scenario = "generate",
                       .concurrency = 1,
                       .name = name,
                       .value = load.Percentile(0.5),
                       .unit = "ms",
                       .samples = load.completed});
  };
  add("alone_p50", alone);
  add("beside_cycles_p50", *beside);
  figures.push_back({.scenario = "generate",
                     .name = "cycles_beside",
                     .value = static_cast<double>(cycles) / beside->seconds,
                     .unit = "/s",
                     .samples = cycles});
  return Ok();
}

}  // namespace

Status MeasureGenerations(const Environment& env, std::vector<Figure>& figures) {
  env.progress("generate: starting a server and a worker");
  WFE_ASSIGN_OR_RETURN(const WholeStack stack, StartWhole(env));
  const auto client = NewClient(stack.address, env.options);
  WFE_RETURN_IF_ERROR(WaitForTheFirst(*client));
  WFE_RETURN_IF_ERROR(MeasureOverhead(env, *client, figures));
  WFE_RETURN_IF_ERROR(MeasureBesideLearning(env, *client, figures));
  const std::vector<int> callers = env.options.concurrency.empty() ? std::vector<int>{64} : env.options.concurrency;
  for (const int count : callers) {
    env.progress("generate: " + std::to_string(count) + " callers");
    WFE_ASSIGN_OR_RETURN(const LoadResult load, Generate(*client, count, 2 * env.options.seconds));
    figures.push_back({.scenario = "generate",
                       .concurrency = count,
                       .name = "generations",
                       .value = load.PerSecond(),
                       .unit = "/s",
                       .samples = load.completed});
    figures.push_back({.scenario = "generate",
                       .concurrency = count,
                       .name = "p50",
                       .value = load.Percentile(0.5),
                       .unit = "ms",
                       .samples = load.completed});
  }
  return Ok();
}

}  // namespace wfe::bench
