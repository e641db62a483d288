#include "activities/delivery/steps/register.h"

namespace wfe::delivery {

Result<RunVersion> ChooseVersion(const DeliveryConfig& config, const ChooseVersionInput& input) {
  return ChooseVersion(*config.records, input.workflow_id, input.run_id, input.now);
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
