// The two activities of workspace.h, as functions over a configuration.
#pragma once

#include <variant>

#include "activities/build/workspace/register.h"
#include "activities/build/workspace/workspace.h"
#include "activities/sandbox/process_runner.h"

namespace wfe::build {

sdk::ActivityResult<OpenWorkspaceReport> OpenWorkspace(const WorkspaceConfig& config, sdk::ActivityContext& context,
                                                       const OpenWorkspaceRequest& request);
sdk::ActivityResult<RecordStepReport> RecordStep(const WorkspaceConfig& config, sdk::ActivityContext& context,
                                                 const RecordStepRequest& request);

/// Path of git; empty when there is none.
std::string FindGit(const WorkspaceConfig& config);
/// Heartbeats and asks for cancellation while git runs.
sandbox::ProcessWatch WatchOf(sdk::ActivityContext& context);
/// The failure an error becomes: cancelled, for good (WORKSPACE), or to be tried again.
std::variant<sdk::ApplicationFailure, sdk::ActivityCancelled> FailureOf(const Error& error);

/// After the run has ended: takes its branch away when no step of it was committed and nobody else has used it.
Status DropEmptyBranch(const WorkspaceConfig& config, sdk::ActivityContext& context, const std::string& run_id);

}  // namespace wfe::build
