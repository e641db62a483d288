#include "activities/delivery/steps/register.h"

#include "engine/base/parse_json.h"

namespace wfe::delivery {

Result<RunVersion> ChooseVersion(const DeliveryConfig& config, const ChooseVersionInput& input) {
  WFE_ASSIGN_OR_RETURN(RunVersion choice,
                       ChooseVersion(*config.records, input.workflow_id, input.run_id, input.now));
  if (!input.with_content) return choice;
  // By its hash and not by its number: a version that was deleted since is still the one that the run began with.
  WFE_ASSIGN_OR_RETURN(const std::string text, config.records->Get(choice.content_hash));
  choice.content = ParseJson(text, kMaxStoredJsonDepth);
  if (choice.content.is_discarded()) return DataLoss("the definition of " + choice.version_id + " is not JSON");
  return choice;
}

Result<sdk::Nothing> RecordExecution(const DeliveryConfig& config, const ExecutionRecord& execution) {
  WFE_RETURN_IF_ERROR(SaveExecution(*config.records, execution));
  return sdk::Nothing();
}

void RegisterDeliveryActivities(sdk::ActivityRegistry& registry, DeliveryConfig config) {
  const auto shared = std::make_shared<const DeliveryConfig>(std::move(config));
  const auto serve = [&]<class Input, class Output>(sdk::ActivityType<Input, Output> type,
                                                    Result<Output> (*function)(const DeliveryConfig&, const Input&)) {
    registry.Register(type, [shared, function](sdk::ActivityContext&, const Input& input) {
      Result<Output> result = function(*shared, input);
      if (result) return sdk::ActivityResult<Output>(*std::move(result));
      return sdk::ActivityResult<Output>(std::move(result).error());
    });
  };
  serve(kChooseVersion, &ChooseVersion);
  serve(kRecordExecution, &RecordExecution);
  serve(kBeginRollout, &BeginRollout);
  serve(kSetTrafficSplit, &SetTrafficSplit);
  serve(kCheckRegression, &CheckRegression);
  serve(kWatchWorkflow, &WatchWorkflow);
  serve(kRollBackVersion, &RollBackVersion);
  serve(kNotifyHook, &NotifyHook);
}

}  // namespace wfe::delivery
