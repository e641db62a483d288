// The versions of a workflow's definition and which one is in service (RC-18, RB-1): a fold over numbered events
// (activities/learning/records/event_log.h, table workflow_versions).
//
//   created      a version: its content's hash, what it was made from and by which suggestion
//   activated    it is in service now: new runs get it
//   rolled_back  the version in service was given up for an earlier one
//   deleted      nobody gets it any more; v0, and the version in service, cannot be
//   split        a share of new runs gets it, by a rollout; a share of 0 ends that
//   baseline     how the version before performed; a rollout's becomes that of the version in service at its end
// v0 is the original: the first that is created, and in service from then on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/delivery/rules/performance.h"
#include "activities/learning/records/event_log.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"

namespace wfe::delivery {

inline constexpr std::string_view kVersionsTable = "workflow_versions";

/// The values of VersionEvent::kind.
inline constexpr std::string_view kVersionCreated = "created";
inline constexpr std::string_view kVersionActivated = "activated";
inline constexpr std::string_view kVersionRolledBack = "rolled_back";
inline constexpr std::string_view kVersionDeleted = "deleted";
inline constexpr std::string_view kVersionSplit = "split";
inline constexpr std::string_view kVersionBaseline = "baseline";

/// The values of DefinitionVersion::status.
inline constexpr std::string_view kStatusNew = "new";  ///< Never in service.
inline constexpr std::string_view kStatusInService = "in_service";
inline constexpr std::string_view kStatusSuperseded = "superseded";
inline constexpr std::string_view kStatusRolledBack = "rolled_back";
inline constexpr std::string_view kStatusDeleted = "deleted";

/// `{workflow_id}_v{n}`
std::string VersionId(const std::string& workflow_id, int version);
/// The number in "NAME_v3", "v3" or "3"; INVALID_ARGUMENT when it is none, or of another workflow.
Result<int> ParseVersion(const std::string& workflow_id, const std::string& text);

/// One row.
struct VersionEvent {
  std::string kind;
  std::string at;  ///< ISO 8601, UTC.
  int version = 0;
  std::optional<int> previous_version;  ///< created: the parent; activated and rolled_back: in service before.
  std::string author;
  std::string reason;
  std::string content_hash;  ///< created: SHA-256 of the canonical JSON, which is a blob.
  std::string suggestion;    ///< created: the one that was applied.
  nlohmann::json metrics;    ///< created: what is expected of it; null: nothing was said.
  std::string rollout_id;    ///< split, and activated at the end of a rollout.
  int64_t step = 0;          ///< split: rises within the rollout, so that a late repetition is known.
  double share = 0;          ///< split: of new runs, 0 to 1.
  std::optional<PerformanceWindow> baseline;
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(VersionEvent, kind, at, version, previous_version, author, reason, content_hash, suggestion, metrics,
           rollout_id, step, share, baseline);
constexpr RecordRules RulesOf(const VersionEvent*) {
  return {.required = "kind at version",
          .seldom = "author reason content_hash suggestion metrics rollout_id step share"};
}

struct DefinitionVersion {
  std::string version_id;
  int version = 0;
  std::optional<int> parent_version;
  std::string status{kStatusNew};
  std::string content_hash;
  std::string suggestion;
  nlohmann::json metrics;
  std::string author;
  std::string reason;
  std::string created_at;
  std::string in_service_since;  ///< The last time; empty: never.
  std::string deleted_why;       ///< Who, when and why, as a sentence.
};
WFE_RECORD(DefinitionVersion, version_id, version, parent_version, status, content_hash, suggestion, metrics, author,
           reason, created_at, in_service_since, deleted_why);
constexpr RecordRules RulesOf(const DefinitionVersion*) {
  return {.seldom = "suggestion metrics in_service_since deleted_why"};
}

/// From `at` on this share of new runs gets the version.
struct TrafficSplit {
  std::string rollout_id;
  int version = 0;
  double share = 0;
  int64_t step = 0;
  std::string at;
};
WFE_RECORD(TrafficSplit, rollout_id, version, share, step, at);

struct VersionState {
  std::string workflow_id;
  std::vector<DefinitionVersion> versions;  ///< By number, without gaps.
  int in_service = 0;
  std::vector<int> earlier;  ///< What a rollback goes back through; the last one is the next.
  std::optional<TrafficSplit> split;
  std::vector<TrafficSplit> splits;                   ///< All there ever were, those of share 0 too.
  std::optional<PerformanceWindow> baseline;          ///< For the version in service: how the one before it performed.
  std::optional<PerformanceWindow> rollout_baseline;  ///< For the one that is rolled out, from its last stage on.
  std::string changed_at;                             ///< When the version in service became so; empty: no version.
  std::string changed_kind;                           ///< created, activated or rolled_back.
  std::string changed_reason;
  std::string changed_by;
  std::vector<VersionEvent> events;

  const DefinitionVersion* Find(int version) const;
  /// The version, or NOT_FOUND, or FAILED_PRECONDITION when it was deleted: a sentence each.
  Result<const DefinitionVersion*> Usable(int version) const;
  /// What a rollback goes to when nobody names one; FAILED_PRECONDITION when v0 is reached.
  Result<int> Previous() const;
};
WFE_RECORD(VersionState, workflow_id, versions, in_service, earlier, split, baseline, changed_at, changed_kind,
           changed_reason, changed_by);

/// Pure.  DATA_LOSS names the row that is no event, of an unknown kind, or about a version that there is not.
Result<VersionState> FoldVersions(const std::string& workflow_id, const learning::StoredEvents& events);

}  // namespace wfe::delivery
