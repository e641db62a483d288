#include "tools/bench/million.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "tools/bench/clock.h"
#include "tools/bench/fresh_stack.h"
#include "tools/bench/load.h"
#include "tools/bench/million_store.h"
#include "tools/bench/workload.h"
#include "workers/client/blocking_call.h"
#include "workers/client/grpc_client.h"

namespace wfe::bench {
namespace {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
using namespace std::chrono_literals;

constexpr int kPages = 50;
constexpr int kPageSize = 100;
constexpr double kStartAim = 3;
constexpr double kPageAim = 10;

/// Starts one workflow as soon as somebody takes it, and waits for its end.
Status FirstResult(client::ServiceClient& client, Clock::time_point begin) {
  const std::string id = "first-" + std::to_string(getpid()) + "-" + std::to_string(time(nullptr));
  Status started = Internal("not tried");
  while (!started && SecondsSince(begin) < 120) {
    started = StartMany(client, std::string(kOne), "", id, 1, 1);
    if (!started) std::this_thread::sleep_for(5ms);
  }
  WFE_RETURN_IF_ERROR(started);
  return AwaitClose(client, id + "-0", 60s);
}

/// Waits until every task of the open runs is there to be taken again.
Status AwaitOffers(client::ServiceClient& client, enums::TaskQueueType type, int64_t expected, Clock::time_point begin) {
  ws::DescribeTaskQueueRequest request;
  request.set_namespace_("default");
  request.mutable_task_queue()->set_name(std::string(kUnservedQueue));
  request.set_task_queue_type(type);
  request.set_report_stats(true);
  int64_t seen = 0;
  while (SecondsSince(begin) < 300) {
    WFE_ASSIGN_OR_RETURN(const auto described, (client::BlockingCall<ws::DescribeTaskQueueResponse>(
                                                   client, client::kWorkflowService, "DescribeTaskQueue", request)));
    seen = described.stats().approximate_backlog_count();
    if (seen >= expected) return Ok();
    std::this_thread::sleep_for(20ms);
  }
  return Internal(std::to_string(seen) + " tasks are offered, expected " + std::to_string(expected));
}

Status Pages(client::ServiceClient& client, const std::string& name, const std::string& query, int64_t at_least,
             std::vector<Figure>& figures) {
  ws::ListWorkflowExecutionsRequest request;
  request.set_namespace_("default");
  request.set_page_size(kPageSize);
  request.set_query(query);
  std::vector<double> times;
  for (int i = 0; i < kPages; ++i) {
    const Clock::time_point begin = Clock::now();
    WFE_ASSIGN_OR_RETURN(const auto page, (client::BlockingCall<ws::ListWorkflowExecutionsResponse>(
                                              client, client::kWorkflowService, "ListWorkflowExecutions", request)));
    times.push_back(SecondsSince(begin) * 1e3);
    if (page.executions_size() < std::min<int64_t>(kPageSize, at_least)) {
      return Internal("the list of " + name + " has " + std::to_string(page.executions_size()) + " rows on its first page");
    }
  }
  const double first = times.front();
  std::sort(times.begin(), times.end());
  figures.push_back({.scenario = "million", .name = "first_page_" + name, .value = times[kPages / 2], .unit = "ms",
                     .samples = kPages, .aim = kPageAim, .aim_is_upper = true});
  figures.push_back({.scenario = "million", .name = "first_page_" + name + "_cold", .value = first, .unit = "ms",
                     .samples = 1, .aim = kPageAim, .aim_is_upper = true});
  return Ok();
}

}  // namespace

Status MeasureMillion(const Environment& env, std::vector<Figure>& figures) {
  MillionRuns runs;
  if (env.options.runs > 0) runs = {.closed = env.options.runs, .open = env.options.runs / 10};
  const std::string directory = env.options.store.empty() ? env.directory + "/million" : env.options.store;
  if (!std::filesystem::exists(directory + "/data")) {
    std::filesystem::create_directories(directory);
    const Clock::time_point begin = Clock::now();
    WFE_RETURN_IF_ERROR(FillStore(directory + "/data", runs, env.progress));
    figures.push_back({.scenario = "million", .name = "written",
                       .value = static_cast<double>(runs.closed + runs.open) / SecondsSince(begin), .unit = "runs/s",
                       .samples = runs.closed + runs.open});
  }
  env.progress("million: starting a server over " + std::to_string(runs.closed) + " closed and " +
               std::to_string(runs.open) + " open runs");
  const Clock::time_point begin = Clock::now();
  WFE_ASSIGN_OR_RETURN(const FreshStack stack, StartFresh(env, directory));
  const auto client = NewClient(stack.address, env.options);
  WFE_RETURN_IF_ERROR(FirstResult(*client, begin));
  figures.push_back({.scenario = "million", .name = "first_result", .value = SecondsSince(begin), .unit = "s",
                     .samples = 1, .aim = kStartAim, .aim_is_upper = true});
  WFE_RETURN_IF_ERROR(Pages(*client, "all", "", runs.open, figures));
  WFE_RETURN_IF_ERROR(Pages(*client, "open", "ExecutionStatus = 'Running'", runs.open, figures));
  WFE_RETURN_IF_ERROR(Pages(*client, "completed", "ExecutionStatus = 'Completed'", runs.closed, figures));
  WFE_RETURN_IF_ERROR(AwaitOffers(*client, enums::TASK_QUEUE_TYPE_ACTIVITY, runs.waiting_activities(), begin));
  WFE_RETURN_IF_ERROR(AwaitOffers(*client, enums::TASK_QUEUE_TYPE_WORKFLOW, runs.waiting_workflow_tasks(), begin));
  figures.push_back({.scenario = "million", .name = "all_offered", .value = SecondsSince(begin), .unit = "s",
                     .samples = runs.open});
  std::this_thread::sleep_for(5s);  // what the start took and gave back is gone then
  figures.push_back({.scenario = "million", .name = "server_rss",
                     .value = static_cast<double>(RssBytes(stack.server.pid())) / (1 << 20), .unit = "MiB",
                     .samples = 1});
  return Ok();
}

}  // namespace wfe::bench
