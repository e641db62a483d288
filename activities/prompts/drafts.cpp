#include "activities/prompts/drafts.h"

#include <algorithm>
#include <tuple>

#include "engine/base/hash.h"

namespace wfe::prompts {
namespace {

using nlohmann::json;

std::string TextOf(const json& finding, const char* key) {
  const auto found = finding.find(key);
  return found != finding.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string VersionName(const std::string& template_id, int version) {
  return template_id + "@" + std::to_string(version);
}

json Proposal(const ContextTemplate& base, const std::string& section, const std::string& reason,
              const std::string& text, const std::optional<int>& draft_version) {
  const std::string name =
      draft_version ? VersionName(base.id, *draft_version) : base.id + " (draft)";  // its number is not known yet
  json proposal = {{"template_id", base.id},
                   {"base_version", base.version},
                   {"section", section},
                   {"reason", reason},
                   {"diff", DiffTexts(VersionName(base.id, base.version), base.text, name, text).text}};
  if (draft_version) proposal["draft_version"] = *draft_version;
  return proposal;
}

/// A version that stands for the finding already.
const TemplateVersion* FindEvidence(const TemplateState& state, const std::string& report_id,
                                    const std::string& finding_id) {
  for (const auto& [number, version] : state.versions) {
    if (version.evidence && version.evidence->report_id == report_id && version.evidence->finding_id == finding_id) {
      return &version;
    }
  }
  return nullptr;
}

const TemplateVersion* FindText(const TemplateState& state, const std::string& text, std::string_view status) {
  const std::string hash = ToHex(Sha256(text));
  for (const auto& [number, version] : state.versions) {
    if (version.text_sha256 == hash && version.status == status) return &version;
  }
  return nullptr;
}

Draft Nothing(std::string note) { return {.proposal = std::nullopt, .note = std::move(note), .text = {}}; }

/// The draft that the finding led to before.
Result<Draft> Recall(const TemplateStore& store, const TemplateState& state, const TemplateVersion& version) {
  WFE_ASSIGN_OR_RETURN(const ContextTemplate base, store.Load(state, version.parent_version));
  WFE_ASSIGN_OR_RETURN(const ContextTemplate drafted, store.Load(state, version.version));
  const TextDiff diff = DiffTexts("", base.text, "", drafted.text);
  const std::string section = diff.sections.empty() ? "" : diff.sections.front().section;
  return Draft{.proposal = Proposal(base, section, version.reason, drafted.text, version.version),
               .note = "drafted before as version " + std::to_string(version.version),
               .text = drafted.text};
}

}  // namespace

Result<Draft> DraftChange(const json& finding, const TemplateState& state, const ContextTemplate& base,
                          const DraftRules& rules) {
  if (!finding.is_object() || TextOf(finding, "template_id") != state.template_id || base.id != state.template_id) {
    return InvalidArgument("the finding is not about template " + state.template_id);
  }
  const std::string key = TextOf(finding, "rule_key");
  const DraftRule* rule = rules.Find(key, TextOf(finding, "section"));
  if (rule == nullptr) return Nothing("No rule drafts a change for a finding of this kind.");
  const std::vector<ContextSection> sections = SplitSections(base.text);
  const auto section = std::ranges::find(sections, rule->section, &ContextSection::name);
  const std::string name = "Version " + std::to_string(base.version) + " of " + base.id;
  if (section == sections.end()) return Nothing(name + " has no section " + rule->section + ".");
  const EditedSection edited = ApplyRule(*rule, section->text);
  if (!edited.changed) return Nothing(name + ": " + edited.note + " (rule " + rule->id + ").");

  Draft draft;
  for (const ContextSection& each : sections) draft.text += each.name == rule->section ? edited.text : each.text;
  if (const TemplateVersion* given_up = FindText(state, draft.text, kTemplateRolledBack)) {
    return Nothing("Version " + std::to_string(given_up->version) + " of " + base.id +
                   " had this wording and was rolled back.");
  }
  std::optional<int> drafted;
  if (const TemplateVersion* same = FindText(state, draft.text, kTemplateDraft)) {
    drafted = same->version;
    draft.note = "drafted before as version " + std::to_string(same->version);
  }
  draft.proposal = Proposal(base, rule->section, rule->reason, draft.text, drafted);
  return draft;
}

Result<int> StoreDraft(TemplateStore& store, const std::string& report_id, const json& finding, const Draft& draft) {
  if (!draft.proposal) return InvalidArgument("there is no draft to store: " + draft.note);
  return store.CreateDraft(
      {.template_id = draft.proposal->at("template_id"),
       .parent_version = draft.proposal->at("base_version"),
       .text = draft.text,
       .author = std::string(kOptimizerAuthor),
       .reason = draft.proposal->at("reason"),
       .evidence = TemplateEvidence{
           .report_id = report_id, .finding_id = TextOf(finding, "id"), .predicted = PredictedEffect(finding)}});
}

Result<Draft> DraftAndStore(TemplateStore& store, const std::string& report_id, const json& finding,
                            const DraftRules& rules) {
  if (!finding.is_object()) return InvalidArgument("a finding is an object");
  const std::string template_id = TextOf(finding, "template_id");
  if (template_id.empty()) return Nothing("The finding is about no template.");
  WFE_ASSIGN_OR_RETURN(const TemplateState state, store.State(template_id));
  if (const TemplateVersion* before = FindEvidence(state, report_id, TextOf(finding, "id"))) {
    return Recall(store, state, *before);
  }
  WFE_ASSIGN_OR_RETURN(const ContextTemplate base, store.Load(state, 0));
  WFE_ASSIGN_OR_RETURN(Draft draft, DraftChange(finding, state, base, rules));
  if (!draft.proposal || draft.proposal->contains("draft_version")) return draft;
  WFE_ASSIGN_OR_RETURN(const int version, StoreDraft(store, report_id, finding, draft));
  draft.proposal = Proposal(base, draft.proposal->at("section"), draft.proposal->at("reason"), draft.text, version);
  return draft;
}

json PredictedEffect(const json& finding) {
  json predicted = json::object();
  for (const char* key : {"rule_key", "audit", "effect", "saving"}) {
    if (finding.contains(key)) predicted[key] = finding[key];
  }
  return predicted;
}

Result<std::vector<ActivatedDraft>> ActivatedDrafts(const TemplateStore& store) {
  std::vector<ActivatedDraft> proposals;
  WFE_ASSIGN_OR_RETURN(const std::vector<std::string> ids, store.TemplateIds());
  for (const std::string& id : ids) {
    WFE_ASSIGN_OR_RETURN(const TemplateState state, store.State(id));
    for (const auto& [number, version] : state.versions) {
      if (!version.evidence || version.activated_at.empty()) continue;
      proposals.push_back({.template_id = id,
                           .version = number,
                           .parent_version = version.parent_version,
                           .activated_at = version.activated_at,
                           .deactivated_at = version.deactivated_at,
                           .status = version.status,
                           .report_id = version.evidence->report_id,
                           .finding_id = version.evidence->finding_id,
                           .predicted = version.evidence->predicted});
    }
  }
  std::ranges::sort(proposals, {}, [](const ActivatedDraft& proposal) {
    return std::tie(proposal.activated_at, proposal.template_id, proposal.version);
  });
  return proposals;
}

}  // namespace wfe::prompts
