// wfe build diff, undo
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "activities/compliance/claim.h"
#include "engine/base/hash.h"
#include "tools/wfe/build_changes.h"
#include "tools/wfe/build_commands.h"
#include "tools/wfe/build_record.h"
#include "tools/wfe/build_start.h"
#include "tools/wfe/prompt_store.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;

struct DiffOptions {
  Target target;
  RecordsOptions records;
  std::string dir;
  std::vector<std::string> files;
  bool stat = false;
  bool apply = false;
};

struct Changes {
  std::vector<FileChange> files;
  std::string root;  ///< Of the user's project, where their paths begin.
};

/// wfe's own file in the working directory is no part of the result.
void LeaveOutContext(const BuildRecord& build, std::vector<FileChange>& files) {
  std::erase_if(files, [&](const FileChange& change) {
    return !build.context_path.empty() && change.path == build.context_path && change.after &&
           ToHex(Sha256(change.after->content)) == build.context_hash;
  });
}

/// From the branch where this machine has it: links and large trees are whole there.  Otherwise from the stored trees.
Result<Changes> ChangesOf(Globals& globals, const BuildRecord& build, const RecordsOptions& options) {
  const auto& place = build.place;
  if (place.kind == activities::kWorkspaceBranch && !place.branch.empty()) {
    std::error_code error;
    fs::path top = place.project_dir;
    while (!top.empty() && !fs::exists(top / ".git", error) && top != top.root_path()) top = top.parent_path();
    if (fs::exists(top / ".git", error)) {
      auto files = ChangesBetweenCommits(top.string(), place.base_commit, "refs/heads/" + place.branch);
      if (files) return Changes{.files = *std::move(files), .root = top.string()};
    }
  }
  const std::string last = build.LastSnapshot();
  if (last.empty()) {
    return FailedPrecondition("the build " + build.target.workflow_id +
                              " has kept no tree: no step of an agent has ended" + (build.outcome ? "" : " yet"));
  }
  if (place.base_snapshot_blob_hash.empty()) {
    return FailedPrecondition(
        "the tree before the build " + build.target.workflow_id + " was not kept" +
        (place.branch.empty() ? "" : ", and its branch " + place.branch + " is not on this machine"));
  }
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options));
  WFE_ASSIGN_OR_RETURN(const std::string before, connection.records()->Get(place.base_snapshot_blob_hash));
  WFE_ASSIGN_OR_RETURN(const std::string after, connection.records()->Get(last));
  WFE_ASSIGN_OR_RETURN(auto files, ChangesBetween(before, after));
  LeaveOutContext(build, files);
  return Changes{.files = std::move(files), .root = build.ProjectDir()};
}

std::string Listed(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) text += "\n  " + path;
  return text;
}

std::string Files(size_t count) { return fmt::format("{} {}", count, count == 1 ? "file" : "files"); }

/// A run that uses the directory now would see files change under it.
Status RefuseClaimed(const std::string& directory) {
  const auto dir = activities::SafeDir::Open(directory, {.reserved = {}});
  if (!dir)
    return dir.error().code == StatusCode::kNotFound ? NotFound("there is no directory " + directory) : dir.error();
  const auto claim = activities::ReadClaim(*dir);
  if (!claim) return Ok();
  return FailedPrecondition("the directory " + directory + " is in use by run " + claim->claim_id +
                            (claim->workflow_id.empty() ? "" : " of " + claim->workflow_id));
}

Result<int> Apply(Globals& globals, const BuildRecord& build, Changes changes, const std::string& given_dir) {
  if (!build.outcome)
    return FailedPrecondition(build.target.workflow_id + " still runs; what it makes can be applied when it has ended");
  if (build.place.kind == activities::kWorkspaceInPlace && given_dir.empty()) {
    return FailedPrecondition(build.target.workflow_id + " worked in " + build.ProjectDir() +
                              " itself: its changes are there already");
  }
  if (!given_dir.empty()) {
    WFE_ASSIGN_OR_RETURN(changes.root, ProjectDirectory(given_dir));
  }
  WFE_RETURN_IF_ERROR(RefuseClaimed(changes.root));
  WFE_ASSIGN_OR_RETURN(const ApplyPlan plan, PlanApply(changes.files, changes.root, /*merge=*/true));
  if (!plan.conflicts.empty()) {
    return Error{StatusCode::kFailedPrecondition,
                 "nothing was applied to " + changes.root + ": " + Files(plan.conflicts.size()) +
                     " changed there too, in the same places:" + Listed(plan.conflicts),
                 {}};
  }
  if (!plan.writes.empty()) {
    WFE_RETURN_IF_ERROR(RememberApplied(build.target.run_id, changes.root, plan.writes));
    WFE_RETURN_IF_ERROR(Write(plan.writes, changes.root));
  }
  std::string text =
      plan.writes.empty() ? "everything is there already" : Files(plan.writes.size()) + " changed in " + changes.root;
  if (!plan.merged.empty()) text += "; merged with your own changes:" + Listed(plan.merged);
  if (!plan.writes.empty()) text += "\ntake it back with: wfe build undo " + build.target.workflow_id;
  std::vector<std::string> written;
  for (const PlannedWrite& write : plan.writes) written.push_back(write.path);
  PrintEvent(
      text,
      {{"applied", build.target.workflow_id}, {"directory", changes.root}, {"files", written}, {"merged", plan.merged}},
      globals.format);
  return kExitOk;
}

