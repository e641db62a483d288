#include "activities/build/checks/preflight.h"

#include <re2/re2.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <sstream>
#include <system_error>

#include "activities/build/checks/claim.h"
#include "activities/build/checks/dependencies.h"
#include "activities/build/checks/protected_files.h"
#include "activities/build/checks/starter_files.h"
#include "activities/build/checks/test_baseline.h"
#include "activities/build/profile/project_facts.h"
#include "activities/build/profile/resolve_profile.h"
#include "activities/sandbox/toolchain.h"
#include "engine/base/hash.h"

namespace wfe::build {
namespace {

using sdk::ApplicationFailure;

class Preflight {
 public:
  Preflight(const ComplianceSettings& settings, const PreflightRequest& request, sdk::ActivityContext& context)
      : settings_(settings), request_(request), context_(context) {}

  sdk::ActivityResult<PreflightReport> Run() {
    std::error_code error;
    made_directory_ = !std::filesystem::exists(request_.working_dir, error);
    auto path = ResolveWorkingDir(request_.working_dir, request_.create_if_missing);
    if (!path) return ComplianceFailure(kFailureWorkingDir, path.error().message);
    report_.working_dir = *path;
    auto dir = sandbox::SafeDir::Open(*path, {.reserved = {}});
    if (!dir) return ComplianceFailure(kFailureWorkingDir, dir.error().message);
    const auto state = dir->Stat(sandbox::kStateDirectory);
    had_state_ = state && state->has_value();
    report_.claim_id = request_.claim_id.empty() ? context_.info().run_id : request_.claim_id;
    const auto held_before = ReadClaim(*dir);
    was_ours_ = held_before && held_before->claim_id == report_.claim_id;
    std::optional<ApplicationFailure> failure = ClaimAndPrepare(*dir);
    if (!failure.has_value()) return std::move(report_);
    failure->message = settings_.mask.Apply(std::move(failure->message));
    return *std::move(failure);
  }

 private:
  std::optional<ApplicationFailure> ClaimAndPrepare(const sandbox::SafeDir& dir) {
    // What is known to be wrong without the claim is said before anything is written.
    auto facts = ProjectFacts::Read(dir);
    if (!facts) return Refuse(dir, false, ComplianceFailure(kFailureWorkingDir, facts.error().message));
    auto resolved = Resolve(*facts, dir);
    if (!resolved) return Refuse(dir, false, ComplianceFailure(kFailureProfile, resolved.error().message));
    // The claim comes before anything is written, so that a refused run leaves no mark.
    const Claim claim{.claim_id = report_.claim_id,
                      .workflow_id = request_.workflow_id.empty() ? context_.info().workflow_id : request_.workflow_id,
                      .claimed_at = FormatIso8601Millis(SystemClock().Now()),
                      .alive_lock = settings_.config.alive_lock};
    Status claimed = TakeClaim(dir, claim, request_.take_over_from);
    if (claimed && !was_ours_) {
      claimed = CheckNeighbours(dir, report_.claim_id);
      if (!claimed) {
        return Refuse(dir, true, ComplianceFailure(kFailureDirectoryClaimed, claimed.error().message));
      }
    }
    if (!claimed) {
      const bool by_other = claimed.error().code == StatusCode::kAlreadyExists;
      return ComplianceFailure(by_other ? kFailureDirectoryClaimed : kFailureWorkingDir, claimed.error().message);
    }
    context_.Heartbeat({{"activity", kPreflight.name}, {"profile", resolved->profile.name}});
    std::optional<ApplicationFailure> failure = Prepare(*resolved, *facts, dir);
    if (!failure.has_value()) return std::nullopt;
    return Refuse(dir, true, *std::move(failure));
  }

  /// A new project has no check that fits before its starter files are there.
  Result<ResolvedProfile> Resolve(const ProjectFacts& facts, const sandbox::SafeDir& dir) {
    auto resolved = ResolveProfile(settings_.config.profile_dirs, request_.profile, facts, request_.checks,
                                settings_.config.command_timeout);
    if (resolved || request_.profile.empty()) return resolved;
    auto whole = LoadProfile(request_.profile, settings_.config.profile_dirs);
    if (!whole) return std::move(whole).error();
    const auto mode =
        ResolveMode({.mode = request_.mode, .profile_named = true, .again = was_ours_}, *whole, facts, dir);
    if (!mode || *mode != "create") return resolved;
    ResolvedProfile fresh;
    fresh.profile = *std::move(whole);
    ChooseDependencies(facts, fresh.profile);
    return fresh;
  }

