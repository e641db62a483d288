#include "activities/learning/records/timed_rows.h"

#include <chrono>

#include "activities/learning/records/rows.h"

namespace wfe::learning {
namespace {

std::string DayOf(Instant instant) { return FormatIso8601Millis(instant).substr(0, 10); }

}  // namespace

Result<std::string> TimedKey(const std::string& created_at, const std::string& id) {
  const auto at = ParseIso8601(created_at);
  if (!at) return InvalidArgument("\"" + created_at + "\" is not a time like 2026-01-31T02:00:00.000Z");
  WFE_RETURN_IF_ERROR(CheckRowId("an id", id));
  return FormatIso8601Millis(*at) + "/" + id;
}

Status ScanDays(client::RecordsClient& records, std::string_view table, Instant from, Instant to,
                const RowVisit& visit) {
  const std::string name(table);
  const std::string first = DayOf(from);
  const std::string last = DayOf(to);
  if (to - from > std::chrono::days(kDaysByDay)) {
    return records.ScanRows(name, "", [&](const std::string& key, const std::string& value) {
      if (key.substr(0, 10) >= first && key.substr(0, 10) <= last) visit(key, value);
    });
  }
  for (Instant day = from; DayOf(day) <= last; day += std::chrono::days(1)) {
    WFE_RETURN_IF_ERROR(records.ScanRows(name, DayOf(day), visit));
  }
  return Ok();
}

Status ScanDaysBack(client::RecordsClient& records, std::string_view table, Instant now, const RowVisit& visit,
                    const std::function<bool()>& enough) {
  const std::string name(table);
  Instant day = now + std::chrono::days(1);
  const std::string newest = DayOf(day);
  std::string oldest;
  for (int back = 0; back <= kDaysBack; ++back, day -= std::chrono::days(1)) {
    WFE_RETURN_IF_ERROR(records.ScanRows(name, DayOf(day), visit));
    if (enough()) return Ok();
    oldest = DayOf(day);
  }
  return records.ScanRows(name, "", [&](const std::string& key, const std::string& value) {
    const std::string of = key.substr(0, 10);
    if (of < oldest || of > newest) visit(key, value);
  });
}

}  // namespace wfe::learning
