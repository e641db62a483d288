// Where an ended build can be taken up again, as the input of a new run (AB-6).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "tools/wfe/build_record.h"

namespace wfe::cli {

struct ResumeOptions {
  std::string from;  ///< Step to begin with again; empty: where the build ended.
  std::optional<int> max_fix_attempts;
  std::optional<int64_t> token_budget;
  std::optional<double> cost_budget_usd;
  bool discard = false;  ///< In place: what changed since the build ended may be replaced; it is kept as a blob.
};

/// The input of the run that goes on.  A run verifies before it repairs, so the step `fix_attempt_N` means: the checks,
/// and where they fail, the N-th repair.  FAILED_PRECONDITION says why there is nothing to go on with: it runs, it
/// passed, its budget is used up and no greater one was given.  INVALID_ARGUMENT for a step that it did not have.
Result<nlohmann::json> ResumeInput(const BuildRecord& build, const ResumeOptions& options);

}  // namespace wfe::cli
