// wfe build plan
#include <fmt/core.h>

#include <filesystem>

#include "activities/build/checks/plan.h"
#include "activities/build/checks/reporters.h"
#include "engine/base/record_json.h"
#include "tools/wfe/build_commands.h"
#include "tools/wfe/build_start.h"
#include "tools/wfe/build_summary.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {
namespace {

struct PlanOptions {
  std::string dir;
  std::string profile;
  std::string mode = "auto";
  std::vector<std::string> checks;
};

void PrintPlan(const build::BuildPlan& plan) {
  PrintPage(plan.directory + "\n", 2);
  const auto say = [](const char* what, const std::string& text) {
    if (!text.empty()) PrintPage(fmt::format("  {:<13} {}\n", what, text), 16);
  };
  say("profile", plan.profile + (plan.detection.empty() ? "" : " (" + plan.detection + ")"));
  say("mode", plan.mode == "create" ? "create: a new project" : "change: the project that is there");
  say("template", plan.template_id);
  say("files", fmt::format("{} sources, {} tests", GroupedNumber(plan.source_files), GroupedNumber(plan.test_files)));
  say("dependencies", plan.dependencies);
  say("sandbox", plan.sandbox + (plan.sandbox_reason.empty() ? "" : ": " + plan.sandbox_reason));
  for (const auto& [tool, version] : plan.tools) say(tool.c_str(), version);
  std::string starters;
  for (const std::string& file : plan.starter_files) starters += (starters.empty() ? "" : ", ") + file;
  say("would write", starters);
  PrintText("\n  checks, in this order:\n");
  std::vector<std::string> by_exit_code;
  for (const build::PlannedCheck& check : plan.checks) {
    PrintPage(fmt::format("    {:<12} {}\n", check.id, check.command), 17);
    if (!check.program_problem.empty()) PrintPage(fmt::format("    {:<12} ✗ {}\n", "", check.program_problem), 19);
    if (check.evidence == build::kEvidenceExitCode) by_exit_code.push_back(check.id);
  }
  for (const auto& [check, why] : plan.left_out) PrintPage(fmt::format("    {:<12} left out: {}\n", check, why), 17);
  PrintText("\n");
  if (!by_exit_code.empty()) PrintPage("  " + EvidenceLine(by_exit_code) + "\n", 4);
  for (const std::string& problem : plan.problems) PrintPage("  ✗ " + problem + "\n", 4);
  if (plan.problems.empty()) PrintPage("  a build can start; nothing was written and no model was called\n", 4);
}

Result<int> PlanBuild(Globals& globals, const PlanOptions& options) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  WFE_ASSIGN_OR_RETURN(const std::string directory, ProjectDirectory(options.dir));
  build::ComplianceConfig compliance;
  compliance.command_timeout = std::chrono::seconds(config->build.check_timeout_s);
  std::error_code error;
  compliance.work_root = std::filesystem::absolute(config->worker.work_root, error).lexically_normal().string();
  if (!config->build.profiles_dir.empty()) compliance.profile_dirs = {config->build.profiles_dir};
  WFE_RETURN_IF_ERROR(CheckDirectoryIsThere(directory));
  auto planned = build::PlanChecks(compliance, directory, options.profile, options.checks, options.mode);
  if (!planned) {
    if (planned.error().code == StatusCode::kInvalidArgument) return planned.error();
    // A build would end in its pre-flight with these words.
    std::ignore = Fail(planned.error(), globals.format);
    return kExitProblemsFound;
  }
  const build::BuildPlan plan = *std::move(planned);
  if (globals.format == OutputFormat::kText) {
    PrintPlan(plan);
  } else {
    const nlohmann::json json = plan;
    PrintObject(nlohmann::ordered_json(json), globals.format);
  }
  return plan.problems.empty() ? kExitOk : kExitProblemsFound;
}

}  // namespace

void AddBuildPlanCommand(CLI::App& build, Globals& globals) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App& plan = *build.add_subcommand("plan", "What a build would check here; writes nothing and asks no model");
  AddCommonOptions(plan, globals);
  plan.add_option("dir", options->dir, "The project (default: the current directory)");
  plan.add_option("--profile", options->profile, "The checks to pass (default: what the project uses)");
  plan.add_option("--check", options->checks, "A command that must pass, instead of the profile's; may be repeated")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  plan.add_option("--mode", options->mode, "As for wfe build")
      ->transform(OneOf("--mode", {"auto", "create", "change"}));
  plan.footer(
      "Examples:\n  wfe build plan\n  wfe build plan ~/src/parser --check 'npm test'\n\n"
      "Exit code 12: the build would end in its pre-flight, for the reasons printed; 4: there is no such directory.");
  plan.callback([&globals, options] { globals.Run([&] { return PlanBuild(globals, *options); }); });
}

}  // namespace wfe::cli
