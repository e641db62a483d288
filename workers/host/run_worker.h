// A whole worker program in one call, for programs outside this source tree as well:
//
//   int main(int argc, char** argv) {
//     wfe::sdk::WorkflowRegistry workflows;
//     workflows.Register("Greet", &Greet);
//     wfe::sdk::ActivityRegistry activities;
//     activities.Register(kCompose, &Compose);
//     return wfe::worker::RunWorker(argc, argv, workflows, activities, {.task_queue = "greet"});
//   }
//
//   greet --address HOST:PORT         serves the queue until SIGTERM
//   greet replay history.json …       runs recorded histories against the program's workflow code
#pragma once

#include <cstddef>
#include <string>

#include "engine/base/time.h"
#include "workers/sdk/activity.h"
#include "workers/sdk/workflow_registry.h"

namespace wfe::worker {

/// What the program decides; the command line decides the rest (`--help` lists it).
struct WorkerProgram {
  std::string task_queue;  ///< Unless --queue names another.
  std::string build_id;    ///< Of this version of the code; stands in histories.  Empty: none.
  size_t max_concurrent_activities = 20;
  size_t max_cached_workflows = 1000;
  /// How long a SIGTERM waits for running activities before it cancels them; a second signal ends the program at once.
  Duration drain_timeout = std::chrono::seconds(60);
};

/// Runs the program and returns its exit code: 0 after an orderly end, 2 for a wrong command line, and for `replay` 4 when
/// a file cannot be read and 12 when the code does not do what a history says.  Call it from `main`, before threads are
/// started: it takes SIGTERM and SIGINT for itself.
int RunWorker(int argc, const char* const* argv, const sdk::WorkflowRegistry& workflows,
              const sdk::ActivityRegistry& activities, const WorkerProgram& program);

}  // namespace wfe::worker
