#include "activities/compliance/claim.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/base/parse_json.h"
#include "engine/base/unique_fd.h"

namespace wfe::activities {
namespace {

const std::string kClaimFile = std::string(kStateDirectory) + "/claim.json";

/// Holds the claim's lock, so that read-then-write is one step between processes.  The file written under it is put in
/// place by a rename, so a reader without the lock sees a whole claim or none.
class ClaimLock {
 public:
  static Result<ClaimLock> Take(const SafeDir& dir) {
    WFE_RETURN_IF_ERROR(dir.MakeDirectories(kStateDirectory, 0700));
    UniqueFd fd(::openat(dir.fd(), (std::string(kStateDirectory) + "/claim.lock").c_str(),
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

}  // namespace

Result<Claim> ReadClaim(const SafeDir& dir) {
  WFE_ASSIGN_OR_RETURN(const std::string text, dir.Read(kClaimFile));
  const auto json = ParseJson(text);
  if (!json.is_object() || !json.contains("claim_id") || !json["claim_id"].is_string()) {
    return DataLoss(dir.path() + "/" + kClaimFile + " is not a claim; delete it if no run uses the directory");
  }
  Claim claim;
  claim.claim_id = json["claim_id"].get<std::string>();
  if (json.contains("workflow_id") && json["workflow_id"].is_string()) claim.workflow_id = json["workflow_id"];
  if (json.contains("claimed_at") && json["claimed_at"].is_string()) claim.claimed_at = json["claimed_at"];
  return claim;
}

Status TakeClaim(const SafeDir& dir, const Claim& claim, const std::string& take_over_from) {
  WFE_ASSIGN_OR_RETURN(const ClaimLock lock, ClaimLock::Take(dir));
  auto holder = ReadClaim(dir);
  if (!holder && holder.error().code != StatusCode::kNotFound) return std::move(holder).error();
  if (holder) {
    if (holder->claim_id == claim.claim_id) return Ok();
    if (take_over_from.empty() || holder->claim_id != take_over_from) {
      return AlreadyExists("the working directory " + dir.path() + " belongs to run " + holder->claim_id +
                           (holder->workflow_id.empty() ? "" : " of workflow " + holder->workflow_id) +
                           (holder->claimed_at.empty() ? "" : " since " + holder->claimed_at) +
                           "; one run uses a directory at a time");
    }
  }
  const nlohmann::json json = {
      {"claim_id", claim.claim_id}, {"workflow_id", claim.workflow_id}, {"claimed_at", claim.claimed_at}};
  return dir.Write(kClaimFile, json.dump(2) + "\n", 0600);
}

Status CheckClaim(const SafeDir& dir, const std::string& claim_id) {
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

Result<bool> DropClaim(const SafeDir& dir, const std::string& claim_id) {
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

}  // namespace wfe::activities
