#include "activities/compliance/dependencies.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "engine/base/hash.h"
#include "engine/base/unique_fd.h"

extern char** environ;

namespace wfe::activities {
namespace {

namespace fs = std::filesystem;

bool IsDirectory(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

sdk::ApplicationFailure Failure(std::string message, bool non_retryable) {
  return {.message = std::move(message),
          .type = std::string(kFailureDependencies),
          .non_retryable = non_retryable,
          .next_retry_delay = std::nullopt,
          .details = nullptr};
}

/// The installer runs no code of the packages, so unlike the checks it may see the user's registry settings.
Environment InstallerEnvironment(const std::string& path) {
  Environment environment = {
      {"PATH", path}, {"LANG", "C.UTF-8"}, {"NO_COLOR", "1"}, {"CI", "true"}, {"npm_config_update_notifier", "false"}};
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    const size_t equals = variable.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name(variable.substr(0, equals));
    static constexpr std::string_view kPassed[] = {
        "HOME",          "HTTP_PROXY",   "HTTPS_PROXY",         "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "TMPDIR"};
    const bool passed = std::find(std::begin(kPassed), std::end(kPassed), name) != std::end(kPassed) ||
                        name.starts_with("npm_config_") || name.starts_with("NPM_CONFIG_");
    if (passed && name != "npm_config_update_notifier") environment.emplace_back(name, variable.substr(equals + 1));
  }
  return environment;
}

/// A lock between processes on one cache entry, waited for without blocking cancellation.
class EntryLock {
 public:
  /// 1: taken; 0: cancelled; -1: errno says why not.
  int Take(const std::string& path, const ProcessWatch& watch, sdk::ActivityContext& context) {
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

/// The lock file itself is wrong: trying again cannot help.
bool IsPermanent(const std::string& output) {
  for (const std::string_view code :
       {"EUSAGE", "EINTEGRITY", "ETARGET", "E404", "ERESOLVE", "EJSONPARSE", "EBADENGINE"}) {
    if (output.find(code) != std::string::npos) return true;
  }
  return false;
}

class Installer {
 public:
  Installer(const ComplianceSettings& settings, const Profile& profile, const SafeDir& dir,
            sdk::ActivityContext& context)
      : settings_(settings), profile_(profile), dir_(dir), context_(context) {}

  InstallOutcome Run() {
    auto place = LocateDependencies(settings_, profile_, dir_);
    if (!place) return Fail(place.error().message, true);
    outcome_.report.needed = place->needed;
    outcome_.report.dependency_hash = place->hash;
    outcome_.report.dependency_directory = place->directory;
    if (!place->needed || place->ready) return std::move(outcome_);

    const std::string cache = settings_.config.work_root + "/deps";
    std::error_code error;
    fs::create_directories(cache, error);
    if (error) return Fail("cannot make the dependency cache " + cache + ": " + error.message(), false);
    const ProcessWatch watch =
        WatchFor(context_, settings_, {{"activity", kInstallDependencies.name}, {"profile", profile_.name}});
    EntryLock lock;
    const int taken = lock.Take(place->entry + ".lock", watch, context_);
    if (taken == 0) return Cancelled();
    if (taken < 0) return Fail("cannot lock " + place->entry + ": " + std::strerror(errno), false);
    // Another process may have finished it meanwhile.
    if (IsDirectory(place->directory)) return std::move(outcome_);
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

  InstallOutcome Install(const DependencyPlace& place, const std::string& cache, const ProcessWatch& watch) {
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
                             const ProcessWatch& watch) {
    std::error_code error;
    fs::create_directories(temporary, error);
    if (error) return Fail("cannot make " + temporary + ": " + error.message(), false);
    auto target = SafeDir::Open(temporary);
    if (!target) return Fail(target.error().message, false);
    for (const std::string& name : {spec.manifest, spec.lock}) {
      const auto content = dir_.Read(name);
      if (!content) return Fail(content.error().message, true);
      const Status written = target->Write(name, *content);
      if (!written) return Fail(written.error().message, false);
    }
    ProcessSpec command;
    command.argv = spec.install_argv;
    if (command.argv[0] == "npm") command.argv[0] = settings_.config.npm;
    command.working_dir = temporary;
    command.environment = InstallerEnvironment(settings_.path);
    command.limits.wall_clock = spec.timeout;
    command.limits.open_files = 8192;
    command.limits.max_output_bytes = 1 << 20;
    outcome_.report.commands_attempted.push_back(settings_.mask.Apply(JoinCommand(spec.install_argv)));
    const ProcessOutcome ran = RunProcess(command, watch);
    outcome_.report.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(ran.duration).count();
    const std::string shown = JoinCommand(spec.install_argv);
    switch (ran.kind) {
      case ProcessOutcome::Kind::kCancelled:
        return Cancelled();
      case ProcessOutcome::Kind::kCouldNotStart: {
        InstallOutcome outcome = Fail("cannot install dependencies: " + ran.start_error, true);
        if (ran.program_missing) outcome.failure->type = std::string(kFailureMissingTool);
        return outcome;
      }
      case ProcessOutcome::Kind::kTimedOut:
        return Fail("`" + shown + "` took too long", false);
      case ProcessOutcome::Kind::kSignalled:
        return Fail("`" + shown + "` was ended by signal " + std::to_string(ran.signal), false);
      case ProcessOutcome::Kind::kExited:
        break;
    }
    if (ran.exit_code != 0) {
      const std::string said = KeepHeadAndTail(CleanTerminalText(ran.err.text + ran.out.text), 2000, nullptr);
      return Fail("`" + shown + "` failed with exit code " + std::to_string(ran.exit_code) +
                      "; the package registry may be unreachable, or the lock file may not fit " + spec.manifest +
                      ":\n" + said,
                  IsPermanent(said));
    }
    // A lock file without packages leaves no directory; an empty one says "installed".
    fs::create_directories(temporary + "/" + spec.directory, error);
    fs::rename(temporary, place.entry, error);
    if (error) return Fail("cannot put " + place.entry + " in place: " + error.message(), false);
    outcome_.report.installed = true;
    return std::move(outcome_);
  }

  const ComplianceSettings& settings_;
  const Profile& profile_;
  const SafeDir& dir_;
  sdk::ActivityContext& context_;
  InstallOutcome outcome_;
};

}  // namespace

Result<DependencyPlace> LocateDependencies(const ComplianceSettings& settings, const Profile& profile,
                                           const SafeDir& dir) {
  DependencyPlace place;
  if (!profile.dependencies.has_value()) return place;
  const DependencySpec& spec = *profile.dependencies;
  WFE_ASSIGN_OR_RETURN(const auto own, dir.Stat(spec.directory));
  if (own.has_value() && own->kind == FileKind::kDirectory) {
    // An empty one is only the place where the cache is mounted.
    WFE_ASSIGN_OR_RETURN(const auto content,
                         dir.List(spec.directory, {.recursive = false, .include_directories = true}));
    if (!content.empty()) {
      place.directory = dir.path() + "/" + spec.directory;
      place.ready = true;
      return place;
    }
  }
  place.needed = true;
  const auto manifest = dir.Read(spec.manifest);
  if (!manifest)
    return FailedPrecondition("the project has no readable " + spec.manifest + ": " + manifest.error().message);
  const auto lock = dir.Read(spec.lock);
  if (!lock) {
    return FailedPrecondition("the project has no readable " + spec.lock + " (" + lock.error().message +
                              "); dependencies are only installed from a lock file");
  }
  place.hash = ToHex(Sha256({*manifest, std::string_view("\0", 1), *lock}));
  place.entry = settings.config.work_root + "/deps/" + place.hash;
  place.directory = place.entry + "/" + spec.directory;
  place.ready = IsDirectory(place.directory);
  return place;
}

InstallOutcome InstallDependencies(const ComplianceSettings& settings, const Profile& profile, const SafeDir& dir,
                                   sdk::ActivityContext& context) {
  return Installer(settings, profile, dir, context).Run();
}

}  // namespace wfe::activities
