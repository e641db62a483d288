// Where a build works, and how each of its steps is kept: the user's project under git (RW-D3).
//
//   openWorkspace   makes the directory of the build, and the branch its steps go to
//   recordStep      keeps what stands there after a step as a commit on that branch
//
// Kinds of workspace:
//   branch     The project is in a git repository.  Its committed tree (HEAD) is exported below the worker's work root,
//              and each step becomes a commit on a branch of the build, made without touching the checkout, the index,
//              the hooks or the filters of the user.  There is no `.git` in the build's directory: nothing can be
//              planted there.  What the user has not committed stays where it is and is no part of the build.
//   in_place   The directory itself.  In a git repository wfe's own files are listed in .git/info/exclude.
//   copy       The directory is copied below the work root; the result is a patch.
//   auto       branch for a directory in a git repository with a commit, else in_place.
//
// Both activities may run more than once for the same run (at least once) and then do no harm.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"
#include "workers/sdk/activity.h"

namespace wfe::build {

inline constexpr std::string_view kWorkspaceAuto = "auto";
inline constexpr std::string_view kWorkspaceInPlace = "in_place";
inline constexpr std::string_view kWorkspaceBranch = "branch";
inline constexpr std::string_view kWorkspaceCopy = "copy";

/// The project cannot be used as asked: no repository, no commit, too large, not readable.  Not retried.
inline constexpr std::string_view kFailureWorkspace = "WORKSPACE";

// ---- openWorkspace ----

struct OpenWorkspaceRequest {
  std::string project_dir;  ///< Absolute.  Empty: a new directory below the work root; missing: made.
  std::string kind{kWorkspaceAuto};
  std::string workflow_id;  ///< Names the branch.  Empty: the calling workflow's.
  std::string run_id;       ///< Names the directory and the state; empty: the calling workflow's run.
  std::string claim_id;     ///< As in PreflightRequest; a directory that another claim holds is refused.
  /// Take the claim over when exactly this claim id holds it: of the run that is resumed.
  std::string take_over_from;
  /// The directory is filled from this tree: host change, resume.
  std::string restore_snapshot_blob_hash;
  /// in_place: what the run before left there.  Where the directory holds anything else that the restored tree has not
  /// either, it is somebody's later work: FAILED, naming it.  Empty: what stands there is kept as a blob and replaced.
  std::string expected_snapshot_blob_hash;
  /// Of the build that is resumed or moved: the commit it began with, and its branch.  The new branch continues the
  /// old one where the restored tree is that of one of its commits.
  std::string base_commit;
  std::string branch;
  std::string base_snapshot_blob_hash;  ///< Of that build; comes back in the report.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(OpenWorkspaceRequest, project_dir, kind, workflow_id, run_id, claim_id, take_over_from,
           restore_snapshot_blob_hash, expected_snapshot_blob_hash, base_commit, branch, base_snapshot_blob_hash);
constexpr RecordRules RulesOf(const OpenWorkspaceRequest*) { return {.seldom = "expected_snapshot_blob_hash"}; }

struct OpenWorkspaceReport {
  std::string working_dir;  ///< Absolute, links resolved: where agent and checks work.
  std::string project_dir;  ///< Links resolved; where the user's project is, or working_dir.
  std::string kind;         ///< branch | in_place | copy
  std::string base_commit;  ///< branch: the commit that was exported.
  std::string branch;       ///< branch: short name, e.g. "wfe/build-42"; empty when no commits can be made.
  /// The tree before the first step; empty when it is too large to keep (then `base_commit` has it).
  std::string base_snapshot_blob_hash;
  std::string note;  ///< For people: what is not part of the build, what could not be done.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(OpenWorkspaceReport, working_dir, project_dir, kind, base_commit, branch, base_snapshot_blob_hash, note);

// ---- recordStep ----

struct RecordStepRequest {
  std::string working_dir;  ///< From OpenWorkspaceReport, as the other fields.
  std::string project_dir;
  std::string branch;
  std::string run_id;
  std::string step;      ///< e.g. "implement_v1".
  std::string verdict;   ///< e.g. "pass", "fail TEST_FAILURE"; empty for a step without one.
  std::string entry_id;  ///< Of the trace's entry.  The same entry makes one commit, however often it is recorded.
  std::vector<std::string> files = {};  ///< What the agent has touched, relative to working_dir.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(RecordStepRequest, working_dir, project_dir, branch, run_id, step, verdict, entry_id, files);
constexpr RecordRules RulesOf(const RecordStepRequest*) { return {.seldom = "files"}; }

struct RecordStepReport {
  std::string commit;  ///< Empty: none was made, and `note` says why.
  std::string note;
  /// Of the request's files: those that stand there and are in no commit, because git ignores them; sorted.
  std::vector<std::string> ignored = {};
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(RecordStepReport, commit, note, ignored);
constexpr RecordRules RulesOf(const RecordStepReport*) { return {.seldom = "ignored"}; }

inline constexpr sdk::ActivityType<OpenWorkspaceRequest, OpenWorkspaceReport> kOpenWorkspace{"openWorkspace"};
inline constexpr sdk::ActivityType<RecordStepRequest, RecordStepReport> kRecordStep{"recordStep"};

// ---- JSON (a missing key keeps its default; a wrong type throws json::exception; unknown keys live in `extra`) ----

}  // namespace wfe::build
