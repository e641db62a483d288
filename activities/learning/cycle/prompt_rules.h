// What is added to a prompt against which class of findings, as data (PO-4; activities/learning/cycle/rules.json).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "activities/learning/cycle/options.h"
#include "activities/learning/cycle/window.h"
#include "activities/prompts/draft_rules.h"
#include "engine/base/result.h"

namespace wfe::learning {

struct PromptRule {
  std::string id;
  std::string finding_class;
  double threshold = 0;  ///< Share of all findings above which the text is added.
  std::string section;
  prompts::DraftRules draft;  ///< This rule alone, as templates are changed by it.
};

/// Rules in the order of their file.
class PromptRules {
 public:
  /// INVALID_ARGUMENT names the rule that is wrong.
  static Result<PromptRules> Parse(std::string_view json);
  /// Those compiled in.
  static const PromptRules& BuiltIn();
  const std::vector<PromptRule>& rules() const { return rules_; }

 private:
  std::vector<PromptRule> rules_;
};

/// What rules.json held when this was built.
std::string_view BuiltInPromptRulesJson();

/// A rule whose class is too frequent.
struct RuleMatch {
  const PromptRule* rule = nullptr;
  FindingShare finding;
  double p_value = 1;  ///< Of so many findings of the class if its share were the threshold.
};

/// Pure.  `window`: of the version that would be changed.  A class is too frequent when it has at least `min_findings`,
/// in at least `min_rate` of the generations, and its share is above the threshold by more than chance: one-sided
/// binomial test at alpha, divided by the number of classes that have rules.  The most frequent class first; the rules
/// of a class in their order.  Empty when there are fewer than `min_generations`.
std::vector<RuleMatch> MatchRules(const WindowSummary& window, const PromptRules& rules, const CycleOptions& options);

}  // namespace wfe::learning
