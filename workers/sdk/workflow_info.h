// What a run knows about itself.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/time.h"

namespace wfe::sdk {

struct WorkflowInfo {
  std::string ns;
  std::string workflow_id;
  std::string run_id;
  std::string first_run_id;  ///< Of the chain of continued-as-new and retried runs; this run's own id when it is first.
  std::string continued_run_id;  ///< The run before in that chain; empty when there is none.
  std::string workflow_type;
  std::string task_queue;
  int attempt = 1;  ///< Of the run's own retry policy; 1-based.
  Instant started_time;
  // The rest changes from workflow task to workflow task, and replays as it was.
  int64_t history_length = 0;
  int64_t history_size_bytes = 0;        ///< 0 when the engine does not tell.
  bool suggest_continue_as_new = false;  ///< S55
};

enum class LogLevel { kDebug, kInfo, kWarning, kError };

}  // namespace wfe::sdk
