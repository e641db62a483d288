// The state that a run of a graph was given.
#pragma once

#include <nlohmann/json.hpp>

#include "temporal/api/history/v1/message.pb.h"

namespace wfe::optimizer {

/// null where the history does not say it.
nlohmann::json StateOf(const temporal::api::history::v1::History& history);

}  // namespace wfe::optimizer
