#include "workers/core/divergence.h"

namespace wfe::core {

std::string Divergence::ToString() const {
  std::string text = "[TMPRL1100] the code of workflow " + workflow_type + " no longer fits its history";
  if (!workflow_id.empty()) text += " (workflow id " + workflow_id + ", run id " + run_id + ")";
  text += ": at event " + std::to_string(event_id) + " the history has " + expected + ", the code produced " +
          produced + "; first difference: " + field;
  if (!expected_value.empty() || !produced_value.empty()) {
    text += " ('" + expected_value + "' in the history, '" + produced_value + "' from the code)";
  }
  text += "; command " + std::to_string(command_index) + " of the workflow task completed by event " +
          std::to_string(task_completed_event_id);
  return text;
}

}  // namespace wfe::core
