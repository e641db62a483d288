// Context efficiency for a terminal (CE-4, CE-5).
#pragma once

#include <string>
#include <vector>

#include "activities/context/records/context_store.h"
#include "activities/context/rules/profile.h"
#include "activities/context/rules/tool_use.h"

namespace wfe::cli {

/// Types and the latest runs.
std::string ContextEfficiencyText(const context::EfficiencyReport& report, size_t runs, size_t width);
/// The files that were loaded for nothing.
std::string ContextWasteText(const context::EfficiencyReport& report, size_t files, size_t width);
/// All profiles, a line each.
std::string ContextProfilesText(const std::vector<context::ContextProfile>& profiles, size_t width);
/// One profile with its files, and the versions of its set.
std::string ContextProfileText(const context::ContextProfile& profile, const context::ContextSets& sets, size_t files,
                               size_t width);

/// Tools by how often they are called.
std::string ToolUseText(const context::ToolUseReport& report, size_t tools, size_t width);
/// As a project is offered, and as --project takes it: steps without one are those of "(none)".
inline std::string ProjectInWords(const std::string& project) { return project.empty() ? "(none)" : project; }
/// The calls of some steps, one a line.
std::string ToolCallsText(const std::vector<agent::StepToolCalls>& steps, size_t calls, size_t width);

}  // namespace wfe::cli
