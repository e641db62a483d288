// The state of one prompt template: a fold over the events that the store keeps (RC-4).
//
// An event is one row, `<template id>/<8-digit number>`, numbered without gaps from 1:
//   created      a draft version with its parent, words, reason, author and evidence
//   activated    a person (or the optimizer, where that is allowed) made a version the active one
//   rolled_back  the active version was given up for an earlier one
//   tried        a version is an arm of an experiment: some runs use it, the active one stays
//   given_up     such a version lost, or nobody wants a draft: it is not proposed again
//   untried      an experiment ended without an answer: the version is a draft again
// Files that ship with wfe are versions as well.  They have no events, and theirs is the active one until an event says
// otherwise.  An event about such a file records its words, so that later everybody means the same ones.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/record_json.h"
#include "engine/base/result.h"

namespace wfe::prompts {

/// The values of TemplateVersion::status.
inline constexpr std::string_view kTemplateDraft = "draft";
inline constexpr std::string_view kTemplateActive = "active";
inline constexpr std::string_view kTemplateExperiment = "experiment";
inline constexpr std::string_view kTemplateRolledBack = "rolled_back";  ///< Was active or tried, and was given up.
inline constexpr std::string_view kTemplateSuperseded = "superseded";   ///< Was active until a later one was.

/// The values of TemplateEvent::kind.
inline constexpr std::string_view kTemplateCreated = "created";
inline constexpr std::string_view kTemplateActivated = "activated";
inline constexpr std::string_view kTemplateRolledBackEvent = "rolled_back";
inline constexpr std::string_view kTemplateTried = "tried";
inline constexpr std::string_view kTemplateGivenUp = "given_up";
inline constexpr std::string_view kTemplateUntried = "untried";

/// Where a draft comes from.
struct TemplateEvidence {
  std::string report_id;
  std::string finding_id;
  nlohmann::json predicted;  ///< What the finding expects of it; see PredictedEffect.
};
WFE_RECORD(TemplateEvidence, report_id, finding_id, predicted);
constexpr RecordRules RulesOf(const TemplateEvidence*) { return {.whole = true}; }

struct TemplateEvent {
  int64_t sequence = 0;
  std::string kind;
  int version = 0;
  int previous_version = 0;  ///< created: the parent; otherwise the one that was active before, 0 for none.
  std::string author;
  std::string reason;
  std::string at;                            ///< ISO 8601, UTC.
  std::string text_sha256;                   ///< The blob with the version's words.
  std::string status;                        ///< created only: draft or experiment.
  std::optional<TemplateEvidence> evidence;  ///< created only.
};
void to_json(nlohmann::json& json, const TemplateEvent& event);

struct TemplateVersion {
  int version = 0;
  int parent_version = 0;
  std::string status;
  std::string author;
  std::string created_at;
  std::string reason;
  std::string text_sha256;  ///< Empty: the words are in a file, and no event has recorded them.
  bool built_in = false;
  bool hides_file = false;     ///< A file with this number came later and is not used.
  std::string activated_at;    ///< The first time; empty: never.
  std::string deactivated_at;  ///< The last time, once it is no longer active.
  std::optional<TemplateEvidence> evidence;
};
WFE_RECORD(TemplateVersion, version, parent_version, status, author, created_at, reason, text_sha256, built_in,
           hides_file, activated_at, deactivated_at, evidence);
constexpr RecordRules RulesOf(const TemplateVersion*) {
  return {.seldom = "hides_file text_sha256 activated_at deactivated_at"};
}

struct TemplateState {
  std::string template_id;
  std::map<int, TemplateVersion> versions;
  int active = 0;                     ///< 0: none, builds cannot use the template.
  std::vector<int> earlier;           ///< What a rollback goes back through; the last one is the next.
  std::vector<TemplateEvent> events;  ///< Every change: who, when and why.

  int NextVersion() const { return versions.empty() ? 1 : versions.rbegin()->first + 1; }
  const TemplateVersion* Find(int version) const;
};

/// The versions that files give, before any event.
struct BuiltInVersions {
  std::map<int, TemplateVersion> versions;
  int active = 0;
};

/// The key of an event.
std::string TemplateRowKey(const std::string& template_id, int64_t sequence);

/// Pure.  `rows` are the template's, in key order.  DATA_LOSS names the row that is missing, malformed, of an unknown
/// kind or about no version.  A stored version hides a file with the same number, also where that file would be the
/// active one: nothing unapproved becomes active by an upgrade.
Result<TemplateState> FoldTemplate(const std::string& template_id, const BuiltInVersions& built_in,
                                   const std::vector<std::pair<std::string, std::string>>& rows);

}  // namespace wfe::prompts
