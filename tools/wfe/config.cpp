#include "tools/wfe/config.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>

#include "activities/agent/step/model_tiers.h"
#include "engine/base/suggest.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;

/// Every key there is, and where its value goes.  One table serves reading, checking and showing.
struct Key {
  std::string name;
  std::function<std::string(const toml::node&)> read;  // an error message, or empty
  std::function<nlohmann::json()> show;
};

Key StringKey(std::string name, std::string& target, bool secret = false) {
  return {std::move(name),
          [&target](const toml::node& node) -> std::string {
            const auto value = node.value_exact<std::string>();
            if (!value) return "must be a string";
            target = *value;
            return {};
          },
          [&target, secret] { return secret && !target.empty() ? "********" : target; }};
}

/// A string that may be one of a few words (RW-D13).
Key ChoiceKey(std::string name, std::string& target, std::vector<std::string> choices) {
  std::string may_be;
  for (size_t i = 0; i < choices.size(); ++i) {
    may_be += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i];
  }
  return {std::move(name),
          [&target, choices = std::move(choices), may_be](const toml::node& node) -> std::string {
            const auto value = node.value_exact<std::string>();
            if (!value || std::find(choices.begin(), choices.end(), *value) == choices.end()) return "must be " + may_be;
            target = *value;
            return {};
          },
          [&target] { return nlohmann::json(target); }};
}

Key IntegerKey(std::string name, int64_t& target, int64_t least, int64_t most) {
  return {std::move(name),
          [&target, least, most](const toml::node& node) -> std::string {
            const auto value = node.value_exact<int64_t>();
            if (!value) return "must be a whole number";
            if (*value < least || *value > most) return fmt::format("must be from {} to {}", least, most);
            target = *value;
            return {};
          },
          [&target] { return target; }};
}

Key BoolKey(std::string name, bool& target) {
  return {std::move(name),
          [&target](const toml::node& node) -> std::string {
            const auto value = node.value_exact<bool>();
            if (!value) return "must be true or false";
            target = *value;
            return {};
          },
          [&target] { return target; }};
}

