// What a person sees of a profile: lines for a terminal, or one self-contained document.
#pragma once

#include <cstddef>
#include <string>

#include "activities/optimizer/profile/performance_profile.h"

namespace wfe::cli {

/// Nodes by the time that runs wait for them, tools by their cost, each with a bar; then the bottlenecks.  Lines of at
/// most `width` columns (78 at least).
std::string ProfileText(const optimizer::PerformanceProfile& profile, size_t width);
/// The bottlenecks, and which rules were not applied.
std::string BottlenecksText(const optimizer::PerformanceProfile& profile, size_t width);

/// The same and more as HTML that fetches nothing; `made_at` is ISO 8601.
std::string ProfilePage(const optimizer::PerformanceProfile& profile, const std::string& made_at);

}  // namespace wfe::cli
