// The report on patterns and savings (PD-8, RP-8), from the records.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "activities/patterns/records/tool_store.h"

namespace wfe::patterns {

/// Savings of one kind over a window.
struct SavedByType {
  std::string optimization_type;
  int64_t count = 0;
  int64_t tokens_saved = 0;
  Money cost_saved_usd;
  int64_t unpriced = 0;  ///< Rows whose price is not known: they are not in the sum of money.
};
WFE_RECORD(SavedByType, optimization_type, count, tokens_saved, cost_saved_usd, unpriced);

/// How the library grew: patterns first seen on or before the end of a week.
struct LibraryWeek {
  std::string week_end;  ///< A day.
  int64_t patterns = 0;
  int64_t active = 0;  ///< Of those, active now and activated by then.
};
WFE_RECORD(LibraryWeek, week_end, patterns, active);

struct PatternReport {
  std::string as_of;
  std::map<std::string, int64_t> by_status;
  std::vector<OperationPattern> patterns;  ///< By confidence.
  std::vector<std::string> seen_last_day;
  std::vector<LibraryWeek> growth;  ///< Of the last 13 weeks.
  std::vector<Tool> tools;
  int64_t tool_calls = 0;
  int64_t tool_successes = 0;
  std::vector<SavedByType> saved_7_days;
  SavedByType saved_30_days;  ///< Of all types.
  std::vector<RoiRow> roi;
  std::vector<std::string> problems;  ///< Rows that cannot be read; at most 20.
};
WFE_RECORD(PatternReport, as_of, by_status, patterns, seen_last_day, growth, tools, tool_calls, tool_successes,
           saved_7_days, saved_30_days, roi, problems);
constexpr RecordRules RulesOf(const PatternReport*) { return {.seldom = "problems"}; }

Result<PatternReport> ReadPatternReport(RowStore& rows, const PatternRules& rules, Instant now);

/// Sums of the rows in (now − days, now], by type; pure.
std::vector<SavedByType> SumSavings(const std::vector<Saving>& savings, Instant now, int days);

}  // namespace wfe::patterns
