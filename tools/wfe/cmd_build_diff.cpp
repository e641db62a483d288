// wfe build diff, undo
#include <fmt/core.h>

#include <algorithm>

#include "activities/build/checks/claim.h"
#include "activities/sandbox/packed_tree.h"
#include "tools/wfe/build_changes.h"
#include "tools/wfe/build_commands.h"
#include "tools/wfe/build_record.h"
#include "tools/wfe/build_start.h"
#include "tools/wfe/build_trees.h"
#include "tools/wfe/prompt_store.h"

namespace wfe::cli {
namespace {

struct DiffOptions {
  Target target;
  RecordsOptions records;
  std::string dir;
  std::vector<std::string> files;
  bool stat = false;
  bool apply = false;
  bool discard = false;
};

std::string Listed(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) text += "\n  " + path;
  return text;
}

std::string Files(size_t count) { return fmt::format("{} {}", count, count == 1 ? "file" : "files"); }

/// A run that uses the directory now would see files change under it.  One that was terminated uses nothing.
Status RefuseClaimed(const std::string& directory, const BuildRecord& build) {
  const auto dir = sandbox::SafeDir::Open(directory, {.reserved = {}});
  if (!dir)
    return dir.error().code == StatusCode::kNotFound ? NotFound("there is no directory " + directory) : dir.error();
  const auto claim = build::ReadClaim(*dir);
  if (!claim || (build.outcome && claim->claim_id == build.target.run_id)) return Ok();
  return FailedPrecondition("the directory " + directory + " is in use by run " + claim->claim_id +
                            (claim->workflow_id.empty() ? "" : " of " + claim->workflow_id));
}

Result<int> Apply(Globals& globals, const BuildRecord& build, Changes changes, const std::string& given_dir) {
  if (!build.outcome)
    return FailedPrecondition(build.target.workflow_id + " still runs; what it makes can be applied when it has ended");
  if (build.place.kind == build::kWorkspaceInPlace && given_dir.empty()) {
    return FailedPrecondition(build.target.workflow_id + " worked in " + build.ProjectDir() +
                              " itself: its changes are there already");
  }
  if (!given_dir.empty()) {
    WFE_ASSIGN_OR_RETURN(changes.root, ProjectDirectory(given_dir));
  }
  WFE_RETURN_IF_ERROR(RefuseClaimed(changes.root, build));
  WFE_ASSIGN_OR_RETURN(const ApplyPlan plan, PlanApply(changes.files, changes.root, OnConflict::kMerge));
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
  const std::vector<std::string> written = PathsOf(plan.writes);
  std::string text =
      plan.writes.empty() ? "everything is there already" : Files(written.size()) + " changed in " + changes.root;
  if (!plan.merged.empty()) text += "; merged with your own changes:" + Listed(plan.merged);
  if (!plan.writes.empty()) text += "\ntake it back with: wfe build undo " + build.target.workflow_id;
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
    std::vector<std::string> wanted;
    for (const std::string& file : options.files) {
      for (std::string& spelling : SpellingsOf(file, changes, build.ProjectDir())) wanted.push_back(std::move(spelling));
    }
    std::erase_if(changes.files, [&](const FileChange& change) {
      return std::none_of(wanted.begin(), wanted.end(), [&](const std::string& file) {
        return file == "." || change.path == file || change.path.starts_with(file + "/");
      });
    });
    if (changes.files.empty()) {
      return NotFound("the build " + build.target.workflow_id + " changed no file " + options.files.front());
    }
  }
  if (options.apply) return Apply(globals, build, std::move(changes), options.dir);
  WFE_ASSIGN_OR_RETURN(const std::string patch, RenderPatch(changes.files, options.stat));
  if (globals.format != OutputFormat::kText) {
    PrintObject({{"workflow_id", build.target.workflow_id},
                 {"files", PathsOf(changes.files)},
                 {"until_now", changes.until_now},
                 {"patch", patch}},
                globals.format);
  } else if (patch.empty()) {
    PrintText(fmt::format("the build {} changed nothing\n", build.target.workflow_id));
  } else {
    if (changes.until_now) PutText("# no step of an agent has ended: this is what is different now, by whomever\n");
    PutText(patch);
  }
  return kExitOk;
}

/// Below the sentence of what was put back: what is still not as it was before the build.
Result<std::string> StillDifferent(Globals& globals, const BuildRecord& build, const RecordsOptions& options) {
  if (build.place.base_snapshot_blob_hash.empty()) return std::string();
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options));
  WFE_ASSIGN_OR_RETURN(const Changes left, ChangesUntilNow(globals, *connection.records(), build));
  const std::vector<std::string> paths = PathsOf(left.files);
  if (paths.empty()) return std::string();
  return "\nstill not as it was before the build, by a step that did not end, a check or a later hand: " +
         sandbox::FirstFew(paths) + "\nthe whole directory as it was: wfe build undo " + build.target.workflow_id +
         " --discard";
}

