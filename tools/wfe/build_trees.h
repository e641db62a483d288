// The trees of a build: before it, as its steps left them, and what stands in its directory now.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "tools/wfe/build_changes.h"
#include "tools/wfe/build_record.h"
#include "tools/wfe/prompt_store.h"

namespace wfe::cli {

struct Changes {
  std::vector<FileChange> files;
  std::string root;        ///< Of the user's project, where their paths begin.
  bool until_now = false;  ///< Up to what stands there now, since no step of an agent has ended: later work is in it.
};

/// What the build changed.  From the branch where this machine has it, otherwise from the stored trees.
Result<Changes> ChangesOf(Globals& globals, const BuildRecord& build, const RecordsOptions& options);

/// Everything that is different from the tree before the build, by whomever.
Result<Changes> ChangesUntilNow(Globals& globals, client::RecordsClient& records, const BuildRecord& build);

/// This machine has the directory.
bool StandsHere(const std::string& directory);

/// The blob of a directory, as openWorkspace keeps it: without private files and those that hold a secret that this
/// command's configuration and environment name (RW-D14).
Result<std::string> PackNow(Globals& globals, const std::string& directory);

/// What stands in `directory` that neither the tree `left` nor the tree `next` has, by the hashes of their blobs.
Result<std::vector<std::string>> LaterWork(Globals& globals, client::RecordsClient& records,
                                           const std::string& directory, const std::string& left,
                                           const std::string& next);

/// How a path that a user names is written in `changes`: relative to the root, to the project in it, or absolute.
std::vector<std::string> SpellingsOf(const std::string& file, const Changes& changes, const std::string& project_dir);

}  // namespace wfe::cli
