// Child processes of the benchmark, and what the kernel says of them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace wfe::bench {

/// A child that is gone when this object is, also when this process is killed.
class ChildProcess {
 public:
  static Result<ChildProcess> Start(const std::vector<std::string>& argv, const std::string& log_path);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();
  /// SIGTERM, then SIGKILL after five seconds.
  void Stop();
  /// SIGKILL, now.
  void Kill();
  pid_t pid() const { return pid_; }

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
};

/// CPU time used so far, user and kernel, in seconds.
double CpuSeconds(pid_t pid);
/// Resident set size.
int64_t RssBytes(pid_t pid);
/// A port of 127.0.0.1 that was free a moment ago.
int FreePort();

}  // namespace wfe::bench
