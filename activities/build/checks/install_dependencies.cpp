#include <fcntl.h>
#include <re2/re2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "activities/build/checks/dependencies.h"
#include "activities/sandbox/text.h"
#include "activities/sandbox/toolchain.h"
#include "engine/base/unique_fd.h"

extern char** environ;

namespace wfe::build {
namespace {

namespace fs = std::filesystem;

sdk::ApplicationFailure Failure(std::string message, bool non_retryable) {
  return {.message = std::move(message),
          .type = std::string(kFailureDependencies),
          .non_retryable = non_retryable,
          .next_retry_delay = std::nullopt,
          .details = nullptr};
}

/// The installer runs no code of the packages, so unlike the checks it may see the user's registry settings.
sandbox::Environment InstallerEnvironment(const std::string& path) {
  sandbox::Environment environment = {
      {"PATH", path}, {"LANG", "C.UTF-8"}, {"NO_COLOR", "1"}, {"CI", "true"}, {"npm_config_update_notifier", "false"}};
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    const size_t equals = variable.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name(variable.substr(0, equals));
    static constexpr std::string_view kPassed[] = {
        "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE",
        "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "TMPDIR", "GOPROXY", "GONOSUMDB", "GOSUMDB", "GOPRIVATE", "GONOPROXY",
        "GOINSECURE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
        // What registries' settings refer to: ${NPM_TOKEN}.
        "NPM_TOKEN", "NODE_AUTH_TOKEN"};
    static constexpr std::string_view kPrefixes[] = {"npm_config_", "NPM_CONFIG_", "PIP_",          "UV_",
                                                     "CARGO_HTTP_", "CARGO_NET_",  "CARGO_SOURCE_", "CARGO_REGISTRIES_",
                                                     "YARN_",       "COREPACK_"};
    const bool passed = std::find(std::begin(kPassed), std::end(kPassed), name) != std::end(kPassed) ||
                        std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                                    [&](std::string_view prefix) { return name.starts_with(prefix); });
    if (passed && name != "npm_config_update_notifier") environment.emplace_back(name, variable.substr(equals + 1));
  }
  return environment;
}

/// A lock between processes on one cache entry, waited for without blocking cancellation.
class EntryLock {
 public:
  /// 1: taken; 0: cancelled; -1: errno says why not.
  int Take(const std::string& path, const sandbox::ProcessWatch& watch, sdk::ActivityContext& context) {
    fd_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd_.open()) return -1;
    auto last = std::chrono::steady_clock::now();
    while (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return -1;
      if (context.WaitForCancel(std::chrono::milliseconds(100))) return 0;
      if (std::chrono::steady_clock::now() - last >= watch.heartbeat_interval) {
        watch.heartbeat();
        last = std::chrono::steady_clock::now();
      }
    }
    return 1;
  }

 private:
  UniqueFd fd_;
};

/// What an interrupted installation left behind.  Under the entry's lock nobody is using it.
void RemoveLeftovers(const std::string& cache, const std::string& prefix) {
  std::error_code error;
  std::vector<fs::path> stale;
  for (const fs::directory_entry& entry : fs::directory_iterator(cache, error)) {
    if (entry.path().filename().string().starts_with(prefix)) stale.push_back(entry.path());
  }
  for (const fs::path& path : stale) fs::remove_all(path, error);
}

/// Tokens and passwords of the project's registry settings ("//host/:_authToken=...") never leave this file.
std::string MaskTokens(std::string text) {
  static const RE2 kAuth(R"((_authToken|_auth|_password|npmAuthToken|password)(["']?\s*[=:]\s*)[^\s"']+)");
  RE2::GlobalReplace(&text, kAuth, "\\1\\2[redacted:registry_token]");
  return text;
}

/// The lock file itself is wrong: trying again cannot help.
bool IsPermanent(const std::string& output) {
  for (const std::string_view code :
       {"EUSAGE", "EINTEGRITY", "ETARGET", "E404", "ERESOLVE", "EJSONPARSE", "EBADENGINE", "E401", "E403",
        "ERR_PNPM_OUTDATED_LOCKFILE", "ERR_PNPM_LOCKFILE_CONFIG_MISMATCH", "needs to be updated", "YN0028",
        "No matching distribution", "THESE PACKAGES DO NOT MATCH THE HASHES", "checksum mismatch",
        "needs to be updated but --locked"}) {
    if (output.find(code) != std::string::npos) return true;
  }
  return false;
}

