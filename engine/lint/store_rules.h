// What a store rule is made of.  Private to engine/lint.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/lint/rule.h"

namespace wfe::lint {

/// A stored run with its batches taken apart.
struct StoredView {
  const StoredRun& run;
  const StoreLintOptions& options;
  std::vector<std::string> event_bytes;  ///< One serialized HistoryEvent each, as stored.
  std::vector<HistoryEvent> events;      ///< The same, parsed.
  std::vector<Finding> damage;           ///< H3 findings made while taking the batches apart.
  bool file_rules_hold = false;
};

struct StoreRule {
  std::string_view id;
  std::string_view title;
  void (*check)(const StoredView& view, Report& report);
};

std::span<const StoreRule> StoreRules();

/// H5: the folded part equals a fold over the events, the bookkeeping is consistent with it.
void StateIsAFold(const StoredView& view, Report& report);

}  // namespace wfe::lint
