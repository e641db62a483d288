// Git as a tool for texts and trees: run without anybody's configuration.
#pragma once

#include <string>
#include <vector>

#include "activities/sandbox/safe_files.h"
#include "engine/base/result.h"

namespace wfe::cli {

struct GitRun {
  int exit_code = 0;
  std::string out;
  std::string err;
};

/// Runs git in `directory`, without the configuration of anybody that could name programs.  `git_dir`: of which
/// repository; empty: none is needed.
Result<GitRun> RunGit(const std::string& directory, std::vector<std::string> arguments,
                      const std::string& git_dir = {});

/// A directory with a build's files, or the user's: everything in it but `.git`.
Result<sandbox::SafeDir> OpenTree(const std::string& path);

}  // namespace wfe::cli
