// What callers may attach to a run or an event beside its payloads: search attributes (S103), user metadata (S60) and
// priorities.
#pragma once

#include <optional>
#include <string>

#include "engine/history/limits.h"
#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/sdk/v1/user_metadata.pb.h"

namespace wfe::history {

/// What is wrong with the search attributes of a start or an upsert, or nothing.
std::optional<std::string> Problem(const temporal::api::common::v1::SearchAttributes& attributes, const Limits& limits);

/// What is wrong with a summary or details, or nothing.
std::optional<std::string> Problem(const temporal::api::sdk::v1::UserMetadata& metadata, const Limits& limits);

/// What is wrong with a priority, in Temporal's words, or nothing.
std::optional<std::string> Problem(const temporal::api::common::v1::Priority& priority);

/// The priority of an activity: its own, and where that says nothing, its workflow's (WIRE-F9).
temporal::api::common::v1::Priority Merged(const temporal::api::common::v1::Priority& workflow,
                                           const temporal::api::common::v1::Priority& activity);

}  // namespace wfe::history
