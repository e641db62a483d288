// Whether a command has its run in this process, and how it has one.
#pragma once

#include <string>

#include "tools/wfe/cli.h"
#include "tools/wfe/follow.h"
#include "tools/wfe/start.h"

namespace wfe::cli {

/// `local`: it was asked for.  Otherwise when nobody has named a server and none is where one would be; then a person
/// is told so, and `at_what_price`: "what is learned is forgotten afterwards".
bool RunsHere(Globals& globals, const Config& config, bool local, const std::string& at_what_price);

struct EndedRun {
  Target target;
  Outcome outcome;
};

/// Starts a run and follows it to its end; on a server a person is told when nobody serves its queue.  `here`: as
/// RunsHere said; `follow`: steps are shown also where stdout is no terminal; `timeout_s`: 0 for none.
Result<EndedRun> RunToItsEnd(Globals& globals, const StartOptions& start, bool here, bool follow, double timeout_s);

}  // namespace wfe::cli
