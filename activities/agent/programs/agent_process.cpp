#include "activities/agent/programs/agent_process.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "activities/agent/programs/program_files.h"
#include "activities/sandbox/toolchain.h"

namespace wfe::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHomeInside = "/out/home";
constexpr std::string_view kTemporaryInside = "/out/tmp";

std::optional<std::string> UsableSandbox(sandbox::SandboxPolicy policy, const std::string& path, std::string* reason) {
  if (policy == sandbox::SandboxPolicy::kOff) return std::nullopt;
  const sandbox::SandboxAvailability available = sandbox::ProbeSandbox("bwrap", path);
  if (available.usable) return available.program;
  *reason = available.reason;
  return std::nullopt;
}

ModelError RefusedToStart(std::string message) {
  return {.kind = ModelErrorKind::kPermanent, .message = std::move(message), .error_class = "REFUSED"};
}

/// Whether the name is one that an agent's program obeys or that belongs to wfe.
bool IsObeyed(const std::string& name) { return name == ".gemini" || name == ".git" || name.starts_with(".env"); }

struct Plants {
  std::vector<std::string> directories;
  std::vector<std::string> files;
  std::vector<std::string> links;
};

Plants FindPlants(const std::string& working_dir) {
  Plants plants;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(working_dir, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!IsObeyed(name)) continue;
    const fs::file_status status = entry.symlink_status(ignored);
    (fs::is_symlink(status)     ? plants.links
     : fs::is_directory(status) ? plants.directories
                                : plants.files)
        .push_back(name);
  }
  return plants;
}

/// What the program made although it is not the agent's to make.
void RemoveNewPlants(const std::string& working_dir, const Plants& before) {
  std::error_code ignored;
  for (const char* name : {".gemini", ".git"}) {
    bool known = false;
    for (const auto* list : {&before.directories, &before.files, &before.links}) {
      for (const std::string& each : *list) known = known || each == name;
    }
    if (!known) fs::remove_all(fs::path(working_dir) / name, ignored);
  }
}

sandbox::ProcessSpec Sandboxed(const AgentProcess& process, const std::string& bwrap, const std::string& program,
                               const Plants& plants, sandbox::ProcessSpec spec) {
  const std::string work(sandbox::kSandboxWorkDir);
  const fs::path own = fs::path(process.private_dir) / "etc";
  sandbox::SandboxPlan plan;
  plan.program = bwrap;
  plan.work_dir = process.working_dir;
  plan.out_dir = process.private_dir + "/run";
  plan.share_network = true;
  plan.inherit_environment = true;  // a key in an argument would be shown by ps
  for (const std::string& name : plants.directories) plan.hidden.push_back(work + "/" + name);
  std::error_code ignored;
  if (fs::is_directory(process.working_dir + "/.wfe", ignored)) plan.hidden.push_back(work + "/.wfe");
  for (const std::string& name : plants.files) plan.read_only.emplace_back((own / "empty").string(), work + "/" + name);
  for (const char* name : {"audit_trace.jsonl", "node_modules"}) {
    const fs::path path = fs::path(process.working_dir) / name;
    if (fs::exists(path, ignored) && !fs::is_symlink(path, ignored)) {
      plan.read_only.emplace_back(path.string(), work + "/" + name);
    }
  }
  plan.read_only.emplace_back((own / "passwd").string(), "/etc/passwd");
  for (auto& shown : NetworkFiles()) plan.read_only.push_back(std::move(shown));
  std::set<std::string> shown;
  for (const std::string& path : FilesOfProgram(program, process.path)) shown.insert(path);
  // A program behind the program: an adapter gets its path as an argument.
  for (const std::string& argument : process.arguments) {
    if (!argument.starts_with('/') || !fs::is_regular_file(argument, ignored)) continue;
    std::error_code failed;
    const fs::path real = fs::canonical(argument, failed);
    if (failed) continue;
    for (const std::string& path : FilesOfProgram(real.string(), process.path)) shown.insert(path);
  }
  for (const std::string& path : shown) plan.read_only.emplace_back(path, path);
  spec.working_dir = work;
  return sandbox::WrapInSandbox(plan, spec);
}

/// PATH in which interpreters are found before their shims: those of the program, and of scripts among its arguments.
std::string PathFor(const AgentProcess& process, const sandbox::ToolLocation& location) {
  std::string path = location.PathFor(process.path);
  std::error_code ignored;
  for (const std::string& argument : process.arguments) {
    if (!argument.starts_with('/') || !fs::is_regular_file(argument, ignored)) continue;
    path = sandbox::LocateTool(argument, process.path).PathFor(path);
  }
  return path;
}

Status PreparePrivateDir(const AgentProcess& process) {
  const fs::path root = process.private_dir;
  std::error_code failed;
  for (const char* name : {"run/home", "run/tmp", "etc"}) {
    fs::create_directories(root / name, failed);
    if (failed) return Unavailable("cannot make " + (root / name).string() + ": " + failed.message());
  }
  fs::permissions(root, fs::perms::owner_all, failed);
  std::ofstream(root / "etc/empty").flush();
  if (!(std::ofstream(root / "etc/passwd") << "agent:x:1000:1000::" << kHomeInside << ":/bin/sh\n").flush()) {
    return Unavailable("cannot write below " + process.private_dir);
  }
  return Ok();
}

}  // namespace

