// Histories as JSON, in the form that Temporal's tools export and read.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "temporal/api/history/v1/message.pb.h"

namespace wfe::core {

/// Reads `{"events": [...]}`.  Enum values may be spelled EVENT_TYPE_TIMER_STARTED or, as older exports have them,
/// TimerStarted; fields that this build does not know are passed over.
Result<temporal::api::history::v1::History> HistoryFromJson(std::string_view json);

/// Writes the first spelling, indented.
std::string HistoryToJson(const temporal::api::history::v1::History& history);

}  // namespace wfe::core
