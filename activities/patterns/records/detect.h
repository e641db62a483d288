// The detector (PD-1, PD-2): operations of a run into occurrences and patterns.
#pragma once

#include <cstdint>
#include <vector>

#include "activities/patterns/records/pattern_store.h"

namespace wfe::patterns {

struct DetectReport {
  int64_t runs = 0;             ///< That were looked at.
  int64_t operations = 0;       ///< Seen, recognized or not.
  int64_t recognized = 0;       ///< Of those, of one pattern at least.
  int64_t new_occurrences = 0;  ///< Rows that were not there.
  int64_t patterns = 0;         ///< That the operations belong to.
  int64_t new_patterns = 0;
  std::vector<std::string> problems;  ///< Records that could not be read, one sentence each; at most 20.

  void Add(const DetectReport& other);
};
WFE_RECORD(DetectReport, runs, operations, recognized, new_occurrences, patterns, new_patterns, problems);
constexpr RecordRules RulesOf(const DetectReport*) { return {.seldom = "problems"}; }

/// Keeps what is recognized.  Repeating it with the same operations adds nothing.
Result<DetectReport> KeepOperations(RowStore& rows, const PatternRules& rules, const std::vector<Operation>& operations);

}  // namespace wfe::patterns
