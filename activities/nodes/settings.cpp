#include "activities/nodes/settings.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/toolchain.h"
#include "engine/base/check.h"
#include "engine/base/hash.h"

namespace wfe::nodes {
namespace {

constexpr int kOldestMinorVersion = 8;

std::string AbsoluteEntries(const std::string& path) {
  std::string kept;
  std::istringstream entries(path);
  for (std::string entry; std::getline(entries, entry, ':');) {
    if (entry.starts_with('/')) kept += (kept.empty() ? "" : ":") + entry;
  }
  return kept;
}

sandbox::ProcessOutcome RunTrusted(const std::vector<std::string>& argv) {
  sandbox::ProcessSpec spec;
  spec.argv = argv;
  spec.environment = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}, {"HOME", "/nonexistent"}};
  spec.limits.wall_clock = std::chrono::seconds(60);
  spec.limits.max_output_bytes = 64 << 10;
  return sandbox::RunProcess(spec);
}

/// What the interpreter says about itself; nullopt, and why, when it is none that can be used.
std::optional<PythonTool> AskPython(const std::string& name, const std::string& path, std::string* why) {
  const sandbox::ToolLocation location = sandbox::LocateTool(name, path);
  if (!location.problem.empty()) {
    *why = location.problem;
    return std::nullopt;
  }
  // -I: as the examiner is run.
  const std::string question =
      "import sys, importlib.util as u\n"
      "print('.'.join(map(str, sys.version_info[:3])), *(int(u.find_spec(m) is not None) for m in ('pyflakes', "
      "'isort')))";
  const sandbox::ProcessOutcome outcome = RunTrusted({location.start_as, "-I", "-c", question});
  PythonTool tool{.program = location.start_as, .directories = location.directories, .version = {}};
  std::istringstream said(outcome.out.text);
  int major = 0;
  int minor = 0;
  if (!(said >> tool.version >> tool.has_pyflakes >> tool.has_isort) ||
      std::sscanf(tool.version.c_str(), "%d.%d", &major, &minor) != 2) {
    *why = location.start_as + " does not start as Python 3 does";
    return std::nullopt;
  }
  if (major != 3 || minor < kOldestMinorVersion) {
    *why = location.start_as + " is Python " + tool.version;
    return std::nullopt;
  }
  return tool;
}

std::string HashOfPrograms() {
  std::string all;
  for (const auto* programs : {&EmbeddedExaminer(), &EmbeddedRuntime()}) {
    for (const EmbeddedProgram& file : *programs) {
      all += std::string(file.name) + "\n" + std::to_string(file.content.size()) + "\n" + std::string(file.content);
    }
  }
  return ToHex(Sha256(all)).substr(0, 16);
}

Status WriteAll(const std::string& directory, const std::vector<EmbeddedProgram>& files) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Internal("cannot make " + directory + ": " + error.message());
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(directory, {.reserved = {}}));
  for (const EmbeddedProgram& file : files) {
    // Every time: without a sandbox a node could have changed them.
    const auto present = dir.Read(file.name);
    if (!present || *present != file.content) WFE_RETURN_IF_ERROR(dir.Write(file.name, file.content, 0444));
  }
  return Ok();
}

/// Directories of runs whose worker was killed.
void PruneRuns(const std::string& parent) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(parent, error)) {
    const auto age = std::filesystem::file_time_type::clock::now() - entry.last_write_time(error);
    if (error || age < std::chrono::hours(24) || !entry.path().filename().string().starts_with("run-")) continue;
    std::filesystem::remove_all(entry.path(), error);
  }
}

}  // namespace

NodeSettings::NodeSettings(NodeConfig config) : config_(std::move(config)), mask_(config_.secrets) {
  WFE_CHECK(config_.work_root.starts_with('/'), "NodeConfig::work_root must be an absolute path");
  const char* own = std::getenv("PATH");
  path_ = AbsoluteEntries(!config_.path.empty() ? config_.path : own != nullptr ? own : "/usr/local/bin:/usr/bin:/bin");
}

Result<PythonTool> NodeSettings::Python() const {
  const std::lock_guard lock(mutex_);
  if (python_.has_value()) return *python_;
  std::vector<std::string> names = {"python3", "/usr/bin/python3"};
  if (!config_.python.empty()) names = {config_.python};
  std::string reasons;
  for (const std::string& name : names) {
    std::string why;
    const std::optional<PythonTool> found = AskPython(name, path_, &why);
    if (!found.has_value()) {
      if (reasons.find(why) == std::string::npos) reasons += (reasons.empty() ? "" : "; ") + why;
      continue;
    }
    const bool has_all = found->has_pyflakes && found->has_isort;
    if (!python_.has_value() || has_all) python_ = found;
    if (has_all) break;
  }
  if (python_.has_value()) return *python_;
  return FailedPrecondition("nodes in Python need Python 3." + std::to_string(kOldestMinorVersion) +
                            " or later on the worker's machine (" + reasons + ")");
}

Result<std::string> NodeSettings::Placed() const {
  WFE_ASSIGN_OR_RETURN(const PythonTool python, Python());
  const std::lock_guard lock(mutex_);
  const std::string directory = config_.work_root + "/nodes/" + HashOfPrograms() + "-" + python.version;
  WFE_RETURN_IF_ERROR(WriteAll(directory + "/examiner", EmbeddedExaminer()));
  WFE_RETURN_IF_ERROR(WriteAll(directory + "/python", EmbeddedRuntime()));
  if (placed_ == directory) return directory;
  // The sandbox shows them read-only, where Python could not keep what it compiles: a third of a short run.
  const sandbox::ProcessOutcome compiled =
      RunTrusted({python.program, "-I", "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", directory});
  if (compiled.kind != sandbox::ProcessOutcome::Kind::kExited || compiled.exit_code != 0) {
    return Internal("Python could not compile its programs below " + directory + ": " +
                    sandbox::Printable(compiled.err.text + compiled.out.text + compiled.start_error));
  }
  PruneRuns(config_.work_root + "/nodes");
  placed_ = directory;
  return directory;
}

Result<std::string> NodeSettings::ExaminerDirectory() const {
  WFE_ASSIGN_OR_RETURN(const std::string directory, Placed());
  return directory + "/examiner";
}

Result<std::string> NodeSettings::RuntimeDirectory() const {
  WFE_ASSIGN_OR_RETURN(const std::string directory, Placed());
  return directory + "/python";
}

Result<NodeSettings::Sandbox> NodeSettings::ChooseSandbox() const {
  if (config_.sandbox == sandbox::SandboxPolicy::kOff) {
    return Sandbox{.used = false, .program = "", .reason = "this worker's setting build.sandbox turns it off"};
  }
  const sandbox::SandboxAvailability availability = sandbox::ProbeSandbox(config_.bwrap, path_);
  if (!availability.usable && config_.sandbox == sandbox::SandboxPolicy::kRequired) {
    return FailedPrecondition("this worker's setting build.sandbox requires a sandbox, and " + availability.reason);
  }
  return Sandbox{.used = availability.usable, .program = availability.program, .reason = availability.reason};
}

}  // namespace wfe::nodes
