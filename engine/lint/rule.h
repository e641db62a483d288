// What a file rule is made of: an id, a sentence, and a function over a history.  Private to engine/lint.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/lint/history_view.h"
#include "engine/lint/lint.h"

namespace wfe::lint {

/// Collects the findings of one rule.
class Report {
 public:
  Report(std::string_view rule, std::vector<Finding>& findings) : rule_(rule), findings_(findings) {}
  void Add(EventId event_id, std::string message) {
    findings_.push_back({std::string(rule_), event_id, std::move(message)});
  }
  void Add(const HistoryEvent& event, std::string message) {
    Add(event.event_id(), std::string(TypeName(event)) + ": " + std::move(message));
  }

 private:
  std::string_view rule_;
  std::vector<Finding>& findings_;
};

struct Rule {
  std::string_view id;
  std::string_view title;
  void (*check)(const HistoryView& history, Report& report);
};

/// The families, one file each.
std::span<const Rule> StructureRules();
std::span<const Rule> WorkflowTaskRules();
std::span<const Rule> CommandRules();
std::span<const Rule> ActivityRules();
std::span<const Rule> TimerRules();
std::span<const Rule> ChildRules();
std::span<const Rule> ExternalRules();
std::span<const Rule> ClosingRules();

}  // namespace wfe::lint
