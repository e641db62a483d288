// The command line of a worker program (run_worker.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace wfe::worker {

struct WorkerArguments {
  enum class Command { kServe, kReplay, kHelp };
  Command command = Command::kServe;
  std::string address = "127.0.0.1:7233";
  std::string ns = "default";
  std::string task_queue;
  std::string api_key;               ///< From TEMPORAL_API_KEY alone: a command line is seen by everybody.
  std::vector<std::string> histories;  ///< Files to replay.
};

/// Reads `arguments` (without the program's name) over the environment's TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and
/// TEMPORAL_API_KEY, as wfe and Temporal's own tools do.  INVALID_ARGUMENT is one sentence.
Result<WorkerArguments> ParseWorkerArguments(const std::vector<std::string>& arguments, std::string_view default_queue);

/// What --help prints.
std::string WorkerUsage(std::string_view program, std::string_view default_queue);

}  // namespace wfe::worker
