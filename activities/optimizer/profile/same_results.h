// Nodes that do what another one has done already (BN-8).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "activities/optimizer/profile/graph_flow.h"
#include "activities/optimizer/profile/performance_profile.h"

namespace wfe::optimizer {

struct SameResult {
  std::string first;       ///< The node that stays.
  std::string second;      ///< The one that may go.
  std::string tool_id;
  int64_t executions = 0;  ///< In which it was seen; 0: the graph alone says so.
  int64_t calls = 0;       ///< Of `second` in them.
};

/// Pairs of which the second gave nothing new: in each of at least `min_executions` executions, every call of it had
/// the input and the output of a call that the first one had made before.  Of a tool whose calls the profile has not
/// kept, by the graph: both are declared deterministic, are given the same, and nothing in between writes what they
/// read.  Nodes with side effects are left out.  `flow` may be null.
std::vector<SameResult> FindSameResults(const PerformanceProfile& profile, const GraphFlow* flow,
                                        int64_t min_executions);

}  // namespace wfe::optimizer
