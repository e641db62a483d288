// What is known about a run's workspace on this machine: one file below the work root, out of reach of the build.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "engine/base/record.h"
#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace wfe::build {

struct WorkspaceState {
  std::string kind;
  std::string project_dir;
  std::string working_dir;
  std::string root;      ///< What was exported or copied; working_dir or a parent of it.
  std::string toplevel;  ///< branch: of the user's checkout; empty without a repository.
  std::string git_dir;
  std::string common_dir;
  std::string base_commit;
  std::string branch;
  std::string last_commit;  ///< Where the branch stood when wfe moved it last.
  std::string base_snapshot_blob_hash;
  std::string note;
  std::map<std::string, std::string> commits;  ///< Entry id → commit.
};
WFE_RECORD(WorkspaceState, kind, project_dir, working_dir, root, toplevel, git_dir, common_dir, base_commit, branch,
           last_commit, base_snapshot_blob_hash, note, commits);
constexpr RecordRules RulesOf(const WorkspaceState*) { return {.whole = true}; }

/// The folder of one run, held by one caller at a time: activities run at least once, and the one before may not have
/// ended yet.
class WorkspaceFolder {
 public:
  /// Makes WORK_ROOT/workspaces/RUN_ID and waits until nobody else holds it; `wait` is called every 50 ms meanwhile and
  /// answers false to give up (CANCELLED).  INVALID_ARGUMENT for an id that is no plain name.
  static Result<WorkspaceFolder> Open(const std::string& work_root, const std::string& run_id,
                                      const std::function<bool()>& wait);
  /// nullopt before the first Save.
  Result<std::optional<WorkspaceState>> Load() const;
  Status Save(const WorkspaceState& state) const;

  const std::string& path() const { return path_; }
  std::string GitDir() const { return path_ + "/git"; }
  std::string Index() const { return path_ + "/index"; }

 private:
  WorkspaceFolder(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  UniqueFd lock_;
};

/// WORK_ROOT/builds/RUN_ID, where directories of builds are made.
std::string BuildDirectory(const std::string& work_root, const std::string& run_id);

}  // namespace wfe::build
