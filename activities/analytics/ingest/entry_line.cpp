#include "activities/analytics/ingest/entry_line.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "activities/analytics/ingest/hex.h"
#include "activities/analytics/ingest/parse_report.h"
#include "activities/analytics/ingest/trace_time.h"
#include "activities/trace/line_text.h"
#include "activities/trace/log_entry.h"
#include "engine/base/parse_json.h"

namespace wfe::analytics {
namespace {

namespace ondemand = simdjson::ondemand;

/// Longer lines are judged by the other reader's parser: this one's would keep ten times their size.
constexpr size_t kMaxIndexedLineBytes = 256u << 10;

bool IsSha256(std::string_view text) { return text.size() == 64 && IsHex(text); }

/// True when a key of the literal's length is the literal: a few machine words compared, no call.
template <size_t N>
bool Is(std::string_view key, const char (&name)[N]) {
  return std::memcmp(key.data(), name, N - 1) == 0;
}

/// ^[A-Z][A-Z0-9_]*$
bool IsErrorType(std::string_view text) {
  return !text.empty() && text[0] >= 'A' && text[0] <= 'Z' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool IsEventName(std::string_view step) {
  static constexpr std::array<std::string_view, 13> kNames = {
      "workflow_started", "workflow_completed", "workflow_failed", "workflow_cancelled", "escalated",
      "budget_blocked",   "tool_routed",        "guidance_added",  "abort_requested",    "aborted",
      "build_resumed",    "recovered_from_host", "guidance_refused"};
  return std::find(kNames.begin(), kNames.end(), step) != kNames.end();
}

}  // namespace

struct EntryLineReader::Impl {
  ondemand::parser parser;
  simdjson::dom::parser whole;
  TraceEntry entry;
  ChainLink link;
  std::vector<std::pair<std::string_view, std::string_view>> sections;
  std::vector<LineProblem> problems;
  int64_t schema_version = 0;
  std::string template_name;

  // Read on the way, judged at the end.
  std::string_view entry_id;
  std::string_view template_id;
  std::string_view ext_status;
  std::string_view failure_type;
  int64_t template_version = -1;
  int64_t total = -1;
  double rework = -1;
  bool has_timestamp = false;
  bool has_status = false;
  bool has_kind = false;
  bool has_commands = false;
  bool wrong_type = false;  // a known field holds something that is not of its type: no entry, as for the validator
  simdjson::error_code error = simdjson::SUCCESS;  // the line is not JSON

  void Reset() {
    entry = TraceEntry();
    link = ChainLink();
    sections.clear();
    problems.clear();
    schema_version = 0;
    entry_id = template_id = ext_status = failure_type = {};
    template_version = total = -1;
    rework = -1;
    has_timestamp = has_status = has_kind = has_commands = wrong_type = false;
    error = simdjson::SUCCESS;
  }

  void Schema(std::string message) { problems.push_back({kProblemSchema, std::move(message)}); }
  bool Malformed(std::string message) {
    problems.clear();  // what came before stands on nothing
    problems.push_back({kProblemMalformed, "not a log entry: " + std::move(message)});
    return false;
  }

  /// A value that is not of its field's type.  A null is a field that another writer left empty; anything else in one
  /// of the fourteen fields makes the line no entry, in this reader as in ParseLogEntry.
  void NotOfType(ondemand::value& value, std::string_view name, const char* what) {
    ondemand::json_type found{};
    const bool is_null = value.type().get(found) == simdjson::SUCCESS && found == ondemand::json_type::null;
    Schema(std::string(name) + " is not " + what);
    if (!is_null && name.find('.') == std::string_view::npos) wrong_type = true;
  }

  /// A text, or a problem.  True: it was one.
  bool Text(ondemand::value& value, const char* name, std::string_view& into) {
    const simdjson::error_code code = value.get_string().get(into);
    if (code == simdjson::SUCCESS) return true;
    into = {};
    NotOfType(value, name, "a string");
    return false;
  }

  void Count(ondemand::value& value, const char* name, int64_t& into) {
    into = -1;
    int64_t count = -1;
    if (value.get_int64().get(count) != simdjson::SUCCESS) return NotOfType(value, name, "a count");
    if (count < 0 || count > trace::kMaxCount) return Schema(std::string(name) + " is not a count");
    into = count;
  }

  void Amount(ondemand::value& value, const char* name, double& into, double absent) {
    into = absent;
    double amount = 0;
    if (value.get_double().get(amount) != simdjson::SUCCESS) return NotOfType(value, name, "an amount");
    if (!(amount >= 0)) return Schema(std::string(name) + " is not an amount");
    into = amount;
  }

  void Hash(ondemand::value& value, const char* name, std::string_view& into) {
    if (!Text(value, name, into) || IsSha256(into)) return;
    Schema(std::string(name) + " is not a SHA-256 in lower-case hex");
    into = {};
  }