/// All of the directory as it was before the build; what stands there now is kept as a blob first.
Result<int> UndoAll(Globals& globals, const BuildRecord& build, const DiffOptions& options) {
  const std::string& id = build.target.workflow_id;
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  WFE_ASSIGN_OR_RETURN(const Changes changes, ChangesUntilNow(globals, *connection.records(), build));
  WFE_RETURN_IF_ERROR(RefuseClaimed(changes.root, build));
  const std::vector<std::string> paths = PathsOf(changes.files);
  if (paths.empty()) {
    PrintEvent(changes.root + " is already as it was before " + id,
               {{"undone", id}, {"directory", changes.root}, {"files", paths}}, globals.format);
    return kExitOk;
  }
  const std::string what =
      "nobody knows whose work is in " + changes.root + ", of the build or later: " + sandbox::FirstFew(paths);
  if (!options.discard && !Confirmed(what + ".  Put all of it back and keep what is there only as a blob?")) {
    return FailedPrecondition(what + "; --discard puts all of it back and keeps what stands there as a blob");
  }
  WFE_ASSIGN_OR_RETURN(const std::string now, PackNow(globals, changes.root));
  WFE_ASSIGN_OR_RETURN(const std::string kept, connection.records()->Put(now));
  WFE_ASSIGN_OR_RETURN(const ApplyPlan plan,
                       PlanApply(Reversed(changes.files), changes.root, OnConflict::kRefuse));
  if (!plan.conflicts.empty()) {
    return FailedPrecondition("nothing was undone in " + changes.root + ": it changes at this moment:" +
                              Listed(plan.conflicts));
  }
  WFE_RETURN_IF_ERROR(Write(plan.writes, changes.root));
  PrintEvent(Files(paths.size()) + " put back in " + changes.root + "\nwhat stood there comes back with: wfe blob show " +
                 kept + " --to DIRECTORY",
             {{"undone", id}, {"directory", changes.root}, {"files", paths}, {"kept_blob_hash", kept}}, globals.format);
  return kExitOk;
}

Result<int> UndoBuild(Globals& globals, const DiffOptions& options) {
  WFE_ASSIGN_OR_RETURN(const BuildRecord build, LoadBuild(globals, options.target));
  const std::string& id = build.target.workflow_id;
  if (!build.outcome) return FailedPrecondition(id + " still runs; stop it first with `wfe cancel " + id + "`");
  WFE_ASSIGN_OR_RETURN(auto applied, FindApplied(build.target.run_id));
  const bool in_place = build.place.kind == build::kWorkspaceInPlace;
  if (in_place && options.discard) return UndoAll(globals, build, options);
  Changes changes;
  if (applied) {
    changes = {.files = std::move(applied->changes), .root = applied->directory};
  } else if (in_place) {
    WFE_ASSIGN_OR_RETURN(changes, ChangesOf(globals, build, options.records));
    if (changes.until_now) return UndoAll(globals, build, options);
  } else {
    return FailedPrecondition("nothing of " + id + " was applied on this machine; `wfe build clean " + id +
                              "` removes its directory" + (build.place.branch.empty() ? "" : " and its branch"));
  }
  WFE_RETURN_IF_ERROR(RefuseClaimed(changes.root, build));
  WFE_ASSIGN_OR_RETURN(const ApplyPlan plan,
                       PlanApply(Reversed(std::move(changes.files)), changes.root, OnConflict::kRefuse));
  if (!plan.conflicts.empty()) {
    return Error{StatusCode::kFailedPrecondition,
                 "nothing was undone in " + changes.root + ": " + Files(plan.conflicts.size()) +
                     " changed since the build:" + Listed(plan.conflicts) +
                     (in_place ? "\n--discard puts the whole directory back and keeps what stands there as a blob" : ""),
                 {}};
  }
  WFE_RETURN_IF_ERROR(Write(plan.writes, changes.root));
  ForgetApplied(build.target.run_id);
  std::string different;
  if (in_place && StandsHere(build.WorkingDir())) {
    WFE_ASSIGN_OR_RETURN(different, StillDifferent(globals, build, options.records));
  }
  const std::vector<std::string> written = PathsOf(plan.writes);
  const std::string text = !written.empty()     ? Files(written.size()) + " put back in " + changes.root
                           : different.empty() ? changes.root + " is already as it was before " + id
                                               : "nothing of " + id + " is left in " + changes.root;
  PrintEvent(text + different, {{"undone", id}, {"directory", changes.root}, {"files", written}}, globals.format);
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
  diff.add_option("--file", options->files, "Only this file or folder, as the diff names it or relative to the project; may be repeated");
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
  undo.add_flag("--discard", undone->discard,
                "Put back the whole directory, later changes too; what stands there is kept as a blob");
  undo.footer(
      "Works for a build that was applied here or that worked in place, and only while its files are as the build "
      "left\n"
      "them; otherwise it names those that are not and changes nothing.  --discard, for a build that worked in place,\n"
      "puts back everything that is different from the tree before the build.\nExample:\n  wfe build undo build-42");
  undo.callback([&globals, undone] { globals.Run([&] { return UndoBuild(globals, *undone); }); });
}

}  // namespace wfe::cli
