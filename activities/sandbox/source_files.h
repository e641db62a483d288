// The files of a project that are its own: what git ignores, what was installed and what tools keep is left out.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "activities/sandbox/safe_files.h"
#include "engine/base/result.h"

namespace wfe::sandbox {

struct SourceFiles {
  std::vector<std::string> files;  ///< Relative paths of regular files, sorted.
  size_t others = 0;               ///< Links, pipes, names no path can hold (SEC-M6): not files, but not nothing.
};

/// Walks the directory; links are never followed.  RESOURCE_EXHAUSTED when more than `max_files` count.
Result<SourceFiles> FindSourceFiles(const SafeDir& dir, size_t max_files = 100'000);

/// Directories that no project counts as its own: node_modules, .venv, .git, ...
const std::vector<std::string>& ForeignDirectories();

}  // namespace wfe::sandbox
