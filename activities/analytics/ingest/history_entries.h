// The log entries that a run's history holds (TR-6).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "activities/trace/trace_rebuild.h"
#include "engine/base/result.h"
#include "temporal/api/history/v1/message.pb.h"
#include "workers/client/service_client.h"

namespace wfe::analytics {

/// The input of every completed logAuditEntry activity, in the order in which they completed; an entry that was offered
/// again (by a build that moved to another host) stands once, where it came first.  INVALID_ARGUMENT names an event
/// that holds no log entry.
Result<std::vector<trace::HistoryEntry>> EntriesOfHistory(const temporal::api::history::v1::History& history,
                                                          const std::string& run_id);

struct ListedRun {
  std::string workflow_id;
  std::string run_id;
  int64_t history_bytes = 0;
};
/// Every run that matches a visibility query; `page_read` is called after each page, and its error ends the listing.
Result<std::vector<ListedRun>> ListRuns(client::ServiceClient& service, const std::string& ns, const std::string& query,
                                        const std::function<Status(size_t runs)>& page_read);

}  // namespace wfe::analytics
