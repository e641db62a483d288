#include "activities/analytics/ingest/history_entries.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "activities/trace/audit.h"
#include "activities/trace/line_text.h"
#include "activities/trace/log_entry.h"
#include "engine/base/parse_json.h"
#include "workers/client/blocking_call.h"

namespace wfe::analytics {
namespace {

namespace enums = temporal::api::enums::v1;
namespace ws = temporal::api::workflowservice::v1;

/// Which entry an activity offers: its id and its bytes, so that another entry under the same id is not taken for it.
std::pair<std::string, std::string> Offered(const trace::HistoryEntry& entry) {
  const std::string id = trace::ExtString(entry.entry, "entry_id");
  return {id.empty() ? trace::EntryIdFromToken(entry.idempotency_token) : id, trace::SerializeLogEntry(entry.entry)};
}

}  // namespace

Result<std::vector<trace::HistoryEntry>> EntriesOfHistory(const temporal::api::history::v1::History& history,
                                                          const std::string& run_id) {
  std::map<int64_t, trace::HistoryEntry> scheduled;
  std::vector<trace::HistoryEntry> entries;
  std::set<std::pair<std::string, std::string>> offered;
  for (const auto& event : history.events()) {
    if (event.event_type() == enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) {
      const auto& activity = event.activity_task_scheduled_event_attributes();
      if (activity.activity_type().name() != trace::kLogAuditEntry.name) continue;
      try {
        const std::string bytes = activity.input().payloads_size() > 0 ? activity.input().payloads(0).data() : "";
        if (JsonNestsTooDeep(bytes)) {
          return InvalidArgument("event " + std::to_string(event.event_id()) + " of run " + run_id +
                                 " holds no log entry: nested too deeply");
        }
        const auto input = nlohmann::json::parse(bytes).get<trace::LogAuditEntryInput>();
        scheduled[event.event_id()] = {input.entry, run_id + "/" + activity.activity_id(), std::nullopt};
      } catch (const nlohmann::json::exception&) {
        return InvalidArgument("event " + std::to_string(event.event_id()) + " of run " + run_id +
                               " holds no log entry");
      }
    } else if (event.event_type() == enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED) {
      const auto found = scheduled.find(event.activity_task_completed_event_attributes().scheduled_event_id());
      if (found == scheduled.end()) continue;
      found->second.logged_at = Instant(std::chrono::seconds(event.event_time().seconds()) +
                                        std::chrono::nanoseconds(event.event_time().nanos()));
      // A build that moved to another host offers its entries there once more (EN-5); each is one line of the file.
      if (offered.insert(Offered(found->second)).second) entries.push_back(std::move(found->second));
      scheduled.erase(found);
    }
  }
  return entries;
}

Result<std::vector<ListedRun>> ListRuns(client::ServiceClient& service, const std::string& ns, const std::string& query,
                                        const std::function<Status(size_t runs)>& page_read) {
  ws::ListWorkflowExecutionsRequest request;
  request.set_namespace_(ns);
  request.set_query(query);
  request.set_page_size(1000);
  std::vector<ListedRun> runs;
  while (true) {
    WFE_ASSIGN_OR_RETURN(const auto page, client::BlockingCall<ws::ListWorkflowExecutionsResponse>(
                                              service, client::kWorkflowService, "ListWorkflowExecutions", request));
    for (const auto& info : page.executions()) {
      // Not every server states sizes; an event of a build takes about a kilobyte.
      const int64_t bytes = info.history_size_bytes() > 0 ? info.history_size_bytes() : info.history_length() * 1024;
      runs.push_back({info.execution().workflow_id(), info.execution().run_id(), bytes});
    }
    WFE_RETURN_IF_ERROR(page_read(runs.size()));
    if (page.next_page_token().empty()) return runs;
    request.set_next_page_token(page.next_page_token());
  }
}

}  // namespace wfe::analytics
