// What agents of a worker are given to read and whether its runs may spend: the parts of its configuration that reach
// the records (CE-5, RC-10, QF-5).
#pragma once

#include <memory>
#include <string>

#include "activities/quota/steps/run_gate.h"
#include "tools/wfe/worker_activities.h"

namespace wfe::cli {

/// Adds the files that steps are given, the events that they leave, and the gate, which is the result: nullptr where
/// nobody asks.
std::shared_ptr<quota::RunGate> AddContextAndGate(agent::GeminiConfig& agent, const WorkerActivities& worker);

/// Whose files a working directory holds: the project that it was exported or copied from; empty for a directory that
/// was made for one run; else the directory itself.
std::string ProjectOf(const std::string& work_root, const std::string& working_dir);

}  // namespace wfe::cli
