// A poll's way: park at matching, take the task at its shard, answer; again when the task turned out void.
#pragma once

#include <string>

#include "engine/frontend/call.h"
#include "engine/frontend/fwd.h"
#include "engine/matching/matcher.h"

namespace wfe::frontend {

/// Answers with a task, or with an empty response when none came in time (pitfall 6).
void Poll(Services& services, matching::QueueKey queue, bool sticky, std::string identity, Call call);

}  // namespace wfe::frontend
