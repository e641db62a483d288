// wfe profiles list|show|check|detect
#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "activities/build/checks/plan.h"
#include "activities/build/profile/profile.h"
#include "activities/build/profile/resolve_profile.h"
#include "engine/base/record_json.h"
#include "tools/wfe/cli.h"

namespace wfe::cli {
namespace {

using build::BuildPlan;
using build::CheckSpec;
using build::DependencySpec;
using build::Profile;

std::vector<std::string> Directories(const Config& config) {
  if (config.build.profiles_dir.empty()) return {};
  return {config.build.profiles_dir};
}

nlohmann::json Row(const Profile& profile) {
  std::string checks;
  for (const CheckSpec& check : profile.checks) checks += (checks.empty() ? "" : " ") + check.id;
  return {{"name", profile.name},
          {"description", profile.description},
          {"checks", checks},
          {"template_create", profile.template_create},
          {"template_change", profile.template_change},
          {"hash", profile.hash}};
}

Result<int> List(Globals& globals) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  Table table({{"NAME", "name", false, false}, {"CHECKS", "checks", false, false}, {"DESCRIPTION", "description", true, false}});
  for (const std::string& name : build::ProfileNames(Directories(*config))) {
    const auto profile = build::LoadProfile(name, Directories(*config));
    if (profile) {
      table.Add(Row(*profile));
    } else {
      table.Add({{"name", name}, {"checks", ""}, {"description", "broken: " + profile.error().message}});
    }
  }
  table.Print(globals.format);
  return kExitOk;
}

Result<int> ShowProfile(Globals& globals, const std::string& name) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  WFE_ASSIGN_OR_RETURN(const Profile profile, build::LoadProfile(name, Directories(*config)));
  nlohmann::ordered_json object = {{"name", profile.name},
                                   {"description", profile.description},
                                   {"template_create", profile.template_create},
                                   {"template_change", profile.template_change},
                                   {"sources", profile.sources},
                                   {"tests", profile.tests},
                                   {"protected", profile.protected_files},
                                   {"hash", profile.hash}};
  nlohmann::ordered_json checks = nlohmann::ordered_json::array();
  for (const CheckSpec& check : profile.checks) {
    checks.push_back({{"id", check.id},
                      {"command", build::ShownCommand(check)},
                      {"timeout_s", std::chrono::duration_cast<std::chrono::seconds>(check.timeout).count()},
                      {"class", check.error_class},
                      {"examines", check.examines}});
  }
  nlohmann::ordered_json managers = nlohmann::ordered_json::array();
  for (const DependencySpec& choice : profile.dependency_choices) managers.push_back({{"manager", choice.manager}, {"lock", choice.lock}});
  nlohmann::ordered_json starter = nlohmann::ordered_json::array();
  for (const auto& file : profile.starter_files) starter.push_back(file.path);
  if (globals.format != OutputFormat::kText) {
    object["checks"] = checks;
    object["dependencies"] = managers;
    object["starter_files"] = starter;
    PrintObject(object, globals.format);
    return kExitOk;
  }
  PrintText(fmt::format("{}: {}\n", profile.name, profile.description));
  PrintText(fmt::format("template: {} (new project), {} (existing project)\n\nchecks:\n", profile.template_create,
                        profile.template_change));
  for (const auto& check : checks) {
    PrintText(fmt::format("  {:<10} {}\n", check["id"].get<std::string>(), check["command"].get<std::string>()));
  }
  if (!managers.empty()) fmt::print("\ndependencies:\n");
  for (const auto& choice : managers) {
    PrintText(fmt::format("  {:<10} {}\n", choice["manager"].get<std::string>(), choice["lock"].get<std::string>()));
  }
  if (!starter.empty()) fmt::print("\nstarter files (new project only):\n");
  for (const auto& path : starter) PrintText(fmt::format("  {}\n", path.get<std::string>()));
  return kExitOk;
}

