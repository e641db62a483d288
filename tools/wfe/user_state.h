// Where wfe keeps what belongs to a person and outlives a command: $XDG_STATE_HOME/wfe, else ~/.local/state/wfe.
#pragma once

#include <string>

namespace wfe::cli {

std::string UserStateDirectory();

}  // namespace wfe::cli
