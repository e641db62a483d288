#include "activities/patterns/steps/pattern_report.h"

#include <algorithm>
#include <chrono>

namespace wfe::patterns {
namespace {

constexpr int kGrowthWeeks = 13;
constexpr size_t kReportProblems = 20;

std::vector<LibraryWeek> GrowthOf(const std::vector<OperationPattern>& patterns, Instant now) {
  std::vector<LibraryWeek> weeks;
  for (int back = kGrowthWeeks - 1; back >= 0; --back) {
    LibraryWeek week{.week_end = FormatIso8601Millis(now - std::chrono::days(7 * back)).substr(0, 10)};
    for (const OperationPattern& pattern : patterns) {
      if (pattern.first_seen.substr(0, 10) > week.week_end) continue;
      ++week.patterns;
      if (pattern.automation_status == kActive && pattern.changed_at.substr(0, 10) <= week.week_end) ++week.active;
    }
    weeks.push_back(week);
  }
  return weeks;
}

}  // namespace

std::vector<SavedByType> SumSavings(const std::vector<Saving>& savings, Instant now, int days) {
  std::map<std::string, SavedByType> by_type;
  for (const Saving& saving : savings) {
    const std::optional<Instant> at = ParseIso8601(saving.saved_at);
    if (!at || *at > now || now - *at >= std::chrono::days(days)) continue;
    SavedByType& sum = by_type[saving.optimization_type];
    sum.optimization_type = saving.optimization_type;
    // A row that takes another back is no saving of its own.
    sum.count += saving.baseline.starts_with("taken back") ? -1 : 1;
    sum.tokens_saved += saving.tokens_saved;
    if (saving.cost_saved_usd) {
      sum.cost_saved_usd = sum.cost_saved_usd.PlusAtMost(*saving.cost_saved_usd);
    } else {
      ++sum.unpriced;
    }
  }
  std::vector<SavedByType> sums;
  for (auto& [type, sum] : by_type) sums.push_back(std::move(sum));
  return sums;
}

Result<PatternReport> ReadPatternReport(RowStore& rows, const PatternRules& rules, Instant now) {
  PatternReport report;
  report.as_of = FormatIso8601Millis(now);
  PatternProblems problems;
  PatternStore store(rows);
  ToolStore tool_store(rows);
  WFE_ASSIGN_OR_RETURN(report.patterns, store.All(problems));
  WFE_ASSIGN_OR_RETURN(const auto sums, store.AllSums(problems));
  WFE_ASSIGN_OR_RETURN(report.tools, tool_store.All(problems));
  WFE_ASSIGN_OR_RETURN(const std::vector<ToolCall> calls, tool_store.Calls(problems));
  WFE_ASSIGN_OR_RETURN(const std::vector<Saving> savings, tool_store.Savings(problems));
  report.tool_calls = static_cast<int64_t>(calls.size());
  report.tool_successes = std::ranges::count_if(calls, [](const ToolCall& call) { return call.success; });
  const std::string day_ago = FormatIso8601Millis(now - std::chrono::days(1));
  for (const OperationPattern& pattern : report.patterns) {
    ++report.by_status[pattern.automation_status];
    if (pattern.last_seen > day_ago) report.seen_last_day.push_back(pattern.pattern_signature);
    const auto tool = std::ranges::find(report.tools, pattern.tool_id, &Tool::tool_id);
    const auto sum = sums.find(pattern.pattern_signature);
    report.roi.push_back(RoiOf(pattern, sum == sums.end() ? 0 : sum->second.PerMonth(now),
                               rules.KindOf(pattern.pattern_signature),
                               tool == report.tools.end() ? nullptr : &*tool));
  }
  report.growth = GrowthOf(report.patterns, now);
  std::ranges::stable_sort(report.patterns, std::ranges::greater(), &OperationPattern::confidence_score);
  RankByRoi(report.roi);
  report.saved_7_days = SumSavings(savings, now, 7);
  for (const SavedByType& each : SumSavings(savings, now, 30)) {
    report.saved_30_days.count += each.count;
    report.saved_30_days.tokens_saved += each.tokens_saved;
    report.saved_30_days.cost_saved_usd = report.saved_30_days.cost_saved_usd.PlusAtMost(each.cost_saved_usd);
    report.saved_30_days.unpriced += each.unpriced;
  }
  report.saved_30_days.optimization_type = "all";
  problems.resize(std::min(problems.size(), kReportProblems));
  report.problems = std::move(problems);
  return report;
}

}  // namespace wfe::patterns
