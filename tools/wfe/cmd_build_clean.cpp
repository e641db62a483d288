// wfe build clean
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "activities/build/checks/claim.h"
#include "activities/build/workspace/git.h"
#include "activities/sandbox/process_runner.h"
#include "activities/trace/audit.h"
#include "tools/wfe/build_changes.h"
#include "tools/wfe/build_commands.h"
#include "tools/wfe/build_record.h"
#include "tools/wfe/local_store.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;

struct Removal {
  std::string what;        ///< For people.
  std::string path;        ///< A file or directory; empty for a branch.
  std::string repository;  ///< With `branch`.
  std::string branch;
};

struct CleanPlan {
  std::vector<Removal> removals;
  std::vector<std::string> kept;  ///< Sentences: what stays and why.

  /// Several runs of a build share a directory.
  void Add(Removal removal) {
    const auto same = [&](const Removal& known) { return known.what == removal.what; };
    if (std::none_of(removals.begin(), removals.end(), same)) removals.push_back(std::move(removal));
  }
};

bool Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

Result<std::string> Git(const std::string& git_dir, std::vector<std::string> arguments) {
  const char* path = std::getenv("PATH");
  build::Git git(sandbox::FindProgram("git", path != nullptr ? path : "/usr/bin:/bin"), {});
  return git.RunOnRefs({.toplevel = {}, .git_dir = git_dir, .common_dir = git_dir, .prefix = {}}, std::move(arguments));
}

std::string Line(const Result<std::string>& output) { return output ? output->substr(0, output->find('\n')) : ""; }

/// The commits that the build made, in whichever of its runs, and those it began with.
std::set<std::string> OwnCommits(const std::vector<BuildRecord>& runs) {
  std::set<std::string> commits;
  for (const BuildRecord& run : runs) {
    commits.insert(run.place.base_commit);
    for (const BuildStep& step : run.steps) commits.insert(step.commit);
  }
  return commits;
}

void PlanBranch(const BuildRecord& build, const std::set<std::string>& own_commits, CleanPlan& plan) {
  if (build.place.branch.empty()) return;
  const auto repository = build::FindRepository(build.place.project_dir);
  if (!repository) return;
  const std::string ref = "refs/heads/" + build.place.branch;
  const std::string tip = Line(Git(repository->git_dir, {"rev-parse", "--verify", "--quiet", ref}));
  if (tip.empty()) return;
  if (Line(Git(repository->git_dir, {"symbolic-ref", "--quiet", "HEAD"})) == ref) {
    plan.kept.push_back("the branch " + build.place.branch + " stays: it is checked out in " + repository->toplevel);
    return;
  }
  if (!own_commits.contains(tip)) {
    plan.kept.push_back("the branch " + build.place.branch + " stays: it has commits that the build did not make");
    return;
  }
  plan.Add({.what = "the branch " + build.place.branch + " of " + repository->toplevel,
            .path = {},
            .repository = repository->git_dir,
            .branch = build.place.branch});
}

void PlanClean(const BuildRecord& build, const std::set<std::string>& own_commits, CleanPlan& plan) {
  const std::string& run = build.target.run_id;
  // The directory of the build, wherever the worker's work root is: .../builds/RUN
  const std::string mark = "/builds/" + run;
  const std::string working_dir = build.WorkingDir();
  const size_t at = working_dir.find(mark);
  const bool own =
      at != std::string::npos && (working_dir.size() == at + mark.size() || working_dir[at + mark.size()] == '/');
  if (own) {
    const std::string root = working_dir.substr(0, at);
    if (Exists(root + mark)) plan.Add({"the directory " + root + mark, root + mark, {}, {}});
    const std::string state = root + "/workspaces/" + run;
    if (Exists(state)) plan.Add({"the workspace's state " + state, state, {}, {}});
  } else if (!working_dir.empty()) {
    for (const std::string& name : {std::string(sandbox::kStateDirectory), std::string(trace::kTraceFileName)}) {
      const std::string path = working_dir + "/" + name;
      if (Exists(path)) plan.Add({path, path, {}, {}});
    }
  }
  PlanBranch(build, own_commits, plan);
}

/// Takes wfe's lines out of .git/info/exclude again.
void RemoveExcludes(const std::string& working_dir) {
  const auto repository = build::FindRepository(working_dir);
  if (!repository) return;
  const std::string path = repository->common_dir + "/info/exclude";
  std::ifstream in(path, std::ios::binary);
  if (!in) return;
  const std::string below = repository->prefix.empty() ? "/" : "/" + repository->prefix + "/";
  std::string kept;
  bool found = false;
  for (std::string line; std::getline(in, line);) {
    const bool ours = line == below + ".wfe/" || line == below + std::string(trace::kTraceFileName);
    found = found || ours;
    if (!ours) kept += line + "\n";
  }
  in.close();
  if (found) std::ofstream(path, std::ios::binary | std::ios::trunc) << kept;
}

