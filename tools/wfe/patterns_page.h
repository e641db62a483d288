// What recurs, what tools do of it and what that saves, for a terminal and as a page (RP-8).
#pragma once

#include <string>

#include "activities/patterns/steps/pattern_report.h"

namespace wfe::cli {

/// Patterns with their confidence, status and tool.
std::string PatternListText(const patterns::PatternReport& report, size_t width);
/// Candidates and their return; `all`: also what would not pay.
std::string RoiText(const patterns::PatternReport& report, size_t width, bool all);
/// Savings by type over a week, and of a month.
std::string SavingsText(const patterns::PatternReport& report, size_t width);
/// All of it, with the library's growth and the tools.
std::string PatternReportText(const patterns::PatternReport& report, size_t width);
/// A page that fetches nothing.
std::string PatternReportHtml(const patterns::PatternReport& report);

}  // namespace wfe::cli
