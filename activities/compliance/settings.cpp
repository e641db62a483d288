#include "activities/compliance/settings.h"

#include <cstdlib>

namespace wfe::activities {
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
  if (profile.sandbox == SandboxPolicy::kOff) {
    return SandboxChoice{.sandboxed = false, .program = "", .reason = "the profile " + profile.name + " turns it off"};
  }
  const SandboxAvailability availability = ProbeSandbox(settings.config.bwrap, settings.path);
  if (!availability.usable && profile.sandbox == SandboxPolicy::kRequired) {
    return FailedPrecondition("the check profile " + profile.name + " requires a sandbox, and " + availability.reason);
  }
  return SandboxChoice{
      .sandboxed = availability.usable, .program = availability.program, .reason = availability.reason};
}

ProcessWatch WatchFor(sdk::ActivityContext& context, const ComplianceSettings& settings, nlohmann::json details) {
  ProcessWatch watch;
  watch.is_cancelled = [&context] { return context.IsCancelled(); };
  watch.heartbeat = [&context, details = std::move(details)] { context.Heartbeat(details); };
  watch.heartbeat_interval = settings.config.heartbeat_interval;
  return watch;
}

}  // namespace wfe::activities
