// AuditedBuildWorkflow (AB-1 to AB-9): an agent builds a package, real checkers verify it, every step is recorded.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kAuditedBuildWorkflow = "AuditedBuildWorkflow";

/// What to build.  Only `task` must be given.
struct AuditedBuildInput {
  std::string task;                                ///< What is wanted, in words; a whole specification is welcome.
  std::string working_dir;                         ///< Absolute.  Empty: a new directory under the worker's work root.
  std::string profile = "typescript";              ///< The checks to pass.
  std::string template_id = "typescript-package";  ///< Of GEMINI.md.
  int template_version = 0;                        ///< 0: the active one.
  std::map<std::string, std::string> template_values;  ///< For the template's {{placeholders}}, beside `task`.
  std::string model;                                   ///< Empty: the worker's default.
  std::string backend;                                 ///< Empty: the worker's default.
  int max_fix_attempts = 3;                            ///< 0: verify once and leave it.
  std::optional<int64_t> token_budget;                 ///< Tokens of all agent calls together.
  std::optional<double> cost_budget_usd;
  int64_t fix_log_max_chars = 20'000;        ///< AB-4
  bool stop_on_repeated_failure = false;     ///< AB-9: the same error log twice ends the run as not_passed.
  bool stop_at_first_failing_check = false;  ///< Of one verification.
  int64_t host_timeout_s = 600;              ///< Nobody serves the host so long: go on elsewhere (EN-5).
  int max_agent_attempts = 5;                ///< Attempts of one agent step when the model is unavailable.
};
void to_json(nlohmann::json& json, const AuditedBuildInput& input);
/// Throws nlohmann::json::exception naming an unknown key or a wrong type.
void from_json(const nlohmann::json& json, AuditedBuildInput& input);

struct AuditedBuildResult {
  /// passed | not_passed | budget_exhausted | aborted | agent_error
  std::string status;
  std::string workflow_run_id;
  int fix_attempts = 0;
  int64_t total_tokens = 0;
  std::optional<double> cost_usd;  ///< Absent when nothing was bought or a price is unknown.
  std::vector<std::string> files;  ///< Touched by the agent over all steps; sorted.
  std::string working_dir;
  std::string trace;            ///< Path of audit_trace.jsonl on the host that ended the run.
  std::string last_error_type;  ///< Of the last failing verification, or of the agent; empty when passed.
  std::string message;          ///< One sentence for people.
  bool scripted = false;        ///< True: no model was called; the agent's answers were canned.
  int host_changes = 0;
};
void to_json(nlohmann::json& json, const AuditedBuildResult& result);
void from_json(const nlohmann::json& json, AuditedBuildResult& result);

/// Takes an AuditedBuildInput as JSON, so that malformed input fails the run with a sentence instead of blocking its
/// workflow task.  Queries `status` and `trace`; signals `abort` and `add_guidance` (AB-8).
/// Fails the run with INVALID_INPUT, or with the failure type of the activity that could not do its work.
sdk::Task<AuditedBuildResult> AuditedBuild(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterAuditedBuild(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
