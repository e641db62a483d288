// The commands below `wfe optimize`, a family in each file cmd_optimize_*.cpp.
#pragma once

#include <string>

#include "tools/wfe/cli.h"
#include "tools/wfe/prompt_store.h"
#include "tools/wfe/session_page.h"

namespace wfe::cli {

/// versions, add, activate, rollback, delete; called by AddOptimizeCommands.
void AddOptimizeVersionCommands(CLI::App& optimize, Globals& globals);
/// rollout start|status|pause|resume|abort|skip.
void AddOptimizeRolloutCommands(CLI::App& optimize, Globals& globals);
/// profile and bottlenecks.
void AddOptimizeProfileCommands(CLI::App& optimize, Globals& globals);
/// session, approve and reject.
void AddOptimizeSessionCommands(CLI::App& optimize, Globals& globals);
/// suggest, search, validate, abtest and predict.
void AddOptimizeSearchCommands(CLI::App& optimize, Globals& globals);
/// monitor start|stop|status|events.
void AddOptimizeMonitorCommands(CLI::App& optimize, Globals& globals);

/// What the newest closed runs of a workflow type say, read from their histories (GW-3).
Result<optimizer::PerformanceProfile> ProfileOfType(Globals& globals, const std::string& type, int64_t last,
                                                    const optimizer::Catalog& catalog);

/// optimizer, below `wfe demo`.
void AddDemoOptimizerCommand(CLI::App& demo, Globals& globals);

/// What records say of a session besides its own.
Result<SessionStory> StoryOf(client::RecordsClient& records, optimizer::StoredSession session);
nlohmann::json JsonOf(const SessionStory& story);

/// ISO 8601, UTC, of this machine.
std::string TimeNow();

/// Signals a workflow with one argument.
Status SendSignal(Globals& globals, const std::string& workflow_id, std::string_view name,
                  const nlohmann::json& argument);

}  // namespace wfe::cli
