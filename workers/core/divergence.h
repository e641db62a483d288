// What is reported when code and history part ways, and when a workflow task fails for another reason.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "temporal/api/enums/v1/failed_cause.pb.h"

namespace wfe::core {

/// The code, re-run, did not produce what the history says it once produced.
struct Divergence {
  int64_t event_id = 0;  ///< The event that does not fit; when the history has none, the task's completion.
  std::string expected;  ///< What the history has: "ActivityTaskScheduled(activity type=build, activity id=1)".
  std::string produced;  ///< What the code issued: "StartTimer(timer id=1)", or "no further command".
  std::string field;     ///< First differing field: "command type", "activity type", "activity id", "timer id", ...
  std::string expected_value;
  std::string produced_value;
  std::string workflow_type;
  std::string workflow_id;
  std::string run_id;
  int64_t task_completed_event_id = 0;  ///< The workflow task in which the code issued the command.
  int command_index = 0;                ///< 0-based, among that task's commands.

  /// One paragraph with the rule id TMPRL1100 (S48).
  std::string ToString() const;
};

/// The workflow task cannot be answered with commands; it is tried again later (S46).
struct TaskFailure {
  temporal::api::enums::v1::WorkflowTaskFailedCause cause =
      temporal::api::enums::v1::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE;
  std::string type;  ///< "UnknownWorkflowType", "UnhandledException", "UnsupportedEvent", "BrokenHistory".
  std::string message;
};

/// Why a machine cannot go on.
using Stop = std::variant<Divergence, TaskFailure>;

}  // namespace wfe::core
