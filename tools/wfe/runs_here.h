// Whether a command has its run in this process.
#pragma once

#include <string>

#include "tools/wfe/cli.h"

namespace wfe::cli {

/// `local`: it was asked for.  Otherwise when nobody has named a server and none is where one would be; then a person
/// is told so, and `at_what_price`: "what is learned is forgotten afterwards".
bool RunsHere(Globals& globals, const Config& config, bool local, const std::string& at_what_price);

}  // namespace wfe::cli
