#include "activities/patterns/records/tool_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "activities/learning/records/rows.h"
#include "engine/base/parse_json.h"

namespace wfe::patterns {
namespace {

constexpr int kToolTries = 20;

std::string SavingKey(const std::string& call_key) { return "tool_routing/" + call_key; }

template <class T>
Status ReadAll(RowStore& rows, std::string_view table, const std::string& prefix, std::vector<T>& into,
               PatternProblems& problems) {
  return rows.ScanRows(std::string(table), prefix, [&](const std::string& key, const std::string& value) {
    Result<T> row = learning::ReadRow<T>(table, key, value);
    if (row) {
      into.push_back(*std::move(row));
    } else {
      problems.push_back(row.error().message);
    }
  });
}

}  // namespace

Result<Tool> ToolStore::Register(Tool tool, Instant now) {
  try {
    CheckRecord(tool);
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument(JsonErrorText(e));
  }
  const std::string table(kToolsTable);
  for (int i = 0; i < kToolTries; ++i) {
    WFE_ASSIGN_OR_RETURN(const std::optional<std::string> seen, rows_.GetRow(table, tool.tool_id));
    tool.calls = tool.successes = 0;
    tool.success_rate = tool.avg_duration_ms = 0;
    tool.registered_at = FormatIso8601Millis(now);
    if (seen) {
      const auto known = learning::ReadRow<Tool>(kToolsTable, tool.tool_id, *seen);
      if (known) {
        tool.calls = known->calls;
        tool.successes = known->successes;
        tool.success_rate = known->success_rate;
        tool.avg_duration_ms = known->avg_duration_ms;
        tool.registered_at = known->registered_at;
      }
    }
    if (tool.name.empty()) tool.name = tool.tool_id;
    const Status put = rows_.PutRow(table, tool.tool_id, learning::RowText(tool), seen);
    if (put) return tool;
    if (put.error().code != StatusCode::kAborted) return put.error();
  }
  return Error{StatusCode::kAborted, "the tool " + tool.tool_id + " changes all the time; try again", {}};
}

Result<std::optional<Tool>> ToolStore::Find(const std::string& tool_id) {
  WFE_ASSIGN_OR_RETURN(const std::optional<std::string> row, rows_.GetRow(std::string(kToolsTable), tool_id));
  if (!row) return std::optional<Tool>();
  WFE_ASSIGN_OR_RETURN(Tool tool, learning::ReadRow<Tool>(kToolsTable, tool_id, *row));
  return std::optional(std::move(tool));
}

Result<std::vector<Tool>> ToolStore::All(PatternProblems& problems) {
  std::vector<Tool> tools;
  WFE_RETURN_IF_ERROR(ReadAll(rows_, kToolsTable, "", tools, problems));
  return tools;
}

Status ToolStore::Note(const std::string& key, const ToolCall& call, const std::optional<Saving>& saving,
                       Instant now) {
  if (saving) {
    WFE_ASSIGN_OR_RETURN(const bool first,
                         rows_.AppendRow(std::string(kSavingsTable), SavingKey(key), learning::RowText(*saving)));
    std::ignore = first;
  }
  WFE_ASSIGN_OR_RETURN(const bool is_new,
                       rows_.AppendRow(std::string(kToolCallsTable), key, learning::RowText(call)));
  if (!is_new) return Ok();
  return CountCall(call, 1, call.success ? 1 : 0, now);
}

Status ToolStore::CountCall(const ToolCall& call, int64_t calls, int64_t successes, Instant now) {
  for (int i = 0; i < kToolTries; ++i) {
    WFE_ASSIGN_OR_RETURN(const auto seen, rows_.GetRow(std::string(kToolsTable), call.tool));
    if (!seen) break;
    WFE_ASSIGN_OR_RETURN(Tool tool, learning::ReadRow<Tool>(kToolsTable, call.tool, *seen));
    if (calls > 0) {
      const auto before = static_cast<double>(tool.calls);
      tool.avg_duration_ms =
          (tool.avg_duration_ms * before + static_cast<double>(call.duration_ms)) / (before + 1);
    }
    tool.calls += calls;
    tool.successes = std::max<int64_t>(0, tool.successes + successes);
    if (tool.calls > 0) tool.success_rate = static_cast<double>(tool.successes) / static_cast<double>(tool.calls);
    const Status put = rows_.PutRow(std::string(kToolsTable), call.tool, learning::RowText(tool), *seen);
    if (put) break;
    if (put.error().code != StatusCode::kAborted) return put;
  }
  const auto updated =
      PatternStore(rows_).Update(call.pattern_signature, [&](OperationPattern& pattern) -> Result<bool> {
        if (pattern.automation_status != kActive) return false;
        pattern.tool_calls += calls;
        pattern.tool_successes = std::max<int64_t>(0, pattern.tool_successes + successes);
        if (ToolFailsTooOften(pattern)) {
          pattern.automation_status = std::string(kRetired);
          pattern.changed_at = FormatIso8601Millis(now);
          pattern.reason = "its tool " + pattern.tool_id + " succeeded in " + std::to_string(pattern.tool_successes) +
                           " of " + std::to_string(pattern.tool_calls) + " calls" +
                           (call.why.empty() ? "" : "; the last one: " + call.why);
        }
        return true;
      });
  if (!updated && updated.error().code != StatusCode::kNotFound) return updated.error();
  return Ok();
}

Result<int64_t> ToolStore::Refute(const std::string& run_id, const std::string& why, Instant now) {
  std::vector<std::pair<std::string, ToolCall>> calls;
  WFE_RETURN_IF_ERROR(rows_.ScanRows(std::string(kToolCallsTable), run_id + "/",
                                     [&](const std::string& key, const std::string& value) {
                                       const auto row = learning::ReadRow<ToolCall>(kToolCallsTable, key, value);
                                       if (row && row->success) calls.emplace_back(key, *row);
                                     }));
  int64_t refuted = 0;
  for (auto& [key, call] : calls) {
    WFE_ASSIGN_OR_RETURN(const auto saved, rows_.GetRow(std::string(kSavingsTable), SavingKey(key)));
    if (saved) {
      const auto saving = learning::ReadRow<Saving>(kSavingsTable, key, *saved);
      if (saving) {
        Saving back = *saving;
        back.saved_at = FormatIso8601Millis(now);
        back.tokens_saved = -saving->tokens_saved;
        if (saving->cost_saved_usd) back.cost_saved_usd = Money::Nanos(-saving->cost_saved_usd->nanos());
        back.baseline = "taken back: " + why;
        WFE_ASSIGN_OR_RETURN(const bool first, rows_.AppendRow(std::string(kSavingsTable), SavingKey(key) + "/back",
                                                               learning::RowText(back)));
        std::ignore = first;
      }
    }
    call.success = false;
    call.why = why;
    WFE_ASSIGN_OR_RETURN(const bool is_new,
                         rows_.AppendRow(std::string(kRefutedCallsTable), key, learning::RowText(call)));
    if (!is_new) continue;
    ++refuted;
    WFE_RETURN_IF_ERROR(CountCall(call, 0, -1, now));
  }
  return refuted;
}

Result<std::vector<ToolCall>> ToolStore::Calls(PatternProblems& problems) {
  std::set<std::string> refuted;
  WFE_RETURN_IF_ERROR(rows_.ScanRows(std::string(kRefutedCallsTable), "",
                                     [&](const std::string& key, const std::string&) { refuted.insert(key); }));
  std::vector<ToolCall> calls;
  WFE_RETURN_IF_ERROR(
      rows_.ScanRows(std::string(kToolCallsTable), "", [&](const std::string& key, const std::string& value) {
        Result<ToolCall> row = learning::ReadRow<ToolCall>(kToolCallsTable, key, value);
        if (!row) return problems.push_back(row.error().message);
        if (refuted.contains(key)) row->success = false;
        calls.push_back(*std::move(row));
      }));
  return calls;
}

Result<std::vector<Saving>> ToolStore::Savings(PatternProblems& problems) {
  std::vector<Saving> savings;
  WFE_RETURN_IF_ERROR(ReadAll(rows_, kSavingsTable, "", savings, problems));
  return savings;
}

}  // namespace wfe::patterns
