// The records of `--local` builds: each has an engine's store of its own below the user's state directory, so that
// several can run at once and every command that looks at a build works when the one that made it has ended.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace wfe::cli {

class Globals;

/// One store, as its directory tells it without being opened.
struct LocalBuild {
  std::string directory;
  std::string workflow_id;
  std::string project_dir;
  std::string started;  ///< ISO 8601.
  std::string address;  ///< Of the engine that serves it, while `alive`.
  bool alive = false;   ///< The command that runs it has not ended.

  std::string DataDirectory() const { return directory + "/data"; }
  /// Kept locked by the command that runs the build: see build::Claim::alive_lock.
  std::string AliveLock() const { return directory + "/alive.lock"; }
};

/// Where the store of this build is, or will be.
std::string LocalBuildDirectory(const std::string& workflow_id);
/// Newest first.
std::vector<LocalBuild> LocalBuilds();
std::optional<LocalBuild> FindLocalBuild(const std::string& workflow_id);

/// The right to open a store; held as long as it is open.
struct LocalStoreLocks {
  UniqueFd alive;  ///< Only of whoever runs the build.
  UniqueFd open;
};
/// Makes the directory when it is missing.  FAILED_PRECONDITION: the build runs in another process, or another command has
/// been looking at it for long.
Result<LocalStoreLocks> LockLocalStore(const std::string& workflow_id, bool to_run);
/// Writes down what LocalBuilds tells.
Status DescribeLocalBuild(const LocalBuild& build);

/// Makes `globals` talk to the store of this build: to the engine of the command that runs it, else to one inside this
/// process, without a worker.  A run that was left open by a command which is gone is terminated: it would wait for ever.
Status OpenLocalBuild(Globals& globals, const LocalBuild& build);

/// `target` is not known at the server, or no server is there: tries the local builds, unless an address was named.
/// True: `globals` now talks to a store that has it.
Result<bool> FallBackToLocalBuild(Globals& globals, const std::string& workflow_id);

}  // namespace wfe::cli
