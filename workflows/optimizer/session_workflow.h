// WorkflowOptimizerSession (WO-1 to WO-5): from what a workflow's runs have left to a better version in service, or to a
// reason why not.  It may wait for days for a decision and for traffic; every step is an event of its log.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/optimizer/steps/session_steps.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kOptimizerSession = "WorkflowOptimizerSession";
/// Signal with a SessionDecision.
inline constexpr std::string_view kSessionDecisionSignal = "decide";
/// Query; gives a SessionProgress, of ended runs too.
inline constexpr std::string_view kSessionStatusQuery = "status";

/// "optimize-report": one session of a workflow at a time.
std::string SessionWorkflowId(const std::string& workflow_id);

/// What a person says of what was presented (WO-4).
struct SessionDecision {
  std::string request_id;
  std::string action;                    ///< approve or reject
  std::vector<std::string> suggestions;  ///< Their ids.  Those that are approved together become one version.
  std::string author;
  std::string reason;
  std::optional<int64_t> rating;  ///< 1 to 5
};
WFE_RECORD(SessionDecision, request_id, action, suggestions, author, reason, rating);
constexpr RecordRules RulesOf(const SessionDecision*) {
  return {.refuses_unknown = true, .subject = "decision", .required = "action suggestions author reason"};
}
void CheckRecord(const SessionDecision& decision);

/// What became of a decision, by its request.
struct SessionAnswer {
  std::string request_id;
  std::string refused;  ///< Empty: it was taken.
};
WFE_RECORD(SessionAnswer, request_id, refused);

struct SessionProgress {
  optimizer::SessionHeader header;
  optimizer::SessionState state;
  int64_t events = 0;
  optimizer::ProfileWindow window;
  std::vector<SessionAnswer> answers;  ///< The last 20.
};
WFE_RECORD(SessionProgress, header, state, events, window, answers);

struct SessionInput {
  std::string session_id;   ///< Empty: made of the workflow's name and this run's id.
  std::string workflow_id;  ///< Of the definition.
  optimizer::SessionOptions options;
  std::string author;
  std::string reason;
  std::optional<SessionProgress> progress;  ///< Of the run that this one continues.
};
WFE_RECORD(SessionInput, session_id, workflow_id, options, author, reason, progress);
constexpr RecordRules RulesOf(const SessionInput*) {
  return {.refuses_unknown = true,
          .subject = "input",
          .required = "workflow_id author reason",
          .seldom = "session_id"};
}
void CheckRecord(const SessionInput& input);

struct SessionResult {
  std::string session_id;
  std::string outcome;  ///< optimizer::kOutcomeDeployed and so on.
  std::string why;
  std::string version_id;      ///< That was optimized.
  std::string new_version_id;  ///< Empty: none was made.
  int64_t candidates = 0;
  int64_t approved = 0;
};
WFE_RECORD(SessionResult, session_id, outcome, why, version_id, new_version_id, candidates, approved);

/// Fails with INVALID_INPUT for an input that is none and with SESSION_REFUSED where there cannot be one now (a workflow
/// without versions, another rollout or experiment on it).  Once it has begun it ends with an outcome.  Cancelled, it
/// ends as `stopped`; a rollout of it gives the traffic back first.
sdk::Task<SessionResult> OptimizeWorkflow(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterOptimizerSession(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
