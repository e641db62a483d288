// A store with very many runs, as the engine itself writes them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace wfe::bench {

struct MillionRuns {
  int64_t closed = 1'000'000;
  int64_t open = 100'000;

  /// A quarter of the open runs each waits for a timer of a day, for an activity that nobody serves, for a signal, and
  /// for a worker.
  int64_t waiting_activities() const { return (open + 2) / 4; }
  int64_t waiting_workflow_tasks() const { return open / 4; }
};

inline constexpr std::string_view kUnservedQueue = "million-unserved";

/// Fills the empty folder `directory`: an engine without a transport lives through every run, the open ones spread evenly
/// among the closed.  Blocks.
Status FillStore(const std::string& directory, const MillionRuns& runs,
                 const std::function<void(const std::string&)>& progress);

}  // namespace wfe::bench
