#include "activities/audit/log_entry.h"

#include <array>
#include <utility>

#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::activities {
namespace {

using nlohmann::json;

constexpr auto kReplace = json::error_handler_t::replace;

std::string Dump(const json& value) { return value.dump(-1, ' ', false, kReplace); }

/// Hands every known field except `ext` to `visit(name, member)`, in the order the schema fixes.
template <class Entry, class Visit>
void ForEachField(Entry& entry, Visit visit) {
  visit("workflow_run_id", entry.workflow_run_id);
  visit("step_name", entry.step_name);
  visit("timestamp", entry.timestamp);
  visit("prompt_token_count", entry.prompt_token_count);
  visit("completion_token_count", entry.completion_token_count);
  visit("total_token_cost", entry.total_token_cost);
  visit("context_file_hash", entry.context_file_hash);
  visit("validation_status", entry.validation_status);
  visit("validation_error_type", entry.validation_error_type);
  visit("error_log_size_chars", entry.error_log_size_chars);
  visit("rework_cost_factor", entry.rework_cost_factor);
  visit("files_touched", entry.files_touched);
  visit("error_full", entry.error_full);
  visit("commands_attempted", entry.commands_attempted);
}

bool IsPresent(const std::string& text) { return !text.empty(); }
template <class T>
bool IsPresent(const std::optional<T>& value) {
  return value.has_value();
}
json Value(const std::string& text) { return text; }
template <class T>
json Value(const std::optional<T>& value) {
  return *value;
}

void Read(const json& value, std::string& into) { into = value.get_ref<const std::string&>(); }
void Read(const json& value, std::optional<std::string>& into) { into = value.get_ref<const std::string&>(); }
void Read(const json& value, std::optional<int64_t>& into) {
  // get<int64_t>() would quietly turn 1.5 into 1.
  if (!value.is_number_integer()) throw json::type_error::create(302, "type must be an integer", &value);
  into = value.get<int64_t>();
}
void Read(const json& value, std::optional<double>& into) {
  if (!value.is_number()) throw json::type_error::create(302, "type must be a number", &value);
  into = value.get<double>();
}
void Read(const json& value, std::optional<std::vector<std::string>>& into) {
  into = value.get<std::vector<std::string>>();
}

}  // namespace

void to_json(json& result, const LogEntry& entry) {
  result = entry.unknown.is_object() ? entry.unknown : json::object();
  ForEachField(entry, [&](const char* name, const auto& field) {
    if (IsPresent(field)) result[name] = Value(field);
  });
  if (!entry.ext.empty()) result["ext"] = entry.ext;
}

void from_json(const json& source, LogEntry& entry) {
  if (!source.is_object()) throw json::type_error::create(302, "a log entry must be an object", &source);
  entry = LogEntry{};
  entry.unknown = source;
  ForEachField(entry, [&](const char* name, auto& field) {
    const auto found = source.find(name);
    if (found == source.end()) return;
    try {
      Read(*found, field);
    } catch (const json::exception& e) {
      throw json::type_error::create(302, std::string(name) + ": " + e.what(), &source);
    }
    entry.unknown.erase(name);
  });
  if (const auto found = source.find("ext"); found != source.end()) {
    if (!found->is_object()) throw json::type_error::create(302, "ext: type must be an object", &source);
    entry.ext = *found;
    entry.unknown.erase("ext");
  }
}

std::string SerializeLogEntry(const LogEntry& entry) {
  std::string line = "{";
  const auto add = [&line](const std::string& name, const json& value) {
    if (line.size() > 1) line += ',';
    line += Dump(name);
    line += ':';
    line += Dump(value);
  };
  ForEachField(entry, [&](const char* name, const auto& field) {
    if (IsPresent(field)) add(name, Value(field));
  });
  for (const auto& [name, value] : entry.unknown.items()) add(name, value);
  if (!entry.ext.empty()) add("ext", entry.ext);
  line += '}';
  return line;
}

Result<LogEntry> ParseLogEntry(std::string_view line) {
  if (JsonNestsTooDeep(line)) return InvalidArgument("not a log entry: it " + WhyNotJson(line));
  try {
    return json::parse(line).get<LogEntry>();
  } catch (const json::exception& e) {
    return InvalidArgument("not a log entry: " + JsonErrorText(e));
  }
}

void SetTokenCounts(LogEntry& entry, int64_t prompt_tokens, int64_t completion_tokens) {
  entry.prompt_token_count = prompt_tokens;
  entry.completion_token_count = completion_tokens;
  entry.total_token_cost = prompt_tokens + completion_tokens;
}

void SetReworkCostFactor(LogEntry& entry) {
  entry.rework_cost_factor.reset();
  if (!entry.completion_token_count || entry.error_log_size_chars.value_or(0) <= 0) return;
  entry.rework_cost_factor =
      static_cast<double>(*entry.completion_token_count) / static_cast<double>(*entry.error_log_size_chars);
}

std::string EntryIdFromToken(std::string_view idempotency_token) {
  return ToHex(Sha256({"wfe.audit.entry/", idempotency_token})).substr(0, 32);
}

std::string AuditToken(std::string_view workflow_run_id, int64_t seq) {
  return std::string(workflow_run_id) + "/audit-" + std::to_string(seq);
}

std::string ComputeEntryHash(const LogEntry& entry, std::string_view previous_hash) {
  LogEntry hashed = entry;
  hashed.ext.erase("entry_hash");
  hashed.ext.erase("logged_at");
  return ToHex(Sha256({previous_hash, SerializeLogEntry(hashed)}));
}

void to_json(json& result, const TraceChain& chain) { result = {{"seq", chain.seq}, {"last_hash", chain.last_hash}}; }
void from_json(const json& source, TraceChain& chain) {
  chain.seq = source.at("seq").get<int64_t>();
  chain.last_hash = source.at("last_hash").get<std::string>();
}

void SealEntry(LogEntry& entry, TraceChain& chain) {
  ++chain.seq;
  entry.ext["schema_version"] = kLogEntrySchemaVersion;
  entry.ext["seq"] = chain.seq;
  entry.ext["entry_id"] = EntryIdFromToken(AuditToken(entry.workflow_run_id, chain.seq));
  chain.last_hash = ComputeEntryHash(entry, chain.last_hash);
  entry.ext["entry_hash"] = chain.last_hash;
}

std::string ExtString(const LogEntry& entry, std::string_view key) {
  const auto found = entry.ext.find(key);
  return found != entry.ext.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t ExtInteger(const LogEntry& entry, std::string_view key) {
  const auto found = entry.ext.find(key);
  return found != entry.ext.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

}  // namespace wfe::activities
