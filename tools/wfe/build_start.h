// `wfe build "TASK"`: from options to the input of a build.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace wfe::cli {

struct BuildOptions {
  std::string task;  ///< Words, @FILE, or - for standard input.
  std::string dir;   ///< Empty: the current directory.
  std::string profile;
  std::vector<std::string> checks;
  std::string agent;
  std::string model;
  std::string mode;
  std::string policy;
  bool in_place = false;
  bool copy = false;
  std::optional<int> max_fix_attempts;
  std::optional<int64_t> token_budget;
  std::optional<double> cost_budget_usd;
  std::string cache;
  std::string id;
  std::string queue;
  bool follow = false;
  bool wait = false;
  bool local = false;
  bool detach = false;
  double timeout_s = 0;
};

/// What AuditedBuildWorkflow takes; what was not said is left out, so that its defaults hold.  INVALID_ARGUMENT is one
/// sentence: no task, a directory that no build should work in, options that exclude each other.
Result<nlohmann::json> BuildInput(const BuildOptions& options);

/// The directory's real path as far as it exists, refused where a slip would cost much: the root, the home directory.
Result<std::string> ProjectDirectory(const std::string& given);

/// "build-PROJECT-1f2e3d4c": what a person can say aloud.
std::string MadeUpBuildId(const std::string& directory);

}  // namespace wfe::cli
