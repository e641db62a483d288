#include "activities/delivery/records/executions.h"

#include <chrono>

namespace wfe::delivery {
namespace {

/// Days are read one by one up to so many; a longer window is a scan of the workflow's rows.
constexpr int kDaysByDay = 62;

}  // namespace

Instant StartOf(const ExecutionRecord& execution) { return ParseIso8601(execution.started_at).value_or(Instant()); }

Instant EndOf(const ExecutionRecord& execution) {
  return StartOf(execution) + std::chrono::milliseconds(execution.duration_ms);
}

RunOutcome OutcomeOf(const ExecutionRecord& execution) {
  return {.run_id = execution.workflow_run_id,
          .ended = EndOf(execution),
          .duration_ms = static_cast<double>(execution.duration_ms),
          .cost_usd = execution.cost_usd,
          .success = execution.success};
}

Result<bool> SaveExecution(client::RecordsClient& records, const ExecutionRecord& execution) {
  WFE_RETURN_IF_ERROR(learning::CheckRowId("the id of a workflow", execution.workflow_id));
  WFE_RETURN_IF_ERROR(learning::CheckRowId("a run id", execution.workflow_run_id));
  if (!ParseIso8601(execution.started_at)) {
    return InvalidArgument("started_at of run " + execution.workflow_run_id +
                           " is not a time like 2026-01-31T02:00:00.000Z");
  }
  if (execution.duration_ms < 0) {
    return InvalidArgument("duration_ms of run " + execution.workflow_run_id + " is negative");
  }
  const std::string key =
      execution.workflow_id + "/" + FormatIso8601Millis(EndOf(execution)) + "/" + execution.workflow_run_id;
  return records.AppendRow(std::string(kExecutionsTable), key, learning::RowText(execution));
}

Result<std::vector<ExecutionRecord>> LoadExecutions(client::RecordsClient& records, const std::string& workflow_id,
                                                    Instant from, Instant to, learning::RowProblems& problems) {
  WFE_RETURN_IF_ERROR(learning::CheckRowId("the id of a workflow", workflow_id));
  const std::string prefix = workflow_id + "/";
  const std::string first = prefix + FormatIso8601Millis(from);
  const std::string end = prefix + FormatIso8601Millis(to);
  std::vector<ExecutionRecord> executions;
  const auto visit = [&](const std::string& key, const std::string& value) {
    if (key < first || key >= end) return;
    Result<ExecutionRecord> row = learning::ReadRow<ExecutionRecord>(kExecutionsTable, key, value);
    if (row) {
      executions.push_back(*std::move(row));
    } else {
      problems.push_back(row.error().message);
    }
  };
  const std::string table(kExecutionsTable);
  if (to - from > std::chrono::days(kDaysByDay)) {
    WFE_RETURN_IF_ERROR(records.ScanRows(table, prefix, visit));
    return executions;
  }
  for (Instant day = from;; day += std::chrono::days(1)) {
    const std::string name = FormatIso8601Millis(day).substr(0, 10);
    if (prefix + name > end) break;
    WFE_RETURN_IF_ERROR(records.ScanRows(table, prefix + name, visit));
  }
  return executions;
}

Status VisitExecutions(client::RecordsClient& records, const std::string& workflow_id,
                       const std::function<void(ExecutionRecord)>& visit, learning::RowProblems& problems) {
  WFE_RETURN_IF_ERROR(learning::CheckRowId("the id of a workflow", workflow_id));
  const auto read = [&](const std::string& key, const std::string& value) {
    Result<ExecutionRecord> row = learning::ReadRow<ExecutionRecord>(kExecutionsTable, key, value);
    if (row) return visit(*std::move(row));
    problems.push_back(row.error().message);
  };
  return records.ScanRows(std::string(kExecutionsTable), workflow_id + "/", read);
}

}  // namespace wfe::delivery