bool InPlace(const BuildRecord& build) {
  const bool in_place = build.place.kind == build::kWorkspaceInPlace || build.place.kind.empty();
  return in_place && !build.WorkingDir().empty();
}

/// The runs must have ended, and their directories belong to nobody else.
Status MayBeCleaned(const std::vector<BuildRecord>& runs) {
  for (const BuildRecord& run : runs) {
    const std::string& id = run.target.workflow_id;
    if (!run.outcome) return FailedPrecondition(id + " still runs; stop it first with `wfe cancel " + id + "`");
    if (!InPlace(run)) continue;
    const auto dir = sandbox::SafeDir::Open(run.WorkingDir(), {.reserved = {}});
    if (!dir) continue;
    const auto claim = build::ReadClaim(*dir);
    const auto holds = [&](const BuildRecord& one) { return claim && claim->claim_id == one.target.run_id; };
    if (claim && std::none_of(runs.begin(), runs.end(), holds)) {
      return FailedPrecondition("the directory " + run.WorkingDir() + " is in use by run " + claim->claim_id);
    }
  }
  return Ok();
}

Status RemoveOne(const Removal& removal) {
  if (removal.path.empty()) {
    WFE_RETURN_IF_ERROR(Git(removal.repository, {"update-ref", "-d", "refs/heads/" + removal.branch}));
    return Ok();
  }
  std::error_code error;
  fs::remove_all(removal.path, error);
  if (error) return FailedPrecondition("cannot remove " + removal.path + ": " + error.message());
  return Ok();
}

Result<int> CleanBuild(Globals& globals, const Target& target, bool yes) {
  WFE_ASSIGN_OR_RETURN(const std::vector<BuildRecord> runs, LoadRuns(globals, target));
  const std::string& id = runs.front().target.workflow_id;
  WFE_RETURN_IF_ERROR(MayBeCleaned(runs));
  CleanPlan plan;
  const std::set<std::string> own_commits = OwnCommits(runs);
  for (const BuildRecord& run : runs) PlanClean(run, own_commits, plan);
  if (globals.UsesLocalStore()) {
    const std::string records = LocalBuildDirectory(id);
    plan.Add({.what = "its records in " + records + " (without them there is no diff, undo or resume)",
              .path = records,
              .repository = {},
              .branch = {}});
  }
  std::string list;
  for (const Removal& removal : plan.removals) list += "\n  " + removal.what;
  if (plan.removals.empty()) {
    std::string text = "nothing of " + id + " is left on this machine";
    for (const std::string& sentence : plan.kept) text += "\n" + sentence;
    PrintEvent(text, {{"cleaned", id}, {"removed", nlohmann::json::array()}, {"kept", plan.kept}}, globals.format);
    return kExitOk;
  }
  if (!yes) {
    if (globals.format == OutputFormat::kText)
      PrintPage(fmt::format("of {} there is on this machine:{}\n", id, list), 4);
    if (!Confirmed("Remove all of it?")) {
      return FailedPrecondition("nothing was removed; --yes removes it without asking");
    }
  }
  const bool with_records = globals.UsesLocalStore();
  globals.LeaveLocalStore();
  std::vector<std::string> removed;
  for (const Removal& removal : plan.removals) {
    WFE_RETURN_IF_ERROR(RemoveOne(removal));
    removed.push_back(removal.what);
  }
  for (const BuildRecord& run : runs) {
    if (InPlace(run)) {
      RemoveExcludes(run.WorkingDir());
      if (const auto dir = sandbox::SafeDir::Open(run.WorkingDir(), {.reserved = {}})) {
        build::RemoveEmptyMountPoints(*dir);
      }
    }
    ForgetApplied(run.target.run_id);
  }
  std::string text = "removed:" + list;
  for (const std::string& sentence : plan.kept) text += "\n" + sentence;
  if (!with_records) text += "\nthe records of " + id + " stay";
  PrintEvent(text, {{"cleaned", id}, {"removed", removed}, {"kept", plan.kept}},
             globals.format);
  return kExitOk;
}

}  // namespace

void LookForBranch(BuildRecord& build) {
  if (build.place.branch.empty()) return;
  const auto repository = build::FindRepository(build.place.project_dir);
  if (!repository) return;
  const auto tip =
      Git(repository->git_dir, {"for-each-ref", "--format=%(objectname)", "refs/heads/" + build.place.branch});
  build.branch_is_gone = tip && Line(tip).empty();
}

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
      "Removes, of every run of the build, its directory, its branch, and in a directory that it\n"
      "worked in .wfe and audit_trace.jsonl;"
      "what the agent wrote into your project stays (`wfe build undo` takes that back).\nExample:\n"
      "  wfe build clean build-42 --yes");
  clean.callback(
      [&globals, options] { globals.Run([&] { return CleanBuild(globals, options->target, options->yes); }); });
}

}  // namespace wfe::cli
