// The call that registers the activities of PermitReviewWorkflow.
#pragma once

#include <memory>

#include "activities/packaged/common/model_step.h"
#include "workers/sdk/activity.h"

namespace wfe::packaged {

void RegisterPermitActivities(sdk::ActivityRegistry& registry, const std::shared_ptr<const PackagedConfig>& config);

}  // namespace wfe::packaged
