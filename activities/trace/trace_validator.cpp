#include "activities/trace/trace_validator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "activities/trace/trace_file.h"
#include "engine/base/time.h"

namespace wfe::trace {
namespace {

using Problems = std::vector<std::string>;

bool IsSha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

template <size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& allowed) {
  return std::find(allowed.begin(), allowed.end(), text) != allowed.end();
}

void CheckCount(Problems& problems, const char* name, const std::optional<int64_t>& value) {
  if (value && (*value < 0 || *value > kMaxCount)) problems.push_back(std::string(name) + " is not a count");
}

void CheckTimestamp(Problems& problems, const std::string& name, const std::string& text) {
  const std::optional<Instant> instant = ParseIso8601(text);
  if (!instant || FormatIso8601Millis(*instant) != text) {
    problems.push_back(name + " \"" + text + "\" is not a UTC time with milliseconds and Z");
  }
}

void CheckFiles(Problems& problems, const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    const bool outside = file.empty() || file.front() == '/' || file == ".." || file.starts_with("../") ||
                         file.find("/../") != std::string::npos || file.ends_with("/..");
    if (outside) problems.push_back("files_touched has \"" + file + "\", which is not a path inside the directory");
  }
  if (!std::is_sorted(files.begin(), files.end())) problems.push_back("files_touched is not sorted");
}

void CheckExt(Problems& problems, const nlohmann::json& ext) {
  static constexpr std::array<std::string_view, 3> kKinds = {"agent", "verification", "workflow_event"};
  static constexpr std::array<std::string_view, 4> kSources = {"reported", "tokenizer", "estimated", "scripted"};
  const auto text = [&](const char* key, auto check) {
    const auto found = ext.find(key);
    if (found == ext.end()) return;
    if (!found->is_string()) {
      problems.push_back(std::string("ext.") + key + " is not a string");
    } else {
      check(found->get_ref<const std::string&>());
    }
  };
  const auto count = [&](const char* key) {
    const auto found = ext.find(key);
    if (found == ext.end()) return;
    if (!found->is_number_integer() || (!found->is_number_unsigned() && found->get<int64_t>() < 0)) {
      problems.push_back(std::string("ext.") + key + " is not a count");
    }
  };
  text("kind", [&](const std::string& v) {
    if (!IsOneOf(v, kKinds)) problems.push_back("ext.kind \"" + v + "\" is unknown");
  });
  text("token_count_source", [&](const std::string& v) {
    if (!IsOneOf(v, kSources)) problems.push_back("ext.token_count_source \"" + v + "\" is unknown");
  });
  text("logged_at", [&](const std::string& v) { CheckTimestamp(problems, "ext.logged_at", v); });
  for (const char* key : {"entry_hash", "error_log_hash", "instruction_hash"}) {
    text(key, [&](const std::string& v) {
      if (!IsSha256(v)) problems.push_back(std::string("ext.") + key + " is not a SHA-256 in lower-case hex");
    });
  }
  for (const char* key : {"entry_id", "workflow_id", "workflow_type", "model", "backend", "sandbox", "template_id",
                          "instruction_template", "finish_reason"}) {
    text(key, [](const std::string&) {});
  }
  for (const char* key : {"seq", "schema_version", "attempt", "instruction_token_count", "context_token_count",
                          "thoughts_token_count", "cached_token_count", "duration_ms", "turns", "refused_action_count",
                          "lost_calls", "lost_prompt_token_count", "lost_completion_token_count", "tests_total",
                          "tests_skipped", "files_examined"}) {
    count(key);
  }
  if (const auto cost = ext.find("cost_usd"); cost != ext.end() && !(cost->is_number() && cost->get<double>() >= 0)) {
    problems.push_back("ext.cost_usd is not an amount");
  }
}

/// Collects problems up to the limit.
class Collector {
 public:
  explicit Collector(TraceReport& report) : report_(report) {}
  /// What is added from now on is of this part; empty: of the file that was asked for.
  void In(std::string file) { file_ = std::move(file); }
  const std::string& file() const { return file_; }
  void Add(int64_t line, std::string message) {
    if (report_.problems.size() < kMaxTraceProblems) {
      report_.problems.push_back({line, std::move(message), file_});
    } else {
      ++report_.more_problems;
    }
  }

 private:
  TraceReport& report_;
  std::string file_;
};

