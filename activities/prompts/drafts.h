// From a finding of an audit report to a drafted template version that a person may activate (OP-12), and what became
// of earlier ones (OP-13).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "activities/prompts/draft_rules.h"
#include "activities/prompts/template_store.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"

namespace wfe::prompts {

/// Who drafts: the author of versions that no person wrote.
inline constexpr std::string_view kOptimizerAuthor = "optimizer";

struct Draft {
  /// For the finding in the report: {template_id, base_version, section, reason, diff}, and draft_version once there is
  /// a stored version with this text.  Absent when nothing is proposed.
  std::optional<nlohmann::json> proposal;
  std::string note;  ///< A sentence when there is no proposal, or when the draft was there before.
  std::string text;  ///< The drafted template.
};

/// Pure: the same arguments always give the same draft.  `finding` is one of the report's; its rule_key and section
/// choose the rule.  `base` is the version to change, normally the active one.  No proposal when no rule fits, when the
/// section says already what the rule would have it say, or when the same text was active once and was rolled back.
/// INVALID_ARGUMENT for a finding about another template.
Result<Draft> DraftChange(const nlohmann::json& finding, const TemplateState& state, const ContextTemplate& base,
                          const DraftRules& rules = DraftRules::BuiltIn());

/// Stores a draft with its evidence; the version's number.  The same finding of the same report is stored once.
Result<int> StoreDraft(TemplateStore& store, const std::string& report_id, const nlohmann::json& finding,
                       const Draft& draft);

/// All of it, for an activity: reads the template the finding is about, drafts, stores, and gives the draft with its
/// draft_version.  Safe to repeat: a finding that has its draft gets the same one, and a draft with the same text from
/// an earlier report is used again as long as nobody has decided about it.
Result<Draft> DraftAndStore(TemplateStore& store, const std::string& report_id, const nlohmann::json& finding,
                            const DraftRules& rules = DraftRules::BuiltIn());

/// What a finding expects of the change: {rule_key, audit, effect?, saving?}, in the report's words.
nlohmann::json PredictedEffect(const nlohmann::json& finding);

/// A drafted version that was activated: what a later report compares with what happened.
struct ActivatedDraft {
  std::string template_id;
  int version = 0;
  int parent_version = 0;
  std::string activated_at;
  std::string deactivated_at;  ///< Empty while it is the active one.
  std::string status;          ///< active, superseded or rolled_back.
  std::string report_id;
  std::string finding_id;
  nlohmann::json predicted;
};
WFE_RECORD(ActivatedDraft, template_id, version, parent_version, activated_at, deactivated_at, status, report_id,
           finding_id, predicted);
constexpr RecordRules RulesOf(const ActivatedDraft*) { return {.seldom = "deactivated_at"}; }

/// Of all templates, oldest activation first.
Result<std::vector<ActivatedDraft>> ActivatedDrafts(const TemplateStore& store);

}  // namespace wfe::prompts
