#include "tools/wfe/patterns_page.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "engine/base/counted.h"
#include "tools/wfe/page_lines.h"
#include "tools/wfe/quota_page.h"

namespace wfe::cli {
namespace {

using patterns::LibraryWeek;
using patterns::OperationPattern;
using patterns::PatternReport;
using patterns::RoiRow;
using patterns::SavedByType;


constexpr size_t kSignatureWidth = 33;

std::string SavedTokens(int64_t tokens) { return tokens < 0 ? "-" + TokensText(-tokens) : TokensText(tokens); }

std::string StatusCounts(const PatternReport& report) {
  std::string counts;
  for (const auto& [status, count] : report.by_status) {
    counts += (counts.empty() ? "" : ", ") + std::to_string(count) + " " + status;
  }
  return counts;
}

void AddPatterns(PageLines& lines, const PatternReport& report) {
  lines.Head(fmt::format("{:<{}}{:>6}{:>7}{:>8}{:>9}  {:<10}", "PATTERN", kSignatureWidth, "TIMES", "CONF.", "TOKENS",
                         "USD", "STATUS"));
  for (const OperationPattern& pattern : report.patterns) {
    lines.Add(fmt::format("{:<{}}{:>6}{:>7.0f}{:>8}{:>9}  {:<10}",
                          CutName(pattern.pattern_signature, kSignatureWidth - 1), kSignatureWidth,
                          pattern.occurrence_count, pattern.confidence_score,
                          TokensText(std::llround(pattern.avg_tokens)),
                          pattern.avg_cost_usd ? pattern.avg_cost_usd->Rounded(4) : "-", pattern.automation_status));
    if (!pattern.tool_id.empty()) {
      lines.Add(fmt::format("  tool {}, {} of {} succeeded", pattern.tool_id, pattern.tool_successes,
                            Counted(pattern.tool_calls, "call")));
    }
    if (pattern.automation_status == patterns::kRetired) lines.Wrap("  ", pattern.reason);
  }
}

void AddPatternTools(PageLines& lines, const PatternReport& report) {
  if (report.tools.empty()) return;
  lines.Head(fmt::format("{:<26}{:<24}{:>7}{:>9}{:>11}", "TOOL", "RUNS", "CALLS", "SUCCESS", "TIME"));
  for (const patterns::Tool& tool : report.tools) {
    const std::string runs = tool.command.empty() ? "activity " + tool.activity_type : tool.command.front();
    lines.Add(fmt::format("{:<26}{:<24}{:>7}{:>9}{:>11}", CutName(tool.tool_id, 25), CutName(runs, 23), tool.calls,
                          tool.calls > 0 ? fmt::format("{:.0f} %", 100 * tool.success_rate) : "-",
                          tool.calls > 0 ? fmt::format("{:.0f} ms", tool.avg_duration_ms) : "-"));
  }
}

void AddRoi(PageLines& lines, const PatternReport& report, bool all) {
  size_t hidden = 0;
  lines.Head(fmt::format("{:<{}}{:>8}{:>10}{:>9}{:>9}  {:<9}", "RETURN OF A TOOL", kSignatureWidth, "A MONTH",
                         "SAVES USD", "PAYBACK", "ROI", "STATUS"));
  for (const RoiRow& row : report.roi) {
    if (!all && !row.worthwhile) {
      ++hidden;
      continue;
    }
    lines.Add(fmt::format("{:<{}}{:>8.1f}{:>10.2f}{:>9}{:>9}  {:<9}",
                          CutName(row.pattern_signature, kSignatureWidth - 1), kSignatureWidth, row.per_month,
                          row.monthly_savings_usd,
                          row.payback_months ? fmt::format("{:.1f} mo", *row.payback_months) : "never",
                          fmt::format("{:.0f} %", row.roi_percent), row.automation_status));
  }
  if (hidden > 0) lines.Add(fmt::format("{} more would not pay within a year, or are not sure enough", hidden));
}

void AddSavings(PageLines& lines, const PatternReport& report) {
  lines.Head(fmt::format("{:<26}{:>10}{:>12}{:>14}", "SAVED IN 7 DAYS", "TIMES", "TOKENS", "USD"));
  if (report.saved_7_days.empty()) lines.Add("nothing");
  for (const SavedByType& saved : report.saved_7_days) {
    lines.Add(fmt::format("{:<26}{:>10}{:>12}{:>14}{}", CutName(saved.optimization_type, 25), saved.count,
                          SavedTokens(saved.tokens_saved), saved.cost_saved_usd.Rounded(4),
                          saved.unpriced > 0 ? fmt::format("  {} unpriced", saved.unpriced) : ""));
  }
  const SavedByType& month = report.saved_30_days;
  lines.Add(fmt::format("{:<26}{:>10}{:>12}{:>14}", "in 30 days, all", month.count, SavedTokens(month.tokens_saved),
                        month.cost_saved_usd.Rounded(4)));
}

void AddProblems(PageLines& lines, const PatternReport& report) {
  if (report.problems.empty()) return;
  lines.Head("ROWS THAT CANNOT BE READ");
  for (const std::string& problem : report.problems) lines.Wrap("  ", problem);
}

}  // namespace

std::string PatternListText(const PatternReport& report, size_t width) {
  PageLines lines(width);
  if (report.patterns.empty()) {
    lines.Wrap("", "No patterns yet. They come with runs; wfe patterns backfill looks at those that were.");
  } else {
    AddPatterns(lines, report);
  }
  AddProblems(lines, report);
  return lines.Take();
}

std::string RoiText(const PatternReport& report, size_t width, bool all) {
  PageLines lines(width);
  AddRoi(lines, report, all);
  AddProblems(lines, report);
  return lines.Take();
}

std::string SavingsText(const PatternReport& report, size_t width) {
  PageLines lines(width);
  AddSavings(lines, report);
  AddProblems(lines, report);
  return lines.Take();
}

std::string PatternReportText(const PatternReport& report, size_t width) {
  PageLines lines(width);
  lines.Add(fmt::format("PATTERNS  {} in the library   as of {} UTC", report.patterns.size(),
                        report.as_of.substr(0, 10) + " " + report.as_of.substr(11, 5)));
  if (!report.by_status.empty()) lines.Wrap("  ", StatusCounts(report));
  lines.Add(fmt::format("  seen in the last day: {}", report.seen_last_day.size()));
  if (report.tool_calls > 0) {
    lines.Add(fmt::format("  tools: {} of {} succeeded ({:.1f} %)", report.tool_successes, Counted(report.tool_calls, "call"),
                          100.0 * static_cast<double>(report.tool_successes) / static_cast<double>(report.tool_calls)));
  }
  AddSavings(lines, report);
  lines.Head(fmt::format("{:<12}{:>10}{:>8}", "WEEK TO", "PATTERNS", "ACTIVE"));
  int64_t most = 1;
  for (const LibraryWeek& week : report.growth) most = std::max(most, week.patterns);
  for (const LibraryWeek& week : report.growth) {
    lines.Add(fmt::format("{:<12}{:>10}{:>8}  {}", week.week_end, week.patterns, week.active,
                          ShareBar(static_cast<double>(week.patterns) / static_cast<double>(most), 28)));
  }
  AddPatternTools(lines, report);
  AddRoi(lines, report, false);
  AddPatterns(lines, report);
  AddProblems(lines, report);
  return lines.Take();
}

}  // namespace wfe::cli
