// What is done for every completed run (LN-5): its example is kept, and where a change was being tried, the selector
// hears of it.
#pragma once

#include <optional>
#include <string>

#include "activities/delivery/records/executions.h"
#include "activities/optimizer/learning/examples.h"
#include "activities/optimizer/learning/selector.h"
#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::optimizer {

/// The change that the run's version came from, and what runs were before it.
struct ActiveOptimization {
  SelectorContext context;
  std::string strategy;
  double baseline_duration_s = 0;  ///< Means of the version before; 0: not known, and it counts for nothing.
  double baseline_cost_usd = 0;
};

struct CompletedRun {
  delivery::ExecutionRecord execution;
  Features features;
  std::optional<ActiveOptimization> active;
};

/// May be repeated: a run leaves one example and one reward (RewardOf what this run took less than the mean before; 0
/// of a run that failed).  The errors of AppendExample and SaveReward.
Result<AppendedExample> LearnFromRun(client::RecordsClient& records, const CompletedRun& run);

}  // namespace wfe::optimizer
