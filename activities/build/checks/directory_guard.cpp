// GuardDirectories: what holds before and while an activity works in a directory.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "activities/build/checks/allowed_roots.h"
#include "activities/build/checks/claim.h"
#include "activities/build/checks/compliance.h"
#include "activities/build/checks/preflight.h"
#include "engine/base/hash.h"
#include "engine/base/unique_fd.h"

namespace wfe::build {
namespace {

using sdk::ActivityResult;
using sdk::ApplicationFailure;

constexpr auto kLockPoll = std::chrono::milliseconds(100);

/// Replaces the directories that DirectoriesNamedBy finds by their real paths.
std::optional<ApplicationFailure> Confine(const AllowedRoots& roots, nlohmann::json& input) {
  std::optional<ApplicationFailure> failure;
  const auto confine = [&](nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    if (failure || found == object.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) return;
    auto real = roots.Check(found->get<std::string>());
    if (real) {
      *found = *std::move(real);
    } else {
      failure = ComplianceFailure(kFailureNotAllowed, real.error().message);
    }
  };
  for (const char* key : {"working_dir", "project_dir", "output_dir"}) confine(input, key);
  const auto sources = input.find("sources");
  if (sources != input.end() && sources->is_array()) {
    for (nlohmann::json& source : *sources) {
      if (source.is_object() && source.value("kind", nlohmann::json()) == "directory") confine(source, "location");
    }
  }
  return failure;
}

/// The directory must not belong to another run; for `needs_claim` it must belong to this one.
std::optional<ApplicationFailure> CheckHolder(const std::string& directory, const std::string& claim_id,
                                              const std::string& run_id, bool needs_claim) {
  const auto dir = sandbox::SafeDir::Open(directory, {.reserved = {}});
  if (!dir) return std::nullopt;  // the activity says in its own words what is missing
  const auto holder = ReadClaim(*dir);
  if (!holder) {
    if (holder.error().code != StatusCode::kNotFound) return ComplianceFailure(kFailureWorkingDir, holder.error().message);
    if (!needs_claim) return std::nullopt;
    return ComplianceFailure(kFailureWorkingDir, "run " + (claim_id.empty() ? run_id : claim_id) +
                                                     " does not hold the working directory " + directory +
                                                     "; preflightBuild claims it");
  }
  if (holder->claim_id == claim_id || holder->claim_id == run_id) return std::nullopt;
  return ComplianceFailure(kFailureDirectoryClaimed, "the working directory " + directory + " belongs to run " +
                                                         holder->claim_id + ", not to run " +
                                                         (claim_id.empty() ? run_id : claim_id));
}

/// Held while an attempt works in a directory; the kernel gives it back with the process.
class DirectoryLock {
 public:
  /// nullopt: the activity was told to end while it waited.
  static Result<std::optional<DirectoryLock>> Take(const std::string& lock_dir, const std::string& directory,
                                                   sdk::ActivityContext& context) {
    std::error_code ignored;
    std::filesystem::create_directories(lock_dir, ignored);
    const std::string path = lock_dir + "/" + ToHex(Sha256(directory)).substr(0, 32);
    while (true) {
      UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
      if (!fd.open()) return Internal("cannot make the lock " + path + ": " + std::strerror(errno));
      while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
          return Internal("cannot lock " + directory + ": " + std::strerror(errno));
        }
        // What the attempt before has told stays for the one after this one.
        context.Heartbeat(context.LastHeartbeatDetails().value_or(nullptr));
        if (context.WaitForCancel(kLockPoll)) return std::optional<DirectoryLock>();
      }
      // The file may have been pruned between opening and locking: then it protects nothing.
      struct stat info = {};
      if (::fstat(fd.get(), &info) == 0 && info.st_nlink > 0) return std::optional(DirectoryLock(std::move(fd)));
    }
  }

 private:
  explicit DirectoryLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// Lock files of directories that nobody has worked in for a day.
void PruneLocks(const std::string& lock_dir) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(lock_dir, error)) {
    const auto age = std::filesystem::file_time_type::clock::now() - entry.last_write_time(error);
    if (error || age < std::chrono::hours(24)) continue;
    const UniqueFd fd(::open(entry.path().c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (fd.open() && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) std::filesystem::remove(entry.path(), error);
  }
}

/// The directory that a build takes over from a run which ended without giving it back (it was terminated); empty when
/// there is none, or when somebody else holds it: then the activity refuses at once.
std::string TakenOver(const nlohmann::json& input) {
  const auto text = [&input](const char* key) {
    const auto found = input.find(key);
    return found != input.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const std::string directory = text("project_dir");
  const std::string holder = text("take_over_from");
  if (directory.empty() || holder.empty()) return "";
  const auto dir = sandbox::SafeDir::Open(directory, {.reserved = {}});
  if (!dir) return "";
  const auto claim = ReadClaim(*dir);
  return claim && claim->claim_id == holder ? directory : "";
}

/// Runs it while it holds the directory's lock.
ActivityResult<nlohmann::json> RunLocked(const std::string& lock_dir, const std::string& directory,
                                         const sdk::ActivityFunction& function, sdk::ActivityContext& context,
                                         const nlohmann::json& input) {
  const auto lock = DirectoryLock::Take(lock_dir, directory, context);
  if (!lock) return ComplianceFailure(kFailureWorkingDir, lock.error().message, /*non_retryable=*/false);
  if (!lock->has_value()) return sdk::ActivityCancelled{.details = nullptr};
  return function(context, input);
}

ActivityResult<nlohmann::json> RunGuarded(const DirectoryGuardOptions& options, const sdk::ActivityFunction& function,
                                          sdk::ActivityContext& context, const nlohmann::json& given) {
  if (DirectoriesNamedBy(given).empty()) return function(context, given);
  nlohmann::json input = given;
  if (auto failure = Confine(*options.roots, input)) return *std::move(failure);
  const auto directory = input.find("working_dir");
  const std::string& type = context.info().activity_type;
  // What the terminated run's agent or checks still write would be in the tree that is restored.
  if (const std::string taken = TakenOver(input); !taken.empty()) {
    return RunLocked(options.lock_dir, taken, function, context, input);
  }
  if (directory == input.end() || !directory->is_string() || type == kPreflight.name) return function(context, input);
  const auto claim = input.find("claim_id");
  const std::string claim_id = claim != input.end() && claim->is_string() ? claim->get<std::string>() : "";
  // releaseWorkingDir answers by itself who holds the directory.
  if (type != kReleaseWorkingDir.name) {
    if (auto failure = CheckHolder(*directory, claim_id, context.info().run_id, type == "restoreSnapshot")) {
      return *std::move(failure);
    }
  }
  return RunLocked(options.lock_dir, *directory, function, context, input);
}

}  // namespace

void GuardDirectories(sdk::ActivityRegistry& registry, DirectoryGuardOptions options) {
  PruneLocks(options.lock_dir);
  const auto shared = std::make_shared<const DirectoryGuardOptions>(std::move(options));
  for (const std::string& name : registry.Names()) {
    registry.RegisterErased(
        name, [shared, function = *registry.Find(name)](sdk::ActivityContext& context, const nlohmann::json& input) {
          return RunGuarded(*shared, function, context, input);
        });
  }
}

}  // namespace wfe::build