/// Follows the chain of one run.
void CheckChain(Collector& problems, int64_t line, const LogEntry& entry, TraceChain& chain) {
  const std::string run = "run " + entry.workflow_run_id;
  const std::string stated = ExtString(entry, "entry_hash");
  if (stated.empty()) {
    problems.Add(line, "the entry is not part of the hash chain of " + run + " (no ext.entry_hash)");
    return;
  }
  const int64_t seq = ExtInteger(entry, "seq");
  if (seq != chain.seq + 1) {
    problems.Add(line, "ext.seq is " + std::to_string(seq) + " where " + run + " continues with " +
                           std::to_string(chain.seq + 1));
  }
  if (ComputeEntryHash(entry, chain.last_hash) != stated) {
    problems.Add(line, "ext.entry_hash does not match: entry " + std::to_string(seq) + " of " + run +
                           " or the one before it was changed");
  }
  // Go on from what stands there, so that one bad entry is named once and not with everything after it.
  chain.seq = seq;
  chain.last_hash = stated;
}

/// Reads a line as an entry; nullopt and a reason when it is none.
std::optional<LogEntry> ReadEntry(const TraceLine& line, std::string& reason) {
  if (line.too_long) {
    reason = "the line is longer than " + std::to_string(kMaxTraceLineBytes) + " bytes";
    return std::nullopt;
  }
  if (!line.ended) {
    reason = "the last line is torn: it does not end with a newline";
    return std::nullopt;
  }
  Result<LogEntry> entry = ParseLogEntry(line.text);
  if (!entry) {
    reason = entry.error().message;
    return std::nullopt;
  }
  if (entry->workflow_run_id.empty() || entry->step_name.empty()) {
    reason = "not a log entry: no workflow_run_id or no step_name";
    return std::nullopt;
  }
  return *std::move(entry);
}

}  // namespace

std::vector<std::string> CheckEntry(const LogEntry& entry) {
  static constexpr std::array<std::string_view, 3> kStatuses = {kValidationPass, kValidationFail,
                                                                kValidationNotApplicable};
  Problems problems;
  if (entry.workflow_run_id.empty()) problems.push_back("workflow_run_id is missing (LG-1)");
  if (entry.step_name.empty()) problems.push_back("step_name is missing (LG-2)");
  if (entry.timestamp.empty()) {
    problems.push_back("timestamp is missing (LG-3)");
  } else {
    CheckTimestamp(problems, "timestamp", entry.timestamp);
  }
  CheckCount(problems, "prompt_token_count", entry.prompt_token_count);
  CheckCount(problems, "completion_token_count", entry.completion_token_count);
  CheckCount(problems, "error_log_size_chars", entry.error_log_size_chars);
  if (entry.context_file_hash && !IsSha256(*entry.context_file_hash)) {
    problems.push_back("context_file_hash is not a SHA-256 in lower-case hex (LG-7)");
  }
  if (!entry.validation_status) {
    problems.push_back("validation_status is missing (LG-8)");
  } else if (!IsOneOf(*entry.validation_status, kStatuses)) {
    problems.push_back("validation_status \"" + *entry.validation_status + "\" is none of pass, fail, N/A (LG-8)");
  }
  if (entry.files_touched) CheckFiles(problems, *entry.files_touched);
  if (entry.error_full && CodePointCount(*entry.error_full) > kErrorFullMaxCodePoints) {
    problems.push_back("error_full is longer than " + std::to_string(kErrorFullMaxCodePoints) + " characters (LG-13)");
  }
  CheckExt(problems, entry.ext);

  if (entry.total_token_cost) {
    const int64_t sum = entry.prompt_token_count.value_or(0) + entry.completion_token_count.value_or(0);
    if (!entry.prompt_token_count || !entry.completion_token_count || *entry.total_token_cost != sum) {
      problems.push_back("total_token_cost is " + std::to_string(*entry.total_token_cost) +
                         " but the counts add up to " + std::to_string(sum) + " (LG-6)");
    }
  } else if (entry.prompt_token_count && entry.completion_token_count) {
    problems.push_back("total_token_cost is missing beside both token counts (LG-6)");
  }
  if (entry.rework_cost_factor) {
    LogEntry again = entry;
    SetReworkCostFactor(again);
    const double expected = again.rework_cost_factor.value_or(-1);
    // A decimal text of another writer may be rounded; ours is exact.
    if (expected < 0 || std::abs(expected - *entry.rework_cost_factor) > 1e-9 * std::max(1.0, expected)) {
      problems.push_back("rework_cost_factor is not completion_token_count / error_log_size_chars (LG-11)");
    }
  }
  return problems;
}

