// What stands in the payloads of a history, as our workers write them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "temporal/api/common/v1/message.pb.h"

namespace wfe::graph {

/// One argument, or none (null).  nullopt: several, or not JSON.
std::optional<nlohmann::json> ValueOf(const temporal::api::common::v1::Payloads& payloads);

/// A note that a worker left on the first payload; empty: there is none.
std::string NoteOn(const temporal::api::common::v1::Payloads& payloads, const std::string& name);

}  // namespace wfe::graph
