// The subcommands of `wfe build`, a family a file.
#pragma once

#include "tools/wfe/cli.h"

namespace wfe::cli {

struct BuildRecord;

void AddBuildShowCommands(CLI::App& build, Globals& globals);    ///< list, show
void AddBuildPlanCommand(CLI::App& build, Globals& globals);     ///< plan
void AddBuildDiffCommands(CLI::App& build, Globals& globals);    ///< diff, undo
void AddBuildResumeCommands(CLI::App& build, Globals& globals);  ///< resume, retry
void AddBuildCleanCommand(CLI::App& build, Globals& globals);    ///< clean

struct WatchOptions {
  bool follow = false;
  bool wait = false;
  bool detach = false;
  double timeout_s = 0;
};
/// A build was started: on a terminal its steps are shown until it ends, elsewhere it is left to itself unless asked
/// for.  `local`: the server ends with this command.  The exit code tells how the build ended.
Result<int> WatchBuild(Globals& globals, const Target& target, const WatchOptions& options, bool local);
void AddWatchOptions(CLI::App& command, WatchOptions& options);

/// A question on the terminal; anything but y or yes is no.  Without a terminal the answer is no.
bool Confirmed(const std::string& question);

/// Finds out whether the branch of the build is gone, where its repository is on this machine.
void LookForBranch(BuildRecord& build);

}  // namespace wfe::cli
