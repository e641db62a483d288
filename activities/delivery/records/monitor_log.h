// What monitors told (MO-1, MO-2): events, numbered (activities/learning/records/event_log.h, table
// workflow_monitoring, by workflow).  A condition is told once when it begins and once when it is over.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "activities/delivery/rules/monitor_rules.h"
#include "activities/learning/records/event_log.h"
#include "activities/learning/records/rows.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::delivery {

inline constexpr std::string_view kMonitoringTable = "workflow_monitoring";

/// The values of MonitoringEvent::state.
inline constexpr std::string_view kEventRaised = "raised";
inline constexpr std::string_view kEventCleared = "cleared";
inline constexpr std::string_view kEventTold = "told";  ///< It happened: nothing lasts.

/// A type besides those of conditions: a version was taken back.
inline constexpr std::string_view kAutomaticRollback = "AUTOMATIC_ROLLBACK";

struct MonitoringEvent {
  std::string type;
  std::string workflow_id;
  std::string version_id;  ///< In service then.
  std::string severity;
  std::string description;
  nlohmann::json metrics;
  std::string time;  ///< ISO 8601, UTC.
  std::string state{kEventRaised};
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(MonitoringEvent, type, workflow_id, version_id, severity, description, metrics, time, state);
constexpr RecordRules RulesOf(const MonitoringEvent*) {
  return {.required = "type workflow_id severity time", .seldom = "metrics"};
}

/// Calls block; callable from any thread.
class MonitorLog {
 public:
  explicit MonitorLog(client::RecordsClient& records) : log_(records, kMonitoringTable) {}

  /// False: it says nothing new.  One is raised unless it lasts already, and cleared only while it lasts; one that is
  /// told is kept once for its time.
  Result<bool> Add(const MonitoringEvent& event);
  /// Oldest first.
  Result<std::vector<MonitoringEvent>> Events(const std::string& workflow_id) const;
  Result<std::vector<MonitoringEvent>> AllEvents(learning::RowProblems& problems) const;

 private:
  learning::EventLog log_;
};

/// Pure: what lasts, by type.
std::map<std::string, MonitoringEvent> Lasting(const std::vector<MonitoringEvent>& events);

}  // namespace wfe::delivery
