#include "activities/build/checks/plan.h"

#include <re2/re2.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "activities/build/checks/dependencies.h"
#include "activities/build/checks/preflight.h"
#include "activities/build/checks/reporters.h"
#include "activities/build/checks/settings.h"
#include "activities/build/checks/starter_files.h"
#include "activities/build/profile/resolve_profile.h"
#include "activities/sandbox/toolchain.h"

namespace wfe::build {
namespace {

std::string VersionOf(const ToolSpec& tool, const sandbox::ToolLocation& location, const std::string& path) {
  sandbox::ProcessSpec spec;
  spec.argv = tool.version_argv.empty() ? std::vector<std::string>{tool.program, "--version"} : tool.version_argv;
  if (spec.argv[0] == tool.program) spec.argv[0] = location.start_as;
  spec.environment = {{"PATH", location.PathFor(path)}, {"LANG", "C.UTF-8"}, {"HOME", "/nonexistent"}};
  spec.limits.wall_clock = std::chrono::seconds(30);
  spec.limits.max_output_bytes = 64 << 10;
  const sandbox::ProcessOutcome outcome = sandbox::RunProcess(spec);
  const std::vector<std::string> lines = sandbox::SplitLines(sandbox::CleanTerminalText(outcome.out.text));
  return lines.empty() ? "" : sandbox::Printable(lines[0]);
}

void PlanTools(const ComplianceSettings& settings, const Profile& profile, BuildPlan& plan) {
  for (const ToolSpec& tool : profile.requires_tools) {
    const sandbox::ToolLocation location = sandbox::LocateTool(tool.program, settings.path);
    if (!location.problem.empty()) {
      plan.problems.push_back("the profile " + profile.name + " needs " + tool.program + ", and " + location.problem);
      continue;
    }
    const std::string version = VersionOf(tool, location, settings.path);
    plan.tools[tool.program] = version;
    std::string number;
    if (tool.min_version.empty() || !RE2::PartialMatch(version, "(\\d+(?:\\.\\d+)*)", &number)) continue;
    if (CompareVersions(number, tool.min_version) < 0) {
      plan.problems.push_back("the profile " + profile.name + " needs " + tool.program + " " + tool.min_version +
                              " or newer, and the one in PATH is " + number);
    }
  }
}

/// What $PYTHON will be; "" while that depends on what is yet to be installed.
std::string PlannedPython(const ComplianceSettings& settings, const Profile& profile, const sandbox::SafeDir& dir,
                          const BuildPlan& plan) {
  std::error_code error;
  const std::string own = plan.directory + "/.venv/bin/python";
  if (std::filesystem::exists(own, error)) return own;
  const auto place = LocateDependencies(settings, profile, dir);
  if (!place || (place->needed && !place->ready) || plan.mode == "create") return "";
  const std::string installed = place->directory + "/bin/python";
  if (!place->directory.empty() && std::filesystem::exists(installed, error)) return installed;
  return sandbox::LocateTool("python3", settings.path).start_as;
}

/// A module that $PYTHON does not have: started as the probe does it, outside the project, so that nothing is written.
std::string MissingModule(const ComplianceSettings& settings, const CheckSpec& check, const std::string& python) {
  sandbox::ProcessSpec spec;
  spec.argv = check.probe.version_argv;
  if (spec.argv.empty() || python.empty()) return "";
  spec.argv[0] = python;
  spec.working_dir = "/";
  spec.environment = {
      {"PATH", settings.path}, {"LANG", "C.UTF-8"}, {"HOME", "/nonexistent"}, {"PYTHONDONTWRITEBYTECODE", "1"}};
  spec.limits.wall_clock = std::chrono::seconds(30);
  spec.limits.max_output_bytes = 64 << 10;
  const sandbox::ProcessOutcome outcome = sandbox::RunProcess(spec);
  if (outcome.kind == sandbox::ProcessOutcome::Kind::kExited && outcome.exit_code == 0) return "";
  const std::vector<std::string> lines = sandbox::SplitLines(sandbox::CleanTerminalText(outcome.err.text));
  std::string why = lines.empty() ? "it said nothing" : sandbox::Printable(lines.back());
  if (!outcome.start_error.empty()) why = outcome.start_error;
  return "`" + sandbox::JoinCommand(spec.argv) + "` does not run: " + why;
}

void PlanOne(const ComplianceSettings& settings, const CheckSpec& check, bool installed, const std::string& python,
             BuildPlan& plan) {
  PlannedCheck planned;
  planned.id = check.id;
  planned.command = settings.mask.Apply(ShownCommand(check));
  planned.examines = check.examines;
  planned.evidence = EvidenceOf(check, settings.path);
  planned.timeout_s = std::chrono::duration_cast<std::chrono::seconds>(check.timeout).count();
  const std::string& program = check.argv.front();
  if (program.find('/') == std::string::npos && !program.starts_with('$')) {
    const sandbox::ToolLocation location = sandbox::LocateTool(program, settings.path);
    planned.program = location.program;
    planned.program_problem = location.problem;
  } else if (!program.starts_with('$')) {
    // What comes with the dependencies can only be looked at once they are there.
    std::error_code error;
    const std::string path = program.starts_with('/') ? program : plan.directory + "/" + program;
    if (installed && !std::filesystem::exists(path, error)) planned.program_problem = "there is no " + program;
  }
  if (program == "$PYTHON") planned.program_problem = MissingModule(settings, check, python);
  if (!planned.program_problem.empty()) {
    plan.problems.push_back("the check " + check.id + " cannot start: " + planned.program_problem);
  }
  plan.checks.push_back(std::move(planned));
}

void PlanDependencies(const ComplianceSettings& settings, const Profile& profile, const sandbox::SafeDir& dir,
                      BuildPlan& plan) {
  if (plan.mode == "create" && !profile.dependency_choices.empty()) {
    std::string commands;
    for (const auto& argv : profile.dependency_choices.front().install) {
      commands += (commands.empty() ? "" : " && ") + sandbox::JoinCommand(argv);
    }
    plan.dependencies = "of the starter files, by `" + commands + "`";
    return;
  }
  const auto place = LocateDependencies(settings, profile, dir);
  plan.dependencies = place ? place->reason : place.error().message;
  if (!place) plan.problems.push_back(place.error().message);
  if (!place || !place->needed || place->ready) return;
  std::string problem;
  for (const auto& argv : profile.dependencies->install) {
    if (InstallerCommand(settings, argv, &problem).empty()) plan.problems.push_back("nothing can be installed: " + problem);
  }
}

}  // namespace

Result<BuildPlan> PlanChecks(const ComplianceConfig& config, const std::string& directory, const std::string& profile,
                             const std::vector<std::string>& checks, const std::string& mode) {
  const ComplianceSettings settings(config);
  BuildPlan plan;
  WFE_ASSIGN_OR_RETURN(plan.directory, ResolveWorkingDir(directory, /*create=*/false));
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir,
                       sandbox::SafeDir::Open(plan.directory, {.reserved = {}, .max_file_bytes = 64ull << 20}));
  WFE_ASSIGN_OR_RETURN(const ProjectFacts facts, ProjectFacts::Read(dir));
  // A new project gets its checks from its starter files, which are not there yet.
  auto resolved = ResolveProfile(config.profile_dirs, profile, facts, checks, config.command_timeout);
  WFE_ASSIGN_OR_RETURN(Profile whole, LoadProfile(resolved ? resolved->profile.name : profile.empty() ? "commands" : profile,
                                                  config.profile_dirs));
  WFE_ASSIGN_OR_RETURN(plan.mode,
                       ResolveMode({.mode = mode, .profile_named = !profile.empty(), .again = false}, whole, facts, dir));
  if (!resolved && (plan.mode != "create" || profile.empty())) return std::move(resolved).error();
  const bool create = plan.mode == "create" && checks.empty();
  const Profile& shown = create ? whole : resolved->profile;
  plan.profile = shown.name;
  plan.detection = resolved ? resolved->detection : "";
  plan.template_id = TemplateFor(shown, plan.mode);
  if (!create) plan.left_out = resolved->left_out;
  plan.source_files = static_cast<int64_t>(facts.Matching(shown.sources).size());
  plan.test_files = static_cast<int64_t>(facts.Matching(shown.tests).size());
  if (plan.mode == "create") {
    for (const StarterFile* file : MissingStarterFiles(shown, facts)) plan.starter_files.push_back(file->path);
  }
  auto sandbox = ChooseSandbox(settings, shown);
  if (sandbox) {
    plan.sandbox = sandbox->sandboxed ? "bwrap" : "none";
    plan.sandbox_reason = sandbox->reason;
  } else {
    plan.sandbox = "none";
    plan.problems.push_back(sandbox.error().message);
  }
  PlanTools(settings, shown, plan);
  PlanDependencies(settings, shown, dir, plan);
  const bool own = shown.dependencies.has_value() && plan.dependencies.starts_with("the project's own");
  const std::string python = PlannedPython(settings, shown, dir, plan);
  for (const CheckSpec& check : shown.checks) PlanOne(settings, check, own, python, plan);
  return plan;
}

}  // namespace wfe::build