  /// A run that cannot start keeps the directory from nobody and leaves it as it was.
  ApplicationFailure Refuse(const sandbox::SafeDir& dir, bool claimed, ApplicationFailure failure) {
    if (was_ours_) return failure;
    std::error_code ignored;
    if (claimed) {
      for (const std::string& path : report_.starter_files) static_cast<void>(dir.Remove(path));
      const std::string state = dir.path() + "/" + std::string(sandbox::kStateDirectory);
      if (had_state_) {
        const auto dropped = DropClaim(dir, report_.claim_id);
        if (!dropped) failure.message += " (and the claim could not be given back: " + dropped.error().message + ")";
      } else {
        // In one step, while the claim is still ours: whoever takes the directory next begins with an empty one.
        const std::string gone = state + "-" + ToHex(Sha256(report_.claim_id)).substr(0, 12);
        std::filesystem::rename(state, gone, ignored);
        std::filesystem::remove_all(gone, ignored);
      }
    }
    if (made_directory_) std::filesystem::remove(dir.path(), ignored);  // Only when nothing is in it.
    return failure;
  }

  std::optional<ApplicationFailure> Prepare(const ResolvedProfile& resolved, const ProjectFacts& facts,
                                            const sandbox::SafeDir& dir) {
    const Profile& profile = resolved.profile;
    report_.profile = profile.name;
    report_.profile_hash = profile.hash;
    report_.detection = resolved.detection;
    auto mode = ResolveMode({.mode = request_.mode, .profile_named = !request_.profile.empty(), .again = was_ours_},
                            profile, facts, dir);
    if (!mode) return ComplianceFailure(kFailureWorkingDir, mode.error().message);
    report_.mode = *mode;
    report_.template_id = TemplateFor(profile, *mode);
    if (auto failure = CheckSpace()) return failure;
    for (const ToolSpec& tool : profile.requires_tools) {
      if (auto failure = CheckTool(tool)) return failure;
    }
    auto sandbox = ChooseSandbox(settings_, profile);
    if (!sandbox) return ComplianceFailure(kFailureMissingTool, sandbox.error().message);
    report_.sandbox = sandbox->sandboxed ? "bwrap" : "none";
    report_.sandbox_reason = sandbox->reason;
    if (auto failure = WriteStarterFiles(profile, facts, dir)) return failure;
    // The starter files decide which checks there are, and how what they need is installed.
    auto again = ProjectFacts::Read(dir);
    if (!again) return ComplianceFailure(kFailureWorkingDir, again.error().message);
    auto settled = ResolveProfile(settings_.config.profile_dirs, profile.name, *again, request_.checks,
                                settings_.config.command_timeout);
    if (!settled) return ComplianceFailure(kFailureProfile, settled.error().message);
    for (const CheckSpec& check : settled->profile.checks) report_.check_commands.push_back(ShownCommand(check));
    auto hashes = RecordProtected(dir, profile.protected_files);
    if (!hashes) return ComplianceFailure(kFailureWorkingDir, hashes.error().message);
    report_.protected_hashes = *std::move(hashes);
    auto baseline = RecordBaseline(dir);
    if (!baseline) return ComplianceFailure(kFailureWorkingDir, baseline.error().message);
    report_.baseline = ToJson(*baseline);
    return CheckDependencies(settled->profile, dir);
  }

  std::optional<ApplicationFailure> CheckSpace() {
    struct statvfs space = {};
    if (::statvfs(report_.working_dir.c_str(), &space) != 0) return std::nullopt;  // Unknown is no reason to refuse.
    report_.free_bytes = static_cast<uint64_t>(space.f_bavail) * space.f_frsize;
    if (report_.free_bytes >= request_.min_free_bytes) return std::nullopt;
    return ComplianceFailure(kFailureDiskSpace,
                             "only " + std::to_string(report_.free_bytes >> 20) + " MiB are free at " +
                                 report_.working_dir + "; " + std::to_string(request_.min_free_bytes >> 20) +
                                 " MiB are needed",
                             /*non_retryable=*/false);
  }

  std::optional<ApplicationFailure> CheckTool(const ToolSpec& tool) {
    const auto missing = [&](const std::string& what) {
      return ComplianceFailure(kFailureMissingTool,
                               "the check profile " + report_.profile + " needs " + tool.program +
                                   (tool.min_version.empty() ? "" : " " + tool.min_version + " or newer") + ", and " +
                                   what);
    };
    const sandbox::ToolLocation location = sandbox::LocateTool(tool.program, settings_.path);
    if (!location.problem.empty()) return missing(location.problem);
    sandbox::ProcessSpec spec;
    spec.argv = tool.version_argv;
    if (spec.argv.empty()) spec.argv = {tool.program, "--version"};
    if (spec.argv[0] == tool.program) spec.argv[0] = location.start_as;
    spec.environment = {{"PATH", location.PathFor(settings_.path)}, {"LANG", "C.UTF-8"}, {"HOME", "/nonexistent"}};
    spec.limits.wall_clock = std::chrono::seconds(30);
    spec.limits.max_output_bytes = 64 << 10;
    const sandbox::ProcessOutcome outcome = sandbox::RunProcess(spec);
    if (outcome.kind == sandbox::ProcessOutcome::Kind::kCouldNotStart) {
      return missing(outcome.program_missing ? "it is not in PATH" : outcome.start_error);
    }
    if (outcome.kind != sandbox::ProcessOutcome::Kind::kExited || outcome.exit_code != 0) {
      return missing("`" + sandbox::JoinCommand(spec.argv) +
                     "` does not run: " + sandbox::Printable(sandbox::CleanTerminalText(outcome.err.text)));
    }
    const std::vector<std::string> lines = sandbox::SplitLines(sandbox::CleanTerminalText(outcome.out.text));
    const std::string first = lines.empty() ? "" : lines[0];
    report_.tools[tool.program] = first;
    if (tool.min_version.empty()) return std::nullopt;
    std::string version;
    if (!RE2::PartialMatch(first, "(\\d+(?:\\.\\d+)*)", &version)) {
      return missing("it does not say which version it is: " + sandbox::Printable(first));
    }
    if (CompareVersions(version, tool.min_version) < 0) {
      return missing("the one in PATH (" + sandbox::FindProgram(tool.program, settings_.path) + ") is " + version);
    }
    return std::nullopt;
  }

