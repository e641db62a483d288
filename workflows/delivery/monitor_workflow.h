// MonitorWorkflow (MO-1 to MO-3, RB-2): watches the version of a workflow that is in service, tells what is wrong once,
// and takes a version back that hurts.  It runs until it is told to stop.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "activities/delivery/steps/monitor_steps.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kMonitorWorkflow = "MonitorWorkflow";
/// Signal with a MonitorStop.
inline constexpr std::string_view kMonitorStopSignal = "stop";
/// Query; gives a MonitorProgress, of ended runs too.
inline constexpr std::string_view kMonitorStatusQuery = "status";

struct MonitorStop {
  std::string author;
  std::string reason;
};
WFE_RECORD(MonitorStop, author, reason);
constexpr RecordRules RulesOf(const MonitorStop*) { return {.whole = true}; }

struct MonitorProgress {
  int64_t checks = 0;
  int64_t raised = 0;
  int64_t rollbacks = 0;
  int64_t hook_failures = 0;
  std::string last_check_at;
  std::string last_assessed_at;
  std::string last_hook_failure;
  std::optional<delivery::WatchWorkflowResult> last;
};
WFE_RECORD(MonitorProgress, checks, raised, rollbacks, hook_failures, last_check_at, last_assessed_at,
           last_hook_failure, last);

struct MonitorInput {
  std::string workflow_id;      ///< Of the definition.
  int64_t check_every_s = 300;  ///< Whether the version in service is to be taken back.
  int64_t watch_every_s = 600;  ///< What is to be told.
  int64_t window_s = 3600;
  bool auto_rollback = true;
  delivery::MonitorRules rules;
  delivery::RegressionRule regression;
  std::optional<MonitorProgress> progress;  ///< Of the run that this one continues.
};
WFE_RECORD(MonitorInput, workflow_id, check_every_s, watch_every_s, window_s, auto_rollback, rules, regression,
           progress);
constexpr RecordRules RulesOf(const MonitorInput*) {
  return {.refuses_unknown = true, .subject = "input", .required = "workflow_id"};
}
void CheckRecord(const MonitorInput& input);

struct MonitorResult {
  std::string reason;
  MonitorProgress progress;
};
WFE_RECORD(MonitorResult, reason, progress);

/// Fails with INVALID_INPUT for an input that is none.  It waits for the records service as long as it takes, and for
/// versions of a workflow that there are none of yet.
sdk::Task<MonitorResult> Monitor(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterMonitor(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
