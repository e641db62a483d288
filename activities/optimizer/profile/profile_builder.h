// From the records of executions to one profile (PF-1 to PF-5), one record at a time: what is kept of a step is 8
// bytes, and of the last 10,000 calls of each tool 40.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "activities/delivery/records/executions.h"
#include "activities/optimizer/profile/catalog.h"
#include "activities/optimizer/profile/critical_path.h"
#include "activities/optimizer/profile/node_run.h"
#include "activities/optimizer/profile/performance_profile.h"

namespace wfe::optimizer {

/// PerformanceProfile::calls keeps so many of each tool.
inline constexpr size_t kMaxCallsPerTool = 10'000;
/// Inputs of all tools whose output is remembered to find repeats; of later ones repeats are not found.
inline constexpr size_t kMaxRememberedInputs = 2'000'000;

struct ProfileOptions {
  std::string workflow_id;
  std::string version_id;                 ///< Empty: of all versions.
  const graph::Graph* graph = nullptr;    ///< Whose runs these are; null: a workflow in C++.  Is copied.
  const Catalog* catalog = nullptr;       ///< For cost tiers; null: by cost.  Is copied.
};

/// Plain, without threads.  Executions may come in any order; the calls that are kept are those that came last.
///
/// A step's duration is from its scheduling to its end, with its time in the queue and all its attempts, since that is
/// what its workflow waits.  Percentiles are linear between order statistics (R's type 7).  Steps that were cancelled
/// count in costs and nowhere else.  The rate of errors of a node is tested for a trend with one value for each
/// execution (whether any of its runs failed), since runs of one loop or batch fail together.  Cache hits say
/// nothing of a tool's determinism and are no work done again: they are left out of both.
class ProfileBuilder {
 public:
  explicit ProfileBuilder(const ProfileOptions& options);
  ~ProfileBuilder();

  /// False: of another version than the one asked for.  INVALID_ARGUMENT: of another workflow, or its steps cannot be
  /// read; it is left out then.
  Result<bool> Add(const delivery::ExecutionRecord& execution);
  /// The same with the steps as they are; `execution.nodes` is not looked at.
  Result<bool> Add(const delivery::ExecutionRecord& execution, const std::vector<NodeRun>& steps);

  int64_t executions() const;
  /// Without bottlenecks (find_bottlenecks.h).  `skipped` says what was left out.  FAILED_PRECONDITION: there were no
  /// executions.  Once.
  Result<PerformanceProfile> Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::optimizer
