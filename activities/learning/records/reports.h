// What static analysis said about a generation (RC-1), and what became of its run (RC-14).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/record_json.h"

namespace wfe::learning {

/// Table of the records service: key time and report_id.
inline constexpr std::string_view kReportsTable = "generation_reports";
/// Key time and workflow_run_id.
inline constexpr std::string_view kUsageTable = "usage_history";

/// One check of a report.
struct CheckOutcome {
  std::string name;    ///< The finding's class where it is one: "undefined_names".
  std::string status;  ///< "pass", "fail", "blocked" (by a graver finding) or "skipped" (a tool is missing).
  double score = 0;
  std::string message;
  int64_t line = 0;
  bool auto_fixed = false;
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(CheckOutcome, name, status, score, message, line, auto_fixed);
constexpr RecordRules RulesOf(const CheckOutcome*) {
  return {.required = "name status", .seldom = "message line auto_fixed"};
}

/// What was found and repaired counts as well: the model wrote it.
inline bool IsFinding(const CheckOutcome& check) { return check.auto_fixed || check.status == "fail"; }

struct GenerationReport {
  std::string report_id;
  std::string node_id;
  std::string workflow_run_id;
  std::string file;
  std::string content_hash;
  std::vector<CheckOutcome> checks;
  int64_t auto_fixes_applied = 0;
  double overall_score = 0;  ///< 0 to 1
  std::string grade;
  std::string template_id;
  int template_version = 0;  ///< 0: made without a template of the store.
  std::string model;
  std::string created_at;  ///< ISO 8601, UTC; the same on every attempt to save it.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(GenerationReport, report_id, node_id, workflow_run_id, file, content_hash, checks, auto_fixes_applied,
           overall_score, grade, template_id, template_version, model, created_at);
constexpr RecordRules RulesOf(const GenerationReport*) {
  return {.required = "report_id node_id workflow_run_id checks overall_score created_at"};
}

/// One run of a workflow.
struct UsageRow {
  std::string workflow_run_id;
  std::string nl_input;  ///< The task as it was asked for.
  std::string workflow_type;
  std::string created_at;  ///< When the run began.
  int64_t duration_ms = 0;
  int64_t total_tokens = 0;
  Money cost_usd;              ///< Of the calls whose price is known.
  int64_t unpriced_calls = 0;  ///< Calls whose price is not.
  bool scripted = false;       ///< Canned answers: nothing was paid.
  bool success = false;
  int64_t step_count = 0;
  std::string outcome;     ///< success_first_pass, success_after_escalation, failed (SG-7); other types have their own.
  bool escalated = false;  ///< The better model was asked, whatever came of it.
  std::string tool_id;     ///< Of the tool that did it instead of a model (PD-6); empty: none.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(UsageRow, workflow_run_id, nl_input, workflow_type, created_at, duration_ms, total_tokens, cost_usd,
           unpriced_calls, scripted, success, step_count, outcome, escalated, tool_id);
constexpr RecordRules RulesOf(const UsageRow*) {
  return {.required = "workflow_run_id workflow_type created_at success",
          .seldom = "unpriced_calls scripted outcome escalated tool_id"};
}

}  // namespace wfe::learning
