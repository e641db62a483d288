// What the worker gets that takes an activity.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/history/mutable_state.h"

namespace wfe::shard {

/// A serialized PollActivityTaskQueueResponse.  `event` is the stored ActivityTaskScheduled: its type, header and input
/// go into the answer as they lie there (design rule R4).  DATA_LOSS when it is another event.
Result<std::string> ActivityAnswer(const history::MutableState& state, const history::OpenActivity& activity,
                                   std::string_view event, std::string sealed_token);

}  // namespace wfe::shard
