// What the activities of this folder share at run time: settings with their defaults filled in.
#pragma once

#include <string>
#include <vector>

#include "activities/build/checks/register.h"
#include "activities/build/profile/profile.h"
#include "activities/sandbox/process_runner.h"
#include "activities/sandbox/sandbox.h"
#include "activities/sandbox/text.h"

namespace wfe::build {

struct ComplianceSettings {
  ComplianceConfig config;
  std::string path;  ///< PATH of the checks, absolute entries only.
  sandbox::SecretMask mask;

  explicit ComplianceSettings(ComplianceConfig given);
};

/// Which sandbox a profile gets here.
struct SandboxChoice {
  bool sandboxed = false;
  std::string program;  ///< Of bwrap.
  std::string reason;   ///< Why not.
};
/// FAILED_PRECONDITION when the profile requires one and there is none.
Result<SandboxChoice> ChooseSandbox(const ComplianceSettings& settings, const Profile& profile);

/// "preferred", "required" or "off"; INVALID_ARGUMENT names what it may be.
Result<sandbox::SandboxPolicy> ParseSandboxPolicy(const std::string& name);

/// A sentence for a worker of root that runs checks without a sandbox: what they write can do anything.  Else "".
std::string SandboxWarning(const ComplianceConfig& config);

/// Asks the context for cancellation and heartbeats with `details`.
sandbox::ProcessWatch WatchFor(sdk::ActivityContext& context, const ComplianceSettings& settings,
                               nlohmann::json details);

}  // namespace wfe::build
