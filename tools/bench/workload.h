// The workflows and the activity that the benchmark runs.
#pragma once

#include <chrono>
#include <string_view>

#include "workers/host/worker.h"
#include "workers/sdk/workflow.h"

namespace wfe::bench {

inline constexpr std::string_view kOne = "BenchOne";      ///< One activity.
inline constexpr std::string_view kTen = "BenchTen";      ///< Ten, one after the other.
inline constexpr std::string_view kGraphTen = "BenchGraph";  ///< The same as a graph that is interpreted.
inline constexpr std::string_view kFan = "BenchFan";      ///< A hundred at once.
inline constexpr std::string_view kSleep = "BenchSleep";  ///< Sleeps the milliseconds of its input.
inline constexpr std::string_view kWide = "BenchWide";    ///< As many at once as its input says.
inline constexpr std::string_view kPolled = "BenchPolled";  ///< The same, but each activity is polled for.
inline constexpr std::string_view kAlarms = "BenchAlarms";  ///< As many timers of kAlarmAfter, due at once.
inline constexpr std::string_view kRecorded = "BenchRecorded";  ///< Ten steps, each a line in the file of its input.
inline constexpr std::string_view kPark = "BenchPark";    ///< Waits for the signal "go".

inline constexpr std::chrono::seconds kAlarmAfter{3};

inline constexpr std::string_view kBenchQueue = "bench";

/// Of a worker that serves all this.
worker::WorkerOptions WorkloadOptions(std::string_view queue);

void RegisterWorkload(sdk::WorkflowRegistry& workflows, sdk::ActivityRegistry& activities);

}  // namespace wfe::bench
