#include "activities/sandbox/process_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "activities/sandbox/capture.h"
#include "activities/sandbox/limit_watch.h"
#include "activities/sandbox/process_supervisor.h"
#include "engine/base/hash.h"
#include "engine/base/unique_fd.h"
#include "engine/base/usage_meter.h"

namespace wfe::sandbox {
namespace {

using SteadyClock = std::chrono::steady_clock;
using internal::Capture;
using internal::SupervisorRecord;

constexpr uint64_t kMaxChannelBytes = 128ull << 20;  // Half of it is kept whole; a longer report counts as none.

/// The low descriptors may be closed in this process; the supervisor needs numbers above those it gives the command.
UniqueFd AboveStandard(int fd) {
  if (fd < 0 || fd > kFilterFd) return UniqueFd(fd);
  const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, kFilterFd + 1);
  ::close(fd);
  return UniqueFd(moved);
}

/// Of this process; 0: not known.
uint64_t ResidentBytes() {
  const UniqueFd file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  char text[128] = {};
  unsigned long long size = 0;
  unsigned long long resident = 0;
  if (!file.open() || ::read(file.get(), text, sizeof text - 1) <= 0) return 0;
  if (std::sscanf(text, "%llu %llu", &size, &resident) != 2) return 0;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

/// A socket pair instead of a pipe: writing to one whose reader is gone can be told to raise no signal.
bool OpenControl(Pipe& pipe) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  pipe.read = AboveStandard(ends[0]);
  pipe.write = AboveStandard(ends[1]);
  return pipe.read.open() && pipe.write.open();
}

bool OpenPipe(Pipe& pipe) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  pipe.read = AboveStandard(ends[0]);
  pipe.write = AboveStandard(ends[1]);
  return pipe.read.open() && pipe.write.open();
}

/// Reads what is there; false at the end of the stream.
bool Drain(UniqueFd& fd, Capture& capture) {
  char buffer[64 << 10];
  // Bounded, so that a flood on one stream does not keep the watch from running.
  for (int round = 0; round < 16; ++round) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got > 0) {
      capture.Add({buffer, static_cast<size_t>(got)});
      continue;
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (got < 0 && errno == EINTR) continue;
    fd.Close();
    return false;
  }
  return true;
}

ProcessOutcome CouldNotStart(std::string why, bool program_missing) {
  ProcessOutcome outcome;
  outcome.kind = ProcessOutcome::Kind::kCouldNotStart;
  outcome.start_error = std::move(why);
  outcome.program_missing = program_missing;
  return outcome;
}

std::string ValueOf(const Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment) {
    if (key == name) return value;
  }
  return "";
}

/// What the command reads: a file in memory that nobody else has, or nothing.
int OpenInput(const std::string& text) {
  if (text.empty()) return ::open("/dev/null", O_RDWR | O_CLOEXEC);
  UniqueFd fd(::memfd_create("standard-input", MFD_CLOEXEC));
  std::string_view left = text;
  while (fd.open() && !left.empty()) {
    const ssize_t written = ::write(fd.get(), left.data(), left.size());
    if (written > 0) {
      left.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return -1;
    }
  }
  if (fd.open()) ::lseek(fd.get(), 0, SEEK_SET);
  return fd.Release();
}

/// A running command, seen from this side.
class Run {
 public:
  Run(const ProcessSpec& spec, const ProcessWatch& watch)
      : spec_(spec), watch_(watch), out_(spec.limits.max_output_bytes), err_(spec.limits.max_output_bytes) {}

  ProcessOutcome Execute() {
    const std::string program = Resolve();
    if (program.empty()) {
      return CouldNotStart("there is no program " + (spec_.argv.empty() ? std::string("(empty argv)") : spec_.argv[0]),
                           true);
    }
    if (!Start(program)) return CouldNotStart(std::string("cannot start a process: ") + std::strerror(errno), false);
    Watch();
    return Finish();
  }

 private:
  std::string Resolve() const {
    if (spec_.argv.empty() || spec_.argv[0].empty()) return "";
    const std::string& name = spec_.argv[0];
    if (name.find('/') == std::string::npos) return FindProgram(name, ValueOf(spec_.environment, "PATH"));
    const std::string full = name[0] == '/' ? name : Directory() + "/" + name;
    struct stat status = {};
    return ::stat(full.c_str(), &status) == 0 ? full : "";
  }
  std::string Directory() const { return spec_.working_dir.empty() ? "/" : spec_.working_dir; }

