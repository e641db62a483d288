// What a worker needs to serve the activities of delivery, and the call that registers them.
#pragma once

#include <memory>

#include "activities/delivery/steps/hook.h"
#include "activities/delivery/steps/monitor_steps.h"
#include "activities/delivery/steps/rollout_steps.h"
#include "workers/client/records_client.h"

namespace wfe::delivery {

struct DeliveryConfig {
  std::shared_ptr<client::RecordsClient> records;
  MonitorHook hook;  ///< Empty: events are kept and shown, and go nowhere else.
};

void RegisterDeliveryActivities(sdk::ActivityRegistry& registry, DeliveryConfig config);

/// How many rows that could not be read one result names.
inline constexpr size_t kMaxProblems = 20;

/// The activities as functions.
Result<RunVersion> ChooseVersion(const DeliveryConfig& config, const ChooseVersionInput& input);
Result<sdk::Nothing> RecordExecution(const DeliveryConfig& config, const ExecutionRecord& execution);
Result<BeginRolloutResult> BeginRollout(const DeliveryConfig& config, const BeginRolloutInput& input);
Result<SetTrafficSplitResult> SetTrafficSplit(const DeliveryConfig& config, const SetTrafficSplitInput& input);
Result<WatchWorkflowResult> WatchWorkflow(const DeliveryConfig& config, const WatchWorkflowInput& input);
Result<RollBackVersionResult> RollBackVersion(const DeliveryConfig& config, const RollBackVersionInput& input);
Result<NotifyHookResult> NotifyHook(const DeliveryConfig& config, const MonitoringEvent& event);
Result<CheckRegressionResult> CheckRegression(const DeliveryConfig& config, const CheckRegressionInput& input);

}  // namespace wfe::delivery
