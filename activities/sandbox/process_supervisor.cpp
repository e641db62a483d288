#include "activities/sandbox/process_supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace wfe::sandbox::internal {
namespace {

void Report(int fd, int32_t kind, int32_t value, int32_t detail = 0) {
  const SupervisorRecord record{.kind = kind, .value = value, .detail = detail};
  ssize_t written = 0;
  do {
    written = ::write(fd, &record, sizeof record);
  } while (written < 0 && errno == EINTR);
}

void CloseAllBut(const SupervisorPlan& plan) {
  int keep[] = {plan.null_fd,    plan.out_fd,    plan.err_fd,      plan.status_fd,  plan.control_fd,
                plan.channel_fd, plan.filter_fd, plan.join_fds[0], plan.join_fds[1]};
  constexpr int kCount = sizeof keep / sizeof keep[0];
  for (int i = 0; i < kCount; ++i) {
    for (int j = i + 1; j < kCount; ++j) {
      if (keep[j] < keep[i]) {
        const int swapped = keep[i];
        keep[i] = keep[j];
        keep[j] = swapped;
      }
    }
  }
  unsigned next = 0;
  for (const int fd : keep) {
    if (fd < 0) continue;
    if (static_cast<unsigned>(fd) > next) ::syscall(SYS_close_range, next, static_cast<unsigned>(fd) - 1, 0u);
    next = static_cast<unsigned>(fd) + 1;
  }
  ::syscall(SYS_close_range, next, ~0u, 0u);
}

void DefaultSignals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 65; ++signal) {
    if (signal != SIGKILL && signal != SIGSTOP) ::sigaction(signal, &action, nullptr);
  }
}

bool SetLimit(int resource, const std::optional<uint64_t>& wanted) {
  if (!wanted.has_value()) return true;
  struct rlimit limit = {};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) return false;
  rlim_t value = static_cast<rlim_t>(*wanted);
  if (limit.rlim_max != RLIM_INFINITY && value > limit.rlim_max) value = limit.rlim_max;
  limit.rlim_cur = value;
  limit.rlim_max = value;
  return ::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0;
}

[[noreturn]] void RunCommand(const SupervisorPlan& plan, pid_t supervisor) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor) ::_exit(127);  // It died before the line above could take effect.
  DefaultSignals();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(022);
  if (plan.no_new_privileges) ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const std::optional<uint64_t> no_core = 0;
  if (!SetLimit(RLIMIT_CORE, no_core) || !SetLimit(RLIMIT_CPU, plan.limits.cpu_seconds) ||
      !SetLimit(RLIMIT_FSIZE, plan.limits.file_bytes) || !SetLimit(RLIMIT_NOFILE, plan.limits.open_files) ||
      !SetLimit(RLIMIT_NPROC, plan.limits.processes)) {
    Report(plan.status_fd, SupervisorRecord::kStartFailed, errno, kStepLimits);
    ::_exit(127);
  }
  for (const int fd : plan.join_fds) {
    if (fd >= 0 && ::write(fd, "0", 1) != 1) {
      Report(plan.status_fd, SupervisorRecord::kStartFailed, errno, kStepLimits);
      ::_exit(127);
    }
  }
  if (::chdir(plan.directory) != 0) {
    Report(plan.status_fd, SupervisorRecord::kStartFailed, errno, kStepDirectory);
    ::_exit(127);
  }
  ::dup2(plan.null_fd, 0);
  ::dup2(plan.out_fd, 1);
  ::dup2(plan.err_fd, 2);
  if (plan.channel_fd >= 0) ::dup2(plan.channel_fd, kChannelFd);
  if (plan.filter_fd >= 0) ::dup2(plan.filter_fd, kFilterFd);
  // The originals are close-on-exec.
  ::execve(plan.program, plan.argv, plan.envp);
  Report(plan.status_fd, SupervisorRecord::kStartFailed, errno, kStepExec);
  ::_exit(127);
}

