// Where a history comes from: a run on a server, a file that `wfe history export` or Temporal's tools wrote, or a store
// on disk that no server serves.
#pragma once

#include <string>

#include "temporal/api/history/v1/message.pb.h"
#include "tools/wfe/cli.h"

namespace wfe::cli {

/// Completes a target: a run id given where a workflow id is expected is looked up; the run id is filled in.
Result<Target> Resolve(Globals& globals, const Target& target);

/// All events of a run, page by page.
Result<temporal::api::history::v1::History> FetchHistory(Globals& globals, const Target& target);

/// A history file: Temporal-compatible JSON, or a binary History message when it is not JSON.
Result<temporal::api::history::v1::History> ReadHistoryFile(const std::string& path);

/// `source` names a file that exists, or else a run.
Result<temporal::api::history::v1::History> LoadHistory(Globals& globals, const std::string& source,
                                                        const std::string& run_id);

}  // namespace wfe::cli
