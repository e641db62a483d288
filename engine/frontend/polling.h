// Polls for tasks, as calls.
#pragma once

#include <string>

#include "engine/frontend/call.h"
#include "engine/frontend/fwd.h"
#include "engine/matching/matcher.h"
#include "temporal/api/enums/v1/deployment.pb.h"

namespace wfe::frontend {

/// Answers with a task, or with an empty response when none came in time (pitfall 6).
/// `worker` is its instance key, or empty.
void Poll(Services& services, matching::QueueKey queue, bool sticky, std::string identity, std::string worker,
          Call call);

/// Versioned workers get tasks by rules that are not served; refused by name.
template <class Request>
Status CheckVersioning(const Request& request) {
  if (request.worker_version_capabilities().use_versioning()) {
    return Unimplemented("worker versioning by build ids (use_versioning) is not served by wfe");
  }
  if (request.deployment_options().worker_versioning_mode() ==
      temporal::api::enums::v1::WORKER_VERSIONING_MODE_VERSIONED) {
    return Unimplemented("versioned worker deployments (WORKER_VERSIONING_MODE_VERSIONED) are not served by wfe");
  }
  return Ok();
}

}  // namespace wfe::frontend
