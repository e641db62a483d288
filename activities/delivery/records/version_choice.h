// Which version a new run gets (EN-10, RB-3, XB-1): the one in service, or by chance, its rollout's or experiment's.
// Written once, at the run's start; the run keeps it, whatever is changed afterwards.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "activities/delivery/records/version_store.h"
#include "activities/learning/experiments/assignment.h"
#include "activities/learning/records/experiment_store.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"

namespace wfe::delivery {

/// Key `<workflow_id>/<run>`.
inline constexpr std::string_view kRunVersionsTable = "workflow_run_versions";

struct RunVersion {
  std::string workflow_id;
  std::string version_id;
  int version = 0;
  std::string content_hash;
  learning::Assignment assignment;  ///< Without experiment_id where neither rollout nor experiment ran.
  std::string at;
  std::string note;  ///< Why it is not what the assignment says; empty: it is.
  nlohmann::json content;  ///< The definition, for a run that asked for it; no part of the row.
};
WFE_RECORD(RunVersion, workflow_id, version_id, version, content_hash, assignment, at, note, content);
constexpr RecordRules RulesOf(const RunVersion*) {
  return {.required = "workflow_id version_id version", .seldom = "note content"};
}

/// "workflow:report": the subject of experiments with its versions; their control and variant are version ids.
std::string SubjectOf(const std::string& workflow_id);

/// The first answer for a run is kept, and every later one is the same.  An arm whose version was deleted gets the
/// version in service, and the note says so; an experiment divides the traffic only while its control is in service.
Result<RunVersion> ChooseVersion(client::RecordsClient& records, const std::string& workflow_id,
                                 const std::string& run_id, const std::string& at);

}  // namespace wfe::delivery
