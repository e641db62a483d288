// BatchProcessWorkflow (BP-1, BP-2): one step over many documents, in batches with bounded parallelism, and a last step
// that joins the results in order.  What is finished is a row of the records service and is not done again, whoever
// dies; a long list goes on in run after run.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/batch/batch_results.h"
#include "activities/batch/documents.h"
#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kBatchProcessWorkflow = "BatchProcessWorkflow";
/// Query: a BatchProgress.
inline constexpr std::string_view kBatchProgressQuery = "progress";
/// Signal, with any argument: no batch begins any more, those that run are cancelled, and what there is is joined.
inline constexpr std::string_view kBatchStopSignal = "stop";

/// A batch that could not be done at all: its worker serves no such step, its list is gone.
struct FailedBatch {
  int64_t batch = 0;  ///< From 1.
  std::string why;

  friend bool operator==(const FailedBatch&, const FailedBatch&) = default;
};
WFE_RECORD(FailedBatch, batch, why);

struct BatchProgress {
  std::string state = "planning";  ///< planning, running, joining, stopped or done.
  std::string job;                 ///< Names the results (activities/batch/batch_results.h).
  int64_t documents = 0;
  int64_t batches = 0;
  int64_t batches_over = 0;     ///< Processed or failed.
  std::vector<int64_t> running;  ///< Batches, from 1.
  batch::Tally tally;            ///< Of this round's batches that are over.
  int64_t kept = 0;              ///< Documents that were finished in an earlier round.
  int64_t failed_batches = 0;
  std::vector<FailedBatch> failures;  ///< The first of them.
  bool stopped = false;               ///< By the signal.
  int64_t runs = 1;                   ///< Of the workflow, for one job.
};
WFE_RECORD(BatchProgress, state, job, documents, batches, batches_over, running, tally, kept, failed_batches, failures,
           stopped, runs);
constexpr RecordRules RulesOf(const BatchProgress*) {
  return {.required = "state", .seldom = "running kept failed_batches failures stopped"};
}

struct BatchInput {
  std::vector<batch::Document> documents;
  std::string documents_blob;  ///< Instead: a blob with a JSON array of them, for more than a few.
  batch::StepSpec step;
  std::string join;  ///< What a model is to make of all results; empty: they are put one after the other.
  int64_t batch_size = 10;
  int64_t parallel = 1;  ///< Batches at once.
  /// Of all calls of a round, joining included.  Each batch is given a share before it begins, so that batches side by
  /// side never spend more together.
  std::optional<Money> max_cost_usd;
  /// A document that failed in an earlier round is tried again, one that is done is not.
  int64_t round = 1;
  int64_t batches_per_run = 200;  ///< Then the workflow continues as new.
  std::optional<BatchProgress> progress;  ///< What the run before has done; not for people.
};
WFE_RECORD(BatchInput, documents, documents_blob, step, join, batch_size, parallel, max_cost_usd, round,
           batches_per_run, progress);
constexpr RecordRules RulesOf(const BatchInput*) {
  return {.refuses_unknown = true,
          .subject = "input",
          .required = "step",
          .seldom = "documents documents_blob join batches_per_run"};
}
void CheckRecord(const BatchInput& input);

struct BatchResult {
  std::string state;  ///< done, incomplete (documents failed or are missing) or stopped.
  std::string job;
  int64_t documents = 0;
  int64_t batches = 0;
  int64_t done = 0;     ///< Documents with a result, from all rounds.
  int64_t failed = 0;
  int64_t missing = 0;  ///< Stopped before them, or their batch failed.
  int64_t kept = 0;     ///< Of `done` or `failed`: from an earlier round.
  std::string first_fault;
  std::vector<FailedBatch> failed_batches;
  std::string results_blob;  ///< All results in order; empty: there were no documents.
  std::string joined_blob;   ///< What the model made of them, or the same.
  std::string join_fault;
  batch::Tally spent;        ///< Of this round, joining included.
  int64_t runs = 1;
  int64_t duration_ms = 0;  ///< Of the last run.
};
WFE_RECORD(BatchResult, state, job, documents, batches, done, failed, missing, kept, first_fault, failed_batches,
           results_blob, joined_blob, join_fault, spent, runs, duration_ms);
constexpr RecordRules RulesOf(const BatchResult*) {
  return {.required = "state", .seldom = "missing kept first_fault failed_batches joined_blob join_fault"};
}

/// Fails with INVALID_INPUT.  Documents and batches that fail are part of its result.
sdk::Task<BatchResult> BatchProcess(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterBatchProcess(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
