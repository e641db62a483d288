// Two versions of a workflow compared on live runs (XB-1 to XB-5): the experiments of activities/learning/experiments,
// with versions as their arms and execution records as what the runs gave.
#pragma once

#include <string>
#include <vector>

#include "activities/delivery/records/executions.h"
#include "activities/delivery/rules/winner.h"
#include "activities/learning/records/experiment_store.h"
#include "activities/learning/records/rows.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/records_client.h"

namespace wfe::delivery {

/// Starts one between the version in service and `experiment.variant` (a version id); subject, control and, where they
/// are empty, metrics are filled in.  False: it was started before.  FAILED_PRECONDITION while a rollout or another
/// experiment divides the traffic, NOT_FOUND or FAILED_PRECONDITION for a variant that there is not or that was
/// deleted.
Result<bool> StartVersionExperiment(client::RecordsClient& records, const std::string& workflow_id,
                                    learning::Experiment experiment);

/// What it says now.  Once it is decided the first decision is kept and given again.  One whose variant was deleted, or
/// whose control is not in service any more, ends without a winner, and the reason says why.
Result<learning::ABTestResult> JudgeVersionExperiment(client::RecordsClient& records, const std::string& experiment_id,
                                                      const ObjectiveWeights& weights, Instant now,
                                                      learning::RowProblems& problems);

}  // namespace wfe::delivery
