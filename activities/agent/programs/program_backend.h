// A program that runs its own loop, asked for one answer in words: it works in an empty directory that goes away, and
// what it writes there is not looked at.
#pragma once

#include <memory>
#include <string>

#include "activities/agent/backends/model_backend.h"
#include "activities/agent/programs/agent_program.h"

namespace wfe::agent {

/// `private_dir` and `empty_dir` are made for a call and removed after it; what a killed worker left there is removed
/// before.  A call fails permanently when its request has tools, earlier turns, or parameters that a program cannot be
/// told; `maxOutputTokens` is its own affair.  Such a backend makes one call at a time.
std::shared_ptr<ModelBackend> MakeProgramBackend(std::shared_ptr<AgentProgram> program, std::string private_dir,
                                                 std::string empty_dir);

}  // namespace wfe::agent
