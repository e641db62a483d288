// Reading and writing the workflow's input and result.
#include <algorithm>
#include <array>

#include "workers/sdk/json_input.h"
#include "workflows/audited_build/audited_build.h"

namespace wfe::workflows {
namespace {

using nlohmann::json;

/// Refuses a word that is none of `words`, and says which there are.
template <size_t N>
void OneOf(const char* key, const std::string& value, const std::array<std::string_view, N>& words) {
  std::string choices;
  for (size_t i = 0; i < N; ++i) choices += std::string(i == 0 ? "" : i + 1 == N ? " or " : ", ") + std::string(words[i]);
  sdk::JsonInput::Require(std::find(words.begin(), words.end(), value) != words.end(),
                          std::string("input.") + key + " must be " + choices + ", not \"" + value + "\"");
}

bool IsResumableStep(const std::string& step) {
  constexpr std::string_view kFix = "fix_attempt_";
  if (step == "scaffold" || step == "implement_v1" || step == "initial_verification") return true;
  return step.starts_with(kFix) && step.size() > kFix.size() && step.size() < kFix.size() + 4 &&
         step.find_first_not_of("0123456789", kFix.size()) == std::string::npos;
}

}  // namespace

void to_json(json& j, const ResumePoint& point) {
  j = json{{"workflow_id", point.workflow_id},
           {"run_id", point.run_id},
           {"step", point.step},
           {"snapshot_blob_hash", point.snapshot_blob_hash},
           {"fix_attempts", point.fix_attempts},
           {"total_tokens", point.total_tokens},
           {"base_snapshot_blob_hash", point.base_snapshot_blob_hash},
           {"base_commit", point.base_commit},
           {"branch", point.branch}};
  if (!point.expected_snapshot_blob_hash.empty()) j["expected_snapshot_blob_hash"] = point.expected_snapshot_blob_hash;
  if (point.cost_usd) j["cost_usd"] = *point.cost_usd;
  if (!point.baseline.is_null()) j["baseline"] = point.baseline;
  if (!point.protected_hashes.empty()) j["protected_hashes"] = point.protected_hashes;
}

void from_json(const json& j, ResumePoint& point) {
  sdk::JsonInput in(j);
  in.Read("workflow_id", point.workflow_id);
  in.Read("run_id", point.run_id);
  in.Read("step", point.step);
  in.Read("snapshot_blob_hash", point.snapshot_blob_hash);
  in.Read("expected_snapshot_blob_hash", point.expected_snapshot_blob_hash);
  in.Read("fix_attempts", point.fix_attempts);
  in.Read("total_tokens", point.total_tokens);
  in.Read("cost_usd", point.cost_usd);
  in.Read("base_snapshot_blob_hash", point.base_snapshot_blob_hash);
  in.Read("base_commit", point.base_commit);
  in.Read("branch", point.branch);
  in.Read("baseline", point.baseline);
  in.Read("protected_hashes", point.protected_hashes);
  in.RefuseUnknown();
}

void to_json(json& j, const AuditedBuildInput& input) {
  j = json{{"task", input.task},
           {"working_dir", input.working_dir},
           {"workspace", input.workspace},
           {"mode", input.mode},
           {"profile", input.profile},
           {"checks", input.checks},
           {"policy", input.policy},
           {"template_id", input.template_id},
           {"template_version", input.template_version},
           {"template_values", input.template_values},
           {"model", input.model},
           {"backend", input.backend},
           {"max_fix_attempts", input.max_fix_attempts},
           {"fix_log_max_chars", input.fix_log_max_chars},
           {"stop_on_repeated_failure", input.stop_on_repeated_failure},
           {"stop_at_first_failing_check", input.stop_at_first_failing_check},
           {"host_timeout_s", input.host_timeout_s},
           {"patience_s", input.patience_s}};
  if (input.token_budget) j["token_budget"] = *input.token_budget;
  if (input.cost_budget_usd) j["cost_budget_usd"] = *input.cost_budget_usd;
  if (input.resume) j["resume"] = *input.resume;
}

void from_json(const json& j, AuditedBuildInput& input) {
  sdk::JsonInput in(j);
  in.Read("task", input.task);
  in.Read("working_dir", input.working_dir);
  in.Read("workspace", input.workspace);
  in.Read("mode", input.mode);
  in.Read("profile", input.profile);
  in.Read("checks", input.checks);
  in.Read("policy", input.policy);
  in.Read("template_id", input.template_id);
  in.Read("template_version", input.template_version);
  in.Read("template_values", input.template_values);
  in.Read("model", input.model);
  in.Read("backend", input.backend);
  in.Read("max_fix_attempts", input.max_fix_attempts);
  in.Read("token_budget", input.token_budget);
  in.Read("cost_budget_usd", input.cost_budget_usd);
  in.Read("fix_log_max_chars", input.fix_log_max_chars);
  in.Read("stop_on_repeated_failure", input.stop_on_repeated_failure);
  in.Read("stop_at_first_failing_check", input.stop_at_first_failing_check);
  in.Read("host_timeout_s", input.host_timeout_s);
  in.Read("patience_s", input.patience_s);
  in.Read("resume", input.resume);
  in.RefuseUnknown();
  in.Require(!input.task.empty(), "input.task must say what to build");
  in.Require(input.working_dir.empty() || input.working_dir.front() == '/',
             "input.working_dir must be an absolute path");
  OneOf("workspace", input.workspace, std::to_array<std::string_view>({"auto", "in_place", "branch", "copy"}));
  OneOf("mode", input.mode, std::to_array<std::string_view>({"auto", "create", "change"}));
  OneOf("policy", input.policy, std::to_array<std::string_view>({"strict", "warn"}));
  in.Require(std::none_of(input.checks.begin(), input.checks.end(), [](const std::string& c) { return c.empty(); }),
             "input.checks must not have an empty command");
  in.Require(input.max_fix_attempts >= 0 && input.max_fix_attempts <= 100,
             "input.max_fix_attempts must be from 0 to 100");
  in.Require(!input.token_budget || *input.token_budget >= 0, "input.token_budget must not be negative");
  in.Require(!input.cost_budget_usd || *input.cost_budget_usd >= 0, "input.cost_budget_usd must not be negative");
  in.Require(input.fix_log_max_chars > 0, "input.fix_log_max_chars must be positive");
  in.Require(input.host_timeout_s >= 0, "input.host_timeout_s must not be negative");
  in.Require(input.patience_s >= 0 && input.patience_s <= 30 * 86'400,
             "input.patience_s must be from 0 to 2592000 (30 days)");
  if (input.resume) {
    in.Require(IsResumableStep(input.resume->step),
               "input.resume.step must be scaffold, implement_v1, initial_verification or fix_attempt_N, not \"" +
                   input.resume->step + "\"");
    in.Require(input.resume->fix_attempts >= 0, "input.resume.fix_attempts must not be negative");
  }
}

void to_json(json& j, const AuditedBuildResult& result) {
  j = json{{"status", result.status},
           {"workflow_run_id", result.workflow_run_id},
           {"fix_attempts", result.fix_attempts},
           {"total_tokens", result.total_tokens},
           {"files", result.files},
           {"working_dir", result.working_dir},
           {"trace", result.trace},
           {"message", result.message},
           {"scripted", result.scripted},
           {"host_changes", result.host_changes}};
  const auto say = [&j](const char* key, const std::string& value) {
    if (!value.empty()) j[key] = value;
  };
  say("project_dir", result.project_dir);
  say("workspace", result.workspace);
  say("branch", result.branch);
  say("base_commit", result.base_commit);
  say("commit", result.commit);
  say("base_snapshot_blob_hash", result.base_snapshot_blob_hash);
  say("snapshot_blob_hash", result.snapshot_blob_hash);
  say("last_error_type", result.last_error_type);
  if (result.cost_usd) j["cost_usd"] = *result.cost_usd;
  if (!result.ignored_files.empty()) j["ignored_files"] = result.ignored_files;
  if (result.nothing_changed) j["nothing_changed"] = true;
}

void from_json(const json& j, AuditedBuildResult& result) {
  result.status = j.value("status", "");
  result.workflow_run_id = j.value("workflow_run_id", "");
  result.fix_attempts = j.value("fix_attempts", 0);
  result.total_tokens = j.value("total_tokens", int64_t{0});
  result.files = j.value("files", std::vector<std::string>());
  result.working_dir = j.value("working_dir", "");
  result.project_dir = j.value("project_dir", "");
  result.workspace = j.value("workspace", "");
  result.branch = j.value("branch", "");
  result.base_commit = j.value("base_commit", "");
  result.commit = j.value("commit", "");
  result.base_snapshot_blob_hash = j.value("base_snapshot_blob_hash", "");
  result.snapshot_blob_hash = j.value("snapshot_blob_hash", "");
  result.trace = j.value("trace", "");
  result.last_error_type = j.value("last_error_type", "");
  result.message = j.value("message", "");
  result.scripted = j.value("scripted", false);
  result.ignored_files = j.value("ignored_files", std::vector<std::string>());
  result.nothing_changed = j.value("nothing_changed", false);
  result.host_changes = j.value("host_changes", 0);
  if (j.contains("cost_usd")) result.cost_usd = j.at("cost_usd").get<double>();
}

}  // namespace wfe::workflows
