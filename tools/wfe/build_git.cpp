#include "tools/wfe/build_git.h"

#include <cstdlib>

#include "activities/sandbox/process_runner.h"

namespace wfe::cli {

Result<sandbox::SafeDir> OpenTree(const std::string& path) {
  return sandbox::SafeDir::Open(path, {.reserved = {".git"}, .max_path_bytes = 4096, .max_file_bytes = 64ull << 20});
}

Result<GitRun> RunGit(const std::string& directory, std::vector<std::string> arguments, const std::string& git_dir) {
  const char* path = std::getenv("PATH");
  const std::string program = sandbox::FindProgram("git", path != nullptr ? path : "/usr/bin:/bin");
  if (program.empty()) return FailedPrecondition("the program git is not in PATH; differences are shown by it");
  sandbox::ProcessSpec spec;
  spec.argv = {program, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.working_dir = directory;
  spec.environment = {{"PATH", "/usr/bin:/bin"},          {"LANG", "C.UTF-8"},
                      {"HOME", "/nonexistent"},           {"GIT_CONFIG_NOSYSTEM", "1"},
                      {"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_TERMINAL_PROMPT", "0"},
                      {"GIT_OPTIONAL_LOCKS", "0"},        {"GIT_ALLOW_PROTOCOL", "none"},
                      {"GIT_LITERAL_PATHSPECS", "1"}};
  // Named, not searched for: git would refuse a directory of another user.
  if (!git_dir.empty()) spec.environment.emplace_back("GIT_DIR", git_dir);
  spec.limits.max_output_bytes = 512ull << 20;
  const sandbox::ProcessOutcome outcome = sandbox::RunProcess(spec);
  if (outcome.kind != sandbox::ProcessOutcome::Kind::kExited) {
    return Internal("git did not end by itself: " + outcome.start_error);
  }
  if (outcome.out.truncated) return ResourceExhausted("the difference is larger than 512 MiB");
  return GitRun{outcome.exit_code, outcome.out.text, outcome.err.text};
}

}  // namespace wfe::cli