  /// A socket, since a pipe could be opened again through /proc by any process of the same user.
  bool OpenChannel(Pipe& channel) {
    if (spec_.channel_greeting.empty()) return true;
    if (!OpenControl(channel)) return false;
    const std::string& greeting = spec_.channel_greeting;
    return ::send(channel.read.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(greeting.size());
  }

  bool OpenFilter(UniqueFd& filter) {
    if (spec_.filter.empty()) return true;
    filter = AboveStandard(::memfd_create("wfe-filter", MFD_CLOEXEC));
    return filter.open() &&
           ::write(filter.get(), spec_.filter.data(), spec_.filter.size()) ==
               static_cast<ssize_t>(spec_.filter.size()) &&
           ::lseek(filter.get(), 0, SEEK_SET) == 0;
  }

  bool Start(const std::string& program) {
    Pipe channel;
    UniqueFd filter;
    if (!OpenChannel(channel) || !OpenFilter(filter)) return false;
    Pipe out;
    Pipe err;
    Pipe status;
    Pipe control;
    UniqueFd null = AboveStandard(OpenInput(spec_.standard_input));
    if (!null.open() || !OpenPipe(out) || !OpenPipe(err) || !OpenPipe(status) || !OpenControl(control)) return false;

    std::vector<char*> argv;
    for (const std::string& argument : spec_.argv) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    std::vector<std::string> variables;
    for (const auto& [key, value] : spec_.environment) variables.push_back(key + "=" + value);
    std::vector<char*> envp;
    for (std::string& variable : variables) envp.push_back(variable.data());
    envp.push_back(nullptr);
    const std::string directory = Directory();
    internal::SupervisorPlan plan{.program = program.c_str(),
                                  .argv = argv.data(),
                                  .envp = envp.data(),
                                  .directory = directory.c_str(),
                                  .limits = spec_.limits,
                                  .no_new_privileges = spec_.no_new_privileges,
                                  .null_fd = null.get(),
                                  .out_fd = out.write.get(),
                                  .err_fd = err.write.get(),
                                  .status_fd = status.write.get(),
                                  .control_fd = control.read.get(),
                                  .channel_fd = channel.write.get(),
                                  .filter_fd = filter.get(),
                                  .join_fds = {-1, -1}};
    const std::vector<int> groups = limits_.Begin();
    for (size_t i = 0; i < groups.size() && i < 2; ++i) plan.join_fds[i] = groups[i];
    // Signals stay blocked across the fork: a handler of this program must not run in the child.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    own_memory_ = ResidentBytes();
    supervisor_ = ::_Fork();
    if (supervisor_ == 0) internal::RunSupervisor(plan);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    if (supervisor_ < 0) return false;

    out_fd_ = std::move(out.read);
    err_fd_ = std::move(err.read);
    status_fd_ = std::move(status.read);
    control_fd_ = std::move(control.write);
    channel_fd_ = std::move(channel.read);
    for (const UniqueFd* fd : {&out_fd_, &err_fd_, &status_fd_, &channel_fd_}) {
      if (fd->open()) ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
    }
    started_ = SteadyClock::now();
    return true;
  }

  void Watch() {
    auto next_heartbeat = started_ + watch_.heartbeat_interval;
    std::optional<SteadyClock::time_point> gone_at;
    while (status_fd_.open() || out_fd_.open() || err_fd_.open()) {
      pollfd wait_for[4] = {{.fd = out_fd_.get(), .events = POLLIN, .revents = 0},
                            {.fd = err_fd_.get(), .events = POLLIN, .revents = 0},
                            {.fd = status_fd_.get(), .events = POLLIN, .revents = 0},
                            {.fd = channel_fd_.get(), .events = POLLIN, .revents = 0}};
      ::poll(wait_for, 4, 50);
      if (channel_fd_.open() && wait_for[3].revents != 0) Drain(channel_fd_, channel_);
      if (out_fd_.open() && wait_for[0].revents != 0) Drain(out_fd_, out_);
      if (err_fd_.open() && wait_for[1].revents != 0) Drain(err_fd_, err_);
      if (status_fd_.open() && wait_for[2].revents != 0) ReadStatus();

      const auto now = SteadyClock::now();
      if (!status_fd_.open()) {
        // Everyone is gone, so the streams end at once; a process that escaped could hold them open.
        if (!gone_at.has_value()) gone_at = now;
        if (now - *gone_at > std::chrono::seconds(1)) return;
        continue;
      }
      if (watch_.heartbeat && now >= next_heartbeat) {
        watch_.heartbeat();
        next_heartbeat = now + watch_.heartbeat_interval;
      }
      if (!stopping_.has_value() && !ended_.has_value()) {
        if (watch_.is_cancelled && watch_.is_cancelled()) {
          Stop(ProcessOutcome::Kind::kCancelled, now);
        } else if (now - started_ >= spec_.limits.wall_clock) {
          Stop(ProcessOutcome::Kind::kTimedOut, now);
        } else if (const auto limit = limits_.Reached(supervisor_); limit != ProcessOutcome::Limit::kNone) {
          limit_ = limit;
          Stop(ProcessOutcome::Kind::kSignalled, now);
          // A bomb has no claim to patience.
          killed_ = true;
          Order(internal::kControlKill);
        }
      } else if (stopping_.has_value() && !killed_ && now - stop_time_ >= spec_.limits.grace) {
        killed_ = true;
        Order(internal::kControlKill);
      } else if (now - stop_time_ >= spec_.limits.grace + std::chrono::seconds(10)) {
        // Something cannot be killed (uninterruptible in the kernel).  The activity must still end; it says so.
        ::kill(supervisor_, SIGKILL);
        all_gone_ = false;
        return;
      }
    }
  }

  void Stop(ProcessOutcome::Kind why, SteadyClock::time_point now) {
    stopping_ = why;
    stop_time_ = now;
    Order(internal::kControlTerminate);
  }

  void Order(char order) {
    // The supervisor may be gone already; its end is noticed on the status pipe.
    [[maybe_unused]] const ssize_t sent = ::send(control_fd_.get(), &order, 1, MSG_NOSIGNAL);
  }

  void ReadStatus() {
    for (;;) {
      SupervisorRecord record;
      const ssize_t got = ::read(status_fd_.get(), &record, sizeof record);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return;
      if (got != static_cast<ssize_t>(sizeof record)) {
        status_fd_.Close();
        return;
      }
      switch (record.kind) {
        case SupervisorRecord::kStartFailed:
          start_failed_ = record;
          break;
        case SupervisorRecord::kEnded:
          ended_ = record.value;
          // From now on the supervisor only clears up; that has the same patience as a stop.
          if (!stopping_.has_value()) stop_time_ = SteadyClock::now();
          break;
        case SupervisorRecord::kAllGone:
          confirmed_ = true;
          leftover_ = record.value;
          break;
        default:
          break;
      }
    }
  }

  /// The supervisor, and all that it has waited for.  A fork begins with its parent's memory, and keeps that as its
  /// highest through exec: only what is above the worker's own says something of the command.
  void TellUsage(const rusage& used) const {
    const auto of = [](const timeval& time) {
      return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    };
    const uint64_t peak = static_cast<uint64_t>(used.ru_maxrss) * 1024;
    const bool known = own_memory_ > 0 && peak > own_memory_ + own_memory_ / 10;
    UsageMeter::AddProcess(of(used.ru_utime) + of(used.ru_stime), known ? std::optional(peak) : std::nullopt);
  }

  ProcessOutcome Finish() {
    control_fd_.Close();
    int ignored = 0;
    rusage used = {};
    while (::wait4(supervisor_, &ignored, 0, &used) < 0 && errno == EINTR) {
    }
    TellUsage(used);
    ProcessOutcome outcome;
    outcome.duration = SteadyClock::now() - started_;
    // What was written last; everyone who could write is gone.
    while (channel_fd_.open()) {
      char buffer[4096];
      const ssize_t got = ::read(channel_fd_.get(), buffer, sizeof buffer);
      if (got > 0) channel_.Add({buffer, static_cast<size_t>(got)});
      if (got == 0 || (got < 0 && errno != EINTR)) channel_fd_.Close();
    }
    outcome.channel = channel_.Finish().text;
    outcome.limits_kind = limits_.kind();
    // A bomb may burst between two looks.
    if (limit_ == ProcessOutcome::Limit::kNone) limit_ = limits_.ReachedInTheEnd();
    outcome.limit = limit_;
    outcome.out = out_.Finish();
    outcome.err = err_.Finish();
    const Sha256Digest out_hash = out_.Hash();
    const Sha256Digest err_hash = err_.Hash();
    outcome.output_sha256 = ToHex(Sha256({AsBytes(out_hash), AsBytes(err_hash)}));
    outcome.leftover_processes = leftover_;
    outcome.all_gone = all_gone_ && (confirmed_ || start_failed_.has_value());
    if (start_failed_.has_value()) {
      outcome.kind = ProcessOutcome::Kind::kCouldNotStart;
      outcome.start_error = StartError(*start_failed_);
      outcome.program_missing = start_failed_->detail == internal::kStepExec &&
                                (start_failed_->value == ENOENT || start_failed_->value == EACCES ||
                                 start_failed_->value == ENOEXEC || start_failed_->value == ENOTDIR);
    } else if (stopping_.has_value()) {
      outcome.kind = *stopping_;
      if (limit_ != ProcessOutcome::Limit::kNone) outcome.signal = SIGKILL;
    } else if (!ended_.has_value()) {
      outcome.kind = ProcessOutcome::Kind::kSignalled;  // The supervisor itself was killed, and the command with it.
      outcome.signal = SIGKILL;
    } else if (WIFEXITED(*ended_)) {
      outcome.kind = ProcessOutcome::Kind::kExited;
      outcome.exit_code = WEXITSTATUS(*ended_);
    } else {
      outcome.kind = ProcessOutcome::Kind::kSignalled;
      outcome.signal = WTERMSIG(*ended_);
    }
    return outcome;
  }

  std::string StartError(const SupervisorRecord& record) const {
    const std::string reason = std::strerror(record.value);
    switch (record.detail) {
      case internal::kStepLimits:
        return "cannot set the process limits: " + reason;
      case internal::kStepDirectory:
        return "cannot enter " + Directory() + ": " + reason;
      case internal::kStepExec:
        return "cannot run " + spec_.argv[0] + ": " + reason;
      default:
        return "cannot start a process: " + reason;
    }
  }

  const ProcessSpec& spec_;
  const ProcessWatch& watch_;
  Capture out_;
  Capture err_;
  UniqueFd out_fd_;
  UniqueFd err_fd_;
  UniqueFd status_fd_;
  UniqueFd control_fd_;
  pid_t supervisor_ = -1;
  uint64_t own_memory_ = 0;  // of this process, when the supervisor was made
  SteadyClock::time_point started_;
  SteadyClock::time_point stop_time_;
  std::optional<ProcessOutcome::Kind> stopping_;
  bool killed_ = false;
  bool confirmed_ = false;
  bool all_gone_ = true;
  int leftover_ = 0;
  std::optional<int> ended_;
  std::optional<SupervisorRecord> start_failed_;
  Capture channel_{kMaxChannelBytes};
  UniqueFd channel_fd_;
  internal::LimitWatch limits_{spec_.limits};
  ProcessOutcome::Limit limit_ = ProcessOutcome::Limit::kNone;
};

}  // namespace

ProcessOutcome RunProcess(const ProcessSpec& spec, const ProcessWatch& watch) { return Run(spec, watch).Execute(); }

std::string FindProgram(std::string_view name, std::string_view path_variable) {
  const auto executable = [](const std::string& path) {
    struct stat status = {};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
  };
  if (name.empty()) return "";
  if (name.find('/') != std::string_view::npos) return executable(std::string(name)) ? std::string(name) : "";
  while (!path_variable.empty()) {
    const size_t end = std::min(path_variable.find(':'), path_variable.size());
    const std::string directory(path_variable.substr(0, end));
    path_variable.remove_prefix(std::min(end + 1, path_variable.size()));
    // A relative entry would be looked up in a directory that the checked code can write to.
    if (directory.empty() || directory[0] != '/') continue;
    const std::string candidate = directory + "/" + std::string(name);
    if (executable(candidate)) return candidate;
  }
  return "";
}

}  // namespace wfe::sandbox
