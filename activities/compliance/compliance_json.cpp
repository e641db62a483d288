// JSON of the records in compliance.h: every field by its own name, unknown keys kept in `extra`.

#include "activities/compliance/compliance.h"

namespace wfe::activities {
namespace {

using nlohmann::json;

template <class T>
void Put(json& object, const char* key, const T& value) {
  object[key] = value;
}
template <class T>
void Put(json& object, const char* key, const std::optional<T>& value) {
  if (value.has_value()) object[key] = *value;
}

/// Moves a known key out of `rest`; what stays there is unknown to this version.
template <class T>
void Take(json& rest, const char* key, T& value) {
  const auto found = rest.find(key);
  if (found == rest.end()) return;
  found->get_to(value);
  rest.erase(found);
}
template <class T>
void Take(json& rest, const char* key, std::optional<T>& value) {
  const auto found = rest.find(key);
  if (found == rest.end()) return;
  value = found->is_null() ? std::nullopt : std::optional<T>(found->get<T>());
  rest.erase(found);
}

/// A copy to take the known keys from; throws when `json` is no object.
json Rest(const json& object) { return object.get<json::object_t>(); }

/// Starts from the unknown keys, so that a known one always wins.
json Start(const json& extra) { return extra.is_object() ? extra : json::object(); }

}  // namespace

void to_json(json& object, const PreflightRequest& value) {
  object = Start(value.extra);
  Put(object, "working_dir", value.working_dir);
  Put(object, "profile", value.profile);
  Put(object, "mode", value.mode);
  Put(object, "checks", value.checks);
  Put(object, "policy", value.policy);
  Put(object, "claim_id", value.claim_id);
  Put(object, "workflow_id", value.workflow_id);
  Put(object, "create_if_missing", value.create_if_missing);
  Put(object, "write_starter_files", value.write_starter_files);
  Put(object, "take_over_from", value.take_over_from);
  Put(object, "min_free_bytes", value.min_free_bytes);
}

void from_json(const json& object, PreflightRequest& value) {
  json rest = Rest(object);
  Take(rest, "working_dir", value.working_dir);
  Take(rest, "profile", value.profile);
  Take(rest, "mode", value.mode);
  Take(rest, "checks", value.checks);
  Take(rest, "policy", value.policy);
  Take(rest, "claim_id", value.claim_id);
  Take(rest, "workflow_id", value.workflow_id);
  Take(rest, "create_if_missing", value.create_if_missing);
  Take(rest, "write_starter_files", value.write_starter_files);
  Take(rest, "take_over_from", value.take_over_from);
  Take(rest, "min_free_bytes", value.min_free_bytes);
  value.extra = std::move(rest);
}

void to_json(json& object, const PreflightReport& value) {
  object = Start(value.extra);
  Put(object, "working_dir", value.working_dir);
  Put(object, "profile", value.profile);
  Put(object, "profile_hash", value.profile_hash);
  Put(object, "detection", value.detection);
  Put(object, "mode", value.mode);
  Put(object, "template_id", value.template_id);
  Put(object, "claim_id", value.claim_id);
  Put(object, "protected_hashes", value.protected_hashes);
  Put(object, "baseline", value.baseline);
  Put(object, "tools", value.tools);
  Put(object, "check_commands", value.check_commands);
  Put(object, "sandbox", value.sandbox);
  Put(object, "sandbox_reason", value.sandbox_reason);
  Put(object, "needs_dependencies", value.needs_dependencies);
  Put(object, "starter_files", value.starter_files);
  Put(object, "free_bytes", value.free_bytes);
}

void from_json(const json& object, PreflightReport& value) {
  json rest = Rest(object);
  Take(rest, "working_dir", value.working_dir);
  Take(rest, "profile", value.profile);
  Take(rest, "profile_hash", value.profile_hash);
  Take(rest, "detection", value.detection);
  Take(rest, "mode", value.mode);
  Take(rest, "template_id", value.template_id);
  Take(rest, "claim_id", value.claim_id);
  Take(rest, "protected_hashes", value.protected_hashes);
  Take(rest, "baseline", value.baseline);
  Take(rest, "tools", value.tools);
  Take(rest, "check_commands", value.check_commands);
  Take(rest, "sandbox", value.sandbox);
  Take(rest, "sandbox_reason", value.sandbox_reason);
  Take(rest, "needs_dependencies", value.needs_dependencies);
  Take(rest, "starter_files", value.starter_files);
  Take(rest, "free_bytes", value.free_bytes);
  value.extra = std::move(rest);
}

void to_json(json& object, const InstallDependenciesRequest& value) {
  object = Start(value.extra);
  Put(object, "working_dir", value.working_dir);
  Put(object, "profile", value.profile);
  Put(object, "claim_id", value.claim_id);
}

void from_json(const json& object, InstallDependenciesRequest& value) {
  json rest = Rest(object);
  Take(rest, "working_dir", value.working_dir);
  Take(rest, "profile", value.profile);
  Take(rest, "claim_id", value.claim_id);
  value.extra = std::move(rest);
}

void to_json(json& object, const InstallDependenciesReport& value) {
  object = Start(value.extra);
  Put(object, "needed", value.needed);
  Put(object, "installed", value.installed);
  Put(object, "dependency_hash", value.dependency_hash);
  Put(object, "dependency_directory", value.dependency_directory);
  Put(object, "commands_attempted", value.commands_attempted);
  Put(object, "duration_ms", value.duration_ms);
}

void from_json(const json& object, InstallDependenciesReport& value) {
  json rest = Rest(object);
  Take(rest, "needed", value.needed);
  Take(rest, "installed", value.installed);
  Take(rest, "dependency_hash", value.dependency_hash);
  Take(rest, "dependency_directory", value.dependency_directory);
  Take(rest, "commands_attempted", value.commands_attempted);
  Take(rest, "duration_ms", value.duration_ms);
  value.extra = std::move(rest);
}

void to_json(json& object, const ProbeChecksRequest& value) {
  object = Start(value.extra);
  Put(object, "working_dir", value.working_dir);
  Put(object, "profile", value.profile);
  Put(object, "claim_id", value.claim_id);
  Put(object, "checks", value.checks);
}

void from_json(const json& object, ProbeChecksRequest& value) {
  json rest = Rest(object);
  Take(rest, "working_dir", value.working_dir);
  Take(rest, "profile", value.profile);
  Take(rest, "claim_id", value.claim_id);
  Take(rest, "checks", value.checks);
  value.extra = std::move(rest);
}

void to_json(json& object, const ProbeChecksReport& value) {
  object = Start(value.extra);
  Put(object, "tools", value.tools);
}

void from_json(const json& object, ProbeChecksReport& value) {
  json rest = Rest(object);
  Take(rest, "tools", value.tools);
  value.extra = std::move(rest);
}

void to_json(json& object, const ComplianceRequest& value) {
  object = Start(value.extra);
  Put(object, "working_dir", value.working_dir);
  Put(object, "profile", value.profile);
  Put(object, "step_name", value.step_name);
  Put(object, "claim_id", value.claim_id);
  Put(object, "stop_on_failure", value.stop_on_failure);
  Put(object, "protected_hashes", value.protected_hashes);
  Put(object, "checks", value.checks);
  Put(object, "policy", value.policy);
  Put(object, "baseline", value.baseline);
  if (!value.agent_files.empty()) Put(object, "agent_files", value.agent_files);
  Put(object, "max_findings_per_class", value.max_findings_per_class);
  Put(object, "max_error_log_chars", value.max_error_log_chars);
}

void from_json(const json& object, ComplianceRequest& value) {
  json rest = Rest(object);
  Take(rest, "working_dir", value.working_dir);
  Take(rest, "profile", value.profile);
  Take(rest, "step_name", value.step_name);
  Take(rest, "claim_id", value.claim_id);
  Take(rest, "stop_on_failure", value.stop_on_failure);
  Take(rest, "protected_hashes", value.protected_hashes);
  Take(rest, "checks", value.checks);
  Take(rest, "policy", value.policy);
  Take(rest, "baseline", value.baseline);
  Take(rest, "agent_files", value.agent_files);
  Take(rest, "max_findings_per_class", value.max_findings_per_class);
  Take(rest, "max_error_log_chars", value.max_error_log_chars);
  value.extra = std::move(rest);
}

void to_json(json& object, const CheckReport& value) {
  object = Start(value.extra);
  Put(object, "id", value.id);
  Put(object, "command", value.command);
  Put(object, "outcome", value.outcome);
  Put(object, "error_type", value.error_type);
  Put(object, "exit_code", value.exit_code);
  Put(object, "signal", value.signal);
  Put(object, "duration_ms", value.duration_ms);
  Put(object, "findings", value.findings);
  Put(object, "tests_total", value.tests_total);
  Put(object, "tests_failed", value.tests_failed);
  Put(object, "tests_skipped", value.tests_skipped);
  Put(object, "files_examined", value.files_examined);
  Put(object, "suppressed", value.suppressed);
  Put(object, "output_bytes", value.output_bytes);
  Put(object, "output_sha256", value.output_sha256);
  Put(object, "output_truncated", value.output_truncated);
  Put(object, "evidence", value.evidence);
  Put(object, "leftover_processes", value.leftover_processes);
}

void from_json(const json& object, CheckReport& value) {
  json rest = Rest(object);
  Take(rest, "id", value.id);
  Take(rest, "command", value.command);
  Take(rest, "outcome", value.outcome);
  Take(rest, "error_type", value.error_type);
  Take(rest, "exit_code", value.exit_code);
  Take(rest, "signal", value.signal);
  Take(rest, "duration_ms", value.duration_ms);
  Take(rest, "findings", value.findings);
  Take(rest, "tests_total", value.tests_total);
  Take(rest, "tests_failed", value.tests_failed);
  Take(rest, "tests_skipped", value.tests_skipped);
  Take(rest, "files_examined", value.files_examined);
  Take(rest, "suppressed", value.suppressed);
  Take(rest, "output_bytes", value.output_bytes);
  Take(rest, "output_sha256", value.output_sha256);
  Take(rest, "output_truncated", value.output_truncated);
  Take(rest, "evidence", value.evidence);
  Take(rest, "leftover_processes", value.leftover_processes);
  value.extra = std::move(rest);
}

void to_json(json& object, const ComplianceReport& value) {
  object = Start(value.extra);
  Put(object, "passed", value.passed);
  Put(object, "status", value.status);
  Put(object, "fault", value.fault);
  Put(object, "fault_type", value.fault_type);
  Put(object, "profile", value.profile);
  Put(object, "profile_hash", value.profile_hash);
  Put(object, "checks", value.checks);
  Put(object, "error_type", value.error_type);
  Put(object, "error_counts", value.error_counts);
  Put(object, "error_log", value.error_log);
  Put(object, "error_truncated", value.error_truncated);
  Put(object, "error_log_chars", value.error_log_chars);
  Put(object, "error_log_hash", value.error_log_hash);
  Put(object, "commands_attempted", value.commands_attempted);
  Put(object, "sandbox", value.sandbox);
  Put(object, "sandbox_reason", value.sandbox_reason);
  Put(object, "suppressed_count", value.suppressed_count);
  Put(object, "policy_violations", value.policy_violations);
  Put(object, "restored_files", value.restored_files);
  Put(object, "duration_ms", value.duration_ms);
  Put(object, "baseline", value.baseline);
  Put(object, "policy", value.policy);
  Put(object, "policy_counts", value.policy_counts);
  Put(object, "policy_notes", value.policy_notes);
  Put(object, "tests_total", value.tests_total);
  Put(object, "tests_skipped", value.tests_skipped);
  Put(object, "files_examined", value.files_examined);
  Put(object, "leftover_processes", value.leftover_processes);
  Put(object, "planted_files", value.planted_files);
  if (!value.changed_by_checks.empty()) Put(object, "changed_by_checks", value.changed_by_checks);
  Put(object, "limits", value.limits);
}

void from_json(const json& object, ComplianceReport& value) {
  json rest = Rest(object);
  Take(rest, "passed", value.passed);
  Take(rest, "status", value.status);
  Take(rest, "fault", value.fault);
  Take(rest, "fault_type", value.fault_type);
  Take(rest, "profile", value.profile);
  Take(rest, "profile_hash", value.profile_hash);
  Take(rest, "checks", value.checks);
  Take(rest, "error_type", value.error_type);
  Take(rest, "error_counts", value.error_counts);
  Take(rest, "error_log", value.error_log);
  Take(rest, "error_truncated", value.error_truncated);
  Take(rest, "error_log_chars", value.error_log_chars);
  Take(rest, "error_log_hash", value.error_log_hash);
  Take(rest, "commands_attempted", value.commands_attempted);
  Take(rest, "sandbox", value.sandbox);
  Take(rest, "sandbox_reason", value.sandbox_reason);
  Take(rest, "suppressed_count", value.suppressed_count);
  Take(rest, "policy_violations", value.policy_violations);
  Take(rest, "restored_files", value.restored_files);
  Take(rest, "duration_ms", value.duration_ms);
  Take(rest, "baseline", value.baseline);
  Take(rest, "policy", value.policy);
  Take(rest, "policy_counts", value.policy_counts);
  Take(rest, "policy_notes", value.policy_notes);
  Take(rest, "tests_total", value.tests_total);
  Take(rest, "tests_skipped", value.tests_skipped);
  Take(rest, "files_examined", value.files_examined);
  Take(rest, "leftover_processes", value.leftover_processes);
  Take(rest, "planted_files", value.planted_files);
  Take(rest, "changed_by_checks", value.changed_by_checks);
  Take(rest, "limits", value.limits);
  value.extra = std::move(rest);
}

void to_json(json& object, const ReleaseRequest& value) {
  object = Start(value.extra);
  Put(object, "working_dir", value.working_dir);
  Put(object, "claim_id", value.claim_id);
}

void from_json(const json& object, ReleaseRequest& value) {
  json rest = Rest(object);
  Take(rest, "working_dir", value.working_dir);
  Take(rest, "claim_id", value.claim_id);
  value.extra = std::move(rest);
}

void to_json(json& object, const ReleaseReport& value) {
  object = Start(value.extra);
  Put(object, "released", value.released);
  Put(object, "holder", value.holder);
}

void from_json(const json& object, ReleaseReport& value) {
  json rest = Rest(object);
  Take(rest, "released", value.released);
  Take(rest, "holder", value.holder);
  value.extra = std::move(rest);
}

}  // namespace wfe::activities
