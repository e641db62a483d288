// The activities of versions and rollouts (RO-1, RB-2, EN-10).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "activities/delivery/records/executions.h"
#include "activities/delivery/records/rollout_log.h"
#include "activities/delivery/records/version_choice.h"
#include "activities/delivery/rules/rollout.h"
#include "workers/sdk/activity.h"

namespace wfe::delivery {

struct ChooseVersionInput {
  std::string workflow_id;
  std::string run_id;  ///< Of the run that starts: its arm is a hash of it.
  std::string now;     ///< ISO 8601, of the workflow.
  bool with_content = false;  ///< The answer has the definition, too.
};
WFE_RECORD(ChooseVersionInput, workflow_id, run_id, now, with_content);
constexpr RecordRules RulesOf(const ChooseVersionInput*) { return {.whole = true, .seldom = "with_content"}; }

struct BeginRolloutInput {
  std::string rollout_id;
  std::string workflow_id;
  std::string version;  ///< "report_v3", "v3" or "3".
  RolloutPlan plan;
  std::string author;
  std::string reason;
  std::string now;
};
WFE_RECORD(BeginRolloutInput, rollout_id, workflow_id, version, plan, author, reason, now);
constexpr RecordRules RulesOf(const BeginRolloutInput*) { return {.whole = true}; }

struct BeginRolloutResult {
  RolloutHeader header;
  std::string refused;  ///< Not empty: why there cannot be such a rollout now.
};
WFE_RECORD(BeginRolloutResult, header, refused);
constexpr RecordRules RulesOf(const BeginRolloutResult*) { return {.seldom = "refused"}; }

struct SetTrafficSplitInput {
  std::string rollout_id;
  std::string workflow_id;
  int version = 0;
  int control = 0;
  int64_t first = 1;                 ///< The number of the first of `events`.
  std::vector<RolloutEvent> events;  ///< Are carried out and kept, in order.
  RegressionRule regression;         ///< Says how many runs a baseline needs.
};
WFE_RECORD(SetTrafficSplitInput, rollout_id, workflow_id, version, control, first, events, regression);
constexpr RecordRules RulesOf(const SetTrafficSplitInput*) { return {.whole = true}; }

struct SetTrafficSplitResult {
  int64_t carried_out = 0;  ///< So many of the events, from the first.
  std::string overtaken;    ///< Why the next was not.
};
WFE_RECORD(SetTrafficSplitResult, carried_out, overtaken);
constexpr RecordRules RulesOf(const SetTrafficSplitResult*) { return {.whole = true}; }

struct CheckRegressionInput {
  std::string rollout_id;
  std::string workflow_id;
  int version = 0;
  int control = 0;
  RegressionRule regression;
  double harm_alpha = 0.05;
  int64_t stages = 5;  ///< Of the plan: so many stages share a part of alpha.
  std::string now;
};
WFE_RECORD(CheckRegressionInput, rollout_id, workflow_id, version, control, regression, harm_alpha, stages, now);
constexpr RecordRules RulesOf(const CheckRegressionInput*) { return {.whole = true}; }

struct CheckRegressionResult {
  int64_t samples = 0;  ///< Runs of the new version that began and ended in this stage.
  RegressionCheck check;
  std::string overtaken;
  std::vector<std::string> problems;
};
WFE_RECORD(CheckRegressionResult, samples, check, overtaken, problems);
constexpr RecordRules RulesOf(const CheckRegressionResult*) { return {.seldom = "overtaken problems"}; }

/// At the start of a run of an optimized workflow: the version it keeps.
inline constexpr sdk::ActivityType<ChooseVersionInput, RunVersion> kChooseVersion{"chooseVersion"};
/// At its end, whatever its end is.
inline constexpr sdk::ActivityType<ExecutionRecord, sdk::Nothing> kRecordExecution{"recordExecution"};
inline constexpr sdk::ActivityType<BeginRolloutInput, BeginRolloutResult> kBeginRollout{"beginRollout"};
inline constexpr sdk::ActivityType<SetTrafficSplitInput, SetTrafficSplitResult> kSetTrafficSplit{"setTrafficSplit"};
inline constexpr sdk::ActivityType<CheckRegressionInput, CheckRegressionResult> kCheckRegression{"checkRegression"};

}  // namespace wfe::delivery
