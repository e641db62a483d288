#include "activities/prompts/template_state.h"

#include <algorithm>
#include <cstdio>

#include "engine/base/parse_json.h"

namespace wfe::prompts {
namespace {

using nlohmann::json;

/// Throws json::exception for what is missing or of another type.
TemplateEvent ReadEvent(const json& row) {
  TemplateEvent event;
  event.kind = row.at("kind");
  event.version = row.at("version");
  event.author = row.at("author");
  event.reason = row.at("reason");
  const bool created = event.kind == kTemplateCreated;
  event.at = row.at(created ? "created_at" : "at");
  event.previous_version = row.at(created ? "parent_version" : "previous_version");
  event.text_sha256 = row.at("text_sha256");
  if (created) event.status = row.at("status");
  if (row.contains("evidence")) event.evidence = row["evidence"].get<TemplateEvidence>();
  return event;
}

class Fold {
 public:
  explicit Fold(TemplateState& state) : state_(state) {}

  /// Empty, or why the event cannot be.
  std::string Apply(const TemplateEvent& event) {
    if (event.kind == kTemplateCreated) return Create(event);
    if (event.kind == kTemplateTried || event.kind == kTemplateGivenUp || event.kind == kTemplateUntried) {
      return Mark(event);
    }
    if (event.kind != kTemplateActivated && event.kind != kTemplateRolledBackEvent) {
      return "of the unknown kind \"" + event.kind + "\"; a newer wfe may have written it";
    }
    // Another program's files may hold the version; the words the event recorded make it complete.
    TemplateVersion& version = state_.versions[event.version];
    version.version = event.version;
    version.text_sha256 = event.text_sha256;
    if (version.status.empty()) version.built_in = true;
    Switch(event, version);
    return "";
  }

 private:
  std::string Create(const TemplateEvent& event) {
    const TemplateVersion* there = state_.Find(event.version);
    if (there != nullptr && !there->built_in) return "a second version " + std::to_string(event.version);
    state_.versions[event.version] = {.version = event.version,
                                      .parent_version = event.previous_version,
                                      .status = event.status,
                                      .author = event.author,
                                      .created_at = event.at,
                                      .reason = event.reason,
                                      .text_sha256 = event.text_sha256,
                                      .built_in = false,
                                      .hides_file = there != nullptr,
                                      .activated_at = {},
                                      .deactivated_at = {},
                                      .evidence = event.evidence};
    return "";
  }

  std::string Mark(const TemplateEvent& event) {
    const auto found = state_.versions.find(event.version);
    if (found == state_.versions.end()) return "about version " + std::to_string(event.version) + ", which there is not";
    TemplateVersion& version = found->second;
    version.status = event.kind == kTemplateTried     ? kTemplateExperiment
                     : event.kind == kTemplateGivenUp ? kTemplateRolledBack
                                                      : kTemplateDraft;
    version.text_sha256 = event.text_sha256;
    if (event.kind == kTemplateGivenUp) version.deactivated_at = event.at;
    return "";
  }

  void Switch(const TemplateEvent& event, TemplateVersion& version) {
    std::vector<int>& earlier = state_.earlier;
    const bool back = event.kind == kTemplateRolledBackEvent;
    if (back) {
      // Back through the stack as far as the version; one that was never active is a new top.
      const auto found = std::find(earlier.rbegin(), earlier.rend(), event.version);
      if (found != earlier.rend()) earlier.erase(found.base() - 1, earlier.end());
    } else if (event.previous_version != 0) {
      earlier.push_back(event.previous_version);
    }
    // The first event knows better than today's files what was active before it.
    for (auto& [number, other] : state_.versions) {
      if (number == event.version || (other.status != kTemplateActive && number != event.previous_version)) continue;
      other.status = back && number == event.previous_version ? kTemplateRolledBack : kTemplateSuperseded;
      other.deactivated_at = event.at;
    }
    version.status = kTemplateActive;
    if (version.activated_at.empty()) version.activated_at = event.at;
    version.deactivated_at.clear();
    state_.active = event.version;
  }

  TemplateState& state_;
};

/// The files' active version may be hidden by a draft that nobody has activated: the one before it stays active.
void SkipHiddenFiles(TemplateState& state) {
  while (state.active > 0 && (state.Find(state.active) == nullptr || !state.Find(state.active)->built_in)) {
    --state.active;
  }
  if (state.active > 0) state.versions[state.active].status = kTemplateActive;
}

}  // namespace

void to_json(json& j, const TemplateEvent& event) {
  const bool created = event.kind == kTemplateCreated;
  j = {{"kind", event.kind},
       {"version", event.version},
       {created ? "parent_version" : "previous_version", event.previous_version},
       {"author", event.author},
       {"reason", event.reason},
       {created ? "created_at" : "at", event.at},
       {"text_sha256", event.text_sha256}};
  if (created) j["status"] = event.status;
  if (event.evidence) j["evidence"] = *event.evidence;
}

const TemplateVersion* TemplateState::Find(int version) const {
  const auto found = versions.find(version);
  return found == versions.end() ? nullptr : &found->second;
}

std::string TemplateRowKey(const std::string& template_id, int64_t sequence) {
  char number[32];
  std::snprintf(number, sizeof(number), "%08lld", static_cast<long long>(sequence));
  return template_id + "/" + number;
}

Result<TemplateState> FoldTemplate(const std::string& template_id, const BuiltInVersions& built_in,
                                   const std::vector<std::pair<std::string, std::string>>& rows) {
  TemplateState state;
  state.template_id = template_id;
  state.versions = built_in.versions;
  state.active = built_in.active;
  Fold fold(state);
  for (const auto& [key, value] : rows) {
    const auto sequence = static_cast<int64_t>(state.events.size()) + 1;
    const std::string wanted = TemplateRowKey(template_id, sequence);
    if (key != wanted) return DataLoss("the template store has row " + key + " where " + wanted + " should be");
    const json row = ParseJson(value);
    TemplateEvent event;
    std::string problem = row.is_discarded() ? "not JSON" : "";
    if (problem.empty()) {
      try {
        event = ReadEvent(row);
        event.sequence = sequence;
        problem = event.version < 1 ? "about no version" : fold.Apply(event);
      } catch (const json::exception& e) {
        problem = std::string("not an event: ") + e.what();
      }
    }
    if (!problem.empty()) return DataLoss("row " + key + " of the template store is " + problem);
    state.events.push_back(std::move(event));
  }
  const bool chosen = std::ranges::any_of(state.events, [](const auto& e) {
    return e.kind == kTemplateActivated || e.kind == kTemplateRolledBackEvent;
  });
  if (!chosen) SkipHiddenFiles(state);
  return state;
}

}  // namespace wfe::prompts
