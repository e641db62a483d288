// What the agent is told in each step.  The standing rules are in GEMINI.md; these say what to do now.
#pragma once

#include <string>
#include <vector>

namespace wfe::workflows {

std::string ScaffoldInstruction(const std::string& task);
std::string ImplementInstruction(const std::string& task);
/// `error_log` is already cut; `guidance` are texts a person sent by signal, oldest first.
std::string FixInstruction(const std::string& task, int attempt, const std::string& error_type,
                           const std::string& error_log, const std::vector<std::string>& guidance);

}  // namespace wfe::workflows