namespace {

/// Hands the lines of all parts of a trace to `visit(line)`.
template <class Visit>
Status ForEachLine(const std::string& path, Collector& problems, Visit visit) {
  for (const std::string& part : TraceParts(path)) {
    problems.In(part == path ? "" : part);
    WFE_ASSIGN_OR_RETURN(TraceLineReader reader, TraceLineReader::Open(part));
    while (true) {
      WFE_ASSIGN_OR_RETURN(const std::optional<TraceLine> line, reader.Next());
      if (!line) break;
      WFE_RETURN_IF_ERROR(visit(*line));
    }
  }
  return Ok();
}

}  // namespace

bool IsEndOfRun(std::string_view step_name) {
  return step_name == "workflow_completed" || step_name == "workflow_failed" || step_name == "workflow_cancelled";
}

Result<TraceReport> ValidateTrace(const std::string& path) {
  TraceReport report;
  Collector problems(report);
  std::map<std::string, TraceChain> chains;
  std::set<std::string> ended;
  WFE_RETURN_IF_ERROR(ForEachLine(path, problems, [&](const TraceLine& line) -> Status {
    ++report.lines;
    std::string reason;
    const std::optional<LogEntry> entry = ReadEntry(line, reason);
    if (!entry) {
      problems.Add(line.number, reason);
      if (line.ended) {
        ++report.foreign_lines;
      } else {
        report.torn_last_line = true;
      }
      return Ok();
    }
    ++report.entries;
    ++report.entries_of_run[entry->workflow_run_id];
    if (IsEndOfRun(entry->step_name)) ended.insert(entry->workflow_run_id);
    for (std::string& message : CheckEntry(*entry)) problems.Add(line.number, std::move(message));
    // Different bytes with the same meaning (1.0 and 1e0, a key twice) hash alike, so the bytes are compared too.
    if (SerializeLogEntry(*entry) != line.text) {
      problems.Add(line.number, "the line is not in the form this program writes: its bytes were changed");
    }
    CheckChain(problems, line.number, *entry, chains[entry->workflow_run_id]);
    return Ok();
  }));
  for (const auto& [run, entries] : report.entries_of_run) {
    if (!ended.contains(run)) report.open_runs.push_back(run);
  }
  return report;
}

Result<TraceReport> CompareTraceWithHistory(const std::string& path, const std::string& run_id,
                                            std::span<const HistoryEntry> history) {
  TraceReport report;
  Collector problems(report);
  size_t position = 0;
  WFE_RETURN_IF_ERROR(ForEachLine(path, problems, [&](const TraceLine& line) -> Status {
    ++report.lines;
    std::string reason;
    std::optional<LogEntry> entry = ReadEntry(line, reason);
    if (!entry) {
      ++report.foreign_lines;
      report.torn_last_line = report.torn_last_line || !line.ended;
      return Ok();
    }
    if (entry->workflow_run_id != run_id) return Ok();
    ++report.entries;
    ++report.entries_of_run[run_id];
    if (position >= history.size()) {
      problems.Add(line.number, "the history of run " + run_id + " has no entry for this line: it was added");
      return Ok();
    }
    HistoryEntry expected = history[position++];
    expected.logged_at.reset();
    WFE_ASSIGN_OR_RETURN(std::string expected_line, RebuildLine(expected));
    expected_line.pop_back();
    entry->ext.erase("logged_at");
    if (SerializeLogEntry(*entry) != expected_line) {
      problems.Add(line.number, "entry " + std::to_string(position) + " (" + entry->step_name +
                                    ") differs from the history of run " + run_id);
    }
    return Ok();
  }));
  problems.In("");
  if (position < history.size()) {
    problems.Add(0, "the file ends after " + std::to_string(position) + " of the " + std::to_string(history.size()) +
                        " entries that the history of run " + run_id + " has");
  }
  return report;
}

Result<TraceReadSummary> ReadTrace(const std::string& path, const std::function<void(int64_t, LogEntry)>& visit) {
  TraceReadSummary summary;
  TraceReport unused;
  Collector problems(unused);
  WFE_RETURN_IF_ERROR(ForEachLine(path, problems, [&](const TraceLine& line) -> Status {
    std::string reason;
    std::optional<LogEntry> entry = ReadEntry(line, reason);
    if (entry) {
      ++summary.entries;
      visit(line.number, *std::move(entry));
      return Ok();
    }
    ++summary.bad_lines;
    if (summary.skipped.size() < 100) summary.skipped.push_back({line.number, std::move(reason), problems.file()});
    return Ok();
  }));
  return summary;
}

}  // namespace wfe::trace
