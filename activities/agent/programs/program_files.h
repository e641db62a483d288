// What must be shown in a sandbox for a program to start: the program, what it is made of, its interpreter, and how
// names are resolved on the network.  Never a home directory.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace wfe::agent {

/// Files and directories outside the system's own that `program` (a real path) needs, each shown at its own place.
std::vector<std::string> FilesOfProgram(const std::string& program, const std::string& path_variable);

/// Host path -> path inside, of what resolving names and checking certificates reads.
std::vector<std::pair<std::string, std::string>> NetworkFiles();

}  // namespace wfe::agent
