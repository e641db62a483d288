// A step done by a program: its runs, journalled like the turns of a model, and the same answers to the same endings:
// no change is asked again, a cut or malformed answer gets one repair run, a block is an error.
#pragma once

#include <string>

#include "activities/agent/programs/agent_program.h"
#include "activities/agent/step/agent_loop.h"
#include "activities/sandbox/tree_snapshot.h"

namespace wfe::agent {

struct ProgramInput {
  const AgentRequest& request;
  std::string instruction;
  std::string context;
  std::string model;
  int max_turns = 30;
  const sandbox::TreeSnapshot& before;  ///< The directory before the first attempt.
};

/// Where a step's program has its HOME.
std::string PrivateDirOf(const StepJournal& journal);

/// Fills the program's part of `reply`, whatever the outcome.
LoopOutcome RunProgramStep(const ProgramInput& input, AgentProgram& program, StepServices& services, AgentReply& reply);

}  // namespace wfe::agent
