// What a worker needs to serve workspaces, and the call that registers them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "workers/client/blob_store.h"
#include "workers/sdk/activity.h"

namespace wfe::build {

struct WorkspaceConfig {
  std::string work_root;  ///< Absolute.  Builds go to builds/<run id>, their state to workspaces/<run id>.
  std::string path;       ///< PATH in which git is looked for; empty: the worker's own.
  std::shared_ptr<BlobSink> blob_sink;      ///< nullptr: no base snapshot is kept.
  std::shared_ptr<BlobSource> blob_source;  ///< nullptr: nothing can be restored.
  std::string alive_lock = {};              ///< As in ComplianceConfig.
  /// Refuses a real path that the worker may not use; absent: all may be used.
  std::function<Status(const std::string& real_path)> allow;
  /// Values that go into no commit and no kept tree: a file that holds one is left out (RW-D14).
  std::vector<std::string> secrets = {};
};

/// Registers openWorkspace and recordStep.  Call it after RegisterComplianceActivities: what releases a build's
/// directory then also takes away a branch that no step went to.
void RegisterWorkspaceActivities(sdk::ActivityRegistry& registry, WorkspaceConfig config);

}  // namespace wfe::build