Result<int> Check(Globals& globals, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound("there is no readable file " + path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  WFE_ASSIGN_OR_RETURN(const Profile profile, build::ParseProfile(text, path));
  PrintObject({{"status", "ok"}, {"name", profile.name}, {"checks", profile.checks.size()}, {"hash", profile.hash}},
              globals.format);
  return kExitOk;
}

Result<int> Detect(Globals& globals, const std::string& directory, const std::vector<std::string>& commands) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  build::ComplianceConfig compliance;
  compliance.work_root = std::filesystem::absolute(config->worker.work_root).lexically_normal().string();
  compliance.profile_dirs = Directories(*config);
  std::error_code error;
  const std::string absolute = std::filesystem::absolute(directory, error).lexically_normal().string();
  WFE_ASSIGN_OR_RETURN(const BuildPlan plan, build::PlanChecks(compliance, absolute, "", commands));
  if (globals.format != OutputFormat::kText) {
    const nlohmann::json object = plan;
    PrintObject(object, globals.format);
    return kExitOk;
  }
  PrintText(fmt::format("{}\n\nchecks:\n", plan.detection));
  for (const auto& check : plan.checks) PrintText(fmt::format("  {:<10} {}\n", check.id, check.command));
  for (const auto& [id, why] : plan.left_out) PrintText(fmt::format("  {:<10} not run: {}\n", id, why));
  PrintText(fmt::format("\ndependencies: {}\nsource files: {}, test files: {}\n", plan.dependencies, plan.source_files,
                        plan.test_files));
  for (const std::string& problem : plan.problems) PrintText(fmt::format("problem: {}\n", problem));
  return plan.problems.empty() ? kExitOk : kExitProblemsFound;
}

struct ProfilesOptions {
  std::string name;
  std::string file;
  std::string directory = ".";
  std::vector<std::string> commands;
};

}  // namespace

void AddProfilesCommands(CLI::App& app, Globals& globals) {
  CLI::App& profiles = *app.add_subcommand("profiles", "Which checks judge a project, by profile")->require_subcommand(1);
  profiles.footer("Examples:\n  wfe profiles list\n  wfe profiles show python\n  wfe profiles detect .");

  CLI::App& list = *profiles.add_subcommand("list", "The profiles that ship with wfe and your own ([build] profiles)");
  AddCommonOptions(list, globals);
  list.footer("Example:\n  wfe profiles list --output json");
  list.callback([&globals] { globals.Run([&] { return List(globals); }); });

  auto options = std::make_shared<ProfilesOptions>();
  CLI::App& show = *profiles.add_subcommand("show", "The commands, dependencies and starter files of one profile");
  show.add_option("NAME", options->name, "Of the profile, as `wfe profiles list` has it")->required();
  AddCommonOptions(show, globals);
  show.footer("Example:\n  wfe profiles show typescript");
  show.callback([&globals, options] { globals.Run([&] { return ShowProfile(globals, options->name); }); });

  CLI::App& check = *profiles.add_subcommand("check", "Say what is wrong with a profile of your own, by its place");
  check.add_option("FILE", options->file, "The JSON file")->required();
  AddCommonOptions(check, globals);
  check.footer("Example:\n  wfe profiles check profiles/mine.json");
  check.callback([&globals, options] { globals.Run([&] { return Check(globals, options->file); }); });

  CLI::App& detect = *profiles.add_subcommand("detect", "Which profile a directory gets, why, and what would run");
  detect.add_option("DIR", options->directory, "The project's directory")->capture_default_str();
  detect.add_option("--check", options->commands, "A command that judges the result instead of the profile's checks (repeatable)");
  AddCommonOptions(detect, globals);
  detect.footer("Example:\n  wfe profiles detect ~/src/my-package");
  detect.callback([&globals, options] {
    globals.Run([&] { return Detect(globals, options->directory, options->commands); });
  });
}

}  // namespace wfe::cli
