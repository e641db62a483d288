// The activities that all packaged workflows share.
#pragma once

#include "activities/packaged/common/model_step.h"
#include "workers/sdk/activity.h"

namespace wfe::packaged {

/// Registers prepare_deliverables and save_deliverables.
void RegisterDeliverableActivities(sdk::ActivityRegistry& registry, const PackagedConfig& config);

/// Registers an activity that is `function(config, context, input)`.
template <class Input, class Output>
void ServePackaged(sdk::ActivityRegistry& registry, const std::shared_ptr<const PackagedConfig>& config,
                   sdk::ActivityType<Input, Output> type,
                   sdk::ActivityResult<Output> (*function)(const PackagedConfig&, sdk::ActivityContext&,
                                                           const Input&)) {
  registry.Register(type, [config, function](sdk::ActivityContext& context, const Input& input) {
    return function(*config, context, input);
  });
}

}  // namespace wfe::packaged
