// The commands about the optimizer of prompts, below `wfe prompts`.
#pragma once

#include <string>

#include "tools/wfe/cli.h"
#include "tools/wfe/prompt_store.h"

namespace wfe::cli {

/// cycles, schedule, experiments and stop-experiment; called by AddPromptsCommands.
void AddPromptCycleCommands(CLI::App& prompts, Globals& globals);

/// `named`, or the user that runs this.
std::string PersonAtTheKeyboard(const std::string& named);

/// To the minute, for tables: "2026-11-21 05:15".
inline std::string MinuteOf(const std::string& time) {
  return time.size() < 16 ? time : time.substr(0, 10) + " " + time.substr(11, 5);
}

}  // namespace wfe::cli