  std::optional<ApplicationFailure> WriteStarterFiles(const Profile& profile, const ProjectFacts& facts,
                                                      const sandbox::SafeDir& dir) {
    if (!request_.write_starter_files || report_.mode != "create") return std::nullopt;
    for (const StarterFile* file : MissingStarterFiles(profile, facts)) {
      const Status written = dir.Write(file->path, file->content);
      if (!written) return ComplianceFailure(kFailureWorkingDir, written.error().message);
      report_.starter_files.push_back(file->path);
    }
    std::sort(report_.starter_files.begin(), report_.starter_files.end());
    return std::nullopt;
  }

  std::optional<ApplicationFailure> CheckDependencies(const Profile& profile, const sandbox::SafeDir& dir) {
    auto place = LocateDependencies(settings_, profile, dir);
    if (!place) return ComplianceFailure(kFailureDependencies, place.error().message);
    report_.needs_dependencies = place->needed && !place->ready;
    if (!report_.needs_dependencies) return std::nullopt;
    std::string problem;
    if (!InstallerCommand(settings_, profile.dependencies->install.front(), &problem).empty()) return std::nullopt;
    return ComplianceFailure(kFailureMissingTool, "the dependencies of the project are not installed, and " + problem);
  }

  const ComplianceSettings& settings_;
  const PreflightRequest& request_;
  sdk::ActivityContext& context_;
  PreflightReport report_;
  bool made_directory_ = false;
  bool had_state_ = false;  // .wfe was there before.
  bool was_ours_ = false;
};

}  // namespace

sdk::ActivityResult<PreflightReport> RunPreflight(const ComplianceSettings& settings, const PreflightRequest& request,
                                                  sdk::ActivityContext& context) {
  return Preflight(settings, request, context).Run();
}

int CompareVersions(const std::string& a, const std::string& b) {
  std::istringstream left(a);
  std::istringstream right(b);
  for (;;) {
    std::string x;
    std::string y;
    const bool more_left = static_cast<bool>(std::getline(left, x, '.'));
    const bool more_right = static_cast<bool>(std::getline(right, y, '.'));
    if (!more_left && !more_right) return 0;
    const long long p = x.empty() ? 0 : std::atoll(x.c_str());
    const long long q = y.empty() ? 0 : std::atoll(y.c_str());
    if (p != q) return p < q ? -1 : 1;
  }
}

ApplicationFailure ComplianceFailure(std::string_view type, std::string message, bool non_retryable) {
  return {.message = std::move(message),
          .type = std::string(type),
          .non_retryable = non_retryable,
          .next_retry_delay = std::nullopt,
          .details = nullptr};
}

Result<std::string> ResolveWorkingDir(const std::string& path, bool create) {
  if (path.empty() || path[0] != '/' || path.find('\0') != std::string::npos) {
    return InvalidArgument("the working directory \"" + sandbox::Printable(path) + "\" must be an absolute path");
  }
  std::error_code error;
  if (create) {
    std::filesystem::create_directories(path, error);
    if (error) return FailedPrecondition("cannot make the working directory " + path + ": " + error.message());
  }
  const std::unique_ptr<char, decltype(&::free)> resolved(::realpath(path.c_str(), nullptr), &::free);
  if (resolved == nullptr) return NotFound("there is no working directory " + path);
  const std::string real = resolved.get();
  if (real == "/") return InvalidArgument("the working directory may not be the root of the file system");
  if (!std::filesystem::is_directory(real, error)) return FailedPrecondition(path + " is not a directory");
  if (::access(real.c_str(), R_OK | W_OK | X_OK) != 0) {
    return PermissionDenied("the working directory " + real + " is not writable for this worker");
  }
  return real;
}

}  // namespace wfe::build
