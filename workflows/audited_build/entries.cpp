#include "workflows/audited_build/entries.h"

#include <algorithm>

namespace wfe::workflows {
namespace {

using trace::LogEntry;

LogEntry Base(const EntryBase& base, const std::string& step, const std::string& timestamp) {
  LogEntry entry;
  entry.workflow_run_id = base.run_id;
  entry.step_name = step;
  entry.timestamp = timestamp;
  entry.ext["workflow_id"] = base.workflow_id;
  entry.ext["workflow_type"] = base.workflow_type;
  if (base.context) {
    entry.ext["template_id"] = base.context->template_id;
    entry.ext["template_version"] = base.context->template_version;
    if (!base.context->experiment_arm.empty()) entry.ext["experiment_arm"] = base.context->experiment_arm;
  }
  return entry;
}

/// What was examined, and what was found beside it: a pass of nothing is none (SEC-M8).
void AddExamination(LogEntry& entry, const build::ComplianceReport& report) {
  bool counts_tests = false;
  nlohmann::json evidence = nlohmann::json::object();
  int64_t files_by_exit_code = 0;
  for (const build::CheckReport& check : report.checks) {
    counts_tests = counts_tests || check.tests_total.has_value();
    if (!check.evidence.empty()) evidence[check.id] = check.evidence;
    files_by_exit_code += check.files_by_exit_code;
  }
  if (counts_tests) {
    entry.ext["tests_total"] = report.tests_total;
    entry.ext["tests_skipped"] = report.tests_skipped;
  }
  if (!evidence.empty()) entry.ext["evidence"] = std::move(evidence);
  const auto say = [&entry](const char* key, const auto& value) {
    if (!value.empty()) entry.ext[key] = value;
  };
  const auto count = [&entry](const char* key, int64_t value) {
    if (value > 0) entry.ext[key] = value;
  };
  say("policy", report.policy);
  say("policy_counts", report.policy_counts);
  say("policy_notes", report.policy_notes);
  say("policy_violations", report.policy_violations);
  say("planted_files", report.planted_files);
  say("changed_by_checks", report.changed_by_checks);
  say("limits", report.limits);
  say("sandbox_reason", report.sandbox_reason);
  count("files_examined", report.files_examined);
  count("files_by_exit_code", files_by_exit_code);
  count("leftover_processes", report.leftover_processes);
  count("suppressed_count", report.suppressed_count);
}

}  // namespace

Remark RemarkFrom(std::string_view event, const nlohmann::json& signal, const char* text_key) {
  Remark remark;
  remark.event = std::string(event);
  const auto text = [&signal](const char* key) {
    const auto found = signal.find(key);
    return found != signal.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (signal.is_string()) {
    remark.text = signal.get<std::string>();
  } else if (signal.is_object() && signal.contains(text_key)) {
    remark.text = text(text_key);
    remark.author = text("author");
  } else if (!signal.is_null()) {
    remark.text = signal.dump();
  }
  if (signal.is_object()) {
    for (const auto& [key, value] : signal.items()) {
      if (key != text_key && key != "author") remark.refused = "the key \"" + key + "\" is not known";
    }
  }
  if (remark.refused.empty() && remark.text.empty()) remark.refused = "it holds no text";
  if (remark.refused.empty() && !signal.is_string() && !signal.is_object()) remark.refused = "it is no text";
  if (!remark.refused.empty()) {
    remark.refused += std::string("; say a text, or {\"") + text_key + "\": …, \"author\": …}";
  }
  return remark;
}

LogEntry AgentEntry(const EntryBase& base, const std::string& step, const std::string& timestamp,
                    const agent::AgentReply& reply, const std::optional<Repair>& repair,
                    const std::string& instruction_template) {
  LogEntry entry = Base(base, step, timestamp);
  if (base.context) {
    entry.context_file_hash = base.context->context_file_hash;
    entry.ext["section_hashes"] = base.context->section_hashes;
  }
  if (repair) {
    entry.validation_error_type = repair->error_type;
    entry.error_log_size_chars = repair->error_log_chars;
  }
  agent::FillAgentEntry(entry, reply);
  if (repair) trace::SetReworkCostFactor(entry);
  if (!instruction_template.empty()) entry.ext["instruction_template"] = instruction_template;
  if (!reply.snapshot_blob_hash.empty()) entry.ext["snapshot_blob_hash"] = reply.snapshot_blob_hash;
  if (!reply.error.empty()) entry.ext["agent_error"] = reply.error;
  return entry;
}

LogEntry VerificationEntry(const EntryBase& base, const std::string& step, const std::string& timestamp,
                           const build::ComplianceReport& report) {
  LogEntry entry = Base(base, step, timestamp);
  if (base.context) entry.context_file_hash = base.context->context_file_hash;
  entry.validation_status = report.passed ? trace::kValidationPass : trace::kValidationFail;
  entry.commands_attempted = report.commands_attempted;
  entry.ext["kind"] = trace::kKindVerification;
  entry.ext["sandbox"] = report.sandbox;
  entry.ext["duration_ms"] = report.duration_ms;
  AddExamination(entry, report);
  if (!report.fault.empty()) {
    entry.validation_error_type = report.fault_type;
    entry.ext["fault"] = report.fault;
  } else if (!report.passed) {
    entry.validation_error_type = report.error_type;
    entry.error_log_size_chars = report.error_log_chars;
    const trace::CutText cut = trace::CutErrorLog(report.error_log);
    entry.error_full = cut.text;
    entry.ext["error_truncated"] = cut.truncated || report.error_truncated;
    entry.ext["error_log_hash"] = report.error_log_hash;
    entry.ext["validation_error_counts"] = report.error_counts;
  }
  return entry;
}

LogEntry EventEntry(const EntryBase& base, const std::string& name, const std::string& timestamp,
                    const nlohmann::json& ext) {
  LogEntry entry = Base(base, name, timestamp);
  entry.validation_status = trace::kValidationNotApplicable;
  entry.ext["kind"] = trace::kKindWorkflowEvent;
  entry.ext.update(ext);
  return entry;
}

}  // namespace wfe::workflows
