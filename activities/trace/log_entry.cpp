#include "activities/trace/log_entry.h"

#include <array>
#include <limits>
#include <utility>

#include "activities/trace/line_text.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::trace {
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

/// Each reads a value into a field, or answers what it should have been.
const char* Read(const json& value, std::string& into) {
  if (!value.is_string()) return "a string";
  into = value.get_ref<const std::string&>();
  return nullptr;
}
const char* Read(const json& value, std::optional<std::string>& into) {
  std::string text;
  const char* const wanted = Read(value, text);
  if (wanted == nullptr) into = std::move(text);
  return wanted;
}
const char* Read(const json& value, std::optional<int64_t>& into) {
  // get<int64_t>() would quietly turn 1.5 into 1, and 2^63 into a negative number.
  if (!value.is_number_integer()) return "a whole number";
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    return "a whole number of 64 bits";
  }
  into = value.get<int64_t>();
  return nullptr;
}
const char* Read(const json& value, std::optional<double>& into) {
  if (!value.is_number()) return "a number";
  into = value.get<double>();
  return nullptr;
}
const char* Read(const json& value, std::optional<std::vector<std::string>>& into) {
  if (!value.is_array()) return "a list of strings";
  for (const json& item : value) {
    if (!item.is_string()) return "a list of strings";
  }
  into = value.get<std::vector<std::string>>();
  return nullptr;
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
  const auto refuse = [&](const std::string& what) { throw json::type_error::create(302, what, &source); };
  if (!source.is_object()) refuse("a log entry is an object");
  entry = LogEntry{};
  entry.unknown = source;
  ForEachField(entry, [&](const char* name, auto& field) {
    const auto found = source.find(name);
    if (found == source.end()) return;
    // Other writers say null for what is absent.
    if (!found->is_null()) {
      if (const char* const wanted = Read(*found, field)) refuse(std::string(name) + " is not " + wanted);
    }
    entry.unknown.erase(name);
  });
  if (const auto found = source.find("ext"); found != source.end()) {
    if (!found->is_null()) {
      if (!found->is_object()) refuse("ext is not an object");
      entry.ext = *found;
    }
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
  const auto refuse = [](const std::string& why) { return InvalidArgument("not a log entry: " + why); };
  line = WithoutByteOrderMark(line);
  if (line.empty()) return refuse("the line is empty");
  if (JsonNestsTooDeep(line)) return refuse("nested too deeply");
  try {
    return json::parse(line).get<LogEntry>();
  } catch (const json::parse_error& e) {
    return refuse("no JSON, at byte " + std::to_string(e.byte));
  } catch (const json::out_of_range&) {
    return refuse("no JSON that can be read: a number is too large");
  } catch (const json::exception& e) {
    // Ours, behind the library's prefix "[json.exception.type_error.302] ".
    const std::string_view said = e.what();
    const size_t prefix = said.find("] ");
    return refuse(std::string(prefix == std::string_view::npos ? said : said.substr(prefix + 2)));
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

}  // namespace wfe::trace
