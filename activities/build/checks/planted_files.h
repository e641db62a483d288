// Files that mean something to programs which run later and outside the sandbox: a `.env` or `.gemini` that the agent's
// program would obey, hooks of git, set-user-id programs, devices, sockets and pipes, names that no path check accepts.
// New ones are taken away and reported (SEC-H5, SEC-H9, SEC-M6); what the user had stays.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "activities/build/parsers/findings.h"
#include "activities/sandbox/safe_files.h"

namespace wfe::build {

inline constexpr std::string_view kPlanted = "POLICY_VIOLATION_PLANTED";

/// Path → what it is, for everything of that kind that stands in the directory now.
Result<std::map<std::string, std::string>> ListPlants(const sandbox::SafeDir& dir);

/// Watches one directory over one verification.
class PlantGuard {
 public:
  /// `known` is what stood there at pre-flight.  Without it everything counts as the user's at the first sweep.
  PlantGuard(const sandbox::SafeDir& dir, std::map<std::string, std::string> known)
      : dir_(dir), known_(std::move(known)) {}

  /// Removes what is new since pre-flight and remembers git's configuration and hooks.  `who`: "the agent".
  Status Sweep(const std::string& who);
  /// Remembers what git's files look like now; call before the first check.
  Status Remember();

  const std::vector<std::string>& removed() const { return removed_; }
  std::vector<Finding> TakeFindings() { return std::move(findings_); }

 private:
  void Report(const std::string& path, const std::string& what, const std::string& who, bool gone);

  const sandbox::SafeDir& dir_;
  std::map<std::string, std::string> known_;
  std::map<std::string, std::string> git_;     ///< Path → content of .git/config and the hooks.
  std::map<std::string, uint32_t> git_modes_;  ///< Their permission bits: a hook is a program.
  bool remembered_ = false;
  std::vector<std::string> removed_;
  std::vector<Finding> findings_;
};

}  // namespace wfe::build