Result<int> DiffBuild(Globals& globals, const DiffOptions& options) {
  WFE_ASSIGN_OR_RETURN(const BuildRecord build, LoadBuild(globals, options.target));
  WFE_ASSIGN_OR_RETURN(Changes changes, ChangesOf(globals, build, options.records));
  if (!options.files.empty()) {
    std::erase_if(changes.files, [&](const FileChange& change) {
      return std::none_of(options.files.begin(), options.files.end(), [&](const std::string& file) {
        return change.path == file || change.path.starts_with(file.ends_with('/') ? file : file + "/");
      });
    });
    if (changes.files.empty()) {
      return NotFound("the build " + build.target.workflow_id + " changed no file " + options.files.front());
    }
  }
  if (options.apply) return Apply(globals, build, std::move(changes), options.dir);
  WFE_ASSIGN_OR_RETURN(const std::string patch, RenderPatch(changes.files, options.stat));
  if (globals.format != OutputFormat::kText) {
    std::vector<std::string> paths;
    for (const FileChange& change : changes.files) paths.push_back(change.path);
    PrintObject({{"workflow_id", build.target.workflow_id}, {"files", paths}, {"patch", patch}}, globals.format);
  } else if (patch.empty()) {
    PrintText(fmt::format("the build {} changed nothing\n", build.target.workflow_id));
  } else {
    PutText(patch);
  }
  return kExitOk;
}

Result<int> UndoBuild(Globals& globals, const DiffOptions& options) {
  WFE_ASSIGN_OR_RETURN(const BuildRecord build, LoadBuild(globals, options.target));
  const std::string& id = build.target.workflow_id;
  if (!build.outcome) return FailedPrecondition(id + " still runs; stop it first with `wfe cancel " + id + "`");
  WFE_ASSIGN_OR_RETURN(auto applied, FindApplied(build.target.run_id));
  Changes changes;
  if (applied) {
    changes = {.files = std::move(applied->changes), .root = applied->directory};
  } else if (build.place.kind == activities::kWorkspaceInPlace) {
    WFE_ASSIGN_OR_RETURN(changes, ChangesOf(globals, build, options.records));
  } else {
    return FailedPrecondition("nothing of " + id + " was applied on this machine; `wfe build clean " + id +
                              "` removes its directory" + (build.place.branch.empty() ? "" : " and its branch"));
  }
  WFE_RETURN_IF_ERROR(RefuseClaimed(changes.root));
  WFE_ASSIGN_OR_RETURN(const ApplyPlan plan,
                       PlanApply(Reversed(std::move(changes.files)), changes.root, /*merge=*/false));
  if (!plan.conflicts.empty()) {
    return Error{StatusCode::kFailedPrecondition,
                 "nothing was undone in " + changes.root + ": " + Files(plan.conflicts.size()) +
                     " changed since the build:" + Listed(plan.conflicts),
                 {}};
  }
  WFE_RETURN_IF_ERROR(Write(plan.writes, changes.root));
  ForgetApplied(build.target.run_id);
  std::vector<std::string> written;
  for (const PlannedWrite& write : plan.writes) written.push_back(write.path);
  PrintEvent(plan.writes.empty() ? changes.root + " is already as it was before " + id
                                 : Files(plan.writes.size()) + " put back in " + changes.root,
             {{"undone", id}, {"directory", changes.root}, {"files", written}}, globals.format);
  return kExitOk;
}

}  // namespace

void AddBuildDiffCommands(CLI::App& build, Globals& globals) {
  auto options = std::make_shared<DiffOptions>();
  CLI::App& diff = *build.add_subcommand("diff", "What a build changed, as a patch; --apply puts it into the project");
  AddClientOptions(diff, globals);
  AddTargetOptions(diff, options->target);
  AddRecordsOption(diff, options->records);
  diff.add_flag("--stat", options->stat, "Only how much changed in which file");
  diff.add_option("--file", options->files, "Only this file or folder; may be repeated");
  diff.add_flag("--apply", options->apply, "Write the changes into the project; all of them or, on a conflict, none");
  diff.add_option("-d,--dir", options->dir, "With --apply: another directory than the build's project");
  diff.footer(
      "Examples:\n  wfe build diff build-42 --stat\n  wfe build diff build-42 | less\n  wfe build diff build-42 "
      "--apply");
  diff.callback([&globals, options] { globals.Run([&] { return DiffBuild(globals, *options); }); });

  auto undone = std::make_shared<DiffOptions>();
  CLI::App& undo = *build.add_subcommand("undo", "Take a build's changes back out of the project");
  AddClientOptions(undo, globals);
  AddTargetOptions(undo, undone->target);
  AddRecordsOption(undo, undone->records);
  undo.footer(
      "Works for a build that was applied here or that worked in place, and only while its files are as the build "
      "left\n"
      "them; otherwise it names those that are not and changes nothing.\nExample:\n  wfe build undo build-42");
  undo.callback([&globals, undone] { globals.Run([&] { return UndoBuild(globals, *undone); }); });
}

}  // namespace wfe::cli
