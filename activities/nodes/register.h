// The call by which a worker serves the activities of nodes.
#pragma once

#include "activities/nodes/settings.h"
#include "workers/sdk/activity.h"

namespace wfe::nodes {

/// Registers analyzeStatic and runNodeTests.
void RegisterNodeActivities(sdk::ActivityRegistry& registry, NodeConfig config);

}  // namespace wfe::nodes
