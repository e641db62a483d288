#include "activities/learning/cycle/propose.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "activities/prompts/drafts.h"

namespace wfe::learning {
namespace {

using nlohmann::json;

std::string WhyOf(const RuleMatch& match) {
  char text[300];
  std::snprintf(text, sizeof(text), "%lld of %lld findings (%.0f %%) are %s, more than %.0f %% (p = %.2g)",
                static_cast<long long>(match.finding.count), static_cast<long long>(match.finding.total),
                100 * match.finding.share, match.finding.finding_class.c_str(), 100 * match.rule->threshold,
                match.p_value);
  return text;
}

/// As the drafting of audits takes a finding.
json AsFinding(const std::string& template_id, const RuleMatch& match) {
  return {{"id", match.rule->id},           {"template_id", template_id},     {"rule_key", match.finding.finding_class},
          {"section", match.rule->section}, {"audit", "prompt_optimization"}, {"effect", match.finding.share}};
}

}  // namespace

Result<PromptProposal> ProposeChange(prompts::TemplateStore& store, const std::string& template_id,
                                     const WindowSummary& of_active, const PromptRules& rules,
                                     const CycleOptions& options) {
  PromptProposal proposal{.template_id = template_id};
  const std::vector<RuleMatch> matches = MatchRules(of_active, rules, options);
  if (matches.empty()) {
    proposal.notes.push_back(of_active.generations < options.min_generations
                                 ? "the active version has " + std::to_string(of_active.generations) + " of " +
                                       std::to_string(options.min_generations) + " generations"
                                 : "no class of findings is above its threshold by more than chance");
    return proposal;
  }
  WFE_ASSIGN_OR_RETURN(const prompts::TemplateState before, store.State(template_id));
  proposal.base_version = before.active;
  const std::string evidence = template_id + "@" + std::to_string(before.active);
  for (const RuleMatch& match : matches) {
    WFE_ASSIGN_OR_RETURN(const prompts::Draft draft,
                         prompts::DraftAndStore(store, evidence, AsFinding(template_id, match), match.rule->draft));
    if (!draft.proposal) {
      proposal.notes.push_back(draft.note);
      continue;
    }
    const int version = draft.proposal->at("draft_version");
    WFE_ASSIGN_OR_RETURN(const prompts::TemplateState after, store.State(template_id));
    const prompts::TemplateVersion* const drafted = after.Find(version);
    if (drafted == nullptr || drafted->status != prompts::kTemplateDraft) {
      proposal.notes.push_back("Version " + std::to_string(version) + " of " + template_id + " came of the rule " +
                               match.rule->id + " before and is " + (drafted == nullptr ? "gone" : drafted->status) +
                               ".");
      continue;
    }
    proposal.version = version;
    proposal.base_version = draft.proposal->at("base_version");
    proposal.rule_id = match.rule->id;
    proposal.section = match.rule->section;
    proposal.finding = match.finding;
    proposal.reason = WhyOf(match) + "; rule " + match.rule->id;
    return proposal;
  }
  return proposal;
}

}  // namespace wfe::learning
