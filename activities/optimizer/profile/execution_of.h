// What the history of a run says of its steps, as the record of an execution (PF-4, RC-16): for runs of graphs and of
// workflows in C++ (GW-3), which need not know of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "activities/delivery/records/executions.h"
#include "activities/optimizer/profile/node_run.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "temporal/api/history/v1/message.pb.h"

namespace wfe::optimizer {

/// The type of the workflow that runs graphs; any other is one in C++.
inline constexpr std::string_view kGraphRunType = "GraphWorkflow";

/// How a run that is still open is about to end, for one that makes its own record.
struct RunEnd {
  Instant at;
  bool success = false;
  std::string error_type;
};

struct ExecutionOptions {
  std::string workflow_id;  ///< Of the definition.  Empty: the graph's id, or the type of a workflow in C++.
  std::string version_id;   ///< Empty: not known.
  std::string run_id;       ///< Empty: what the history says.
  std::optional<RunEnd> end;
};

/// Steps are the activities and child workflows, in the order in which they were scheduled; local activities, timers
/// and signals are none.  A step of a graph has the id of its node (from "write", "write#2", "write#2.7"), one of a
/// workflow in C++ its type.  What the optimizer itself does in a run (chooseVersion, recordRun, recordExecution) is
/// left out.  A step that is open at the end of the run counts as cancelled.
///
/// A run that failed or timed out is one without success.  No record, but an error with one sentence, have
///   FAILED_PRECONDITION  a run that is still open, was cancelled, terminated or continued as new, and a dry run: none of
///                        them says how long the workflow takes
///   INVALID_ARGUMENT     a history that does not begin at a run's beginning
Result<delivery::ExecutionRecord> ExecutionOf(const temporal::api::history::v1::History& history,
                                              const ExecutionOptions& options = {});

}  // namespace wfe::optimizer
