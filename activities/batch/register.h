// What a worker needs to serve batches, and the call that registers them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "activities/batch/steps.h"
#include "workers/client/records_client.h"

namespace wfe::batch {

class ListCache;

struct BatchConfig {
  std::shared_ptr<client::RecordsClient> records;
  /// The activity of that name as the worker serves it, with what guards it; nullptr: none.  What it points to outlives
  /// the registry.
  std::function<const sdk::ActivityFunction*(const std::string& name)> step;
  /// Told of a job whose results were joined, by the id of its workflow; may be told again.  Empty: nobody is.
  std::function<void(const std::string& workflow_id)> joined = nullptr;
  int64_t max_document_bytes = kMaxDocumentBytes;  ///< Of a document's text.
  std::shared_ptr<ListCache> lists;  ///< Shared by the activities of a worker; made when it is missing.

  ResultStore results() const { return ResultStore(*records, *records, *records); }
};

/// Registers planBatch, processBatch and joinBatch.
void RegisterBatchActivities(sdk::ActivityRegistry& registry, BatchConfig config);

sdk::ActivityResult<PlanBatchResult> PlanBatch(const BatchConfig& config, sdk::ActivityContext& context,
                                               const PlanBatchInput& input);
sdk::ActivityResult<ProcessBatchResult> ProcessBatch(const BatchConfig& config, sdk::ActivityContext& context,
                                                     const ProcessBatchInput& input);
sdk::ActivityResult<JoinBatchResult> JoinBatch(const BatchConfig& config, sdk::ActivityContext& context,
                                               const JoinBatchInput& input);

}  // namespace wfe::batch
