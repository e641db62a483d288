// `wfe submit --follow`: what a run does, as it does it, across restarts of the server.
#pragma once

#include <optional>
#include <string>

#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"

namespace wfe::cli {

struct FollowOptions {
  bool show_steps = true;           ///< False: only wait.
  std::optional<Duration> timeout;  ///< Give up after this; the run goes on.
};

/// Prints a run's steps until it closes, through continue-as-new, and returns how it ended.  A lost server is waited
/// for ("connection lost … reconnecting"); nothing is printed twice, since the history's event ids say what was shown.
Result<Outcome> FollowRun(Globals& globals, const Target& target, const FollowOptions& options);

}  // namespace wfe::cli