  void StringList(ondemand::value& value, const char* name) {
    ondemand::array items;
    if (value.get_array().get(items) != simdjson::SUCCESS) return NotOfType(value, name, "a list");
    for (auto item : items) {
      std::string_view text;
      ondemand::value one;
      if (item.get(one) == simdjson::SUCCESS && one.get_string().get(text) == simdjson::SUCCESS) continue;
      Schema(std::string(name) + " is not a list of strings");
      wrong_type = true;
      return;
    }
  }

  void IsString(ondemand::value& value, const char* name) {
    ondemand::json_type found{};
    if (value.type().get(found) == simdjson::SUCCESS && found == ondemand::json_type::string) return;
    NotOfType(value, name, "a string");
  }

  void Timestamp(ondemand::value& value) {
    std::string_view text;
    if (!Text(value, "timestamp", text)) return;
    bool exact = false;
    const std::optional<int64_t> ms = ParseTimestampMs(text, exact);
    if (!exact) Schema("timestamp \"" + std::string(text) + "\" is not a UTC time with milliseconds and Z");
    has_timestamp = ms.has_value();
    entry.timestamp_ms = ms.value_or(0);
  }

  void Status(ondemand::value& value) {
    std::string_view text;
    has_status = true;
    if (!Text(value, "validation_status", text)) return;
    if (text == "pass") {
      entry.status = EntryStatus::kPass;
    } else if (text == "fail") {
      entry.status = EntryStatus::kFail;
    } else if (text != "N/A") {
      Schema("validation_status \"" + std::string(text) + "\" is none of pass, fail, N/A");
    }
  }

  void ErrorType(ondemand::value& value) {
    if (!Text(value, "validation_error_type", entry.error_type) || IsErrorType(entry.error_type)) return;
    Schema("validation_error_type \"" + std::string(entry.error_type) + "\" is no class of error");
    entry.error_type = {};
  }

  void Kind(ondemand::value& value) {
    std::string_view text;
    if (!Text(value, "ext.kind", text)) return;
    for (const EntryKind kind : {EntryKind::kAgent, EntryKind::kVerification, EntryKind::kWorkflowEvent}) {
      if (text != EntryKindName(kind)) continue;
      entry.kind = kind;
      has_kind = true;
      return;
    }
    Schema("ext.kind \"" + std::string(text) + "\" is unknown");
  }

  void Source(ondemand::value& value) {
    std::string_view text;
    if (!Text(value, "ext.token_count_source", text)) return;
    for (const TokenSource source :
         {TokenSource::kReported, TokenSource::kTokenizer, TokenSource::kEstimated, TokenSource::kScripted}) {
      if (text == TokenSourceName(source)) entry.token_source = source;
    }
    if (entry.token_source == TokenSource::kAbsent) {
      Schema("ext.token_count_source \"" + std::string(text) + "\" is unknown");
    }
  }

  void LoggedAt(ondemand::value& value) {
    link.logged_at_at = value.raw_json_token().data();
    std::string_view text;
    bool exact = false;
    if (!Text(value, "ext.logged_at", text)) return;
    ParseTimestampMs(text, exact);
    if (!exact) Schema("ext.logged_at \"" + std::string(text) + "\" is not a UTC time with milliseconds and Z");
  }

  void Sections(ondemand::value& value, const TraceTable& table) {
    if (!entry.context_hash.empty() && table.HasSections(entry.context_hash)) return;
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return Schema("ext.section_hashes is not an object");
    for (auto field : object) {
      std::string_view name;
      ondemand::value hash_value;
      if ((error = field.unescaped_key().get(name)) != simdjson::SUCCESS) return;
      if ((error = field.value().get(hash_value)) != simdjson::SUCCESS) return;
      std::string_view hash;
      Hash(hash_value, "a hash of ext.section_hashes", hash);
      if (error != simdjson::SUCCESS) return;
      if (!hash.empty() && !name.empty()) sections.emplace_back(name, hash);
    }
  }

