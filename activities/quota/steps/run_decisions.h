// Decisions of the pre-flight that were kept, for people (RP-7).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "activities/quota/steps/run_gate.h"

namespace wfe::quota {

struct RunDecisions {
  std::map<std::string, int64_t> by_decision;  ///< Of all that are kept.
  int64_t enforced = 0;                        ///< Of those that are not "allow": the run had to wait, or was denied.
  std::vector<RunDecision> newest;             ///< Newest first.
  int64_t problems = 0;                        ///< Rows that could not be read.
};
WFE_RECORD(RunDecisions, by_decision, enforced, newest, problems);

/// Reads all of them; `most`: how many of the newest are kept.
Result<RunDecisions> ReadRunDecisions(RowStore& rows, size_t most);

}  // namespace wfe::quota