/// Dollars as a number, or as text where the places matter; "none" where there may be no amount.
Key AmountKey(std::string name, std::optional<Money>& target, bool may_be_none) {
  return {std::move(name),
          [&target, may_be_none](const toml::node& node) -> std::string {
            const std::string must =
                std::string("must be dollars, from 0 to 1000000000") + (may_be_none ? ", or \"none\"" : "");
            const auto text = node.value_exact<std::string>();
            if (text && may_be_none && *text == "none") {
              target.reset();
              return {};
            }
            if (!text && !node.is_number()) return must;
            const Result<Money> money =
                text ? Money::Parse(*text) : Money::FromNumber(node.value<double>().value_or(-1));
            if (!money || money->negative() || *money > Money::Usd(1'000'000'000)) return must;
            target = *money;
            return {};
          },
          [&target] { return target ? nlohmann::json(*target) : nlohmann::json("none"); }};
}

Key StringsKey(std::string name, std::vector<std::string>& target) {
  return {std::move(name),
          [&target](const toml::node& node) -> std::string {
            const toml::array* const array = node.as_array();
            if (array == nullptr) return "must be an array of strings";
            std::vector<std::string> values;
            for (const toml::node& element : *array) {
              const auto value = element.value_exact<std::string>();
              if (!value) return "must be an array of strings";
              values.push_back(*value);
            }
            target = std::move(values);
            return {};
          },
          [&target] { return target; }};
}

const std::vector<std::string>& Backends() {
  static const std::vector<std::string> kBackends = {"gemini", "gemini-cli", "openai", "command", "scripted"};
  return kBackends;
}

/// A model of a tier: "BACKEND:MODEL".
Key TierKey(std::string name, std::string& target) {
  return {std::move(name),
          [&target](const toml::node& node) -> std::string {
            const auto value = node.value_exact<std::string>();
            if (!value) return "must be a string";
            const Result<agent::ModelTier> tier = agent::ParseTier(*value, Backends());
            if (!tier) return tier.error().message;
            target = *value;
            return {};
          },
          [&target] { return nlohmann::json(target); }};
}

/// What one run may have.
std::vector<Key> RunLimitKeys(Config& c) {
  return {
      IntegerKey("limits.max_id_bytes", c.limits.max_id_bytes, 100, 1'000),
      IntegerKey("limits.max_payload_bytes", c.limits.max_payload_bytes, 1 << 10, 3 << 20),  // a message has 4 MiB
      IntegerKey("limits.max_state_bytes", c.limits.max_state_bytes, 64 << 10, 64 << 20),
      IntegerKey("limits.max_history_events", c.limits.max_history_events, 100, 1'000'000),
      IntegerKey("limits.max_history_bytes", c.limits.max_history_bytes, 64 << 10, int64_t{1} << 30),
      IntegerKey("limits.suggest_continue_as_new_events", c.limits.suggest_continue_as_new_events, 10, 1'000'000),
      IntegerKey("limits.suggest_continue_as_new_bytes", c.limits.suggest_continue_as_new_bytes, 16 << 10,
                 int64_t{1} << 30),
      IntegerKey("limits.max_pending_activities", c.limits.max_pending_activities, 1, 100'000),
      IntegerKey("limits.max_pending_timers", c.limits.max_pending_timers, 1, 100'000),
      IntegerKey("limits.max_pending_children", c.limits.max_pending_children, 1, 100'000),
      IntegerKey("limits.max_pending_externals", c.limits.max_pending_externals, 1, 100'000),
      IntegerKey("limits.max_signals", c.limits.max_signals, 1, 1'000'000),
      IntegerKey("limits.max_buffered_events", c.limits.max_buffered_events, 1, 10'000),
      IntegerKey("limits.max_buffered_bytes", c.limits.max_buffered_bytes, 16 << 10, 64 << 20),
      IntegerKey("limits.max_search_attributes", c.limits.max_search_attributes, 1, 10'000),
      IntegerKey("limits.max_search_attribute_bytes", c.limits.max_search_attribute_bytes, 1, 1 << 20),
      IntegerKey("limits.max_search_attributes_bytes", c.limits.max_search_attributes_bytes, 1, 1 << 20),
      IntegerKey("limits.max_summary_bytes", c.limits.max_summary_bytes, 1, 1 << 20),
      IntegerKey("limits.max_details_bytes", c.limits.max_details_bytes, 1, 1 << 20),
  };
}

/// What the server takes upon itself.
std::vector<Key> ServerLimitKeys(Config& c) {
  return {
      IntegerKey("limits.max_connections", c.limits.max_connections, 10, 500'000),
      IntegerKey("limits.max_streams_per_connection", c.limits.max_streams_per_connection, 10, 1'000'000),
      IntegerKey("limits.max_polls_per_stream", c.limits.max_polls_per_stream, 10, 1'000'000),
      IntegerKey("limits.max_call_streams", c.limits.max_call_streams, 10, 1'000'000),
      IntegerKey("limits.max_transport_bytes", c.limits.max_transport_bytes, 16 << 20, int64_t{1} << 40),
      IntegerKey("limits.max_unread_answer_bytes", c.limits.max_unread_answer_bytes, 1 << 20, int64_t{1} << 40),
      IntegerKey("limits.answer_patience_s", c.limits.answer_patience_s, 1, 3600),
      IntegerKey("limits.max_calls", c.limits.max_calls, 100, 1'000'000),
      IntegerKey("limits.max_request_bytes", c.limits.max_request_bytes, 8 << 20, int64_t{1} << 40),
      IntegerKey("limits.max_pending_commits", c.limits.max_pending_commits, 100, 10'000'000),
      IntegerKey("limits.max_pending_commit_bytes", c.limits.max_pending_commit_bytes, 16 << 20, int64_t{1} << 40),
      IntegerKey("limits.blocking_threads", c.limits.blocking_threads, 1, 256),
      IntegerKey("limits.max_blocking_queue", c.limits.max_blocking_queue, 1, 100'000),
      IntegerKey("limits.max_list_page_bytes", c.limits.max_list_page_bytes, 64 << 10, 64 << 20),
      IntegerKey("limits.max_queues", c.limits.max_queues, 10, 10'000'000),
      IntegerKey("limits.max_pollers", c.limits.max_pollers, 10, 1'000'000),
      IntegerKey("limits.max_pollers_per_queue", c.limits.max_pollers_per_queue, 1, 1'000'000),
      IntegerKey("limits.max_history_waiters_per_run", c.limits.max_history_waiters_per_run, 1, 100'000),
      IntegerKey("limits.max_queries_per_run", c.limits.max_queries_per_run, 1, 100'000),
      IntegerKey("limits.max_queries", c.limits.max_queries, 1, 1'000'000),
      IntegerKey("limits.max_cached_bytes", c.limits.max_cached_bytes, 16 << 20, int64_t{1} << 40),
      IntegerKey("limits.max_namespaces", c.limits.max_namespaces, 1, 100'000),
      IntegerKey("limits.max_schedule_bytes", c.limits.max_schedule_bytes, 1 << 10, 3 << 20),
      IntegerKey("limits.max_schedules_bytes", c.limits.max_schedules_bytes, 1 << 20, int64_t{1} << 40),
  };
}

/// What calls of models may cost, and what saves them.
std::vector<Key> CostKeys(Config& c) {
  return {
      BoolKey("cost_tracking.enabled", c.cost_tracking.enabled),
      AmountKey("cost_tracking.daily_limit", c.cost_tracking.daily_limit, true),
      AmountKey("cost_tracking.monthly_limit", c.cost_tracking.monthly_limit, true),
      AmountKey("cost_tracking.run_limit", c.cost_tracking.run_limit, true),
      IntegerKey("cost_tracking.warn_at_percent", c.cost_tracking.warn_at_percent, 0, 100),
      ChoiceKey("cost_tracking.on_exceed", c.cost_tracking.on_exceed, {"warn", "block", "defer"}),
      AmountKey("cost_tracking.program_run", c.cost_tracking.program_run, false),
      BoolKey("caching.enabled", c.caching.enabled),
      IntegerKey("caching.max_age_hours", c.caching.max_age_hours, 1, 24 * 366),
      IntegerKey("caching.min_files_to_cache", c.caching.min_files_to_cache, 0, 1'000'000),
      BoolKey("patterns.detect", c.patterns.detect), BoolKey("patterns.route", c.patterns.route),
      StringKey("patterns.rules", c.patterns.rules), StringKey("patterns.drafts", c.patterns.drafts),
      BoolKey("quota.enabled", c.quota.enabled),
      IntegerKey("quota.monthly_tokens", c.quota.monthly_tokens, 0, kMostQuotaTokens),
      IntegerKey("quota.warn_at_percent", c.quota.warn_at_percent, 0, 1000),
      IntegerKey("quota.throttle_at_percent", c.quota.throttle_at_percent, 0, 1000),
      IntegerKey("quota.deny_at_percent", c.quota.deny_at_percent, 0, 1000),
      ChoiceKey("quota.preflight", c.quota.preflight, {"off", "warn", "enforce"}),
      ChoiceKey("context.give", c.context.give, {"none", "all", "recommended"}),
      IntegerKey("context.max_tokens", c.context.max_tokens, 0, 10'000'000),
      IntegerKey("documents.max_file_bytes", c.documents.max_file_bytes, 1 << 10, 1 << 30),
      IntegerKey("documents.max_text_bytes", c.documents.max_text_bytes, 1 << 10, 64 << 20),
      IntegerKey("documents.max_batch_text_bytes", c.documents.max_batch_text_bytes, 1 << 10, 8 << 20),  // of a prompt
      IntegerKey("documents.read_timeout_s", c.documents.read_timeout_s, 1, 3600),
  };
}

std::vector<Key> HttpKeys(Config& c) {
  return {
      StringKey("http.listen", c.http.listen),
      StringsKey("http.hosts", c.http.hosts),
      StringKey("http.token", c.http.token, true),
      IntegerKey("http.max_connections", c.http.max_connections, 8, 10'000),
      IntegerKey("http.max_body_bytes", c.http.max_body_bytes, 1 << 10, 3 << 20),  // a message has 4 MiB
      IntegerKey("http.request_timeout_s", c.http.request_timeout_s, 1, 600),
      IntegerKey("http.idle_timeout_s", c.http.idle_timeout_s, 1, 3600),
  };
}

std::vector<Key> Keys(Config& c) {
  std::vector<Key> keys = {
      StringKey("server.data", c.server.data_dir),
      StringKey("server.listen", c.server.listen),
      IntegerKey("server.shards", c.server.shards, 1, 1024),
      IntegerKey("server.threads", c.server.threads, 1, 256),
      ChoiceKey("server.log_level", c.server.log_level, {"debug", "info", "warning", "error"}),
      ChoiceKey("server.log_format", c.server.log_format, {"text", "json"}),
      IntegerKey("server.check_derived_s", c.server.check_derived_s, 0, 86'400),
      StringsKey("worker.queues", c.worker.queues),
      StringKey("worker.work_root", c.worker.work_root),
      StringsKey("worker.allowed_roots", c.worker.allowed_roots),
      IntegerKey("worker.max_concurrent_activities", c.worker.max_concurrent_activities, 1, 10'000),
      IntegerKey("worker.max_cached_workflows", c.worker.max_cached_workflows, 0, 1'000'000),
      IntegerKey("worker.drain_timeout_s", c.worker.drain_timeout_s, 0, 86'400),
      StringKey("client.address", c.client.address),
      StringKey("client.namespace", c.client.ns),
      StringKey("client.queue", c.client.queue),
      StringKey("client.api_key", c.client.api_key, true),
      ChoiceKey("agent.backend", c.agent.backend, Backends()),
      StringKey("agent.model", c.agent.model),
      StringKey("agent.base_url", c.agent.base_url),
      StringKey("agent.cassette_dir", c.agent.cassette_dir),
      StringKey("agent.prices", c.agent.prices),
      StringKey("agent.cli_path", c.agent.cli_path),
      StringsKey("agent.command", c.agent.command),
      StringsKey("agent.command_env", c.agent.command_env),
      IntegerKey("agent.step_timeout_s", c.agent.step_timeout_s, 1, 12 * 3600),
      IntegerKey("agent.max_turns", c.agent.max_turns, 0, 1000),
      IntegerKey("agent.max_output_tokens", c.agent.max_output_tokens, 0, 10'000'000),
      IntegerKey("agent.max_files", c.agent.max_files, 0, 100'000),
      IntegerKey("agent.max_file_bytes", c.agent.max_file_bytes, 0, 8 << 20),  // a file that is read whole
      IntegerKey("agent.max_total_bytes", c.agent.max_total_bytes, 0, int64_t{1} << 30),
      IntegerKey("agent.call_timeout_s", c.agent.call_timeout_s, 1, 12 * 3600),
      IntegerKey("agent.silence_timeout_s", c.agent.silence_timeout_s, 1, 12 * 3600),
      StringKey("openai.base_url", c.openai.base_url),
      StringKey("openai.model", c.openai.model),
      StringKey("openai.key_env", c.openai.key_env),
      BoolKey("openai.stream", c.openai.stream),
      BoolKey("openai.plain_http", c.openai.plain_http),
      StringsKey("monitor.hook_command", c.monitor.hook_command),
      StringKey("monitor.hook_url", c.monitor.hook_url),
      TierKey("tiers.small", c.tiers.small),
      TierKey("tiers.medium", c.tiers.medium),
      TierKey("tiers.large", c.tiers.large),
      StringKey("build.templates", c.build.templates_dir),
      StringKey("build.profiles", c.build.profiles_dir),
      ChoiceKey("build.sandbox", c.build.sandbox, {"preferred", "required", "off"}),
      IntegerKey("build.check_timeout_s", c.build.check_timeout_s, 1, 86'400),
      IntegerKey("build.host_timeout_s", c.build.host_timeout_s, 1, 30 * 86'400),
  };
  for (auto* const more : {&HttpKeys, &CostKeys, &RunLimitKeys, &ServerLimitKeys}) {
    for (Key& key : more(c)) keys.push_back(std::move(key));
  }
  return keys;
}

std::string At(const std::string& path, const toml::node& node) {
  return fmt::format("{}:{}:{}", path, node.source().begin.line, node.source().begin.column);
}

Status ReadFile(const std::string& path, Config& config) {
  toml::table file;
  try {
    file = toml::parse_file(path);
  } catch (const toml::parse_error& e) {
    return InvalidArgument(
        fmt::format("{}:{}:{}: {}", path, e.source().begin.line, e.source().begin.column, e.description()));
  }
  std::map<std::string, Key> keys;
  for (Key& key : Keys(config)) keys.emplace(key.name, key);
  std::string problems;
  const auto complain = [&](const std::string& line) { problems += (problems.empty() ? "" : "\n") + line; };
  for (const auto& [section, body] : file) {
    const toml::table* const table = body.as_table();
    const std::string prefix = std::string(section.str()) + ".";
    const bool known =
        std::any_of(keys.begin(), keys.end(), [&](const auto& k) { return k.first.starts_with(prefix); });
    if (table == nullptr || !known) {
      complain(fmt::format("{}: unknown key {}", At(path, body), section.str()));
      continue;
    }
    for (const auto& [name, value] : *table) {
      const auto key = keys.find(prefix + std::string(name.str()));
      if (key == keys.end()) {
        complain(fmt::format("{}: unknown key {}{}", At(path, value), prefix, name.str()));
      } else if (const std::string problem = key->second.read(value); !problem.empty()) {
        complain(fmt::format("{}: {} {}", At(path, value), key->first, problem));
      } else {
        config.chosen.insert(key->first);
      }
    }
  }
  if (!problems.empty()) return InvalidArgument(problems);
  config.sources.push_back(path);
  return Ok();
}

/// Temporal's own profile file, read by its CLI and SDKs: `[profile.NAME]` with address, namespace, api_key.
Status ReadProfile(Config& config) {
  const char* const home = std::getenv("HOME");
  const char* const given = std::getenv("TEMPORAL_CONFIG_FILE");
  const char* const chosen = std::getenv("TEMPORAL_PROFILE");
  const std::string path =
      given != nullptr ? given : std::string(home == nullptr ? "" : home) + "/.config/temporalio/temporal.toml";
  const std::string profile = chosen != nullptr ? chosen : "default";
  std::error_code error;
  const bool there = fs::exists(path, error);
  if (error) {
    return InvalidArgument("cannot look for " + path + ": " + error.message() +
                           "; let HOME or TEMPORAL_CONFIG_FILE name a place that you may read");
  }
  if (!there) {
    if (given != nullptr) return NotFound("TEMPORAL_CONFIG_FILE names " + path + ", which is not there");
    return Ok();
  }
  toml::table file;
  try {
    file = toml::parse_file(path);
  } catch (const toml::parse_error& e) {
    return InvalidArgument(
        fmt::format("{}:{}:{}: {}", path, e.source().begin.line, e.source().begin.column, e.description()));
  }
  const toml::node_view<toml::node> section = file["profile"][profile];
  if (!section) {
    if (chosen != nullptr) return InvalidArgument(path + " has no profile " + profile);
    return Ok();
  }
  config.client.address = section["address"].value_or(config.client.address);
  config.client.ns = section["namespace"].value_or(config.client.ns);
  config.client.api_key = section["api_key"].value_or(config.client.api_key);
  config.sources.push_back(path + " [profile." + profile + "]");
  return Ok();
}

/// A file that nobody named but that lies in the current directory is read only where it can be meant: it may name
/// programs to run and services to trust.
Status CheckFoundFile(const std::string& path) {
  std::error_code error;
  const std::string where = fs::absolute(path, error).string();
  const std::string way_out = "; if you trust it, name it: --config " + path;
  struct stat link = {};
  struct stat file = {};
  if (::lstat(path.c_str(), &link) != 0 || ::stat(path.c_str(), &file) != 0) {
    return InvalidArgument("cannot read " + where + ": " + std::strerror(errno));
  }
  const auto trusted = [](uid_t owner) { return owner == ::geteuid() || owner == 0; };
  if (!trusted(link.st_uid) || !trusted(file.st_uid)) {
    const uid_t owner = trusted(link.st_uid) ? file.st_uid : link.st_uid;
    return InvalidArgument(where + " belongs to user " + std::to_string(owner) + ", not to you, and is not read" +
                           way_out);
  }
  if (fs::exists(".wfe/claim.json", error)) {
    return InvalidArgument(
        where + " lies in the directory of a build, where an agent may have written it, and is not read" + way_out);
  }
  return Ok();
}

void ReadEnvironment(Config& config) {
  struct Variable {
    const char* name;
    const char* key;
    std::string* target;
  };
  const std::vector<Variable> variables = {
      {"TEMPORAL_ADDRESS", "client.address", &config.client.address},
      {"TEMPORAL_NAMESPACE", "client.namespace", &config.client.ns},
      {"TEMPORAL_API_KEY", "client.api_key", &config.client.api_key},
      {"WFE_DATA", "server.data_dir", &config.server.data_dir},
      {"WFE_LISTEN", "server.listen", &config.server.listen},
      {"WFE_HTTP", "http.listen", &config.http.listen},
      {"WFE_HTTP_TOKEN", "http.token", &config.http.token},
      {"WFE_WORK_ROOT", "worker.work_root", &config.worker.work_root},
      {"WFE_AGENT_BACKEND", "agent.backend", &config.agent.backend},
      {"GEMINI_MODEL", "agent.gemini_model", &config.agent.gemini_model},
      {"GOOGLE_GEMINI_BASE_URL", "agent.base_url", &config.agent.base_url},
      {"WFE_OPENAI_BASE_URL", "openai.base_url", &config.openai.base_url},
      {"WFE_OPENAI_MODEL", "openai.model", &config.openai.model},
  };
  for (const Variable& variable : variables) {
    if (const char* const value = std::getenv(variable.name); value != nullptr && *value != '\0') {
      *variable.target = value;
      config.chosen.insert(variable.key);
      config.sources.emplace_back(std::string("$") + variable.name);
    }
  }
}

/// The quota by either of its names; the first wins (QF-3).
Status ReadQuotaLimit(Config& config) {
  for (const char* const name : {"WFE_QUOTA_LIMIT", "ANTHROPIC_QUOTA_LIMIT"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string text = value;
    if (text.size() > 16 || text.find_first_not_of("0123456789") != std::string::npos ||
        std::stoll(text) > kMostQuotaTokens) {
      return InvalidArgument(std::string(name) + " must be a number of tokens, from 0 to " +
                             std::to_string(kMostQuotaTokens) + ", not \"" + text + "\"");
    }
    config.quota.monthly_tokens = std::stoll(text);
    config.sources.emplace_back(std::string("$") + name);
    return Ok();
  }
  return Ok();
}

/// What the environment says is no better than what a file says.
Status CheckBackend(const Config& config) {
  const std::vector<std::string>& known = Backends();
  if (std::find(known.begin(), known.end(), config.agent.backend) != known.end()) return Ok();
  return InvalidArgument("WFE_AGENT_BACKEND must be gemini, gemini-cli, openai, command or scripted, not \"" +
                         config.agent.backend + "\"" + DidYouMean(config.agent.backend, known));
}

}  // namespace

Result<Config> LoadConfig(const std::string& path) {
  Config config;
  WFE_RETURN_IF_ERROR(ReadProfile(config));
  std::string file = path;
  if (file.empty()) {
    const char* const variable = std::getenv("WFE_CONFIG");
    if (variable != nullptr) file = variable;
  }
  std::error_code error;
  if (!file.empty() && !fs::exists(file, error)) return NotFound("there is no configuration file " + file);
  if (file.empty() && fs::exists("wfe.toml", error)) {
    WFE_RETURN_IF_ERROR(CheckFoundFile("wfe.toml"));
    file = "wfe.toml";
  }
  if (!file.empty()) WFE_RETURN_IF_ERROR(ReadFile(file, config));
  ReadEnvironment(config);
  WFE_RETURN_IF_ERROR(ReadQuotaLimit(config));
  WFE_RETURN_IF_ERROR(CheckBackend(config));
  return config;
}

nlohmann::ordered_json ToJson(const Config& config) {
  Config copy = config;
  nlohmann::ordered_json json;
  for (const Key& key : Keys(copy)) {
    const size_t dot = key.name.find('.');
    json[key.name.substr(0, dot)][key.name.substr(dot + 1)] = key.show();
  }
  json["sources"] = config.sources;
  return json;
}

}  // namespace wfe::cli
