// Whether a running command has reached one of the limits on what it and all it starts may use together (SEC-H10).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "activities/sandbox/cgroup.h"
#include "activities/sandbox/process_runner.h"

namespace wfe::sandbox::internal {

/// One for each command; used from the thread that watches it.
class LimitWatch {
 public:
  explicit LimitWatch(const ProcessLimits& limits) : limits_(limits) {}

  /// Before the command starts.  Returns the descriptors through which it joins its control groups.
  std::vector<int> Begin();
  /// Cheap enough to be asked all the time: looks every 100 ms at processes, at the disk less often the longer a look
  /// takes.  `root`: the parent of all of the command's processes.
  ProcessOutcome::Limit Reached(pid_t root);
  /// When everything has ended: what only the control group has seen.
  ProcessOutcome::Limit ReachedInTheEnd() const;
  const std::string& kind() const { return kind_; }

 private:
  uint64_t Disk() const;

  const ProcessLimits& limits_;
  std::optional<Cgroup> cgroup_;
  std::string kind_;
  uint64_t disk_before_ = 0;
  std::chrono::steady_clock::time_point next_usage_;
  std::chrono::steady_clock::time_point next_disk_;
};

}  // namespace wfe::sandbox::internal
