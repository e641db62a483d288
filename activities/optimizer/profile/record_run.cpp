#include "activities/optimizer/profile/record_run.h"

#include "activities/delivery/records/version_store.h"

namespace wfe::optimizer {

Result<RecordRunResult> RecordRun(const RecordRunConfig& config, const RecordRunInput& input,
                                  const std::string& run_workflow_id, const std::string& run_id) {
  const std::optional<Instant> ended = ParseIso8601(input.ended_at);
  if (!ended) return InvalidArgument("ended_at of run " + run_id + " is not a time like 2026-01-31T02:00:00.000Z");
  WFE_ASSIGN_OR_RETURN(const auto history, config.history(run_workflow_id, run_id));
  WFE_ASSIGN_OR_RETURN(
      delivery::ExecutionRecord record,
      ExecutionOf(history,
                  {.workflow_id = input.workflow_id,
                   .version_id = input.version_id,
                   .run_id = run_id,
                   .end = RunEnd{.at = *ended, .success = input.success, .error_type = input.error_type}}));
  WFE_ASSIGN_OR_RETURN(const delivery::VersionState state,
                       delivery::VersionStore(*config.records).Get(input.workflow_id));
  const Result<int> version = delivery::ParseVersion(input.workflow_id, input.version_id);
  const delivery::DefinitionVersion* const found = version ? state.Find(*version) : nullptr;
  if (found != nullptr) record.optimization_applied = found->suggestion;
  record.context["workflow_id"] = run_workflow_id;  // of the run: where its history is found again
  WFE_ASSIGN_OR_RETURN(const bool is_new, delivery::SaveExecution(*config.records, record));
  if (config.recorded) config.recorded(record, history);
  return RecordRunResult{.is_new = is_new, .nodes = static_cast<int64_t>(record.nodes.size())};
}

void RegisterRecordRun(sdk::ActivityRegistry& registry, RecordRunConfig config) {
  const auto shared = std::make_shared<const RecordRunConfig>(std::move(config));
  registry.Register(kRecordRun, [shared](sdk::ActivityContext& context, const RecordRunInput& input) {
    Result<RecordRunResult> result = RecordRun(*shared, input, context.info().workflow_id, context.info().run_id);
    if (result) return sdk::ActivityResult<RecordRunResult>(*std::move(result));
    return sdk::ActivityResult<RecordRunResult>(std::move(result).error());
  });
}

}  // namespace wfe::optimizer
