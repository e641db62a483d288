// Which directories the activities of a worker may touch, and what holds while one of them does (SEC-C3).
//
// A workflow's input names directories, and whoever reaches the server can start a workflow.  So a worker touches only
// its work root and what the person who started it has named (`wfe worker --allow DIR`), whatever an input says.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "workers/sdk/activity.h"

namespace wfe::build {

/// The input names a directory outside the allowed roots; the message names the line to add.  Not retried.
inline constexpr std::string_view kFailureNotAllowed = "WORKING_DIR_NOT_ALLOWED";

/// Immutable; any thread.
class AllowedRoots {
 public:
  /// `roots` are made absolute and their links are resolved now.  One need not exist; one that cannot be resolved
  /// (ResolveExisting) allows nothing.
  explicit AllowedRoots(const std::vector<std::string>& roots);

  /// The path with every link resolved that exists, for use instead of the path that was given.  PERMISSION_DENIED with
  /// a sentence for people when that lies in none of the roots.
  Result<std::string> Check(const std::string& path) const;
  const std::vector<std::string>& roots() const { return roots_; }

 private:
  std::vector<std::string> roots_;  // real paths
};

/// The real path of the longest part of `path` that exists, and the rest behind it.  The path must be absolute, and the
/// part that does not exist has no "..".
Result<std::string> ResolveExisting(const std::string& path);

/// The directories that an input names, of a workflow or an activity: its working_dir, project_dir, output_dir and the
/// locations of its sources of kind "directory".  An activity that takes a directory names it by one of these keys.
std::vector<std::string> DirectoriesNamedBy(const nlohmann::json& input);

struct DirectoryGuardOptions {
  std::shared_ptr<const AllowedRoots> roots;
  std::string lock_dir;  ///< Absolute, outside every working directory; made when missing.
};

/// Guards every activity that is registered by now.  Before one of them runs:
///   - the directories that its input names lie in the allowed roots, and the input holds their real paths;
///   - its working_dir is not claimed by another run (WORKING_DIR_CLAIMED), and restoreSnapshot's is claimed by its own;
///   - no other attempt works in working_dir: an attempt that the server gave up on may still be ending, and the next
///     one waits for it, with heartbeats.  preflightBuild does not wait: a directory in use is refused, not queued for.
void GuardDirectories(sdk::ActivityRegistry& registry, DirectoryGuardOptions options);

}  // namespace wfe::build
