// How a process of workers calls itself in histories.
#pragma once

#include <string>

namespace wfe::worker {

/// "NAME@HOST:PID".
std::string ProcessName(const std::string& name);

}  // namespace wfe::worker
