#include "workflows/audited_build/entries.h"

namespace wfe::workflows {
namespace {

using activities::LogEntry;

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
  }
  return entry;
}

}  // namespace

LogEntry AgentEntry(const EntryBase& base, const std::string& step, const std::string& timestamp,
                    const activities::AgentReply& reply, const std::optional<Repair>& repair) {
  LogEntry entry = Base(base, step, timestamp);
  if (base.context) {
    entry.context_file_hash = base.context->context_file_hash;
    entry.ext["section_hashes"] = base.context->section_hashes;
  }
  if (repair) {
    entry.validation_error_type = repair->error_type;
    entry.error_log_size_chars = repair->error_log_chars;
  }
  activities::FillAgentEntry(entry, reply);
  if (repair) activities::SetReworkCostFactor(entry);
  return entry;
}

LogEntry VerificationEntry(const EntryBase& base, const std::string& step, const std::string& timestamp,
                           const activities::ComplianceReport& report) {
  LogEntry entry = Base(base, step, timestamp);
  if (base.context) entry.context_file_hash = base.context->context_file_hash;
  entry.validation_status = report.passed ? activities::kValidationPass : activities::kValidationFail;
  entry.commands_attempted = report.commands_attempted;
  entry.ext["kind"] = activities::kKindVerification;
  entry.ext["sandbox"] = report.sandbox;
  entry.ext["duration_ms"] = report.duration_ms;
  if (!report.passed) {
    entry.validation_error_type = report.error_type;
    entry.error_log_size_chars = report.error_log_chars;
    const activities::CutText cut = activities::CutErrorLog(report.error_log);
    entry.error_full = cut.text;
    entry.ext["error_truncated"] = cut.truncated || report.error_truncated;
    entry.ext["error_log_hash"] = report.error_log_hash;
    entry.ext["validation_error_counts"] = report.error_counts;
  }
  if (report.suppressed_count > 0) entry.ext["suppressed_count"] = report.suppressed_count;
  return entry;
}

LogEntry EventEntry(const EntryBase& base, const std::string& name, const std::string& timestamp,
                    const nlohmann::json& ext) {
  LogEntry entry = Base(base, name, timestamp);
  entry.validation_status = activities::kValidationNotApplicable;
  entry.ext["kind"] = activities::kKindWorkflowEvent;
  entry.ext.update(ext);
  return entry;
}

}  // namespace wfe::workflows
