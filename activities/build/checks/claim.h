// Who owns a working directory: one run at a time, written in .wfe/claim.json inside it.
#pragma once

#include <optional>
#include <string>

#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/state_directory.h"
#include "engine/base/result.h"

namespace wfe::build {

struct Claim {
  std::string claim_id;  ///< The first run id of the owner's chain.
  std::string workflow_id;
  std::string claimed_at;  ///< ISO 8601, for people.
  /// A file that the holder's process keeps locked while it lives, where the run cannot go on without that process
  /// (`wfe build --local`).  Empty: a server has the run, whatever becomes of its workers.
  std::string alive_lock = {};
};

/// Takes the directory for `claim`.  Harmless when the same id holds it already.  ALREADY_EXISTS names the other owner.
/// Two callers at the same instant: exactly one wins.  `take_over_from`: a holder that may be replaced; "" for none.
/// So may one be whose process is gone; then, and only then, `replaced` is set.
Status TakeClaim(const sandbox::SafeDir& dir, const Claim& claim, const std::string& take_over_from,
                 std::optional<Claim>* replaced = nullptr);

/// ALREADY_EXISTS when another run holds a directory above or below this one: it would see files change under it.
/// Directories below are looked for as deep as a project goes, not in .git and node_modules, and not behind links.
Status CheckNeighbours(const sandbox::SafeDir& dir, const std::string& claim_id);

/// False: the process that held it is gone, and its run with it.
bool HolderMayLive(const Claim& claim);

/// Removes the empty directories that sandboxes leave as mount points: .git, .gemini, node_modules, .venv.
void RemoveEmptyMountPoints(const sandbox::SafeDir& dir);

/// The holder; NOT_FOUND when nobody is.  DATA_LOSS when the file cannot be read as a claim.
Result<Claim> ReadClaim(const sandbox::SafeDir& dir);

/// OK when `claim_id` holds the directory; FAILED_PRECONDITION otherwise, naming the holder.
Status CheckClaim(const sandbox::SafeDir& dir, const std::string& claim_id);

/// True: it was held by `claim_id` and is free now.  False: nobody or another holds it.
Result<bool> DropClaim(const sandbox::SafeDir& dir, const std::string& claim_id);

}  // namespace wfe::build
