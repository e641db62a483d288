// The process between the worker and a command; see process_runner.h.  Everything here runs after a fork in a program
// with many threads, so it uses system calls only: no allocation, no locks, no C++ library.
#pragma once

#include <cstdint>

#include "activities/sandbox/process_runner.h"

namespace wfe::sandbox::internal {

/// What the supervisor and the command's first process report, one write each (below PIPE_BUF, so never torn).
struct SupervisorRecord {
  enum Kind : int32_t { kStartFailed = 1, kEnded = 2, kAllGone = 3 };
  int32_t kind = 0;
  int32_t value = 0;   ///< kStartFailed: errno.  kEnded: wait status.  kAllGone: number of leftover processes.
  int32_t detail = 0;  ///< kStartFailed: which step, a StartStep.
};
enum StartStep : int32_t { kStepFork = 1, kStepLimits, kStepDirectory, kStepExec };

/// Commands on the control pipe.  Its end means kKill.
inline constexpr char kControlTerminate = 'T';
inline constexpr char kControlKill = 'K';

/// Prepared before the fork.  The descriptors are all above kFilterFd and distinct.
struct SupervisorPlan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  const char* directory = nullptr;
  ProcessLimits limits;
  bool no_new_privileges = true;
  int null_fd = -1;
  int out_fd = -1;
  int err_fd = -1;
  int status_fd = -1;
  int control_fd = -1;
  int channel_fd = -1;          ///< Becomes kChannelFd of the command; -1: none.
  int filter_fd = -1;           ///< Becomes kFilterFd of the command; -1: none.
  int join_fds[2] = {-1, -1};   ///< cgroup.procs of the groups the command joins; -1: none.
};

/// Runs in the forked child; starts the command, adopts and reaps its descendants, and exits when none is left.
[[noreturn]] void RunSupervisor(const SupervisorPlan& plan);

}  // namespace wfe::sandbox::internal
