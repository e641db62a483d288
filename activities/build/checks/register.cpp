#include "activities/build/checks/register.h"

#include <memory>

#include "activities/build/checks/check_runner.h"
#include "activities/build/checks/claim.h"
#include "activities/build/checks/compliance.h"
#include "activities/build/checks/dependencies.h"
#include "activities/build/checks/preflight.h"
#include "activities/build/checks/probe.h"
#include "activities/build/profile/resolve_profile.h"

namespace wfe::build {
namespace {

using sdk::ActivityCancelled;
using sdk::ActivityContext;
using sdk::ActivityResult;

/// What three of the activities begin with.
struct Opened {
  Profile profile;
  sandbox::SafeDir dir;
};
struct OpenFailure {
  sdk::ApplicationFailure failure;
};

std::variant<Opened, OpenFailure> Open(const ComplianceSettings& settings, const std::string& profile_name,
                                       const std::string& working_dir, const std::string& claim_id) {
  auto profile = LoadProfile(profile_name, settings.config.profile_dirs);
  if (!profile) return OpenFailure{ComplianceFailure(kFailureProfile, profile.error().message)};
  auto path = ResolveWorkingDir(working_dir, /*create=*/false);
  if (!path) return OpenFailure{ComplianceFailure(kFailureWorkingDir, path.error().message)};
  auto dir = sandbox::SafeDir::Open(*path, {.reserved = {}, .max_file_bytes = 64ull << 20});
  if (!dir) return OpenFailure{ComplianceFailure(kFailureWorkingDir, dir.error().message)};
  const Status claimed = CheckClaim(*dir, claim_id);
  if (!claimed) return OpenFailure{ComplianceFailure(kFailureDirectoryClaimed, claimed.error().message)};
  return Opened{.profile = *std::move(profile), .dir = *std::move(dir)};
}

std::string ClaimId(const ActivityContext& context, const std::string& given) {
  return given.empty() ? context.info().run_id : given;
}

ActivityResult<InstallDependenciesReport> Install(const ComplianceSettings& settings, ActivityContext& context,
                                                  const InstallDependenciesRequest& request) {
  auto opened = Open(settings, request.profile, request.working_dir, ClaimId(context, request.claim_id));
  if (auto* failure = std::get_if<OpenFailure>(&opened)) return std::move(failure->failure);
  auto& [profile, dir] = std::get<Opened>(opened);
  auto facts = ProjectFacts::Read(dir);
  if (!facts) return ComplianceFailure(kFailureWorkingDir, facts.error().message);
  ChooseDependencies(*facts, profile);
  InstallOutcome outcome = InstallDependencies(settings, profile, dir, context);
  if (outcome.cancelled) return ActivityCancelled{};
  if (outcome.failure.has_value()) return *std::move(outcome.failure);
  return std::move(outcome.report);
}

ActivityResult<ComplianceReport> Check(const ComplianceSettings& settings, ActivityContext& context,
                                       const ComplianceRequest& request) {
  auto opened = Open(settings, request.profile, request.working_dir, ClaimId(context, request.claim_id));
  if (auto* failure = std::get_if<OpenFailure>(&opened)) return std::move(failure->failure);
  const sandbox::SafeDir& dir = std::get<Opened>(opened).dir;
  auto report = RunChecks(settings, request, dir, context);
  if (!report) {
    // Only a required sandbox that is missing is a precondition here; trying again does not bring it.
    if (report.error().code == StatusCode::kFailedPrecondition) {
      return ComplianceFailure(kFailureMissingTool, report.error().message);
    }
    return std::move(report).error();
  }
  if (!report->has_value()) return ActivityCancelled{};
  return **std::move(report);
}

ActivityResult<ProbeChecksReport> Probe(const ComplianceSettings& settings, ActivityContext& context,
                                        const ProbeChecksRequest& request) {
  auto opened = Open(settings, request.profile, request.working_dir, ClaimId(context, request.claim_id));
  if (auto* failure = std::get_if<OpenFailure>(&opened)) return std::move(failure->failure);
  return ProbeChecks(settings, request, std::get<Opened>(opened).dir, context);
}

ActivityResult<ReleaseReport> Release(ActivityContext& context, const ReleaseRequest& request) {
  ReleaseReport report;
  auto path = ResolveWorkingDir(request.working_dir, /*create=*/false);
  // A directory that has gone is held by nobody.
  if (!path && path.error().code == StatusCode::kNotFound) return report;
  if (!path) return ComplianceFailure(kFailureWorkingDir, path.error().message);
  auto dir = sandbox::SafeDir::Open(*path, {.reserved = {}});
  if (!dir) return ComplianceFailure(kFailureWorkingDir, dir.error().message);
  auto dropped = DropClaim(*dir, ClaimId(context, request.claim_id));
  if (!dropped) return std::move(dropped).error();
  report.released = *dropped;
  if (const auto holder = ReadClaim(*dir)) report.holder = holder->claim_id;
  return report;
}

}  // namespace

void RegisterComplianceActivities(sdk::ActivityRegistry& registry, ComplianceConfig config) {
  WFE_CHECK(config.work_root.starts_with('/'), "ComplianceConfig::work_root must be an absolute path");
  // Shared by the registered functions, which may be copied.
  const auto settings = std::make_shared<const ComplianceSettings>(std::move(config));
  registry.Register(kPreflight, [settings](ActivityContext& context, const PreflightRequest& request) {
    return RunPreflight(*settings, request, context);
  });
  registry.Register(kInstallDependencies,
                    [settings](ActivityContext& context, const InstallDependenciesRequest& request) {
                      return Install(*settings, context, request);
                    });
  registry.Register(kProbeChecks, [settings](ActivityContext& context, const ProbeChecksRequest& request) {
    return Probe(*settings, context, request);
  });
  registry.Register(kRunComplianceChecks, [settings](ActivityContext& context, const ComplianceRequest& request) {
    return Check(*settings, context, request);
  });
  registry.Register(kReleaseWorkingDir,
                    [](ActivityContext& context, const ReleaseRequest& request) { return Release(context, request); });
}

}  // namespace wfe::build
