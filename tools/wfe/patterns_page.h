// What recurs, what tools do of it and what that saves, for a terminal and as a page (RP-8).
#pragma once

#include <string>
#include <vector>

#include "activities/analytics/reports/html_frame.h"
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

// The same in parts, for a page that has more.
std::vector<analytics::reports::RailEntry> PatternReportRail(const patterns::PatternReport& report);
/// The report in a sentence.
std::string PatternReportLead(const patterns::PatternReport& report);
void WritePatternReport(analytics::reports::Markup& out, const patterns::PatternReport& report);

}  // namespace wfe::cli
