// Who owns a working directory: one run at a time, written in .wfe/claim.json inside it.
#pragma once

#include <string>

#include "activities/compliance/safe_files.h"
#include "engine/base/result.h"

namespace wfe::activities {

/// The folder in a working directory that belongs to wfe: claim, baseline, check output.
inline constexpr std::string_view kStateDirectory = ".wfe";

struct Claim {
  std::string claim_id;  ///< The first run id of the owner's chain.
  std::string workflow_id;
  std::string claimed_at;  ///< ISO 8601, for people.
};

/// Takes the directory for `claim`.  Harmless when the same id holds it already.  ALREADY_EXISTS names the other owner.
/// Two callers at the same instant: exactly one wins.  `take_over_from`: a holder that may be replaced; "" for none.
Status TakeClaim(const SafeDir& dir, const Claim& claim, const std::string& take_over_from);

/// The holder; NOT_FOUND when nobody is.  DATA_LOSS when the file cannot be read as a claim.
Result<Claim> ReadClaim(const SafeDir& dir);

/// OK when `claim_id` holds the directory; FAILED_PRECONDITION otherwise, naming the holder.
Status CheckClaim(const SafeDir& dir, const std::string& claim_id);

/// True: it was held by `claim_id` and is free now.  False: nobody or another holds it.
Result<bool> DropClaim(const SafeDir& dir, const std::string& claim_id);

}  // namespace wfe::activities
