// The call that registers the activities of PermitReviewWorkflow.
#pragma once

#include <memory>

#include "activities/documents/document_text.h"
#include "activities/packaged/common/model_step.h"
#include "workers/sdk/activity.h"

namespace wfe::packaged {

/// `reading`: limits of the documents.
void RegisterPermitActivities(sdk::ActivityRegistry& registry, const std::shared_ptr<const PackagedConfig>& config,
                              const documents::ReadSettings& reading = {});

}  // namespace wfe::packaged
