// Context efficiency for a terminal (CE-4, CE-5).
#pragma once

#include <string>
#include <vector>

#include "activities/context/records/context_store.h"
#include "activities/context/rules/profile.h"

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

}  // namespace wfe::cli
