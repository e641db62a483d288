// wfe optimize: profiles and versions of workflows, rollouts and their watch.
#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/optimize_commands.h"

namespace wfe::cli {

std::string TimeNow() { return FormatIso8601Millis(SystemClock().Now()); }

Status SendSignal(Globals& globals, const std::string& workflow_id, std::string_view name,
                  const nlohmann::json& argument) {
  ws::SignalWorkflowExecutionRequest request;
  request.set_namespace_(globals.Namespace());
  request.mutable_workflow_execution()->set_workflow_id(workflow_id);
  request.set_identity(Identity());
  request.set_signal_name(std::string(name));
  request.set_request_id(NewRequestId());
  *request.mutable_input()->add_payloads() = ToPayload(argument);
  WFE_RETURN_IF_ERROR(globals.Call<ws::SignalWorkflowExecutionResponse>("SignalWorkflowExecution", request));
  return Ok();
}

void AddOptimizeCommands(CLI::App& app, Globals& globals) {
  CLI::App& optimize =
      *app.add_subcommand("optimize", "Make workflows better: profile, propose, try, roll out, watch, take back")
           ->require_subcommand(1);
  optimize.footer(
      "Examples:\n  wfe optimize profile report\n  wfe optimize session start report --reason 'slower than it should be'\n"
      "  wfe optimize versions report\n  wfe optimize rollout start report v1 --reason 'suggestion 7'\n"
      "  wfe optimize rollback report --reason 'slower since Monday'");
  AddOptimizeProfileCommands(optimize, globals);
  AddOptimizeSearchCommands(optimize, globals);
  AddOptimizeSessionCommands(optimize, globals);
  AddOptimizeVersionCommands(optimize, globals);
  AddOptimizeRolloutCommands(optimize, globals);
  AddOptimizeMonitorCommands(optimize, globals);
}

}  // namespace wfe::cli
