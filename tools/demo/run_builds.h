// Runs the planned builds in virtual time.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "engine/base/result.h"
#include "tools/demo/simulated_build.h"

namespace wfe::demo {

/// Called after each build with the number of those that have ended.
using Progress = std::function<void(int done)>;

/// Through the engine and a worker: each build starts at its time, or when the one before it in its lane has ended.
/// Between builds the machine sleeps.
Result<BuildTraces> RunThroughEngine(const Behaviour& behaviour, const Progress& progress);

/// The same workflow code and the same activities by themselves: each build runs alone from its planned start.
Result<BuildTraces> RunWithoutEngine(const Behaviour& behaviour, const Progress& progress);

inline constexpr const char* kQueue = "demo";
inline constexpr const char* kHostQueue = "demo-host";

/// The input that a build is submitted with.
nlohmann::json InputOf(const BuildPlan& plan);

}  // namespace wfe::demo
