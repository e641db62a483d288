// JSON of the activities' inputs and results.  A missing key keeps its default, so older histories still read.
#include "activities/gemini/gemini.h"

namespace wfe::activities {
namespace {

using nlohmann::json;

template <class T>
void Get(const json& source, const char* key, T& into) {
  if (const auto found = source.find(key); found != source.end() && !found->is_null()) found->get_to(into);
}
template <class T>
void Get(const json& source, const char* key, std::optional<T>& into) {
  if (const auto found = source.find(key); found != source.end() && !found->is_null()) into = found->get<T>();
}

}  // namespace

void to_json(json& j, const AgentLimits& v) {
  j = {{"max_turns", v.max_turns},
       {"max_output_tokens", v.max_output_tokens},
       {"max_files", v.max_files},
       {"max_file_bytes", v.max_file_bytes},
       {"max_total_bytes", v.max_total_bytes}};
}
void from_json(const json& j, AgentLimits& v) {
  Get(j, "max_turns", v.max_turns);
  Get(j, "max_output_tokens", v.max_output_tokens);
  Get(j, "max_files", v.max_files);
  Get(j, "max_file_bytes", v.max_file_bytes);
  Get(j, "max_total_bytes", v.max_total_bytes);
}

void to_json(json& j, const AgentRequest& v) {
  j = {{"step_name", v.step_name},
       {"instruction", v.instruction},
       {"working_dir", v.working_dir},
       {"model", v.model},
       {"backend", v.backend},
       {"context_text", v.context_text},
       {"context_blob_hash", v.context_blob_hash},
       {"context_path", v.context_path},
       {"context_file_hash", v.context_file_hash},
       {"protected_paths", v.protected_paths},
       {"requires_file_changes", v.requires_file_changes},
       {"session_blob_hash", v.session_blob_hash},
       {"keep_session", v.keep_session},
       {"keep_snapshot", v.keep_snapshot},
       {"limits", v.limits},
       {"patience_s", v.patience_s}};
  if (v.nudges >= 0) j["nudges"] = v.nudges;
  if (v.max_total_tokens) j["max_total_tokens"] = *v.max_total_tokens;
  if (v.max_cost_usd) j["max_cost_usd"] = *v.max_cost_usd;
}
void from_json(const json& j, AgentRequest& v) {
  j.at("step_name").get_to(v.step_name);
  j.at("instruction").get_to(v.instruction);
  j.at("working_dir").get_to(v.working_dir);
  Get(j, "model", v.model);
  Get(j, "backend", v.backend);
  Get(j, "context_text", v.context_text);
  Get(j, "context_blob_hash", v.context_blob_hash);
  Get(j, "context_path", v.context_path);
  Get(j, "context_file_hash", v.context_file_hash);
  Get(j, "protected_paths", v.protected_paths);
  Get(j, "requires_file_changes", v.requires_file_changes);
  Get(j, "session_blob_hash", v.session_blob_hash);
  Get(j, "keep_session", v.keep_session);
  Get(j, "keep_snapshot", v.keep_snapshot);
  Get(j, "limits", v.limits);
  Get(j, "nudges", v.nudges);
  Get(j, "patience_s", v.patience_s);
  Get(j, "max_total_tokens", v.max_total_tokens);
  Get(j, "max_cost_usd", v.max_cost_usd);
}

void to_json(json& j, const AgentAction& v) {
  j = {{"tool", v.tool}, {"path", v.path}, {"status", v.status}};
  if (!v.error.empty()) j["error"] = v.error;
}
void from_json(const json& j, AgentAction& v) {
  Get(j, "tool", v.tool);
  Get(j, "path", v.path);
  Get(j, "status", v.status);
  Get(j, "error", v.error);
}

void to_json(json& j, const AgentReply& v) {
  j = {{"text", v.text},
       {"actions", v.actions},
       {"action_count", v.action_count},
       {"refused_action_count", v.refused_action_count},
       {"files_touched", v.files_touched},
       {"prompt_token_count", v.prompt_token_count},
       {"completion_token_count", v.completion_token_count},
       {"thoughts_token_count", v.thoughts_token_count},
       {"cached_token_count", v.cached_token_count},
       {"token_count_source", v.token_count_source},
       {"instruction_token_count", v.instruction_token_count},
       {"context_token_count", v.context_token_count},
       {"instruction_hash", v.instruction_hash},
       {"context_file_hash", v.context_file_hash},
       {"price_version", v.price_version},
       {"model", v.model},
       {"backend", v.backend},
       {"finish_reason", v.finish_reason},
       {"turns", v.turns},
       {"replayed_turns", v.replayed_turns},
       {"latency_ms", v.latency_ms},
       {"attempt", v.attempt},
       {"redaction_count", v.redaction_count},
       {"tree_hash", v.tree_hash},
       {"snapshot_blob_hash", v.snapshot_blob_hash},
       {"session_blob_hash", v.session_blob_hash},
       {"error", v.error}};
  if (v.cost_usd) j["cost_usd"] = *v.cost_usd;
  // What seldom occurs is written only then, which keeps histories small.
  const auto text = [&j](const char* key, const std::string& value) {
    if (!value.empty()) j[key] = value;
  };
  const auto count = [&j](const char* key, int64_t value) {
    if (value != 0) j[key] = value;
  };
  text("text_blob_hash", v.text_blob_hash);
  text("unavailable_since", v.unavailable_since);
  count("secret_findings", v.secret_findings);
  count("files_touched_count", v.files_touched_count);
  count("lost_calls", v.lost_calls);
  count("lost_prompt_token_count", v.lost_prompt_token_count);
  count("lost_completion_token_count", v.lost_completion_token_count);
  count("nudges", v.nudges);
  if (!v.claimed_not_written.empty()) j["claimed_not_written"] = v.claimed_not_written;
  if (v.no_change) j["no_change"] = true;
  if (v.budget_exhausted) j["budget_exhausted"] = true;
}
void from_json(const json& j, AgentReply& v) {
  Get(j, "text", v.text);
  Get(j, "actions", v.actions);
  Get(j, "action_count", v.action_count);
  Get(j, "refused_action_count", v.refused_action_count);
  Get(j, "files_touched", v.files_touched);
  Get(j, "prompt_token_count", v.prompt_token_count);
  Get(j, "completion_token_count", v.completion_token_count);
  Get(j, "thoughts_token_count", v.thoughts_token_count);
  Get(j, "cached_token_count", v.cached_token_count);
  Get(j, "token_count_source", v.token_count_source);
  Get(j, "instruction_token_count", v.instruction_token_count);
  Get(j, "context_token_count", v.context_token_count);
  Get(j, "instruction_hash", v.instruction_hash);
  Get(j, "context_file_hash", v.context_file_hash);
  Get(j, "cost_usd", v.cost_usd);
  Get(j, "price_version", v.price_version);
  Get(j, "model", v.model);
  Get(j, "backend", v.backend);
  Get(j, "finish_reason", v.finish_reason);
  Get(j, "turns", v.turns);
  Get(j, "replayed_turns", v.replayed_turns);
  Get(j, "latency_ms", v.latency_ms);
  Get(j, "attempt", v.attempt);
  Get(j, "redaction_count", v.redaction_count);
  Get(j, "tree_hash", v.tree_hash);
  Get(j, "snapshot_blob_hash", v.snapshot_blob_hash);
  Get(j, "session_blob_hash", v.session_blob_hash);
  Get(j, "error", v.error);
  Get(j, "text_blob_hash", v.text_blob_hash);
  Get(j, "unavailable_since", v.unavailable_since);
  Get(j, "secret_findings", v.secret_findings);
  Get(j, "files_touched_count", v.files_touched_count);
  Get(j, "lost_calls", v.lost_calls);
  Get(j, "lost_prompt_token_count", v.lost_prompt_token_count);
  Get(j, "lost_completion_token_count", v.lost_completion_token_count);
  Get(j, "nudges", v.nudges);
  Get(j, "claimed_not_written", v.claimed_not_written);
  Get(j, "no_change", v.no_change);
  Get(j, "budget_exhausted", v.budget_exhausted);
}

void to_json(json& j, const CheckAgentInput& v) { j = {{"backend", v.backend}, {"model", v.model}}; }
void from_json(const json& j, CheckAgentInput& v) {
  Get(j, "backend", v.backend);
  Get(j, "model", v.model);
}
void to_json(json& j, const CheckAgentOutput& v) {
  j = {{"backend", v.backend}, {"model", v.model}, {"sandbox", v.sandbox}};
}
void from_json(const json& j, CheckAgentOutput& v) {
  Get(j, "backend", v.backend);
  Get(j, "model", v.model);
  Get(j, "sandbox", v.sandbox);
}

void to_json(json& j, const RestoreSnapshotInput& v) {
  j = {{"snapshot_blob_hash", v.snapshot_blob_hash}, {"working_dir", v.working_dir}};
}
void from_json(const json& j, RestoreSnapshotInput& v) {
  j.at("snapshot_blob_hash").get_to(v.snapshot_blob_hash);
  j.at("working_dir").get_to(v.working_dir);
}
void to_json(json& j, const RestoreSnapshotOutput& v) {
  j = {{"tree_hash", v.tree_hash}, {"file_count", v.file_count}};
}
void from_json(const json& j, RestoreSnapshotOutput& v) {
  Get(j, "tree_hash", v.tree_hash);
  Get(j, "file_count", v.file_count);
}

void to_json(json& j, const PrepareContextInput& v) {
  j = {{"working_dir", v.working_dir}, {"template_id", v.template_id}, {"template_version", v.template_version},
       {"values", v.values},           {"defaults", v.defaults},       {"file_name", v.file_name}};
}
void from_json(const json& j, PrepareContextInput& v) {
  j.at("working_dir").get_to(v.working_dir);
  j.at("template_id").get_to(v.template_id);
  Get(j, "template_version", v.template_version);
  Get(j, "values", v.values);
  Get(j, "defaults", v.defaults);
  Get(j, "file_name", v.file_name);
}
void to_json(json& j, const PreparedContext& v) {
  j = {{"context_file_hash", v.context_file_hash},
       {"stored", v.stored},
       {"path", v.path},
       {"template_id", v.template_id},
       {"template_version", v.template_version},
       {"section_hashes", v.section_hashes},
       {"context_token_count", v.context_token_count},
       {"token_count_source", v.token_count_source},
       {"size_bytes", v.size_bytes}};
}
void from_json(const json& j, PreparedContext& v) {
  Get(j, "context_file_hash", v.context_file_hash);
  Get(j, "stored", v.stored);
  Get(j, "path", v.path);
  Get(j, "template_id", v.template_id);
  Get(j, "template_version", v.template_version);
  Get(j, "section_hashes", v.section_hashes);
  Get(j, "context_token_count", v.context_token_count);
  Get(j, "token_count_source", v.token_count_source);
  Get(j, "size_bytes", v.size_bytes);
}

}  // namespace wfe::activities
