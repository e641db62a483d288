// A project's dependencies: installed once per lock file into a cache that all runs share, never by code that the model
// wrote, and shown to the checks read-only.
#pragma once

#include <optional>
#include <string>

#include "activities/compliance/compliance.h"
#include "activities/compliance/safe_files.h"
#include "activities/compliance/settings.h"

namespace wfe::activities {

/// Where the dependencies of a project are, or should be.
struct DependencyPlace {
  bool needed = false;    ///< False: the profile has none, or the directory brings its own.
  std::string hash;       ///< Over manifest and lock file.
  std::string entry;      ///< Cache entry: <work root>/deps/<hash>.
  std::string directory;  ///< The dependency directory itself on this machine; also set for the project's own.
  bool ready = false;     ///< `directory` exists.
};

/// FAILED_PRECONDITION when manifest or lock file is missing.  `dir` reserves nothing.
Result<DependencyPlace> LocateDependencies(const ComplianceSettings& settings, const Profile& profile,
                                           const SafeDir& dir);

struct InstallOutcome {
  InstallDependenciesReport report;
  bool cancelled = false;
  std::optional<sdk::ApplicationFailure> failure;
};
/// Fills the cache entry unless it is there.  Processes that want the same entry wait for one another; an entry appears
/// whole or not at all.
InstallOutcome InstallDependencies(const ComplianceSettings& settings, const Profile& profile, const SafeDir& dir,
                                   sdk::ActivityContext& context);

}  // namespace wfe::activities
