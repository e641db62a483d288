// One build on a branch of the user's repository: exporting the commit it begins with, and adding its steps.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "activities/build/workspace/git.h"
#include "activities/build/workspace/state.h"

namespace wfe::build {

class BranchWorkspace {
 public:
  /// The first three outlive this object.  `state` has kind, root, toplevel, git_dir and common_dir.  A file that holds
  /// one of `secrets` goes into no commit.
  BranchWorkspace(Git& git, const WorkspaceFolder& folder, WorkspaceState& state, std::vector<std::string> secrets,
                  std::function<bool()> alive)
      : git_(git), folder_(folder), state_(state), secrets_(std::move(secrets)), alive_(std::move(alive)) {}

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

  /// Of `files`, which are relative to the working directory: those that stand there and that git ignores; sorted.
  Result<std::vector<std::string>> Ignored(const std::vector<std::string>& files);

  /// Commits what stands in state.root and moves the branch.  `note` says what a person should know.
  Result<std::string> Commit(const std::string& run_id, const std::string& step, const std::string& verdict,
                             const std::string& entry_id, std::string& note);

 private:
  Git::Place Place(const std::string& work_tree) const;
  Repository UserRepository() const;
  /// The tree of what stands in state.root; the files that were left out are added to `withheld`.
  Result<std::string> WriteTree(std::vector<std::string>& withheld);
  Status Withhold(std::vector<std::string>& withheld);
  std::string BranchTip(const std::string& branch);
  Status ExportSubmodules(std::vector<std::string>& notes);

  Git& git_;
  const WorkspaceFolder& folder_;
  WorkspaceState& state_;
  const std::vector<std::string> secrets_;
  std::function<bool()> alive_;
};

/// What never goes into a commit: wfe's own files and the tools' folders.
std::vector<std::string> NeverCommitted();

}  // namespace wfe::build
