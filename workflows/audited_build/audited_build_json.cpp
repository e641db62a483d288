// Reading and writing the workflow's input and result.
#include "workers/sdk/json_input.h"
#include "workflows/audited_build/audited_build.h"

namespace wfe::workflows {
using nlohmann::json;

void to_json(json& j, const AuditedBuildInput& input) {
  j = json{{"task", input.task},
           {"working_dir", input.working_dir},
           {"profile", input.profile},
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
           {"max_agent_attempts", input.max_agent_attempts}};
  if (input.token_budget) j["token_budget"] = *input.token_budget;
  if (input.cost_budget_usd) j["cost_budget_usd"] = *input.cost_budget_usd;
}

void from_json(const json& j, AuditedBuildInput& input) {
  sdk::JsonInput in(j);
  in.Read("task", input.task);
  in.Read("working_dir", input.working_dir);
  in.Read("profile", input.profile);
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
  in.Read("max_agent_attempts", input.max_agent_attempts);
  in.RefuseUnknown();
  in.Require(!input.task.empty(), "input.task must say what to build");
  in.Require(input.working_dir.empty() || input.working_dir.front() == '/',
             "input.working_dir must be an absolute path");
  in.Require(input.max_fix_attempts >= 0 && input.max_fix_attempts <= 100,
             "input.max_fix_attempts must be from 0 to 100");
  in.Require(!input.token_budget || *input.token_budget >= 0, "input.token_budget must not be negative");
  in.Require(!input.cost_budget_usd || *input.cost_budget_usd >= 0, "input.cost_budget_usd must not be negative");
  in.Require(input.fix_log_max_chars > 0, "input.fix_log_max_chars must be positive");
  in.Require(input.host_timeout_s > 0, "input.host_timeout_s must be positive");
  in.Require(input.max_agent_attempts > 0, "input.max_agent_attempts must be positive");
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
  if (!result.last_error_type.empty()) j["last_error_type"] = result.last_error_type;
  if (result.cost_usd) j["cost_usd"] = *result.cost_usd;
}

void from_json(const json& j, AuditedBuildResult& result) {
  result.status = j.value("status", "");
  result.workflow_run_id = j.value("workflow_run_id", "");
  result.fix_attempts = j.value("fix_attempts", 0);
  result.total_tokens = j.value("total_tokens", int64_t{0});
  result.files = j.value("files", std::vector<std::string>());
  result.working_dir = j.value("working_dir", "");
  result.trace = j.value("trace", "");
  result.last_error_type = j.value("last_error_type", "");
  result.message = j.value("message", "");
  result.scripted = j.value("scripted", false);
  result.host_changes = j.value("host_changes", 0);
  if (j.contains("cost_usd")) result.cost_usd = j.at("cost_usd").get<double>();
}

}  // namespace wfe::workflows
