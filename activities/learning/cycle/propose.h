// From too frequent findings to a drafted version of the prompt (PO-4).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activities/learning/cycle/prompt_rules.h"
#include "activities/prompts/template_store.h"
#include "engine/base/record_json.h"

namespace wfe::learning {

struct PromptProposal {
  std::string template_id;
  int base_version = 0;
  int version = 0;  ///< The draft; 0: nothing is proposed.
  std::string rule_id;
  std::string section;
  FindingShare finding;
  std::string reason;              ///< For the template's history.
  std::vector<std::string> notes;  ///< Why other rules, or all, proposed nothing.
};
WFE_RECORD(PromptProposal, template_id, base_version, version, rule_id, section, finding, reason, notes);

/// Drafts the change of the first rule that matches and has something to say to the active version.  A template without
/// the section that a rule names, a text that the section has already, a wording that was given up: a note each.  The
/// same base and rule give the same draft, however many optimizers ask.
Result<PromptProposal> ProposeChange(prompts::TemplateStore& store, const std::string& template_id,
                                     const WindowSummary& of_active, const PromptRules& rules,
                                     const CycleOptions& options);

}  // namespace wfe::learning
