// Runs one command: an argument vector (never a shell), its own session, a clean environment, limits, and no process
// left behind.
//
// Between this process and the command stands a small supervisor (a fork that never execs).  It adopts whatever the
// command's processes orphan (PR_SET_CHILD_SUBREAPER), so daemonised grandchildren are found and killed too, and it
// kills everything when this process dies, even by kill -9.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::sandbox {

struct ProcessLimits {
  Duration wall_clock = std::chrono::minutes(10);
  Duration grace = std::chrono::seconds(2);  ///< Between TERM and KILL.
  uint64_t max_output_bytes = 10ull << 20;   ///< Kept of each stream: half head, half tail.  All of it is hashed.
  std::optional<uint64_t> cpu_seconds;       ///< Per process.
  std::optional<uint64_t> file_bytes;        ///< Largest file it may write.
  std::optional<uint64_t> open_files = 1024;
  std::optional<uint64_t> processes;  ///< Counted per user by the kernel, and not applied to root.
  // Of the command and everything it starts, together.  Reaching one stops the command (ProcessOutcome::limit).
  std::optional<uint64_t> total_memory_bytes;
  std::optional<uint64_t> total_processes;
  std::optional<uint64_t> disk_growth_bytes;  ///< How much `disk_directories` may grow while it runs.
  std::vector<std::string> disk_directories;
  bool cgroup = true;  ///< Use a control group where one can be made.
};

/// A socket to the command, as its descriptor kChannelFd, that no other process of it inherits by ordinary means.
inline constexpr int kChannelFd = 5;
/// A file with a filter of system calls for bubblewrap (--seccomp), as this descriptor.
inline constexpr int kFilterFd = 6;

using Environment = std::vector<std::pair<std::string, std::string>>;

struct ProcessSpec {
  std::vector<std::string> argv;  ///< argv[0] is a path, or a name looked up in `environment`'s PATH.
  std::string working_dir;        ///< Absolute; empty: "/".
  Environment environment;        ///< The whole environment; nothing is inherited.
  std::string standard_input;     ///< What it reads there; empty: nothing.
  ProcessLimits limits;
  bool no_new_privileges = true;  ///< Set-user-id programs give no rights.
  std::string channel_greeting;   ///< Not empty: there is a channel, and this stands in it from the start.
  std::string filter;             ///< Not empty: what kFilterFd reads.
};

/// Asked and told while the command runs, from the calling thread.
struct ProcessWatch {
  std::function<bool()> is_cancelled;  ///< At least every 100 ms.
  std::function<void()> heartbeat;     ///< Every `heartbeat_interval`.
  Duration heartbeat_interval = std::chrono::seconds(2);
};

/// One output stream as kept: whole, or head and tail around a marker line.
struct CapturedStream {
  std::string text;
  uint64_t total_bytes = 0;
  bool truncated = false;
};

struct ProcessOutcome {
  enum class Kind { kExited, kSignalled, kCouldNotStart, kTimedOut, kCancelled };
  Kind kind = Kind::kCouldNotStart;
  int exit_code = 0;             ///< kExited.
  int signal = 0;                ///< kSignalled.
  std::string start_error;       ///< kCouldNotStart: what could not be done and why.
  bool program_missing = false;  ///< kCouldNotStart: no such program, or not executable.
  CapturedStream out;
  CapturedStream err;
  std::string output_sha256;  ///< Hex: SHA-256 over the SHA-256 digests of all of stdout and all of stderr.
  Duration duration{};
  int leftover_processes = 0;  ///< Still there when the command itself had ended; killed.
  bool all_gone = true;        ///< The supervisor saw its last descendant go.
  std::string channel;         ///< What the command wrote to the channel.
  enum class Limit { kNone, kMemory, kProcesses, kDisk };
  Limit limit = Limit::kNone;  ///< The command was stopped because it reached this one.
  std::string limits_kind;     ///< How memory and processes were limited: "cgroup", "watch" or "" (not at all).
};

/// Blocks until the command and all its descendants are gone.
ProcessOutcome RunProcess(const ProcessSpec& spec, const ProcessWatch& watch = {});

/// Full path of `name` in a PATH value ("" when there is none); names with a slash are returned when executable.
std::string FindProgram(std::string_view name, std::string_view path_variable);

}  // namespace wfe::sandbox
