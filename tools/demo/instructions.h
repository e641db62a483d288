// What the simulated team tells its agents: fixed texts, so that a corpus depends on its seed alone.
#pragma once

#include <map>
#include <string>

namespace wfe::demo {

/// The text of an instruction template's first version; `values` as prepareInstruction takes them.
std::string InstructionText(const std::string& template_id, const std::map<std::string, std::string>& values);

}  // namespace wfe::demo
