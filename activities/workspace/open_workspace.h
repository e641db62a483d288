// The two activities of workspace.h, as functions over a configuration.
#pragma once

#include <variant>

#include "activities/compliance/process_runner.h"
#include "activities/workspace/register.h"
#include "activities/workspace/workspace.h"

namespace wfe::activities {

sdk::ActivityResult<OpenWorkspaceReport> OpenWorkspace(const WorkspaceConfig& config, sdk::ActivityContext& context,
                                                       const OpenWorkspaceRequest& request);
sdk::ActivityResult<RecordStepReport> RecordStep(const WorkspaceConfig& config, sdk::ActivityContext& context,
                                                 const RecordStepRequest& request);

/// Path of git; empty when there is none.
std::string FindGit(const WorkspaceConfig& config);
/// Heartbeats and asks for cancellation while git runs.
ProcessWatch WatchOf(sdk::ActivityContext& context);
/// The failure an error becomes: cancelled, for good (WORKSPACE), or to be tried again.
std::variant<sdk::ApplicationFailure, sdk::ActivityCancelled> FailureOf(const Error& error);

/// After the run has ended: takes its branch away when no step of it was committed and nobody else has used it.
Status DropEmptyBranch(const WorkspaceConfig& config, sdk::ActivityContext& context, const std::string& run_id);

}  // namespace wfe::activities
