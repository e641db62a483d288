// What callers may attach to a run or an event beside its payloads: search attributes (S103) and user metadata (S60).
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

}  // namespace wfe::history
