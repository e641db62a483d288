// wfe build clean
#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "activities/audit/audit.h"
#include "activities/compliance/claim.h"
#include "activities/compliance/process_runner.h"
#include "activities/workspace/git.h"
#include "tools/wfe/build_changes.h"
#include "tools/wfe/build_commands.h"
#include "tools/wfe/build_record.h"
#include "tools/wfe/local_store.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;

struct Removal {
  std::string what;  ///< For people.
  std::string path;  ///< A file or directory; empty for a branch.
};

struct CleanPlan {
  std::vector<Removal> removals;
  std::string repository;  ///< With `branch`.
  std::string branch;
  std::vector<std::string> kept;  ///< Sentences: what stays and why.
};

bool Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

Result<std::string> Git(const std::string& git_dir, std::vector<std::string> arguments) {
  const char* path = std::getenv("PATH");
  activities::Git git(activities::FindProgram("git", path != nullptr ? path : "/usr/bin:/bin"), {});
  return git.RunOnRefs({.toplevel = {}, .git_dir = git_dir, .common_dir = git_dir, .prefix = {}}, std::move(arguments));
}

std::string Line(const Result<std::string>& output) { return output ? output->substr(0, output->find('\n')) : ""; }

void PlanBranch(const BuildRecord& build, CleanPlan& plan) {
  if (build.place.branch.empty()) return;
  const auto repository = activities::FindRepository(build.place.project_dir);
  if (!repository) return;
  const std::string ref = "refs/heads/" + build.place.branch;
  const std::string tip = Line(Git(repository->git_dir, {"rev-parse", "--verify", "--quiet", ref}));
  if (tip.empty()) return;
  if (Line(Git(repository->git_dir, {"symbolic-ref", "--quiet", "HEAD"})) == ref) {
    plan.kept.push_back("the branch " + build.place.branch + " stays: it is checked out in " + repository->toplevel);
    return;
  }
  std::string newest = build.place.base_commit;
  for (const BuildStep& step : build.steps) {
    if (!step.commit.empty()) newest = step.commit;
  }
  if (tip != newest) {
    plan.kept.push_back("the branch " + build.place.branch + " stays: it has commits that the build did not make");
    return;
  }
  plan.repository = repository->git_dir;
  plan.branch = build.place.branch;
  plan.removals.push_back({"the branch " + plan.branch + " of " + repository->toplevel, ""});
}

CleanPlan PlanClean(const BuildRecord& build) {
  CleanPlan plan;
  const std::string& run = build.target.run_id;
  // The directory of the build, wherever the worker's work root is: .../builds/RUN
  const std::string mark = "/builds/" + run;
  const std::string working_dir = build.WorkingDir();
  const size_t at = working_dir.find(mark);
  const bool own =
      at != std::string::npos && (working_dir.size() == at + mark.size() || working_dir[at + mark.size()] == '/');
  if (own) {
    const std::string root = working_dir.substr(0, at);
    if (Exists(root + mark)) plan.removals.push_back({"the directory " + root + mark, root + mark});
    const std::string state = root + "/workspaces/" + run;
    if (Exists(state)) plan.removals.push_back({"the workspace's state " + state, state});
  } else if (!working_dir.empty()) {
    for (const std::string& name :
         {std::string(activities::kStateDirectory), std::string(activities::kTraceFileName)}) {
      const std::string path = working_dir + "/" + name;
      if (Exists(path)) plan.removals.push_back({path, path});
    }
  }
  PlanBranch(build, plan);
  return plan;
}

/// Takes wfe's lines out of .git/info/exclude again.
void RemoveExcludes(const std::string& working_dir) {
  const auto repository = activities::FindRepository(working_dir);
  if (!repository) return;
  const std::string path = repository->common_dir + "/info/exclude";
  std::ifstream in(path, std::ios::binary);
  if (!in) return;
  const std::string below = repository->prefix.empty() ? "/" : "/" + repository->prefix + "/";
  std::string kept;
  bool found = false;
  for (std::string line; std::getline(in, line);) {
    const bool ours = line == below + ".wfe/" || line == below + std::string(activities::kTraceFileName);
    found = found || ours;
    if (!ours) kept += line + "\n";
  }
  in.close();
  if (found) std::ofstream(path, std::ios::binary | std::ios::trunc) << kept;
}

