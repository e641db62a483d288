// Any program as an agent: backend "command".  What it is given and what it must print is docs/agents.md; in short, the
// prompt on standard input, WFE_* variables for the rest, and JSON lines on standard output that end with a result.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "activities/agent/programs/agent_program.h"
#include "activities/sandbox/sandbox.h"

namespace wfe::agent {

struct CommandAgentOptions {
  std::vector<std::string> argv;                                 ///< argv[0] is a path, or a name looked up in `path`.
  std::string path;                                              ///< PATH of the program; empty: the worker's own.
  std::vector<std::pair<std::string, std::string>> environment;  ///< Keys and the like.
  Duration wall_clock = std::chrono::minutes(30);
  sandbox::SandboxPolicy sandbox = sandbox::SandboxPolicy::kPreferred;
};

std::shared_ptr<AgentProgram> MakeCommandAgent(CommandAgentOptions options);

/// Reads what the program printed.
ModelOutcome ParseCommandRun(int exit_code, const std::string& standard_output, const std::string& standard_error);

}  // namespace wfe::agent
