// What the optimizer drafts for which finding, as data (activities/prompts/rules.json).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace wfe::prompts {

struct DraftRule {
  enum class Action { kAppend, kReplace, kRemove };
  std::string id;
  std::string match;  ///< Of the finding's rule_key; "*" stands for any characters.
  std::string section;
  Action action = Action::kAppend;
  std::string find;  ///< Whole lines that replace and remove look for.
  std::string text;  ///< Whole lines that append and replace put in.
  std::string reason;
  std::vector<std::string> targets;  ///< Words by which a line of a template is about the class, in lower case.
};

/// Rules in the order of their file.
class DraftRules {
 public:
  /// INVALID_ARGUMENT names the rule that is wrong.
  static Result<DraftRules> Parse(std::string_view json);
  /// Those compiled in.
  static const DraftRules& BuiltIn();

  /// The first that matches `rule_key` and is about `section`; else the first that matches; nullptr when none does.
  const DraftRule* Find(std::string_view rule_key, std::string_view section) const;
  const std::vector<DraftRule>& rules() const { return rules_; }

 private:
  std::vector<DraftRule> rules_;
};

/// The first line item of the section of a template that is about this class of error, on one line and at most 200
/// characters; empty: no rule there targets it, or none is known to.
std::string RuleAgainst(std::string_view rule_key, std::string_view section, std::string_view template_text,
                        const DraftRules& rules = DraftRules::BuiltIn());

/// What rules.json held when this was built.
std::string_view BuiltInDraftRulesJson();

/// A section after a rule.
struct EditedSection {
  std::string text;
  bool changed = false;
  std::string note;  ///< Why it is as it was.
};
EditedSection ApplyRule(const DraftRule& rule, std::string_view section_text);

}  // namespace wfe::prompts
