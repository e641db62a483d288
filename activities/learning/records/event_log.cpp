#include "activities/learning/records/event_log.h"

#include <cstdio>

#include "activities/learning/records/rows.h"

namespace wfe::learning {
namespace {

/// A writer that loses against others this often in a row says so instead of going on.
constexpr int kMaxAttempts = 50;

std::string EventKey(const std::string& id, size_t sequence) {
  char number[32];
  std::snprintf(number, sizeof(number), "%08zu", sequence);
  return id + "/" + number;
}

}  // namespace

Result<StoredEvents> EventLog::Read(const std::string& id) const {
  WFE_RETURN_IF_ERROR(CheckRowId("an id", id));
  StoredEvents events;
  WFE_RETURN_IF_ERROR(records_.ScanRows(table_, id + "/", [&](std::string key, std::string value) {
    events.emplace_back(std::move(key), std::move(value));
  }));
  for (size_t i = 0; i < events.size(); ++i) {
    const std::string wanted = EventKey(id, i + 1);
    if (events[i].first != wanted) {
      return DataLoss("table " + table_ + " has row " + events[i].first + " where " + wanted + " should be");
    }
  }
  return events;
}

Result<std::map<std::string, StoredEvents>> EventLog::ReadAll() const {
  std::map<std::string, StoredEvents> all;
  WFE_RETURN_IF_ERROR(records_.ScanRows(table_, "", [&](std::string key, std::string value) {
    all[key.substr(0, key.find('/'))].emplace_back(std::move(key), std::move(value));
  }));
  return all;
}

Result<bool> EventLog::Append(const std::string& id, const Decide& decide) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    WFE_ASSIGN_OR_RETURN(const StoredEvents events, Read(id));
    WFE_ASSIGN_OR_RETURN(const std::optional<std::string> next, decide(events));
    if (!next) return false;
    WFE_ASSIGN_OR_RETURN(const bool appended, records_.AppendRow(table_, EventKey(id, events.size() + 1), *next));
    if (appended) return true;
  }
  return Error{StatusCode::kAborted, id + " is being changed by others all the time; try again", {}};
}

}  // namespace wfe::learning
