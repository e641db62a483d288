// Runs an agent's program on one working directory: prompt on standard input, a private HOME, nothing of the worker's
// environment, and bubblewrap around it where it can be had.
//
// The program needs its network and its key, so what it reads matters more than what it writes: files of the directory
// that command lines obey (.env, .gemini, .git with its hooks) may have been put there by code that a check ran. Inside
// the sandbox they appear empty; without one the program is not started while they are there (SEC-H9).
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "activities/agent/backends/model_backend.h"
#include "activities/sandbox/process_runner.h"
#include "activities/sandbox/sandbox.h"
#include "engine/base/result.h"

namespace wfe::agent {

struct AgentProcess {
  std::string name;     ///< For messages: "the Gemini command line".
  std::string program;  ///< A path, or a name looked up in `path`.
  std::vector<std::string> arguments;
  std::string path;         ///< PATH.
  sandbox::Environment environment;  ///< Beside PATH, HOME, TMPDIR, LANG and NO_COLOR.
  std::string standard_input;
  std::string working_dir;
  std::string private_dir;  ///< Holds HOME and TMPDIR; the caller removes it.
  sandbox::SandboxPolicy sandbox = sandbox::SandboxPolicy::kPreferred;
  Duration wall_clock = std::chrono::minutes(30);
};

/// Its HOME on this machine.
std::string HomeOf(const std::string& private_dir);
/// A file of its HOME as the program sees it.
std::string HomeInside(const AgentProcess& process, const std::string& name);

/// FAILED_PRECONDITION: no such program, or no sandbox where one is required.
Status CheckAgentProcess(const std::string& name, const std::string& program, const std::string& path,
                         sandbox::SandboxPolicy sandbox);
/// "bwrap" or "none".
std::string SandboxOf(const AgentProcess& process);

/// Blocks until the program and its children are gone.  The outcome of a program that ran to its end (kExited), or why
/// there is none.
std::variant<sandbox::ProcessOutcome, ModelError> RunAgentProcess(const AgentProcess& process,
                                                                  const CallControl& control);

}  // namespace wfe::agent
