// The whole history of one run, page by page, for command-line tools and activity threads.
#pragma once

#include <string>

#include "temporal/api/history/v1/message.pb.h"
#include "workers/client/service_client.h"

namespace wfe::client {

/// An empty run id: the newest run.  Blocks.
Result<temporal::api::history::v1::History> FetchHistory(ServiceClient& service, const std::string& ns,
                                                         const std::string& workflow_id, const std::string& run_id);

}  // namespace wfe::client