  // Is() compares as many bytes as the literal has, so each stands under its own length.
  void Field(std::string_view key, ondemand::value& value, const TraceTable& table) {
    switch (key.size()) {
      case 3:
        if (Is(key, "ext")) return Ext(value, table);
        return;
      case 9:
        if (Is(key, "step_name")) Text(value, "step_name", entry.step);
        if (Is(key, "timestamp")) Timestamp(value);
        return;
      case 10:
        if (Is(key, "error_full")) IsString(value, "error_full");
        return;
      case 13:
        if (Is(key, "files_touched")) StringList(value, "files_touched");
        return;
      case 15:
        if (Is(key, "workflow_run_id")) Text(value, "workflow_run_id", entry.run);
        return;
      case 16:
        if (Is(key, "total_token_cost")) Count(value, "total_token_cost", total);
        return;
      case 17:
        if (Is(key, "context_file_hash")) Hash(value, "context_file_hash", entry.context_hash);
        if (Is(key, "validation_status")) Status(value);
        return;
      case 18:
        if (Is(key, "prompt_token_count")) Count(value, "prompt_token_count", entry.prompt_tokens);
        if (Is(key, "rework_cost_factor")) Amount(value, "rework_cost_factor", rework, -1);
        if (Is(key, "commands_attempted")) {
          StringList(value, "commands_attempted");
          has_commands = true;
        }
        return;
      case 20:
        if (Is(key, "error_log_size_chars")) Count(value, "error_log_size_chars", entry.error_chars);
        return;
      case 21:
        if (Is(key, "validation_error_type")) ErrorType(value);
        return;
      case 22:
        if (Is(key, "completion_token_count")) Count(value, "completion_token_count", entry.completion_tokens);
        return;
      default:
        return;
    }
  }

  void ExtField(std::string_view key, ondemand::value& value, const TraceTable& table) {
    switch (key.size()) {
      case 3:
        if (Is(key, "seq")) Count(value, "ext.seq", entry.seq);
        return;
      case 4:
        if (Is(key, "kind")) Kind(value);
        return;
      case 5:
        if (Is(key, "model")) Text(value, "ext.model", entry.model);
        if (Is(key, "turns")) Count(value, "ext.turns", entry.turns);
        return;
      case 6:
        if (Is(key, "status")) Text(value, "ext.status", ext_status);
        return;
      case 7:
        if (Is(key, "attempt")) Count(value, "ext.attempt", entry.attempt);
        return;
      case 8:
        if (Is(key, "entry_id")) Text(value, "ext.entry_id", entry_id);
        if (Is(key, "cost_usd")) {
          Amount(value, "ext.cost_usd", entry.cost_usd, std::numeric_limits<double>::quiet_NaN());
        }
        return;
      case 9:
        if (Is(key, "logged_at")) LoggedAt(value);
        return;
      case 10:
        if (Is(key, "entry_hash")) {
          link.entry_hash_at = value.raw_json_token().data();
          Hash(value, "ext.entry_hash", link.entry_hash);
        }
        return;
      case 11:
        if (Is(key, "workflow_id")) Text(value, "ext.workflow_id", entry.workflow_id);
        if (Is(key, "template_id")) Text(value, "ext.template_id", template_id);
        if (Is(key, "duration_ms")) Count(value, "ext.duration_ms", entry.duration_ms);
        return;
      case 12:
        if (Is(key, "failure_type")) Text(value, "ext.failure_type", failure_type);
        return;
      case 13:
        if (Is(key, "workflow_type")) Text(value, "ext.workflow_type", entry.workflow_type);
        return;
      case 14:
        if (Is(key, "schema_version")) Count(value, "ext.schema_version", schema_version);
        if (Is(key, "section_hashes")) Sections(value, table);
        if (Is(key, "experiment_arm")) Text(value, "ext.experiment_arm", entry.experiment_arm);
        return;
      case 16:
        if (Is(key, "instruction_hash")) Hash(value, "ext.instruction_hash", entry.instruction_hash);
        if (Is(key, "template_version")) Count(value, "ext.template_version", template_version);
        return;
      case 18:
        if (Is(key, "token_count_source")) Source(value);
        return;
      case 19:
        if (Is(key, "context_token_count")) Count(value, "ext.context_token_count", entry.context_tokens);
        return;
      case 20:
        if (Is(key, "instruction_template")) Text(value, "ext.instruction_template", entry.instruction_template);
        return;
      case 23:
        if (Is(key, "instruction_token_count")) Count(value, "ext.instruction_token_count", entry.instruction_tokens);
        return;
      default:
        return;
    }
  }

  void Ext(ondemand::value& value, const TraceTable& table) {
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return NotOfType(value, "ext", "an object");
    for (auto field : object) {
      std::string_view key;
      ondemand::value inner;
      if ((error = field.unescaped_key().get(key)) != simdjson::SUCCESS) return;
      if ((error = field.value().get(inner)) != simdjson::SUCCESS) return;
      ExtField(key, inner, table);
      if (error != simdjson::SUCCESS) return;
    }
  }

  /// "" or why the line is not JSON.  The fields are read on demand, which looks at nothing it is not asked for: a NaN
  /// or half a surrogate in another field would pass, and the validator would find no entry there.
  const char* WhyNotJson(std::string_view line) {
    if (line.empty()) return "the line is empty";
    if (JsonNestsTooDeep(line)) return "nested too deeply";
    if (line.size() <= kMaxIndexedLineBytes) {
      simdjson::dom::element element;
      const simdjson::error_code code = whole.parse(line.data(), line.size(), false).get(element);
      if (code == simdjson::SUCCESS) return element.is_object() ? "" : "it is not an object";
      // Whole numbers beyond 64 bits are JSON all the same; this parser does not read them.
      if (code != simdjson::NUMBER_ERROR) return "no JSON";
    }
    return nlohmann::json::accept(line) ? "" : "no JSON";
  }

