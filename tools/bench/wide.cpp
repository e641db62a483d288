#include "tools/bench/wide.h"

#include <unistd.h>

#include <algorithm>

#include "tools/bench/clock.h"
#include "tools/bench/load.h"
#include "tools/bench/workload.h"
#include "workers/client/blocking_call.h"

namespace wfe::bench {
namespace {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
using namespace std::chrono_literals;

constexpr int kFew = 200;
constexpr int kMany = 2000;
constexpr double kLinear = 15;  // times as long for ten times as much; more would be a power above one

Result<ws::GetWorkflowExecutionHistoryResponse> FirstPage(client::ServiceClient& client, const std::string& id,
                                                          enums::HistoryEventFilterType filter) {
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(id);
  request.set_history_event_filter_type(filter);
  return client::BlockingCall<ws::GetWorkflowExecutionHistoryResponse>(client, client::kWorkflowService,
                                                                       "GetWorkflowExecutionHistory", request);
}

/// From the moment that its timers were due to its end, by the times of its events.
Result<double> SinceAlarms(client::ServiceClient& client, const std::string& id) {
  WFE_ASSIGN_OR_RETURN(const auto head, FirstPage(client, id, enums::HISTORY_EVENT_FILTER_TYPE_ALL_EVENT));
  WFE_ASSIGN_OR_RETURN(const auto end, FirstPage(client, id, enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT));
  if (end.history().events_size() != 1) return Internal(id + " has no last event");
  for (const auto& event : head.history().events()) {
    if (event.event_type() != enums::EVENT_TYPE_TIMER_STARTED) continue;
    const double due = Milliseconds(event.event_time()) + std::chrono::duration<double, std::milli>(kAlarmAfter).count();
    return Milliseconds(end.history().events(0).event_time()) - due;
  }
  return Internal(id + " has no timer");
}

/// The time in milliseconds that one workflow with `count` things at once takes.
Result<double> RunOne(const Environment& env, std::string_view workflow, int count, int attempt) {
  const std::string id = "wide-" + std::string(workflow) + "-" + std::to_string(count) + "-" + std::to_string(attempt) +
                         "-" + std::to_string(getpid()) + "-" + std::to_string(time(nullptr));
  const Clock::time_point begin = Clock::now();
  WFE_RETURN_IF_ERROR(StartMany(*env.client, std::string(workflow), std::to_string(count), id, 1, 1));
  WFE_RETURN_IF_ERROR(AwaitClose(*env.client, id + "-0", 120s));
  const double took = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  WFE_ASSIGN_OR_RETURN(const auto end, FirstPage(*env.client, id + "-0", enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT));
  if (end.history().events_size() != 1 ||
      end.history().events(0).event_type() != enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED) {
    return Internal(id + " did not complete");
  }
  if (workflow == kAlarms) return SinceAlarms(*env.client, id + "-0");
  return took;
}

}  // namespace

Status MeasureWide(const Environment& env, std::vector<Figure>& figures) {
  constexpr int kAttempts = 5;
  struct Shape {
    std::string_view workflow;
    std::string name;
  };
  for (const Shape& shape : {Shape{kWide, "activities"}, Shape{kPolled, "polled"}, Shape{kAlarms, "timers"}}) {
    std::vector<double> medians;
    for (const int count : {kFew, kMany}) {
      env.progress("wide: " + std::to_string(count) + " " + shape.name + " of one workflow at once");
      std::vector<double> times;
      for (int attempt = 0; attempt < kAttempts; ++attempt) {
        WFE_ASSIGN_OR_RETURN(const double took, RunOne(env, shape.workflow, count, attempt));
        times.push_back(took);
      }
      std::sort(times.begin(), times.end());
      medians.push_back(times[kAttempts / 2]);
      figures.push_back({.scenario = "wide",
                         .name = shape.name + "_" + std::to_string(count),
                         .value = medians.back(),
                         .unit = "ms",
                         .samples = kAttempts});
    }
    figures.push_back({.scenario = "wide",
                       .name = shape.name + "_ratio",
                       .value = medians[1] / medians[0],
                       .unit = "times",
                       .samples = kAttempts,
                       .aim = kLinear,
                       .aim_is_upper = true});
  }
  return Ok();
}

}  // namespace wfe::bench
