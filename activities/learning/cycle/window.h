// Step 1 of a cycle: what the last generations were like (PO-2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "activities/learning/records/generations.h"
#include "engine/base/record_json.h"

namespace wfe::learning {

/// Findings of one class: `count` of all `total`, in `generations` of them.  A class counts once for each generation.
struct FindingShare {
  std::string finding_class;
  int64_t count = 0;
  int64_t total = 0;
  double share = 0;
};
WFE_RECORD(FindingShare, finding_class, count, total, share);

struct WindowSummary {
  int64_t generations = 0;
  int64_t finished = 0;  ///< Whose run has said how it ended; the rate is of them.
  int64_t succeeded = 0;
  double success_rate = 0;
  double mean_quality = 0;
  int64_t auto_fixes = 0;
  int64_t findings_total = 0;
  std::vector<FindingShare> findings;  ///< The most frequent first.
  std::string first_at;
  std::string last_at;
};
WFE_RECORD(WindowSummary, generations, finished, succeeded, success_rate, mean_quality, auto_fixes, findings_total,
           findings, first_at, last_at);

/// Pure.
WindowSummary Summarize(const std::vector<Generation>& generations);

/// Those of one version, made at or after `since` (ISO 8601; empty: all).
std::vector<Generation> OfVersion(const std::vector<Generation>& generations, int version, const std::string& since);

}  // namespace wfe::learning