/// Sends `signal` to every child (the command, and whatever was orphaned to us).  Returns how many there are, or -1
/// when the kernel does not list them.
int SignalChildren(int signal) {
  const int fd = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int count = 0;
  long pid = 0;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) break;
    for (ssize_t i = 0; i < got; ++i) {
      if (buffer[i] >= '0' && buffer[i] <= '9') {
        pid = pid * 10 + (buffer[i] - '0');
      } else if (pid > 0) {
        ::kill(static_cast<pid_t>(pid), signal);
        ++count;
        pid = 0;
      }
    }
  }
  if (pid > 0) {
    ::kill(static_cast<pid_t>(pid), signal);
    ++count;
  }
  ::close(fd);
  return count;
}

/// What a command leaves behind may end by itself for so long: bubblewrap's sandbox, for one, is taken down after its
/// program has ended, and on a busy machine that takes a while.
constexpr int64_t kGraceMs = 500;

int64_t Milliseconds() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

void RunSupervisor(const SupervisorPlan& plan) {
  ::setsid();
  CloseAllBut(plan);
  DefaultSignals();
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  for (const int signal : {SIGPIPE, SIGHUP, SIGINT, SIGTERM}) ::sigaction(signal, &ignore, nullptr);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  sigset_t child_ended;
  ::sigemptyset(&child_ended);
  ::sigaddset(&child_ended, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &child_ended, nullptr);
  const int signals = ::signalfd(-1, &child_ended, SFD_NONBLOCK | SFD_CLOEXEC);

  const pid_t self = ::getpid();
  const pid_t command = ::_Fork();
  if (command == 0) RunCommand(plan, self);
  if (command < 0) {
    Report(plan.status_fd, SupervisorRecord::kStartFailed, errno, kStepFork);
    ::_exit(0);
  }
  // The streams belong to the command alone, so that their end can be seen.
  ::close(plan.out_fd);
  ::close(plan.err_fd);
  ::close(plan.null_fd);
  if (plan.channel_fd >= 0) ::close(plan.channel_fd);

  bool killing = false;
  bool ended = false;
  int64_t ended_at = 0;
  bool control_open = true;
  int leftover = 0;
  for (;;) {
    for (;;) {
      int status = 0;
      const pid_t reaped = ::waitpid(-1, &status, WNOHANG);
      if (reaped < 0 && errno == EINTR) continue;
      if (reaped < 0) {  // ECHILD: nobody is left.
        Report(plan.status_fd, SupervisorRecord::kAllGone, leftover);
        ::_exit(0);
      }
      if (reaped == 0) break;
      if (reaped == command) {
        ended = true;
        ended_at = Milliseconds();
        Report(plan.status_fd, SupervisorRecord::kEnded, status);
      }
    }
    if (ended && !killing && Milliseconds() - ended_at >= kGraceMs) {
      // A command that has ended leaves nothing running behind.
      killing = true;
      const int found = SignalChildren(SIGKILL);
      leftover = found < 0 ? 0 : found;
    }
    if (killing) {
      // Until its parent is reaped the leader's pid cannot be reused, and a group lives as long as a member.
      if (!ended) ::kill(-command, SIGKILL);
      SignalChildren(SIGKILL);
    }
    pollfd wait_for[2] = {{.fd = control_open ? plan.control_fd : -1, .events = POLLIN, .revents = 0},
                          {.fd = signals, .events = POLLIN, .revents = 0}};
    ::poll(wait_for, 2, killing ? 5 : ended ? 20 : 1000);
    signalfd_siginfo drained[16];
    while (::read(signals, drained, sizeof drained) > 0) {
    }
    if (!control_open || wait_for[0].revents == 0) continue;
    char order = 0;
    const ssize_t got = ::read(plan.control_fd, &order, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      control_open = false;
      killing = true;
    } else if (order == kControlTerminate) {
      ::kill(-command, SIGTERM);
      SignalChildren(SIGTERM);
    } else {
      killing = true;
    }
  }
}

}  // namespace wfe::sandbox::internal
