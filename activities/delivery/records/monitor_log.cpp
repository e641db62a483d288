#include "activities/delivery/records/monitor_log.h"

#include <algorithm>

namespace wfe::delivery {
namespace {

using learning::StoredEvents;

Result<std::vector<MonitoringEvent>> Read(const StoredEvents& rows) {
  std::vector<MonitoringEvent> events;
  for (const auto& [key, value] : rows) {
    WFE_ASSIGN_OR_RETURN(MonitoringEvent event, learning::ReadRow<MonitoringEvent>(kMonitoringTable, key, value));
    events.push_back(std::move(event));
  }
  return events;
}

bool IsNews(const std::vector<MonitoringEvent>& events, const MonitoringEvent& event) {
  if (event.state == kEventTold) {
    return std::ranges::none_of(events, [&](const MonitoringEvent& each) {
      return each.type == event.type && each.time == event.time && each.state == kEventTold;
    });
  }
  return Lasting(events).contains(event.type) == (event.state == kEventCleared);
}

}  // namespace

std::map<std::string, MonitoringEvent> Lasting(const std::vector<MonitoringEvent>& events) {
  std::map<std::string, MonitoringEvent> lasting;
  for (const MonitoringEvent& event : events) {
    if (event.state == kEventRaised) lasting[event.type] = event;
    if (event.state == kEventCleared) lasting.erase(event.type);
  }
  return lasting;
}

Result<bool> MonitorLog::Add(const MonitoringEvent& event) {
  return log_.Append(event.workflow_id, [&](const StoredEvents& rows) -> Result<std::optional<std::string>> {
    WFE_ASSIGN_OR_RETURN(const std::vector<MonitoringEvent> events, Read(rows));
    if (!IsNews(events, event)) return std::optional<std::string>();
    return std::optional(learning::RowText(event));
  });
}

Result<std::vector<MonitoringEvent>> MonitorLog::Events(const std::string& workflow_id) const {
  WFE_ASSIGN_OR_RETURN(const StoredEvents rows, log_.Read(workflow_id));
  return Read(rows);
}

Result<std::vector<MonitoringEvent>> MonitorLog::AllEvents(learning::RowProblems& problems) const {
  WFE_ASSIGN_OR_RETURN(const auto all, log_.ReadAll());
  std::vector<MonitoringEvent> events;
  for (const auto& [id, rows] : all) {
    Result<std::vector<MonitoringEvent>> of_workflow = Read(rows);
    if (!of_workflow) {
      problems.push_back(of_workflow.error().message);
      continue;
    }
    for (MonitoringEvent& event : *of_workflow) events.push_back(std::move(event));
  }
  std::ranges::stable_sort(events, {}, &MonitoringEvent::time);
  return events;
}

}  // namespace wfe::delivery