Result<int> CleanBuild(Globals& globals, const Target& target, bool yes) {
  WFE_ASSIGN_OR_RETURN(const BuildRecord build, LoadBuild(globals, target));
  const std::string& id = build.target.workflow_id;
  if (!build.outcome) return FailedPrecondition(id + " still runs; stop it first with `wfe cancel " + id + "`");
  const bool in_place = build.place.kind == activities::kWorkspaceInPlace || build.place.kind.empty();
  if (in_place && !build.WorkingDir().empty()) {
    if (const auto dir = activities::SafeDir::Open(build.WorkingDir(), {.reserved = {}})) {
      const auto claim = activities::ReadClaim(*dir);
      if (claim && claim->claim_id != build.target.run_id) {
        return FailedPrecondition("the directory " + build.WorkingDir() + " is in use by run " + claim->claim_id);
      }
    }
  }
  CleanPlan plan = PlanClean(build);
  if (globals.UsesLocalStore()) {
    const std::string records = LocalBuildDirectory(id);
    plan.removals.push_back({"its records in " + records + " (without them there is no diff, undo or resume)", records});
  }
  std::string list;
  for (const Removal& removal : plan.removals) list += "\n  " + removal.what;
  if (plan.removals.empty()) {
    PrintEvent("nothing of " + id + " is left on this machine", {{"cleaned", id}, {"removed", nlohmann::json::array()}},
               globals.format);
    return kExitOk;
  }
  if (!yes) {
    if (globals.format == OutputFormat::kText)
      PrintText(fmt::format("of {} there is on this machine:{}\n", id, list));
    if (!Confirmed("Remove all of it?")) {
      return FailedPrecondition("nothing was removed; --yes removes it without asking");
    }
  }
  const bool with_records = globals.UsesLocalStore();
  globals.LeaveLocalStore();
  std::vector<std::string> removed;
  for (const Removal& removal : plan.removals) {
    if (!removal.path.empty()) {
      std::error_code error;
      fs::remove_all(removal.path, error);
      if (error) return FailedPrecondition("cannot remove " + removal.path + ": " + error.message());
    }
    removed.push_back(removal.what);
  }
  if (!plan.branch.empty())
    WFE_RETURN_IF_ERROR(Git(plan.repository, {"update-ref", "-d", "refs/heads/" + plan.branch}));
  if (in_place && !build.WorkingDir().empty()) {
    RemoveExcludes(build.WorkingDir());
    if (const auto dir = activities::SafeDir::Open(build.WorkingDir(), {.reserved = {}})) {
      activities::RemoveEmptyMountPoints(*dir);
    }
  }
  ForgetApplied(build.target.run_id);
  std::string text = "removed:" + list;
  for (const std::string& sentence : plan.kept) text += "\n" + sentence;
  if (!with_records) text += "\nthe records of " + id + " stay";
  PrintEvent(text, {{"cleaned", id}, {"removed", removed}, {"kept", plan.kept}},
             globals.format);
  return kExitOk;
}

}  // namespace

void AddBuildCleanCommand(CLI::App& build, Globals& globals) {
  struct Options {
    Target target;
    bool yes = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& clean = *build.add_subcommand("clean", "Remove what a build left on this machine; its records stay");
  AddClientOptions(clean, globals);
  AddTargetOptions(clean, options->target);
  clean.add_flag("-y,--yes", options->yes, "Do not ask");
  clean.footer(
      "Removes the build's directory, its branch, and in a directory that it worked in .wfe and audit_trace.jsonl;\n"
      "what the agent wrote into your project stays (`wfe build undo` takes that back).\nExample:\n"
      "  wfe build clean build-42 --yes");
  clean.callback(
      [&globals, options] { globals.Run([&] { return CleanBuild(globals, options->target, options->yes); }); });
}

}  // namespace wfe::cli
