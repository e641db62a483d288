// What runs of optimized workflows left behind (RC-16): one row for each, table workflow_executions, key
// `<workflow_id>/<when it ended>/<run>`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/delivery/rules/performance.h"
#include "activities/learning/records/rows.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/records_client.h"

namespace wfe::delivery {

inline constexpr std::string_view kExecutionsTable = "workflow_executions";

struct ExecutionRecord {
  std::string workflow_id;  ///< Of the definition, not of the run.
  std::string version_id;
  std::string workflow_run_id;
  nlohmann::json input_state;  ///< Hash and features of the input; null: not told.
  nlohmann::json context;
  nlohmann::json nodes;       ///< Timings by node.
  nlohmann::json tool_calls;  ///< With hashes of their arguments.
  std::string started_at;     ///< ISO 8601, UTC.
  int64_t duration_ms = 0;
  int64_t tokens = 0;
  double cost_usd = 0;
  bool success = false;
  std::optional<double> quality;     ///< 0 to 1
  std::string optimization_applied;  ///< The suggestion that its version came from.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(ExecutionRecord, workflow_id, version_id, workflow_run_id, input_state, context, nodes, tool_calls,
           started_at, duration_ms, tokens, cost_usd, success, quality, optimization_applied);
constexpr RecordRules RulesOf(const ExecutionRecord*) {
  return {.required = "workflow_id version_id workflow_run_id started_at duration_ms success",
          .seldom = "input_state context nodes tool_calls tokens optimization_applied"};
}

/// False: it was there.
Result<bool> SaveExecution(client::RecordsClient& records, const ExecutionRecord& execution);

/// Those that ended in [from, to), by their end.  One that cannot be read is a problem.
Result<std::vector<ExecutionRecord>> LoadExecutions(client::RecordsClient& records, const std::string& workflow_id,
                                                    Instant from, Instant to, learning::RowProblems& problems);

/// Every one of a workflow, by its end, one at a time: there may be more than fit into memory.
Status VisitExecutions(client::RecordsClient& records, const std::string& workflow_id,
                       const std::function<void(ExecutionRecord)>& visit, learning::RowProblems& problems);

Instant StartOf(const ExecutionRecord& execution);
Instant EndOf(const ExecutionRecord& execution);
RunOutcome OutcomeOf(const ExecutionRecord& execution);

}  // namespace wfe::delivery
