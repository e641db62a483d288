// The options of the worker of a whole program.
#pragma once

#include <string>
#include <utility>

#include "workers/host/run_worker.h"
#include "workers/host/worker.h"

namespace wfe::worker {

/// What the program decides; `ns` and `identity` are its surroundings'.
inline WorkerOptions OptionsOf(const WorkerProgram& program, std::string ns, std::string identity) {
  WorkerOptions options;
  options.ns = std::move(ns);
  options.task_queue = program.task_queue;
  options.identity = std::move(identity);
  options.build_id = program.build_id;
  options.max_cached_workflows = program.max_cached_workflows;
  options.max_concurrent_activities = program.max_concurrent_activities;
  options.drain_timeout = program.drain_timeout;
  return options;
}

}  // namespace wfe::worker
