// The activities of BatchProcessWorkflow (BP-1, BP-2).  What passes between them are hashes and counts: a history stays
// small however many documents there are.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "activities/batch/batch_results.h"
#include "activities/batch/documents.h"
#include "workers/sdk/activity.h"

namespace wfe::batch {

struct PlanBatchInput {
  std::string workflow_id;
  std::vector<Document> documents;
  std::string documents_blob;  ///< A JSON array of them, instead.
  StepSpec step;
  std::string join;
  nlohmann::json input;  ///< Of the workflow, without documents; kept so that the job can be gone on with.
};
WFE_RECORD(PlanBatchInput, workflow_id, documents, documents_blob, step, join, input);
constexpr RecordRules RulesOf(const PlanBatchInput*) { return {.required = "workflow_id"}; }

struct PlanBatchResult {
  /// Names the results: made from workflow id, documents and step, so that the same again goes on where it was, and
  /// anything else under the same id does not meet its results.
  std::string job;
  std::string documents_blob;
  int64_t documents = 0;
};
WFE_RECORD(PlanBatchResult, job, documents_blob, documents);
constexpr RecordRules RulesOf(const PlanBatchResult*) { return {.whole = true}; }

/// PlanBatchResult::job: everything that a document's result depends on, and whose it is.
std::string JobIdOf(const std::string& workflow_id, const std::string& documents_blob, const StepSpec& step);

struct ProcessBatchInput {
  std::string job;
  std::string documents_blob;
  int64_t first = 0;  ///< Index of its first document.
  int64_t count = 0;
  int64_t batch = 1;  ///< From 1, and of so many: for people.
  int64_t batches = 1;
  int64_t round = 1;  ///< A document that failed in an earlier round is tried again.
  StepSpec step;
  std::optional<Money> max_cost_usd;  ///< Of all its calls; absent: no limit.
};
WFE_RECORD(ProcessBatchInput, job, documents_blob, first, count, batch, batches, round, step, max_cost_usd);
constexpr RecordRules RulesOf(const ProcessBatchInput*) { return {.required = "job documents_blob first count step"}; }

struct ProcessBatchResult {
  std::string headline;  ///< "batch 3/5: 10 documents".
  Tally tally;           ///< Of this round, whichever attempt did it.
  int64_t kept = 0;      ///< Finished in an earlier round; not in the tally.
};
WFE_RECORD(ProcessBatchResult, headline, tally, kept);
constexpr RecordRules RulesOf(const ProcessBatchResult*) { return {.seldom = "kept"}; }

struct JoinBatchInput {
  std::string job;
  int64_t documents = 0;
  std::string task;  ///< What a model is to make of the results; empty: they are put one after the other.
  StepSpec step;     ///< Model, backend, cache and patience.
  int64_t round = 1;  ///< A call of an earlier round is used again, and is not in the tally.
  std::optional<Money> max_cost_usd;
};
WFE_RECORD(JoinBatchInput, job, documents, task, step, round, max_cost_usd);
constexpr RecordRules RulesOf(const JoinBatchInput*) { return {.required = "job documents"}; }

struct JoinBatchResult {
  std::string headline;
  std::string results_blob;  ///< All results in order, with a heading each; failures are marked.
  std::string joined_blob;   ///< What the model made of them; without a task the same.
  std::string fault;         ///< Why nothing was made of them: the results are there all the same.
  Tally results;             ///< Over all rounds.
  Tally join;                ///< What joining took.
  int64_t missing = 0;       ///< Documents without a result: the job was stopped, or their batch failed.
};
WFE_RECORD(JoinBatchResult, headline, results_blob, joined_blob, fault, results, join, missing);
constexpr RecordRules RulesOf(const JoinBatchResult*) { return {.seldom = "joined_blob fault missing"}; }

/// INVALID_INPUT, not retried: too many documents, or a list that cannot be read.
inline constexpr sdk::ActivityType<PlanBatchInput, PlanBatchResult> kPlanBatch{"planBatch"};
/// Does what is not done yet, in order; heartbeats between documents.  A document that fails for good is marked and the
/// rest is done.  Fails, retryable, while a document is to be tried again or the model, the budget or the records are
/// to be waited for; INVALID_INPUT, not retried, for a step that the worker does not serve.
inline constexpr sdk::ActivityType<ProcessBatchInput, ProcessBatchResult> kProcessBatch{"processBatch"};
/// The results in the order of their documents.  What does not fit into one call of the model is joined in groups, and
/// these again.
inline constexpr sdk::ActivityType<JoinBatchInput, JoinBatchResult> kJoinBatch{"joinBatch"};

}  // namespace wfe::batch
