// What a worker needs to serve the checks: their settings, and the call that registers them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/sandbox/sandbox.h"
#include "engine/base/result.h"
#include "workers/sdk/activity.h"

namespace wfe::build {

struct ComplianceConfig {
  /// Absolute; holds the dependency cache (deps/<hash>) that all runs of this machine share.
  std::string work_root;
  /// Searched in order for NAME.json before the built-in profiles.
  std::vector<std::string> profile_dirs;
  /// PATH of the checks; empty: the worker's own.  Relative entries are dropped.
  std::string path;
  std::string npm = "npm";
  std::string bwrap = "bwrap";
  /// What the person who runs this worker says (SEC-H7): "preferred" leaves it to the profile, "required" refuses to run
  /// checks without a sandbox whatever the profile says, "off" runs them without one.
  sandbox::SandboxPolicy sandbox = sandbox::SandboxPolicy::kPreferred;
  bool use_cgroups = true;  ///< For memory and processes of a check, where one can be made (SEC-H10).
  /// Exact values that are masked wherever output or command lines are kept (API keys the worker knows).
  std::vector<std::string> secrets;
  /// Kept of each output stream: half at its head, half at its tail.
  uint64_t max_output_bytes = 10ull << 20;
  /// Of the claims of this worker's runs, see Claim::alive_lock; empty: a server has the runs.
  std::string alive_lock;
  /// Of a check that was named as a command; a profile's checks have their own.
  Duration command_timeout = std::chrono::minutes(10);
  /// Between heartbeats while a command runs.
  Duration heartbeat_interval = std::chrono::seconds(2);
  /// Stores the whole error log under its SHA-256; absent: logs stay in the report only.
  /// Called from the activity's thread; a failure makes the activity fail retryably.
  std::function<Status(std::string_view sha256_hex, std::string_view bytes)> store_blob;
};

/// Registers preflightBuild, installDependencies, probeChecks, runComplianceChecks and releaseWorkingDir.
void RegisterComplianceActivities(sdk::ActivityRegistry& registry, ComplianceConfig config);

}  // namespace wfe::build
