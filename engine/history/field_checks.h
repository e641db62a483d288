// Checks of single fields of a request, in the words of Temporal's fields.
#pragma once

#include <google/protobuf/message_lite.h>

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/history/limits.h"

namespace wfe::history {

/// S13: an id or a name, `what` as in "WorkflowId".  Empty is refused when it is `required`.
Status CheckId(std::string_view what, const std::string& id, bool required, const Limits& limits);
/// S56: one payload blob, a header or a memo.
Status CheckSize(std::string_view what, const google::protobuf::MessageLite& message, const Limits& limits);

}  // namespace wfe::history
