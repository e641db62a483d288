// The record that a run of an optimized workflow leaves at its end (RC-16), as an activity of the run itself.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "activities/optimizer/profile/execution_of.h"
#include "workers/client/records_client.h"
#include "workers/sdk/activity.h"

namespace wfe::optimizer {

struct RecordRunInput {
  std::string workflow_id;  ///< Of the definition.
  std::string version_id;
  std::string ended_at;     ///< ISO 8601, of the workflow: the same in every attempt, and so the row's key is.
  bool success = false;
  std::string error_type;   ///< Of a run without success.
};
WFE_RECORD(RecordRunInput, workflow_id, version_id, ended_at, success, error_type);
constexpr RecordRules RulesOf(const RecordRunInput*) { return {.whole = true, .seldom = "error_type"}; }

struct RecordRunResult {
  bool is_new = false;  ///< False: an earlier attempt has left it.
  int64_t nodes = 0;
};
WFE_RECORD(RecordRunResult, is_new, nodes);
constexpr RecordRules RulesOf(const RecordRunResult*) { return {.whole = true}; }

/// Reads the history of the run that it is called by, and not what the workflow knows: attempts, times in queues, cache
/// hits and what workers measured stand there alone.
inline constexpr sdk::ActivityType<RecordRunInput, RecordRunResult> kRecordRun{"recordRun"};

using ReadHistory = std::function<Result<temporal::api::history::v1::History>(const std::string& workflow_id,
                                                                              const std::string& run_id)>;

struct RecordRunConfig {
  std::shared_ptr<client::RecordsClient> records;
  ReadHistory history;
  /// Told of a record once it is kept, and again when the attempt is repeated; what it cannot do is not the run's fault.
  std::function<void(const delivery::ExecutionRecord&, const temporal::api::history::v1::History&)> recorded = {};
};

/// INVALID_ARGUMENT: a time or id that is none.  UNAVAILABLE, DATA_LOSS: of the service.
Result<RecordRunResult> RecordRun(const RecordRunConfig& config, const RecordRunInput& input,
                                  const std::string& run_workflow_id, const std::string& run_id);

void RegisterRecordRun(sdk::ActivityRegistry& registry, RecordRunConfig config);

}  // namespace wfe::optimizer
