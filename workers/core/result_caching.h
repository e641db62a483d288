// How a workflow asks that a result be kept, and how a history says that one came from there: a header of the activity,
// and metadata of the result's payload.  A worker that knows neither runs the activity.
#pragma once

#include <optional>

#include "temporal/api/common/v1/message.pb.h"
#include "workers/sdk/activity_options.h"

namespace wfe::core {

/// Header "wfe-cache", {"ttl_ms": …, "max_entries": …}.
void AskForCaching(const sdk::ResultCaching& caching, temporal::api::common::v1::Header& header);
/// nullopt: nobody has asked, or what was asked cannot be read.
std::optional<sdk::ResultCaching> CachingAskedFor(const temporal::api::common::v1::Header& header);

/// Metadata "wfe-cache": "hit".
void MarkFromCache(temporal::api::common::v1::Payloads& result);
bool IsFromCache(const temporal::api::common::v1::Payloads& result);

}  // namespace wfe::core
