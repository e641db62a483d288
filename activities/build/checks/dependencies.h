// A project's dependencies: installed once per lock file into a cache that all runs share, never by code that the model
// wrote, and shown to the checks read-only.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "activities/build/checks/compliance.h"
#include "activities/build/checks/settings.h"
#include "activities/sandbox/safe_files.h"

namespace wfe::build {

/// Where the dependencies of a project are, or should be.
struct DependencyPlace {
  bool needed = false;    ///< False: the profile has none, or the directory brings its own.
  std::string hash;       ///< Over every file the installer is given, and its commands.
  std::string entry;      ///< Cache entry: <work root>/deps/<hash>.
  std::string directory;  ///< The dependency directory itself on this machine; also set for the project's own.
  bool ready = false;     ///< `directory` exists.
  bool lent = false;      ///< `directory` is the checkout's, of a build on a branch.
  std::vector<std::string> files;  ///< What the installer is given, relative paths, sorted.
  std::string reason;     ///< One sentence for people: from where, or why none.
};

/// Looks whether `place.directory` exists by now.
bool IsThere(const DependencyPlace& place);

/// FAILED_PRECONDITION when manifest or lock file is missing.  `dir` reserves nothing.
Result<DependencyPlace> LocateDependencies(const ComplianceSettings& settings, const Profile& profile,
                                           const sandbox::SafeDir& dir);

/// The dependencies as the checks see them.
struct PlacedDependencies {
  std::string directory;  ///< On this machine; "" when the profile has none or they are missing.
  std::string seen_as;    ///< $DEPS.
  std::vector<std::pair<std::string, std::string>> mounts;  ///< Sandboxed: host → inside, read-only.
  std::vector<std::string> scratch;                         ///< Sandboxed: inside, writable and forgotten.
};
/// Makes mount points inside a sandbox's working directory, links without one.  What the checkout lends is placed under
/// every profile.
Result<PlacedDependencies> PlaceDependencies(const ComplianceSettings& settings, const Profile& profile,
                                             const sandbox::SafeDir& dir, bool sandboxed);

struct InstallOutcome {
  InstallDependenciesReport report;
  bool cancelled = false;
  std::optional<sdk::ApplicationFailure> failure;
};
/// Fills the cache entry unless it is there.  Processes that want the same entry wait for one another; an entry appears
/// whole or not at all.
InstallOutcome InstallDependencies(const ComplianceSettings& settings, const Profile& profile,
                                   const sandbox::SafeDir& dir, sdk::ActivityContext& context);

/// Which program runs `argv[0]` of an installing command here: npm as configured, a real one behind a shim, yarn and
/// pnpm through corepack or npm when they are not in PATH.  Empty with `problem` when there is none.
std::vector<std::string> InstallerCommand(const ComplianceSettings& settings, std::vector<std::string> argv,
                                          std::string* problem);

}  // namespace wfe::build
