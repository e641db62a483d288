// The git program as wfe uses it on a user's repository: plumbing only, under wfe's own configuration.
//
// A repository's configuration can name programs (hooks, filters, fsmonitor, upload-pack), and its attributes can ask
// for other line ends.  So the objects of the user's repository are read and written from a git directory of wfe's own,
// whose configuration and attributes say "no programs, exact bytes"; only refs are read and moved in the user's.
#pragma once

#include <string>
#include <vector>

#include "activities/sandbox/process_runner.h"
#include "engine/base/result.h"

namespace wfe::build {

/// A repository on disk, found by walking up from a directory: no program is asked, so nobody's configuration matters.
struct Repository {
  std::string toplevel;    ///< Of the checkout.
  std::string git_dir;     ///< Of the checkout: HEAD and index.
  std::string common_dir;  ///< Objects, branches, info/exclude; the same as git_dir but for linked worktrees.
  std::string prefix;      ///< From toplevel to the directory: "" or "packages/a".
};
/// `real_dir` has its links resolved.  NOT_FOUND: in no repository.  INVALID_ARGUMENT: a bare repository or the inside
/// of a .git.  FAILED_PRECONDITION: a .git that is none.
Result<Repository> FindRepository(const std::string& real_dir);

class Git {
 public:
  /// `program` is the path of git; `watch` is asked and told while it runs.
  Git(std::string program, sandbox::ProcessWatch watch) : program_(std::move(program)), watch_(std::move(watch)) {}

  /// Makes wfe's own git directory `own_dir` over the objects of `repository`.  `excludes` are patterns of what is
  /// never added, beside the repository's own.  Repeating it is harmless.
  Status MakeOwnDir(const Repository& repository, const std::string& own_dir, const std::vector<std::string>& excludes);

  /// Runs git on wfe's own directory: what it prints, or an error with what it complained about.
  struct Place {
    std::string own_dir;
    std::string objects;    ///< The user's objects directory.
    std::string index;      ///< A file of wfe's own.
    std::string work_tree;  ///< Empty: none.
  };
  Result<std::string> Run(const Place& place, std::vector<std::string> arguments);
  /// Runs git on the user's refs (rev-parse, update-ref), hooks off.
  Result<std::string> RunOnRefs(const Repository& repository, std::vector<std::string> arguments);

 private:
  Result<std::string> Execute(std::vector<std::string> argv, sandbox::Environment environment,
                              const std::string& directory);
  std::string program_;
  sandbox::ProcessWatch watch_;
};

}  // namespace wfe::build