class Installer {
 public:
  Installer(const ComplianceSettings& settings, const Profile& profile, const sandbox::SafeDir& dir,
            sdk::ActivityContext& context)
      : settings_(settings), profile_(profile), dir_(dir), context_(context) {}

  InstallOutcome Run() {
    auto place = LocateDependencies(settings_, profile_, dir_);
    if (!place) return Fail(place.error().message, true);
    outcome_.report.needed = place->needed;
    outcome_.report.dependency_hash = place->hash;
    outcome_.report.dependency_directory = place->directory;
    if (!place->needed || place->ready || !profile_.dependencies.has_value()) return std::move(outcome_);

    const std::string cache = settings_.config.work_root + "/deps";
    std::error_code error;
    fs::create_directories(cache, error);
    if (error) return Fail("cannot make the dependency cache " + cache + ": " + error.message(), false);
    const sandbox::ProcessWatch watch =
        WatchFor(context_, settings_, {{"activity", kInstallDependencies.name}, {"profile", profile_.name}});
    EntryLock lock;
    const int taken = lock.Take(place->entry + ".lock", watch, context_);
    if (taken == 0) return Cancelled();
    if (taken < 0) return Fail("cannot lock " + place->entry + ": " + std::strerror(errno), false);
    // Another process may have finished it meanwhile.
    if (IsThere(*place)) return std::move(outcome_);
    return Install(*place, cache, watch);
  }

 private:
  InstallOutcome Fail(std::string message, bool non_retryable) {
    outcome_.failure = Failure(settings_.mask.Apply(std::move(message)), non_retryable);
    return std::move(outcome_);
  }
  InstallOutcome Cancelled() {
    outcome_.cancelled = true;
    return std::move(outcome_);
  }

  InstallOutcome Install(const DependencyPlace& place, const std::string& cache, const sandbox::ProcessWatch& watch) {
    const DependencySpec& spec = *profile_.dependencies;
    const std::string prefix = ".tmp-" + place.hash + "-";
    RemoveLeftovers(cache, prefix);
    static std::atomic<uint64_t> counter{0};
    const std::string temporary = cache + "/" + prefix + std::to_string(::getpid()) + "-" + std::to_string(++counter);
    InstallOutcome outcome = InstallInto(place, temporary, spec, watch);
    std::error_code ignored;
    fs::remove_all(temporary, ignored);  // Gone already after the rename.
    return outcome;
  }

  InstallOutcome InstallInto(const DependencyPlace& place, const std::string& temporary, const DependencySpec& spec,
                             const sandbox::ProcessWatch& watch) {
    std::error_code error;
    fs::create_directories(temporary, error);
    if (error) return Fail("cannot make " + temporary + ": " + error.message(), false);
    auto target = sandbox::SafeDir::Open(temporary, {.reserved = {}});
    if (!target) return Fail(target.error().message, false);
    for (const std::string& name : place.files) {
      const auto content = dir_.Read(name);
      if (!content) return Fail(content.error().message, true);
      // A registry's token may stand in .npmrc and the like.
      const Status written = target->Write(name, *content, 0600);
      if (!written) return Fail(written.error().message, false);
    }
    for (const std::vector<std::string>& argv : spec.install) {
      if (!Run(argv, temporary, spec, watch)) return std::move(outcome_);
    }
    // A lock file without packages leaves no directory; an empty one says "installed".
    fs::create_directories(temporary + "/" + spec.directory, error);
    // Only what was made is kept: the installer's input may hold a token.
    for (const std::string& name : place.files) {
      if (!name.ends_with("package.json")) fs::remove(temporary + "/" + name, error);
    }
    fs::rename(temporary, place.entry, error);
    if (error) return Fail("cannot put " + place.entry + " in place: " + error.message(), false);
    outcome_.report.installed = true;
    return std::move(outcome_);
  }

