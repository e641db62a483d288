#include "workflows/optimizer/session_workflow.h"

#include "engine/base/parse_json.h"
#include "workflows/optimizer/session_run.h"

namespace wfe::workflows {

std::string SessionWorkflowId(const std::string& workflow_id) { return "optimize-" + workflow_id; }

void CheckRecord(const SessionDecision& decision) {
  RequireOfRecord(decision.action == "approve" || decision.action == "reject", "action must be approve or reject");
  RequireOfRecord(!decision.suggestions.empty(), "suggestions must not be empty");
  RequireOfRecord(!decision.author.empty() && !decision.reason.empty(), "author and reason must not be empty");
  RequireOfRecord(!decision.rating || (*decision.rating >= 1 && *decision.rating <= 5), "rating must be from 1 to 5");
}

void CheckRecord(const SessionInput& input) {
  RequireOfRecord(!input.workflow_id.empty(), "workflow_id must not be empty");
  RequireOfRecord(!input.author.empty() && !input.reason.empty(), "author and reason must not be empty");
}

sdk::Task<SessionResult> OptimizeWorkflow(sdk::WorkflowContext& ctx, nlohmann::json from) {
  SessionInput input;
  try {
    input = from.get<SessionInput>();
  } catch (const nlohmann::json::exception& e) {
    throw sdk::WorkflowFailure("the input of " + std::string(kOptimizerSession) + " is not valid: " + JsonErrorText(e),
                               "INVALID_INPUT", true);
  }
  SessionRun run(ctx, std::move(input));
  sdk::Task<SessionResult> go = run.Go();
  SessionResult result = co_await go;
  co_return result;
}

void RegisterOptimizerSession(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kOptimizerSession), &OptimizeWorkflow);
}

}  // namespace wfe::workflows
