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
  /// The run ends with this process: an interrupt (or the timeout) cancels it and follows it to its end, which takes seconds.
  bool ends_with_us = false;
};

/// Of an option in seconds; 0: none.
std::optional<Duration> TimeoutOf(double seconds);

/// Prints a run's steps until it closes, through continue-as-new, and returns how it ended.  A lost server is waited
/// for ("connection lost … reconnecting"); nothing is printed twice, since the history's event ids say what was shown.
/// While nothing happens, it is said once on stderr that nobody polls a queue that the run waits for.
/// CANCELLED: interrupted before the run's end.  DEADLINE_EXCEEDED: the timeout passed before it.
Result<Outcome> FollowRun(Globals& globals, const Target& target, const FollowOptions& options);

/// The exit code of a run that the last FollowRun itself cancelled: of a signal, or of the timeout.
std::optional<int> ExitCodeOfOurCancel(const Outcome& outcome);

}  // namespace wfe::cli