  /// False: it did not succeed, and `outcome_` says so.
  bool Run(const std::vector<std::string>& argv, const std::string& temporary, const DependencySpec& spec,
           const sandbox::ProcessWatch& watch) {
    const std::string shown = settings_.mask.Apply(sandbox::JoinCommand(argv));
    outcome_.report.commands_attempted.push_back(shown);
    sandbox::ProcessSpec command;
    std::string problem;
    command.argv = InstallerCommand(settings_, argv, &problem);
    if (command.argv.empty()) {
      Failed("cannot install dependencies: " + problem, true);
      outcome_.failure->type = std::string(kFailureMissingTool);
      return false;
    }
    command.working_dir = spec.in_place ? dir_.path() : temporary;
    const sandbox::ToolLocation location = sandbox::LocateTool(command.argv.front(), settings_.path);
    command.environment = InstallerEnvironment(location.PathFor(settings_.path));
    for (auto [name, value] : spec.environment) {
      size_t at = 0;
      while ((at = value.find("$DEPS", at)) != std::string::npos)
        value.replace(at, 5, temporary + "/" + spec.directory);
      command.environment.emplace_back(name, value);
    }
    command.limits.wall_clock = spec.timeout;
    command.limits.open_files = 8192;
    command.limits.max_output_bytes = 1 << 20;
    const sandbox::ProcessOutcome ran = sandbox::RunProcess(command, watch);
    outcome_.report.duration_ms += std::chrono::duration_cast<std::chrono::milliseconds>(ran.duration).count();
    switch (ran.kind) {
      case sandbox::ProcessOutcome::Kind::kCancelled:
        outcome_.cancelled = true;
        return false;
      case sandbox::ProcessOutcome::Kind::kCouldNotStart:
        Failed("cannot install dependencies: " + ran.start_error, true);
        if (ran.program_missing) outcome_.failure->type = std::string(kFailureMissingTool);
        return false;
      case sandbox::ProcessOutcome::Kind::kTimedOut:
        return Failed("`" + shown + "` took too long", false);
      case sandbox::ProcessOutcome::Kind::kSignalled:
        return Failed("`" + shown + "` was ended by signal " + std::to_string(ran.signal), false);
      case sandbox::ProcessOutcome::Kind::kExited:
        break;
    }
    if (ran.exit_code == 0) return true;
    const std::string said =
        MaskTokens(sandbox::KeepHeadAndTail(sandbox::CleanTerminalText(ran.err.text + ran.out.text), 2000, nullptr));
    return Failed("`" + shown + "` failed with exit code " + std::to_string(ran.exit_code) +
                      "; the package registry may be unreachable, or the lock file may not fit " + spec.manifest +
                      ":\n" + said,
                  IsPermanent(said));
  }

  bool Failed(std::string message, bool non_retryable) {
    outcome_.failure = Failure(settings_.mask.Apply(std::move(message)), non_retryable);
    return false;
  }

  const ComplianceSettings& settings_;
  const Profile& profile_;
  const sandbox::SafeDir& dir_;
  sdk::ActivityContext& context_;
  InstallOutcome outcome_;
};

}  // namespace

std::vector<std::string> InstallerCommand(const ComplianceSettings& settings, std::vector<std::string> argv,
                                          std::string* problem) {
  if (argv.front().find('/') != std::string::npos) return argv;  // Made by an earlier command: .venv/bin/python.
  // `npm exec --package=pnpm@9 -- pnpm install`: what is in PATH needs no download.
  const auto dashes = std::find(argv.begin(), argv.end(), "--");
  if (argv.front() == "npm" && argv.size() > 1 && argv[1] == "exec" && dashes != argv.end() &&
      dashes + 1 != argv.end() && !sandbox::FindProgram(*(dashes + 1), settings.path).empty()) {
    argv.erase(argv.begin(), dashes + 1);
  }
  const std::string wanted = argv.front() == "npm" ? settings.config.npm : argv.front();
  const sandbox::ToolLocation location = sandbox::LocateTool(wanted, settings.path);
  if (!location.problem.empty()) {
    *problem = location.problem;
    return {};
  }
  argv.front() = location.start_as;
  return argv;
}

InstallOutcome InstallDependencies(const ComplianceSettings& settings, const Profile& profile,
                                   const sandbox::SafeDir& dir, sdk::ActivityContext& context) {
  return Installer(settings, profile, dir, context).Run();
}

}  // namespace wfe::build
