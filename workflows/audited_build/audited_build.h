// AuditedBuildWorkflow (AB-1 to AB-9): an agent builds or changes a project, real checkers verify it, every step is
// recorded.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kAuditedBuildWorkflow = "AuditedBuildWorkflow";

/// Where an earlier run stopped, and what this one takes from it.  `wfe build resume` and `wfe build retry` fill it in.
struct ResumePoint {
  std::string workflow_id;         ///< Of the build that is continued.
  std::string run_id;              ///< Of its run.
  std::string step;                ///< The next step: scaffold, implement_v1, initial_verification or fix_attempt_N.
  std::string snapshot_blob_hash;  ///< The tree to begin with; empty: as the project is.
  /// In place: what the earlier run left in the directory; anything else there is not written over.  Empty: whatever
  /// stands there may be replaced.
  std::string expected_snapshot_blob_hash;
  int fix_attempts = 0;            ///< Made before `step`; they count against max_fix_attempts.
  int64_t total_tokens = 0;        ///< Spent so far; they count against the budgets.
  std::optional<Money> cost_usd;
  std::string base_snapshot_blob_hash;  ///< What the first run began with, so that the difference is of the whole build.
  std::string base_commit;              ///< Of a build in a git repository: likewise.
  std::string branch;
  /// The tests and configuration that stood there before the first step of the first run, as its pre-flight saw them:
  /// what the agent has written since is not the examiner's.  null and empty: as this run's pre-flight finds them.
  nlohmann::json baseline;
  std::map<std::string, std::string> protected_hashes;
};
WFE_RECORD(ResumePoint, workflow_id, run_id, step, snapshot_blob_hash, expected_snapshot_blob_hash, fix_attempts,
           total_tokens, cost_usd, base_snapshot_blob_hash, base_commit, branch, baseline, protected_hashes);
constexpr RecordRules RulesOf(const ResumePoint*) {
  return {.refuses_unknown = true, .seldom = "expected_snapshot_blob_hash baseline protected_hashes"};
}

/// What to build.  Only `task` must be given.
struct AuditedBuildInput {
  std::string task;         ///< What is wanted, in words; a whole specification is welcome.
  std::string working_dir;  ///< The project, an absolute path.  Empty: a new directory under the worker's work root.
  /// auto | in_place | branch | copy.  auto: on a branch of its own in a git repository, in place elsewhere.
  std::string workspace = "auto";
  std::string mode = "auto";        ///< auto | create | change.  auto: change where there is a project already.
  std::string profile;              ///< The checks to pass; empty: what the project uses, or typescript for a new one.
  std::vector<std::string> checks;  ///< Commands that replace the profile's checks.
  std::string policy = "strict";    ///< strict | warn: whether a weakened examination fails the build.
  std::string template_id;          ///< Of the standing context; empty: the profile's.
  int template_version = 0;         ///< 0: the active one.
  std::map<std::string, std::string> template_values;  ///< For the template's {{placeholders}}, beside `task`.
  std::string model;                                   ///< Empty: the worker's default.
  std::string backend;                                 ///< Empty: the worker's default.
  int max_fix_attempts = 3;                            ///< 0: verify once and leave it.
  std::optional<int64_t> token_budget;                 ///< Tokens of all agent calls together.
  std::optional<Money> cost_budget_usd;
  int64_t fix_log_max_chars = 20'000;        ///< AB-4
  bool stop_on_repeated_failure = false;     ///< AB-9: the same error log twice ends the run as not_passed.
  bool stop_at_first_failing_check = false;  ///< Of one verification.
  int64_t host_timeout_s = 0;                ///< Nobody serves the host so long: go on elsewhere (EN-5).  0: the worker's.
  int64_t patience_s = 86'400;               ///< So long an unavailable model is asked again (AB-6).
  /// never | auto | always: whether the agent's steps take answers that were kept for the same question (CE-3).
  std::string cache = "never";
  std::optional<ResumePoint> resume;
  /// An input of OptimizationWorkflow, or null.  A build that has completed, however, starts it as a child that goes on by
  /// itself (OP-1); an input that it cannot take shows in the child's own run.
  nlohmann::json audit;
};
WFE_RECORD(AuditedBuildInput, task, working_dir, workspace, mode, profile, checks, policy, template_id,
           template_version, template_values, model, backend, max_fix_attempts, token_budget, cost_budget_usd,
           fix_log_max_chars, stop_on_repeated_failure, stop_at_first_failing_check, host_timeout_s, patience_s, cache,
           resume, audit);
constexpr RecordRules RulesOf(const AuditedBuildInput*) {
  return {.refuses_unknown = true, .subject = "input", .seldom = "cache audit"};
}
void CheckRecord(const AuditedBuildInput& input);

struct AuditedBuildResult {
  /// passed | not_passed | budget_exhausted | aborted | agent_error
  std::string status;
  std::string workflow_run_id;
  int fix_attempts = 0;
  int64_t total_tokens = 0;
  std::optional<Money> cost_usd;   ///< Absent when nothing was bought or a price is unknown.
  std::vector<std::string> files;  ///< Touched by the agent over all steps; sorted.
  std::string working_dir;         ///< Where the build worked.
  std::string project_dir;         ///< The project it was asked to work on; empty for a new directory.
  std::string workspace;           ///< in_place | branch | copy
  std::string branch;              ///< Of the user's repository; empty elsewhere.
  std::string base_commit;
  std::string commit;                   ///< The newest on `branch`.
  std::string base_snapshot_blob_hash;  ///< The tree before the first step …
  std::string snapshot_blob_hash;       ///< … and after the last one: `wfe build diff` compares the two.
  std::string trace;                    ///< Path of audit_trace.jsonl on the host that ended the run.
  std::string last_error_type;          ///< Of the last failing verification, or of the agent; empty when passed.
  std::string message;                  ///< One sentence for people.
  std::vector<std::string> ignored_files = {};  ///< Of `files`: not part of the result, since git ignores them.
  bool nothing_changed = false;         ///< Passed, and the agent has changed no file.
  bool scripted = false;                ///< True: no model was called; the agent's answers were canned.
  int host_changes = 0;
  std::string audit = {};  ///< Workflow id of the audit that was started; empty: none.
};
WFE_RECORD(AuditedBuildResult, status, workflow_run_id, fix_attempts, total_tokens, cost_usd, files, working_dir,
           project_dir, workspace, branch, base_commit, commit, base_snapshot_blob_hash, snapshot_blob_hash, trace,
           last_error_type, message, ignored_files, nothing_changed, scripted, host_changes, audit);
constexpr RecordRules RulesOf(const AuditedBuildResult*) {
  return {.seldom = "project_dir workspace branch base_commit commit base_snapshot_blob_hash snapshot_blob_hash "
                     "last_error_type ignored_files nothing_changed audit"};
}

/// Takes an AuditedBuildInput as JSON, so that malformed input fails the run with a sentence instead of blocking its
/// workflow task.  Queries `status` and `trace`; signals `abort` and `add_guidance` (AB-8): a text, or
/// {"text" or "reason", "author"}.  Guidance under other keys is refused, and the trace says so.
/// Fails the run with INVALID_INPUT, with the failure type of the activity that could not do its work, or with the
/// fault of an examination that could not take place.
sdk::Task<AuditedBuildResult> AuditedBuild(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterAuditedBuild(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
