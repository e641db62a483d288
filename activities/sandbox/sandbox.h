// Runs a command in bubblewrap: no network, no home, no other run's directory, read-only tools and examiner's files,
// one writable working directory.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "activities/sandbox/process_runner.h"

namespace wfe::sandbox {

/// What the profile says about the sandbox.
enum class SandboxPolicy { kPreferred, kRequired, kOff };

/// What a check and all it starts may use together (SEC-H10).
struct SandboxLimits {
  uint64_t memory_mib = 4096;
  uint64_t processes = 512;
  uint64_t disk_mib = 4096;  ///< How much the working directory may grow.
  uint64_t tmp_mib = 1024;   ///< /tmp, which is memory.
};

struct SandboxAvailability {
  bool usable = false;
  std::string program;  ///< Full path of bwrap when usable.
  std::string reason;   ///< Why not, in words ("bwrap is not installed", "... is not permitted here: ...").
};

/// Looks for `bwrap` (a path, or a name in `path_variable`) and runs `true` inside it once; the answer is remembered
/// for the life of the process.  Thread-safe.
SandboxAvailability ProbeSandbox(const std::string& bwrap, const std::string& path_variable);

/// Where things are inside.  Stable, so that tool output does not depend on the machine.
inline constexpr std::string_view kSandboxWorkDir = "/w";
inline constexpr std::string_view kSandboxOutDir = "/out";

struct SandboxPlan {
  std::string program;   ///< Of bwrap.
  std::string work_dir;  ///< Host directory shown writable as /w.
  std::string out_dir;   ///< Host directory shown writable as /out; empty: none.
  /// Host path → path inside, read-only, mounted after /w so that they can lie within it.
  std::vector<std::pair<std::string, std::string>> read_only;
  bool share_network = false;  ///< For an agent's program, which talks to its service; never for a check.
  /// The environment reaches the command without standing in bubblewrap's arguments, where ps would show a key.
  bool inherit_environment = false;
  std::vector<std::string> scratch;  ///< Directories inside that appear empty, and forget what is written there.
  std::vector<std::string> hidden;   ///< Directories inside that appear empty and read-only (e.g. /w/.wfe).
  std::optional<uint64_t> tmp_bytes;  ///< Size of /tmp, which is memory.
  bool inner_keeps_channel = false;   ///< The command itself gets kChannelFd, not only the one that counts processes.
  bool shields_runner = false;        ///< Nothing inside may reach into the memory of another process.
};

/// The command as bubblewrap runs it.  `inner.working_dir` is a path inside the sandbox; `inner.environment` becomes
/// its whole environment.
ProcessSpec WrapInSandbox(const SandboxPlan& plan, const ProcessSpec& inner);

/// Directories outside the system's own that hold `programs` (as found in `path_variable`, links resolved too): a tool
/// installed elsewhere must be shown inside, at the same place.  Sorted, without duplicates.
std::vector<std::string> ToolDirectories(const std::vector<std::string>& programs, const std::string& path_variable);

}  // namespace wfe::sandbox
