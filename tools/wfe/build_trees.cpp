#include "tools/wfe/build_trees.h"

#include <filesystem>

#include "activities/sandbox/packed_tree.h"
#include "activities/sandbox/withheld.h"
#include "engine/base/hash.h"
#include "tools/wfe/agent_config.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;
using sandbox::SafeDir;

/// wfe's own file in the working directory is no part of the result.
void LeaveOutContext(const BuildRecord& build, std::vector<FileChange>& files) {
  std::erase_if(files, [&](const FileChange& change) {
    return !build.context_path.empty() && change.path == build.context_path && change.after &&
           ToHex(Sha256(change.after->content)) == build.context_hash;
  });
}

}  // namespace

bool StandsHere(const std::string& directory) {
  std::error_code error;
  return !directory.empty() && fs::is_directory(directory, error);
}

Result<std::string> PackNow(Globals& globals, const std::string& directory) {
  WFE_ASSIGN_OR_RETURN(const Config* const config, globals.config());
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, SafeDir::Open(directory));
  // The records service takes 256 MiB.
  return sandbox::PackTree(dir, {.max_total_bytes = 200ull << 20, .secrets = SecretsOf(*config)});
}

Result<Changes> ChangesUntilNow(Globals& globals, client::RecordsClient& records, const BuildRecord& build) {
  const std::string directory = build.WorkingDir();
  if (build.place.base_snapshot_blob_hash.empty()) {
    return FailedPrecondition("the tree before the build " + build.target.workflow_id + " was not kept");
  }
  if (!StandsHere(directory)) {
    return FailedPrecondition("the directory " + directory + " of the build " + build.target.workflow_id +
                              " is not on this machine");
  }
  WFE_ASSIGN_OR_RETURN(const std::string before, records.Get(build.place.base_snapshot_blob_hash));
  WFE_ASSIGN_OR_RETURN(const std::string now, PackNow(globals, directory));
  WFE_ASSIGN_OR_RETURN(auto files, ChangesBetween(before, now));
  LeaveOutContext(build, files);
  // Trees of earlier versions hold private files; what stands there now is never looked at.
  std::erase_if(files, [](const FileChange& change) { return sandbox::IsPrivateFile(change.path); });
  return Changes{.files = std::move(files), .root = build.ProjectDir(), .until_now = true};
}

Result<Changes> ChangesOf(Globals& globals, const BuildRecord& build, const RecordsOptions& options) {
  const auto& place = build.place;
  if (place.kind == build::kWorkspaceBranch && !place.branch.empty()) {
    std::error_code error;
    fs::path top = place.project_dir;
    while (!top.empty() && !fs::exists(top / ".git", error) && top != top.root_path()) top = top.parent_path();
    if (fs::exists(top / ".git", error)) {
      auto files = ChangesBetweenCommits(top.string(), place.base_commit, "refs/heads/" + place.branch);
      if (files) return Changes{.files = *std::move(files), .root = top.string()};
    }
  }
  const bool branch = place.kind == build::kWorkspaceBranch;
  if (!build.KeptATree() && (branch || !build.outcome || place.base_snapshot_blob_hash.empty())) {
    return FailedPrecondition("the build " + build.target.workflow_id +
                              " has kept no tree: no step of an agent has ended" + (build.outcome ? "" : " yet"));
  }
  if (place.base_snapshot_blob_hash.empty()) {
    return FailedPrecondition(
        "the tree before the build " + build.target.workflow_id + " was not kept" +
        (place.branch.empty() ? "" : ", and its branch " + place.branch + " is not on this machine"));
  }
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options));
  if (!build.KeptATree()) return ChangesUntilNow(globals, *connection.records(), build);
  WFE_ASSIGN_OR_RETURN(const std::string before, connection.records()->Get(place.base_snapshot_blob_hash));
  WFE_ASSIGN_OR_RETURN(const std::string after, connection.records()->Get(build.LastSnapshot()));
  WFE_ASSIGN_OR_RETURN(auto files, ChangesBetween(before, after));
  LeaveOutContext(build, files);
  return Changes{.files = std::move(files), .root = build.ProjectDir()};
}

Result<std::vector<std::string>> LaterWork(Globals& globals, client::RecordsClient& records,
                                           const std::string& directory, const std::string& left,
                                           const std::string& next) {
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, SafeDir::Open(directory));
  WFE_ASSIGN_OR_RETURN(const std::string now, PackNow(globals, directory));
  WFE_ASSIGN_OR_RETURN(const std::string left_tree, records.Get(left));
  WFE_ASSIGN_OR_RETURN(const std::string next_tree, records.Get(next));
  return sandbox::WorkOfOthers(dir, now, left_tree, next_tree);
}

std::vector<std::string> SpellingsOf(const std::string& file, const Changes& changes, const std::string& project_dir) {
  const fs::path given = fs::path(file).lexically_normal();
  const auto below = [](const fs::path& path, const fs::path& root) {
    std::string relative = path.lexically_relative(root).string();
    while (relative.ends_with('/')) relative.pop_back();
    return relative.starts_with("..") ? std::string() : relative;
  };
  std::vector<std::string> spellings;
  if (given.is_absolute()) {
    spellings.push_back(below(given, changes.root));
  } else {
    spellings.push_back(below(fs::path(changes.root) / given, changes.root));
    spellings.push_back(below((fs::path(project_dir) / given).lexically_normal(), changes.root));
  }
  std::erase(spellings, "");
  return spellings;
}

}  // namespace wfe::cli
