// One build on a branch of the user's repository: exporting the commit it begins with, and adding its steps.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "activities/workspace/git.h"
#include "activities/workspace/state.h"

namespace wfe::activities {

class BranchWorkspace {
 public:
  /// All three outlive this object.  `state` has kind, root, toplevel, git_dir and common_dir.
  BranchWorkspace(Git& git, const WorkspaceFolder& folder, WorkspaceState& state, std::function<bool()> alive)
      : git_(git), folder_(folder), state_(state), alive_(std::move(alive)) {}

  /// wfe's own git directory; call first.
  Status Prepare();
  /// The commit that HEAD names; empty in a repository without one.
  Result<std::string> Head();
  bool HasCommit(const std::string& commit);
  /// True when the commit's tree has `path` as a directory ("" always).
  bool HasDirectory(const std::string& commit, const std::string& path);
  /// How many files of the checkout differ from `commit` or are new; -1 when that cannot be told.
  int UncommittedFiles(const std::string& commit);
  /// Writes the tree of `commit` into state.root, which is emptied first, with the submodules that have a local clone.
  /// Sentences about those that have none are added to `notes`.
  Status Export(const std::string& commit, std::vector<std::string>& notes);

  /// Makes the branch at `commit`, named after `workflow_id`; sets state.branch and state.last_commit.
  Status MakeBranch(const std::string& workflow_id, const std::string& run_id, const std::string& commit);
  /// Takes up `branch` of this very run, as it stands; false when it is not there or another's.
  bool AdoptBranch(const std::string& branch, const std::string& run_id);
  /// The commit of base_commit..`branch` whose tree is what stands in state.root now; "" when there is none.
  Result<std::string> CommitLike(const std::string& branch);

  /// Commits what stands in state.root and moves the branch.  `note` says what a person should know.
  Result<std::string> Commit(const std::string& run_id, const std::string& step, const std::string& verdict,
                             const std::string& entry_id, std::string& note);

 private:
  Git::Place Place(const std::string& work_tree) const;
  Repository UserRepository() const;
  Result<std::string> WriteTree();
  std::string BranchTip(const std::string& branch);
  Status ExportSubmodules(std::vector<std::string>& notes);

  Git& git_;
  const WorkspaceFolder& folder_;
  WorkspaceState& state_;
  std::function<bool()> alive_;
};

/// What never goes into a commit: wfe's own files and the tools' folders.
std::vector<std::string> NeverCommitted();

}  // namespace wfe::activities
