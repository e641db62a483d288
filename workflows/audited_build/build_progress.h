// What queries see of a build; shared with their handlers, so that a closed run answers too (S68).
#pragma once

#include <string>
#include <vector>

#include "activities/trace/log_entry.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

struct BuildProgress {
  std::string step = "starting";
  std::string status = "running";
  int fix_attempts = 0;
  int64_t total_tokens = 0;
  std::string last_error_type;
  std::string project_dir;
  std::string working_dir;
  std::string workspace;
  std::string branch;
  std::string base_snapshot_blob_hash;
  std::string snapshot_blob_hash;
  std::vector<trace::LogEntry> entries;
};
/// The answer to `status`: all but the entries.
WFE_RECORD(BuildProgress, step, status, fix_attempts, total_tokens, last_error_type, project_dir, working_dir, workspace,
           branch, base_snapshot_blob_hash, snapshot_blob_hash);
constexpr RecordRules RulesOf(const BuildProgress*) {
  return {.seldom = "last_error_type project_dir workspace branch base_snapshot_blob_hash snapshot_blob_hash"};
}

/// Adds the queries `status` and `trace`.  The answer to `trace` keeps below a payload's limit: error logs are left out
/// of it once they would not fit, and the answer says how many entries it lacks.
void AnswerBuildQueries(sdk::WorkflowContext& ctx, const std::shared_ptr<BuildProgress>& progress);

}  // namespace wfe::workflows
