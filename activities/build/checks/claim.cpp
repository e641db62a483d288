#include "activities/build/checks/claim.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/base/parse_json.h"
#include "engine/base/unique_fd.h"

namespace wfe::build {
namespace {

const std::string kClaimFile = std::string(sandbox::kStateDirectory) + "/claim.json";

/// Holds the claim's lock, so that read-then-write is one step between processes.  The file written under it is put in
/// place by a rename, so a reader without the lock sees a whole claim or none.
class ClaimLock {
 public:
  static Result<ClaimLock> Take(const sandbox::SafeDir& dir) {
    WFE_RETURN_IF_ERROR(dir.MakeDirectories(sandbox::kStateDirectory, 0700));
    UniqueFd fd(::openat(dir.fd(), (std::string(sandbox::kStateDirectory) + "/claim.lock").c_str(),
                         O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd.open()) return Internal("cannot lock the claim of " + dir.path() + ": " + std::strerror(errno));
    // Held for a few file operations only, so waiting for it is short.
    while (::flock(fd.get(), LOCK_EX) != 0) {
      if (errno == EINTR) continue;
      return Internal("cannot lock the claim of " + dir.path() + ": " + std::strerror(errno));
    }
    return ClaimLock(std::move(fd));
  }

 private:
  explicit ClaimLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

namespace fs = std::filesystem;

/// A project with more directories than this is not searched to its end.
constexpr size_t kMostEntries = 200'000;

std::string Whose(const Claim& holder) {
  return "run " + holder.claim_id + (holder.workflow_id.empty() ? "" : " of workflow " + holder.workflow_id) +
         (holder.claimed_at.empty() ? "" : " since " + holder.claimed_at);
}

std::string HowToFree(const std::string& directory, const Claim& holder) {
  return "if that run has ended, " +
         (holder.workflow_id.empty() ? std::string() : "`wfe build clean " + holder.workflow_id + "` frees it, or ") +
         "remove " + directory + "/" + kClaimFile;
}

/// Another run that holds `directory` and may still be at work.
std::optional<Claim> OtherHolder(const std::string& directory, const std::string& claim_id) {
  const auto dir = sandbox::SafeDir::Open(directory, {.reserved = {}});
  if (!dir) return std::nullopt;
  auto holder = ReadClaim(*dir);
  if (!holder || holder->claim_id == claim_id || !HolderMayLive(*holder)) return std::nullopt;
  return *std::move(holder);
}

Error Neighbour(const std::string& wanted, const std::string& directory, const Claim& holder) {
  return AlreadyExists("the working directory " + wanted + " overlaps " + directory + ", which belongs to " +
                       Whose(holder) + "; one run uses a directory at a time; " + HowToFree(directory, holder));
}

}  // namespace

bool HolderMayLive(const Claim& claim) {
  if (!claim.alive_lock.starts_with('/') || !claim.alive_lock.ends_with("/alive.lock")) return true;
  const UniqueFd fd(::open(claim.alive_lock.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd.open()) return errno != ENOENT;
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
}

Status CheckNeighbours(const sandbox::SafeDir& dir, const std::string& claim_id) {
  for (fs::path above = fs::path(dir.path()).parent_path(); above != above.root_path(); above = above.parent_path()) {
    // What another user has put into a directory that all may write to holds nobody up.
    struct stat file = {};
    if (::lstat((above / kClaimFile).c_str(), &file) != 0 || file.st_uid != ::geteuid()) continue;
    if (const auto holder = OtherHolder(above.string(), claim_id)) {
      return Neighbour(dir.path(), above.string(), *holder);
    }
  }
  std::error_code error;
  size_t seen = 0;
  fs::recursive_directory_iterator at(dir.path(), fs::directory_options::skip_permission_denied, error);
  for (const fs::recursive_directory_iterator end; !error && at != end && ++seen < kMostEntries; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!at->is_directory(error) || at->is_symlink(error)) {
      error.clear();
      continue;
    }
    if (name == ".git" || name == "node_modules" || name == sandbox::kStateDirectory) {
      at.disable_recursion_pending();
      const fs::path holds = at->path().parent_path();
      if (name != sandbox::kStateDirectory || holds == fs::path(dir.path())) continue;
      if (const auto holder = OtherHolder(holds.string(), claim_id)) {
        return Neighbour(dir.path(), holds.string(), *holder);
      }
    }
  }
  return Ok();
}

void RemoveEmptyMountPoints(const sandbox::SafeDir& dir) {
  for (const char* name : {".git", ".gemini", "node_modules", ".venv"}) {
    ::unlinkat(dir.fd(), name, AT_REMOVEDIR);  // refuses what has content
  }
}

Result<Claim> ReadClaim(const sandbox::SafeDir& dir) {
  WFE_ASSIGN_OR_RETURN(const std::string text, dir.Read(kClaimFile));
  const auto json = ParseJson(text);
  if (!json.is_object() || !json.contains("claim_id") || !json["claim_id"].is_string()) {
    return DataLoss(dir.path() + "/" + kClaimFile + " is not a claim; delete it if no run uses the directory");
  }
  Claim claim;
  claim.claim_id = json["claim_id"].get<std::string>();
  if (json.contains("workflow_id") && json["workflow_id"].is_string()) claim.workflow_id = json["workflow_id"];
  if (json.contains("claimed_at") && json["claimed_at"].is_string()) claim.claimed_at = json["claimed_at"];
  if (json.contains("alive_lock") && json["alive_lock"].is_string()) claim.alive_lock = json["alive_lock"];
  return claim;
}

Status TakeClaim(const sandbox::SafeDir& dir, const Claim& claim, const std::string& take_over_from,
                 std::optional<Claim>* replaced) {
  WFE_ASSIGN_OR_RETURN(const ClaimLock lock, ClaimLock::Take(dir));
  auto holder = ReadClaim(dir);
  if (!holder && holder.error().code != StatusCode::kNotFound) return std::move(holder).error();
  if (holder) {
    if (holder->claim_id == claim.claim_id) return Ok();
    if (take_over_from.empty() || holder->claim_id != take_over_from) {
      if (HolderMayLive(*holder)) {
        return AlreadyExists("the working directory " + dir.path() + " belongs to " + Whose(*holder) +
                             "; one run uses a directory at a time; " + HowToFree(dir.path(), *holder));
      }
      if (replaced != nullptr) *replaced = *holder;
    }
  }
  nlohmann::json json = {
      {"claim_id", claim.claim_id}, {"workflow_id", claim.workflow_id}, {"claimed_at", claim.claimed_at}};
  if (!claim.alive_lock.empty()) json["alive_lock"] = claim.alive_lock;
  return dir.Write(kClaimFile, json.dump(2) + "\n", 0600);
}

Status CheckClaim(const sandbox::SafeDir& dir, const std::string& claim_id) {
  auto holder = ReadClaim(dir);
  if (!holder) {
    if (holder.error().code != StatusCode::kNotFound) return std::move(holder).error();
    return FailedPrecondition("run " + claim_id + " does not hold the working directory " + dir.path() +
                              "; preflightBuild claims it");
  }
  if (holder->claim_id != claim_id) {
    return FailedPrecondition("the working directory " + dir.path() + " belongs to run " + holder->claim_id +
                              ", not to run " + claim_id);
  }
  return Ok();
}

Result<bool> DropClaim(const sandbox::SafeDir& dir, const std::string& claim_id) {
  WFE_ASSIGN_OR_RETURN(const ClaimLock lock, ClaimLock::Take(dir));
  auto holder = ReadClaim(dir);
  if (!holder) {
    if (holder.error().code != StatusCode::kNotFound) return std::move(holder).error();
    return false;
  }
  if (holder->claim_id != claim_id) return false;
  WFE_RETURN_IF_ERROR(dir.Remove(kClaimFile));
  return true;
}

}  // namespace wfe::build
