#include "activities/sandbox/sandbox.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "activities/sandbox/syscall_filter.h"
#include "activities/sandbox/text.h"
#include "activities/sandbox/toolchain.h"

namespace wfe::sandbox {
namespace {

/// What a dynamically linked tool and a compiler driver need; no user data lies there.
constexpr std::string_view kSystemPaths[] = {"/bin",
                                             "/sbin",
                                             "/lib",
                                             "/lib32",
                                             "/lib64",
                                             "/libx32",
                                             "/etc/alternatives",
                                             "/etc/ld.so.cache",
                                             "/etc/ld.so.conf",
                                             "/etc/ld.so.conf.d"};

void AddSystem(std::vector<std::string>& argv, std::optional<uint64_t> tmp_bytes = std::nullopt) {
  const auto add = [&](std::initializer_list<std::string> arguments) { argv.insert(argv.end(), arguments); };
  add({"--ro-bind", "/usr", "/usr"});
  for (const std::string_view view : kSystemPaths) {
    const std::string path(view);
    struct stat status = {};
    if (::lstat(path.c_str(), &status) != 0) continue;
    if (S_ISLNK(status.st_mode)) {
      char target[4096];
      const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
      if (length > 0) add({"--symlink", std::string(target, static_cast<size_t>(length)), path});
    } else {
      add({"--ro-bind", path, path});
    }
  }
  add({"--proc", "/proc", "--dev", "/dev"});
  if (tmp_bytes.has_value()) add({"--size", std::to_string(*tmp_bytes)});
  add({"--tmpfs", "/tmp"});
  if (tmp_bytes.has_value()) add({"--size", std::to_string(*tmp_bytes), "--tmpfs", "/dev/shm"});
}

std::vector<std::string> Isolation(const std::string& program) {
  // An own user namespace with an ordinary user: no capability inside, even for a worker that runs as root, and no
  // further namespaces.  The process limit then counts this sandbox alone.
  return {program,
          "--unshare-all",
          "--unshare-user",
          "--disable-userns",
          "--uid",
          "1000",
          "--gid",
          "1000",
          "--cap-drop",
          "ALL",
          "--die-with-parent",
          "--new-session",
          "--hostname",
          "sandbox",
          "--clearenv"};
}

SandboxAvailability Probe(const std::string& bwrap, const std::string& path_variable) {
  SandboxAvailability availability;
  const std::string program = FindProgram(bwrap, path_variable);
  if (program.empty()) {
    availability.reason = "bubblewrap (" + bwrap + ") is not installed";
    return availability;
  }
  ProcessSpec spec;
  spec.argv = Isolation(program);
  AddSystem(spec.argv);
  spec.argv.insert(spec.argv.end(), {"--", "/usr/bin/true"});
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  spec.limits.wall_clock = std::chrono::seconds(20);
  spec.limits.max_output_bytes = 16 << 10;
  spec.no_new_privileges = false;
  const ProcessOutcome outcome = RunProcess(spec);
  if (outcome.kind == ProcessOutcome::Kind::kExited && outcome.exit_code == 0) {
    availability.usable = true;
    availability.program = program;
    return availability;
  }
  std::string said = Printable(CleanTerminalText(outcome.err.text));
  if (said.empty()) said = outcome.start_error.empty() ? "it did not run" : outcome.start_error;
  availability.reason = "bubblewrap is installed (" + program + ") but not permitted here: " + said;
  return availability;
}

/// Runs the command and says through the channel how many processes it left behind after half a second: they end with
/// the sandbox, and nobody outside would know of them.  Besides them there are bubblewrap's first process and this
/// shell.
std::string CountingScript(bool keeps_channel) {
  const std::string channel = std::to_string(kChannelFd);
  return std::string("\"$@\"") + (keeps_channel ? "" : " " + channel + ">&-") +
         "; s=$?; i=0; while :; do set -- /proc/[0-9]*; n=$(($# - 2)); [ $n -gt 0 ] || break; i=$((i + 1)); "
         "if [ $i -gt 5 ]; then echo \"leftover $n\" >&" +
         channel + "; break; fi; /bin/sleep 0.1; done; exit $s";
}

std::string RealOrSame(const std::string& path) {
  const std::unique_ptr<char, decltype(&::free)> resolved(::realpath(path.c_str(), nullptr), &::free);
  return resolved == nullptr ? path : std::string(resolved.get());
}

}  // namespace

SandboxAvailability ProbeSandbox(const std::string& bwrap, const std::string& path_variable) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, std::string>, SandboxAvailability> known;
  const std::lock_guard lock(mutex);
  const auto key = std::make_pair(bwrap, path_variable);
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  return known.emplace(key, Probe(bwrap, path_variable)).first->second;
}

ProcessSpec WrapInSandbox(const SandboxPlan& plan, const ProcessSpec& inner) {
  ProcessSpec outer = inner;
  outer.argv = Isolation(plan.program);
  if (plan.inherit_environment) std::erase(outer.argv, "--clearenv");
  if (plan.share_network) outer.argv.emplace_back("--share-net");
  AddSystem(outer.argv, plan.tmp_bytes);
  outer.filter = SyscallFilter(plan.shields_runner);
  if (!outer.filter.empty()) outer.argv.insert(outer.argv.end(), {"--seccomp", std::to_string(kFilterFd)});
  const auto add = [&](std::initializer_list<std::string> arguments) {
    outer.argv.insert(outer.argv.end(), arguments);
  };
  add({"--bind", plan.work_dir, std::string(kSandboxWorkDir)});
  for (const std::string& directory : plan.hidden) add({"--tmpfs", directory, "--remount-ro", directory});
  if (!plan.out_dir.empty()) add({"--bind", plan.out_dir, std::string(kSandboxOutDir)});
  for (const auto& [from, to] : plan.read_only) {
    // What lies in a hidden directory is not seen anyway, and could not be mounted there.
    const bool hidden = std::any_of(plan.hidden.begin(), plan.hidden.end(), [&place = to](const std::string& directory) {
      return place.starts_with(directory + "/");
    });
    if (!hidden) add({"--ro-bind", from, to});
  }
  for (const std::string& directory : plan.scratch) add({"--tmpfs", directory});
  if (!plan.inherit_environment) {
    for (const auto& [key, value] : inner.environment) add({"--setenv", key, value});
  }
  add({"--chdir", inner.working_dir.empty() ? std::string(kSandboxWorkDir) : inner.working_dir, "--"});
  if (!inner.channel_greeting.empty()) {
    add({"/bin/sh", "-c", CountingScript(plan.inner_keeps_channel), "sh"});
  }
  outer.argv.insert(outer.argv.end(), inner.argv.begin(), inner.argv.end());
  outer.working_dir = "/";
  outer.no_new_privileges = false;  // bubblewrap sets it itself, and may need its privileges until then.
  return outer;
}

std::vector<std::string> ToolDirectories(const std::vector<std::string>& programs, const std::string& path_variable) {
  std::set<std::string> directories;
  for (const std::string& program : programs) {
    const std::string found = FindProgram(program, path_variable);
    for (const std::string& path : {found, found.empty() ? found : RealOrSame(found)}) {
      const size_t slash = path.rfind('/');
      if (slash == std::string::npos || slash == 0) continue;
      const std::string directory = path.substr(0, slash);
      if (!IsSystemDirectory(directory)) directories.insert(directory);
    }
  }
  return {directories.begin(), directories.end()};
}

}  // namespace wfe::sandbox
