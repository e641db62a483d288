// Queries: a worker answers them, so the answer may fail to come although the server is there.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tools/wfe/cli.h"
#include "tools/wfe/queue_pollers.h"

namespace wfe::cli {

/// The answer of the run's workflow code.  `argument`: nullptr: none.  DEADLINE_EXCEEDED, exit code 11: no worker has
/// answered in `patience`, and why; UNAVAILABLE: no server.
Result<nlohmann::json> AskWorkflow(Globals& globals, const Target& target, std::string_view query,
                                   const nlohmann::json* argument = nullptr,
                                   Duration patience = std::chrono::seconds(10));

/// What is told of a question that nobody has answered.
Error NotAnswered(const std::string& query, const std::string& queue, const QueuePollers& pollers, Duration patience);

}  // namespace wfe::cli
