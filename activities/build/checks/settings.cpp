#include "activities/build/checks/settings.h"

#include <unistd.h>

#include <cstdlib>

namespace wfe::build {
namespace {

std::string AbsoluteEntries(const std::string& path) {
  std::string kept;
  size_t start = 0;
  while (start <= path.size()) {
    const size_t end = std::min(path.find(':', start), path.size());
    if (end > start && path[start] == '/') kept += (kept.empty() ? "" : ":") + path.substr(start, end - start);
    start = end + 1;
  }
  return kept;
}

}  // namespace

ComplianceSettings::ComplianceSettings(ComplianceConfig given) : config(std::move(given)), mask(config.secrets) {
  path = config.path;
  if (path.empty()) {
    const char* own = std::getenv("PATH");
    path = own != nullptr ? own : "/usr/local/bin:/usr/bin:/bin";
  }
  path = AbsoluteEntries(path);
}

Result<SandboxChoice> ChooseSandbox(const ComplianceSettings& settings, const Profile& profile) {
  const bool worker_requires = settings.config.sandbox == sandbox::SandboxPolicy::kRequired;
  const bool profile_requires = profile.sandbox == sandbox::SandboxPolicy::kRequired;
  if (settings.config.sandbox == sandbox::SandboxPolicy::kOff) {
    if (profile_requires) {
      return FailedPrecondition("the check profile " + profile.name +
                                " requires a sandbox, and this worker's setting build.sandbox turns it off");
    }
    return SandboxChoice{
        .sandboxed = false, .program = "", .reason = "this worker's setting build.sandbox turns it off"};
  }
  if (profile.sandbox == sandbox::SandboxPolicy::kOff && !worker_requires) {
    return SandboxChoice{.sandboxed = false, .program = "", .reason = "the profile " + profile.name + " turns it off"};
  }
  const sandbox::SandboxAvailability availability = sandbox::ProbeSandbox(settings.config.bwrap, settings.path);
  if (!availability.usable && (worker_requires || profile_requires)) {
    return FailedPrecondition(
        (profile_requires ? "the check profile " + profile.name : std::string("this worker's setting build.sandbox")) +
        " requires a sandbox, and " + availability.reason);
  }
  return SandboxChoice{
      .sandboxed = availability.usable, .program = availability.program, .reason = availability.reason};
}

Result<sandbox::SandboxPolicy> ParseSandboxPolicy(const std::string& name) {
  if (name == "preferred") return sandbox::SandboxPolicy::kPreferred;
  if (name == "required") return sandbox::SandboxPolicy::kRequired;
  if (name == "off") return sandbox::SandboxPolicy::kOff;
  return InvalidArgument("build.sandbox is \"" + sandbox::Printable(name) + "\"; it may be preferred, required or off");
}

std::string SandboxWarning(const ComplianceConfig& config) {
  if (::geteuid() != 0) return "";
  const ComplianceSettings settings(config);
  std::string reason = "the setting build.sandbox turns it off";
  if (config.sandbox != sandbox::SandboxPolicy::kOff) {
    const sandbox::SandboxAvailability availability = sandbox::ProbeSandbox(config.bwrap, settings.path);
    if (availability.usable) return "";
    reason = availability.reason;
    if (config.sandbox == sandbox::SandboxPolicy::kRequired) return "";  // Then nothing is run at all.
  }
  return "code of others runs as root and without a sandbox here (" + reason +
         "): what a model or somebody else wrote may do anything on this machine; run wfe as another user, or set "
         "build.sandbox to \"required\"";
}

sandbox::ProcessWatch WatchFor(sdk::ActivityContext& context, const ComplianceSettings& settings,
                               nlohmann::json details) {
  sandbox::ProcessWatch watch;
  watch.is_cancelled = [&context] { return context.IsCancelled(); };
  watch.heartbeat = [&context, details = std::move(details)] { context.Heartbeat(details); };
  watch.heartbeat_interval = settings.config.heartbeat_interval;
  return watch;
}

}  // namespace wfe::build
