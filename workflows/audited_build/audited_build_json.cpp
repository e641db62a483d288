// Reading and writing the workflow's input and result.
#include <set>
#include <stdexcept>

#include "workflows/audited_build/audited_build.h"

namespace wfe::workflows {
namespace {

using nlohmann::json;

/// Reads one key into its field when it is there.
template <class T>
void Read(const json& object, const char* key, T& field, std::set<std::string>& known) {
  known.insert(key);
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return;
  try {
    field = found->get<T>();
  } catch (const json::exception& e) {
    throw json::other_error::create(501, std::string("input.") + key + ": " + e.what(), nullptr);
  }
}

template <class T>
void Read(const json& object, const char* key, std::optional<T>& field, std::set<std::string>& known) {
  T value{};
  known.insert(key);
  if (!object.contains(key) || object.at(key).is_null()) return;
  Read(object, key, value, known);
  field = value;
}

void RefuseUnknown(const json& object, const std::set<std::string>& known) {
  for (const auto& [key, value] : object.items()) {
    if (!known.contains(key)) throw json::other_error::create(502, "input." + key + " is not known", nullptr);
  }
}

void Require(bool condition, const char* sentence) {
  if (!condition) throw json::other_error::create(503, sentence, nullptr);
}

}  // namespace

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
  Require(j.is_object(), "the input must be a JSON object");
  std::set<std::string> known;
  Read(j, "task", input.task, known);
  Read(j, "working_dir", input.working_dir, known);
  Read(j, "profile", input.profile, known);
  Read(j, "template_id", input.template_id, known);
  Read(j, "template_version", input.template_version, known);
  Read(j, "template_values", input.template_values, known);
  Read(j, "model", input.model, known);
  Read(j, "backend", input.backend, known);
  Read(j, "max_fix_attempts", input.max_fix_attempts, known);
  Read(j, "token_budget", input.token_budget, known);
  Read(j, "cost_budget_usd", input.cost_budget_usd, known);
  Read(j, "fix_log_max_chars", input.fix_log_max_chars, known);
  Read(j, "stop_on_repeated_failure", input.stop_on_repeated_failure, known);
  Read(j, "stop_at_first_failing_check", input.stop_at_first_failing_check, known);
  Read(j, "host_timeout_s", input.host_timeout_s, known);
  Read(j, "max_agent_attempts", input.max_agent_attempts, known);
  RefuseUnknown(j, known);
  Require(!input.task.empty(), "input.task must say what to build");
  Require(input.working_dir.empty() || input.working_dir.front() == '/', "input.working_dir must be an absolute path");
  Require(input.max_fix_attempts >= 0 && input.max_fix_attempts <= 100, "input.max_fix_attempts must be from 0 to 100");
  Require(!input.token_budget || *input.token_budget >= 0, "input.token_budget must not be negative");
  Require(!input.cost_budget_usd || *input.cost_budget_usd >= 0, "input.cost_budget_usd must not be negative");
  Require(input.fix_log_max_chars > 0, "input.fix_log_max_chars must be positive");
  Require(input.host_timeout_s > 0, "input.host_timeout_s must be positive");
  Require(input.max_agent_attempts > 0, "input.max_agent_attempts must be positive");
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
