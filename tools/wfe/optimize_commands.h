// The commands below `wfe optimize`, a family in each file cmd_optimize_*.cpp.
#pragma once

#include <string>

#include "tools/wfe/cli.h"
#include "tools/wfe/prompt_store.h"

namespace wfe::cli {

/// versions, add, activate, rollback, delete; called by AddOptimizeCommands.
void AddOptimizeVersionCommands(CLI::App& optimize, Globals& globals);
/// rollout start|status|pause|resume|abort|skip.
void AddOptimizeRolloutCommands(CLI::App& optimize, Globals& globals);
/// monitor start|stop|status|events.
void AddOptimizeMonitorCommands(CLI::App& optimize, Globals& globals);

/// ISO 8601, UTC, of this machine.
std::string TimeNow();

/// Signals a workflow with one argument.
Status SendSignal(Globals& globals, const std::string& workflow_id, std::string_view name,
                  const nlohmann::json& argument);
/// The answer of a query without argument.
Result<nlohmann::json> AskWorkflow(Globals& globals, const std::string& workflow_id, std::string_view query);

}  // namespace wfe::cli
