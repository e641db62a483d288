// A build that ended before its first step leaves no branch in the user's repository.
#include <filesystem>

#include "activities/build/workspace/git.h"
#include "activities/build/workspace/open_workspace.h"
#include "activities/build/workspace/state.h"

namespace wfe::build {

Status DropEmptyBranch(const WorkspaceConfig& config, sdk::ActivityContext& context, const std::string& run_id) {
  std::error_code error;
  if (!std::filesystem::exists(config.work_root + "/workspaces/" + run_id + "/state.json", error)) return Ok();
  WFE_ASSIGN_OR_RETURN(const WorkspaceFolder folder, WorkspaceFolder::Open(config.work_root, run_id, [&context] {
                         return !context.IsCancelled();
                       }));
  WFE_ASSIGN_OR_RETURN(const auto state, folder.Load());
  if (!state || state->branch.empty() || state->toplevel.empty()) return Ok();
  // Without a commit of its own, and not one that goes on from an earlier run's.
  if (!state->commits.empty() || state->last_commit.empty() || state->last_commit != state->base_commit) return Ok();
  Git git(FindGit(config), WatchOf(context));
  const Repository repository{
      .toplevel = state->toplevel, .git_dir = state->git_dir, .common_dir = state->common_dir, .prefix = {}};
  const std::string ref = "refs/heads/" + state->branch;
  const auto head = git.RunOnRefs(repository, {"symbolic-ref", "--quiet", "HEAD"});
  if (head && head->substr(0, head->find('\n')) == ref) return Ok();  // somebody works on it
  const auto tip = git.RunOnRefs(repository, {"rev-parse", "--verify", "--quiet", ref});
  if (!tip || tip->substr(0, tip->find('\n')) != state->last_commit) return Ok();
  WFE_RETURN_IF_ERROR(git.RunOnRefs(repository, {"update-ref", "-d", ref, state->last_commit}));
  return Ok();
}

}  // namespace wfe::build
