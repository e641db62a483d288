// The activities of MonitorWorkflow (MO-1 to MO-3, RB-2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "activities/delivery/records/monitor_log.h"
#include "activities/delivery/records/version_store.h"
#include "activities/delivery/rules/monitor_rules.h"
#include "activities/delivery/rules/regression.h"
#include "workers/sdk/activity.h"

namespace wfe::delivery {

struct WatchWorkflowInput {
  std::string workflow_id;
  MonitorRules rules;
  RegressionRule regression;
  int64_t window_s = 3600;
  bool assess = true;  ///< False: only whether the version in service is to be taken back.
  bool auto_rollback = true;
  std::string now;  ///< ISO 8601, of the workflow.
};
WFE_RECORD(WatchWorkflowInput, workflow_id, rules, regression, window_s, assess, auto_rollback, now);
constexpr RecordRules RulesOf(const WatchWorkflowInput*) { return {.whole = true}; }

struct WatchWorkflowResult {
  std::string version_id;
  int version = 0;
  int64_t runs = 0;                     ///< Of the version in service, in the window.
  std::vector<MonitoringEvent> events;  ///< Raised or cleared now.
  std::optional<RegressionCheck> check;
  std::optional<int> roll_back_to;
  std::string why;  ///< Why it is rolled back, or why nothing can be watched.
  std::vector<std::string> problems;
};
WFE_RECORD(WatchWorkflowResult, version_id, version, runs, events, check, roll_back_to, why, problems);
constexpr RecordRules RulesOf(const WatchWorkflowResult*) { return {.seldom = "why problems"}; }

struct RollBackVersionInput {
  std::string workflow_id;
  int from = 0;
  int to = 0;
  std::string reason;
  std::string now;
};
WFE_RECORD(RollBackVersionInput, workflow_id, from, to, reason, now);
constexpr RecordRules RulesOf(const RollBackVersionInput*) { return {.whole = true}; }

struct RollBackVersionResult {
  bool changed = false;  ///< False: another change was faster, and it stands.
  std::string version_id;
  std::optional<MonitoringEvent> event;  ///< That tells of it.
};
WFE_RECORD(RollBackVersionResult, changed, version_id, event);

struct NotifyHookResult {
  bool sent = false;  ///< False: the worker has no hook.
};
WFE_RECORD(NotifyHookResult, sent);

inline constexpr sdk::ActivityType<WatchWorkflowInput, WatchWorkflowResult> kWatchWorkflow{"watchWorkflow"};
inline constexpr sdk::ActivityType<RollBackVersionInput, RollBackVersionResult> kRollBackVersion{"rollBackVersion"};
/// At least once for each event.
inline constexpr sdk::ActivityType<MonitoringEvent, NotifyHookResult> kNotifyHook{"notifyMonitorHook"};

/// The version in service is looked at for so long after it came into service, by the rule of rollbacks.
inline constexpr int kProbationDays = 7;
/// A baseline that is stored has so many runs, or those of the version before.
inline constexpr int64_t kBaselineRuns = 200;

}  // namespace wfe::delivery
