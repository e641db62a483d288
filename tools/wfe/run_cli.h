// The whole command line, for a main that knows neither its parser nor its commands.
#pragma once

#include "tools/wfe/site.h"

namespace wfe::cli {

/// Runs the command that the arguments name and returns its exit code (exit_codes.h).  `site` serves the pages of `wfe
/// server`.
int RunCli(int argc, char** argv, SiteStarter site);

}  // namespace wfe::cli
