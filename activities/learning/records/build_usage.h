// A build's row of usage_history, from the lines of its trace (RC-14).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/learning/records/reports.h"
#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::learning {

/// Pure: of the lines of one run, in any order; nullopt while its last line is not there.  Lines that are none are
/// passed over.  A build that was cancelled or that failed as a workflow is no success; its outcome says which.
std::optional<UsageRow> UsageOfBuild(const std::vector<std::string>& lines);

/// Whether this line ends a build: what else its run left is then stored.
bool EndsBuild(const std::string& line);

/// Reads the run's lines back from the table of traces and saves its row.  Safe to repeat.
Status SaveBuildUsage(client::RecordsClient& records, std::string_view traces_table, const std::string& run_id);

}  // namespace wfe::learning
