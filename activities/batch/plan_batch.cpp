#include "activities/batch/document_list.h"
#include "activities/batch/register.h"
#include "engine/base/hash.h"

namespace wfe::batch {
namespace {

Status KeepInput(client::RecordsClient& records, const PlanBatchInput& input, const std::string& documents_blob) {
  nlohmann::json kept = input.input;
  kept["documents_blob"] = documents_blob;
  const std::string table(kBatchJobsTable);
  const std::string value = kept.dump();
  for (int again = 0; again < 3; ++again) {
    WFE_ASSIGN_OR_RETURN(const auto seen, records.GetRow(table, input.workflow_id));
    if (seen == value) return Ok();
    const Status put = records.PutRow(table, input.workflow_id, value, seen);
    if (put || put.error().code != StatusCode::kAborted) return put;
  }
  return Unavailable("the job " + input.workflow_id + " is being written by another");
}

Result<PlanBatchResult> Plan(const BatchConfig& config, const PlanBatchInput& input) {
  client::RecordsClient& records = *config.records;
  PlanBatchResult plan{.documents_blob = input.documents_blob};
  if (plan.documents_blob.empty()) {
    WFE_ASSIGN_OR_RETURN(plan.documents_blob, StoreDocumentList(records, input.documents));
  }
  WFE_ASSIGN_OR_RETURN(const auto list, config.lists->Get(records, plan.documents_blob));
  plan.documents = static_cast<int64_t>(list->size());
  plan.job = JobIdOf(input.workflow_id, plan.documents_blob, input.step);
  if (input.input.is_object()) WFE_RETURN_IF_ERROR(KeepInput(records, input, plan.documents_blob));
  return plan;
}

}  // namespace

std::string JobIdOf(const std::string& workflow_id, const std::string& documents_blob, const StepSpec& step) {
  const nlohmann::json of = {workflow_id, documents_blob, step};
  return ToHex(Sha256(of.dump())).substr(0, 24);
}

sdk::ActivityResult<PlanBatchResult> PlanBatch(const BatchConfig& config, sdk::ActivityContext&,
                                               const PlanBatchInput& input) {
  const Result<PlanBatchResult> plan = Plan(config, input);
  if (plan) return *plan;
  sdk::ApplicationFailure failure{.message = plan.error().message,
                                  .type = "INVALID_INPUT",
                                  .non_retryable = true,
                                  .next_retry_delay = std::nullopt,
                                  .details = nullptr};
  const StatusCode code = plan.error().code;
  if (code == StatusCode::kInvalidArgument || code == StatusCode::kNotFound) return failure;
  return plan.error();
}

}  // namespace wfe::batch