std::string HomeOf(const std::string& private_dir) { return private_dir + "/run/home"; }

std::string HomeInside(const AgentProcess& process, const std::string& name) {
  return (SandboxOf(process) == "none" ? HomeOf(process.private_dir) : std::string(kHomeInside)) + "/" + name;
}

std::string SandboxOf(const AgentProcess& process) {
  std::string reason;
  return UsableSandbox(process.sandbox, process.path, &reason) ? "bwrap" : "none";
}

Status CheckAgentProcess(const std::string& name, const std::string& program, const std::string& path,
                         sandbox::SandboxPolicy sandbox) {
  if (sandbox::FindProgram(program, path).empty()) {
    return FailedPrecondition(name + " \"" + program +
                              "\" is not there, or not executable; install it, or name it in the " +
                              "worker's configuration");
  }
  if (const sandbox::ToolLocation location = sandbox::LocateTool(program, path); location.program.empty()) {
    return FailedPrecondition(name + " cannot be started: " + location.problem);
  }
  std::string reason;
  if (sandbox == sandbox::SandboxPolicy::kRequired && !UsableSandbox(sandbox, path, &reason)) {
    return FailedPrecondition(
        name + " may only run in a sandbox ([build] sandbox = \"required\"), and there is none: " + reason);
  }
  return Ok();
}

std::variant<sandbox::ProcessOutcome, ModelError> RunAgentProcess(const AgentProcess& process,
                                                                  const CallControl& control) {
  if (const Status usable = CheckAgentProcess(process.name, process.program, process.path, process.sandbox); !usable) {
    return RefusedToStart(usable.error().message);
  }
  const Plants plants = FindPlants(process.working_dir);
  if (!plants.links.empty()) {
    return RefusedToStart(process.working_dir + "/" + plants.links.front() + " is a symbolic link, and " + process.name +
                     " would obey what it leads to; take it away");
  }
  std::string reason;
  const std::optional<std::string> bwrap = UsableSandbox(process.sandbox, process.path, &reason);
  for (const auto* list : {&plants.files, &plants.directories}) {
    for (const std::string& name : *list) {
      if (bwrap || name == ".git") continue;
      return RefusedToStart(process.name + " would obey " + process.working_dir + "/" + name +
                       " with its key, and there is no sandbox to hide it; take it away, or use another backend");
    }
  }
  if (const Status prepared = PreparePrivateDir(process); !prepared) {
    return ModelError{
        .kind = ModelErrorKind::kRetryable, .message = prepared.error().message, .error_class = "TOOL_IO"};
  }
  // Where the program really lies: what it loads beside itself is found from there, and a version manager's shim would
  // look for its user's home.
  const sandbox::ToolLocation location = sandbox::LocateTool(process.program, process.path);
  const std::string& program = location.program;

  sandbox::ProcessSpec spec;
  spec.argv = {program};
  spec.argv.insert(spec.argv.end(), process.arguments.begin(), process.arguments.end());
  spec.working_dir = process.working_dir;
  spec.environment = {{"PATH", PathFor(process, location)},
                      {"HOME", bwrap ? std::string(kHomeInside) : HomeOf(process.private_dir)},
                      {"TMPDIR", bwrap ? std::string(kTemporaryInside) : process.private_dir + "/run/tmp"},
                      {"LANG", "C.UTF-8"},
                      {"NO_COLOR", "1"},
                      {"GIT_DIR", "/nonexistent"}};  // no hooks, no configuration of the directory
  for (const auto& variable : process.environment) spec.environment.push_back(variable);
  spec.standard_input = process.standard_input;
  spec.limits.wall_clock = process.wall_clock;
  spec.limits.open_files = std::nullopt;
  sandbox::ProcessWatch watch;
  watch.is_cancelled = control.is_cancelled;
  watch.heartbeat = [&] {
    if (control.progress) control.progress(0);
  };
  if (bwrap) spec = Sandboxed(process, *bwrap, program, plants, std::move(spec));
  sandbox::ProcessOutcome outcome = sandbox::RunProcess(spec, watch);
  RemoveNewPlants(process.working_dir, plants);
  switch (outcome.kind) {
    case sandbox::ProcessOutcome::Kind::kExited:
      return outcome;
    case sandbox::ProcessOutcome::Kind::kCancelled:
      return ModelError{.kind = ModelErrorKind::kCancelled, .message = "cancelled"};
    case sandbox::ProcessOutcome::Kind::kCouldNotStart:
      return RefusedToStart(process.name + " \"" + process.program + "\" does not start: " + outcome.start_error);
    case sandbox::ProcessOutcome::Kind::kTimedOut:
      return ModelError{.kind = ModelErrorKind::kRetryable,
                        .message = process.name + " did not end in time",
                        .error_class = "TIMEOUT"};
    case sandbox::ProcessOutcome::Kind::kSignalled:
      break;
  }
  return ModelError{.kind = ModelErrorKind::kRetryable,
                    .message = process.name + " was ended by signal " + std::to_string(outcome.signal),
                    .error_class = "KILLED"};
}

}  // namespace wfe::agent
