// RolloutWorkflow (RO-1 to RO-3, RB-2): a version comes into service stage by stage, on durable timers, and goes back
// when it hurts.  What happens next is decided by the state machine in activities/delivery/rules/rollout.h.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/delivery/steps/rollout_steps.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kRolloutWorkflow = "RolloutWorkflow";
/// Signal with a RolloutControl.
inline constexpr std::string_view kRolloutControlSignal = "control";
/// Query; gives a RolloutProgress, of ended runs too.
inline constexpr std::string_view kRolloutStatusQuery = "status";

/// What became of a request, by its id.
struct RolloutAnswer {
  std::string request_id;
  std::string action;
  std::string refused;  ///< Empty: it was done.
};
WFE_RECORD(RolloutAnswer, request_id, action, refused);

struct RolloutProgress {
  delivery::RolloutHeader header;
  delivery::RolloutState state;
  std::optional<delivery::CheckRegressionResult> last_check;
  std::string next_look_at;
  std::vector<RolloutAnswer> answers;  ///< The last 20.
};
WFE_RECORD(RolloutProgress, header, state, last_check, next_look_at, answers);

struct RolloutInput {
  std::string workflow_id;  ///< Of the definition.
  std::string version;      ///< "report_v3", "v3" or "3".
  std::string rollout_id;   ///< Empty: made of version and run.
  delivery::RolloutPlan plan;
  std::string author;
  std::string reason;
  std::optional<RolloutProgress> progress;  ///< Of the run that this one continues.
};
WFE_RECORD(RolloutInput, workflow_id, version, rollout_id, plan, author, reason, progress);
constexpr RecordRules RulesOf(const RolloutInput*) {
  return {.refuses_unknown = true,
          .subject = "input",
          .required = "workflow_id version author reason",
          .seldom = "rollout_id"};
}
void CheckRecord(const RolloutInput& input);

struct RolloutResult {
  bool success = false;
  int64_t completed_stage = 0;  ///< How many ran to their end.
  std::string phase;            ///< succeeded, rolled_back or aborted
  int stage = 0;                ///< In which it ended; 1 for the first.
  std::string rollout_id;
  std::string version_id;
  std::string control_version_id;
  std::string reason;
  std::optional<delivery::RegressionCheck> regression;
};
WFE_RECORD(RolloutResult, success, completed_stage, phase, stage, rollout_id, version_id, control_version_id, reason,
           regression);

/// Fails with INVALID_INPUT for an input that is none, and with ROLLOUT_REFUSED where there cannot be such a rollout
/// now (an unknown or deleted version, another rollout, an experiment).  Once it has begun it does not fail: it waits
/// for the records service as long as it takes.  A cancelled one gives the traffic back first.
sdk::Task<RolloutResult> Rollout(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterRollout(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