  /// False: not one whole JSON object.
  bool ReadFields(std::string_view line, const TraceTable& table) {
    ondemand::document document;
    error = parser.iterate(line.data(), line.size(), line.size() + kPadding).get(document);
    if (error != simdjson::SUCCESS) return false;
    ondemand::object object;
    if ((error = document.get_object().get(object)) != simdjson::SUCCESS) return false;
    for (auto field : object) {
      std::string_view key;
      ondemand::value value;
      if ((error = field.unescaped_key().get(key)) != simdjson::SUCCESS) return false;
      if ((error = field.value().get(value)) != simdjson::SUCCESS) return false;
      Field(key, value, table);
      if (error != simdjson::SUCCESS) return false;
    }
    const char* rest = nullptr;
    if (document.current_location().get(rest) == simdjson::SUCCESS)
      error = simdjson::TAPE_ERROR;  // more than the object
    return error == simdjson::SUCCESS;
  }

  void CheckArithmetic() {
    const auto problem = [this](std::string message) { problems.push_back({kProblemArithmetic, std::move(message)}); };
    const bool both = entry.prompt_tokens >= 0 && entry.completion_tokens >= 0;
    const int64_t sum = std::max<int64_t>(entry.prompt_tokens, 0) + std::max<int64_t>(entry.completion_tokens, 0);
    if (total >= 0 && (!both || total != sum)) {
      problem("total_token_cost is " + std::to_string(total) + " but the counts add up to " + std::to_string(sum) +
              " (LG-6)");
    } else if (total < 0 && both) {
      problem("total_token_cost is missing beside both token counts (LG-6)");
    }
    if (rework < 0) return;
    const bool computable = entry.completion_tokens >= 0 && entry.error_chars > 0;
    const double expected =
        computable ? static_cast<double>(entry.completion_tokens) / static_cast<double>(entry.error_chars) : 0;
    // A decimal text of another writer may be rounded; ours is exact.
    if (!computable || std::abs(expected - rework) > 1e-9 * std::max(1.0, expected)) {
      problem("rework_cost_factor is not completion_token_count / error_log_size_chars (LG-11)");
    }
  }

  bool Read(std::string_view line, const TraceTable& table) {
    Reset();
    const std::string_view text = trace::WithoutByteOrderMark(line);
    if (const char* const why = WhyNotJson(text); *why != '\0') return Malformed(why);
    if (!ReadFields(text, table)) return Malformed("no JSON object");
    if (wrong_type) return false;
    if (entry.run.empty()) Schema("workflow_run_id is missing (LG-1)");
    if (entry.step.empty()) Schema("step_name is missing (LG-2)");
    if (!has_timestamp && problems.empty()) Schema("timestamp is missing (LG-3)");
    if (entry.run.empty() || entry.step.empty() || !has_timestamp) return false;
    if (!has_status) Schema("validation_status is missing (LG-8)");
    if (!has_kind) {
      entry.kind = IsEventName(entry.step) ? EntryKind::kWorkflowEvent
                   : has_commands          ? EntryKind::kVerification  // LG-16
                                           : EntryKind::kAgent;
    }
    if (!template_id.empty()) {
      template_name = template_id;
      if (template_version >= 0) template_name += "@" + std::to_string(template_version);
      entry.template_name = template_name;
    }
    if (entry.step == "workflow_completed") entry.end_status = ext_status;
    if (entry.step == "workflow_failed") entry.end_status = failure_type;
    entry.entry_id = EntryIdOf(entry_id.empty() ? line : entry_id);
    link.run = entry.run;
    link.seq = entry.seq;
    CheckArithmetic();
    return true;
  }
};

EntryLineReader::EntryLineReader() : impl_(std::make_unique<Impl>()) {}
EntryLineReader::~EntryLineReader() = default;
bool EntryLineReader::Read(std::string_view line, const TraceTable& table) { return impl_->Read(line, table); }
TraceEntry& EntryLineReader::entry() { return impl_->entry; }
const std::vector<std::pair<std::string_view, std::string_view>>& EntryLineReader::sections() const {
  return impl_->sections;
}
int EntryLineReader::schema_version() const {
  return static_cast<int>(std::clamp<int64_t>(impl_->schema_version, 0, 1'000'000));
}
const ChainLink& EntryLineReader::link() const { return impl_->link; }
std::vector<LineProblem>& EntryLineReader::problems() { return impl_->problems; }

}  // namespace wfe::analytics
