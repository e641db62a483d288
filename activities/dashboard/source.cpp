#include "activities/dashboard/source.h"

#include <algorithm>
#include <chrono>
#include <tuple>

#include "activities/agent/cost/call_log.h"
#include "activities/learning/records/rows.h"
#include "activities/learning/records/timed_rows.h"

namespace wfe::dashboard {
namespace {

using std::chrono::days;

/// Two weeks tell whether quality moves.
constexpr auto kRead = days(14);
/// A run's row has the time of its start and is written at its end, so that of yesterday may still come.
constexpr auto kMayChange = days(1);
/// Rows that cannot be read; more are not told one by one.
constexpr size_t kMaxProblems = 20;

std::string DayOf(Instant instant) { return FormatIso8601Millis(instant).substr(0, 10); }

}  // namespace

template <class Row>
Status DashboardSource::ReadDays(std::string_view table, Instant from, Instant now, Days<Row>& read,
                                 std::vector<Row>& rows) {
  // A day ahead, since clocks differ.
  const std::string last = DayOf(now + days(1));
  const std::string settled = DayOf(now - kMayChange);
  rows.clear();
  for (Instant day = from; DayOf(day) <= last; day += days(1)) {
    const std::string name = DayOf(day);
    if (name >= settled || !read.contains(name)) {
      Day<Row> fresh;
      WFE_RETURN_IF_ERROR(
          records_.ScanRows(std::string(table), name, [&](const std::string& key, const std::string& value) {
            Result<Row> row = learning::ReadRow<Row>(table, key, value);
            if (row) {
              fresh.rows.push_back(*std::move(row));
            } else {
              fresh.problems.push_back(row.error().message);
            }
          }));
      read[name] = std::move(fresh);
    }
    const Day<Row>& of_day = read[name];
    rows.insert(rows.end(), of_day.rows.begin(), of_day.rows.end());
    const size_t room = kMaxProblems - std::min(kMaxProblems, rows_.problems.size());
    const auto told = static_cast<std::ptrdiff_t>(std::min(room, of_day.problems.size()));
    rows_.problems.insert(rows_.problems.end(), of_day.problems.begin(), of_day.problems.begin() + told);
  }
  read.erase(read.begin(), read.lower_bound(DayOf(from)));
  return Ok();
}

Status DashboardSource::ReadCalls(Instant now) {
  const std::string table(agent::kCostLedgerTable);
  if (strange_calls_) {
    // Rows that were read before say the same again.
    WFE_RETURN_IF_ERROR(learning::ScanDays(records_, table, now - kMayChange, now + days(1),
                                           [&](const std::string&, const std::string& value) {
                                             std::ignore = rows_.calls.Add(value);
                                           }));
  } else {
    int64_t strange = 0;
    WFE_RETURN_IF_ERROR(records_.ScanRows(table, "", [&](const std::string&, const std::string& value) {
      if (!rows_.calls.Add(value)) ++strange;
    }));
    strange_calls_ = strange;
  }
  if (*strange_calls_ > 0) {
    rows_.problems.push_back(std::to_string(*strange_calls_) + " rows of the ledger are not calls and are left out");
  }
  return Ok();
}

Status DashboardSource::ReadCycles(Instant now, Instant from) {
  const std::string_view table = learning::kCyclesTable;
  WFE_RETURN_IF_ERROR(ReadDays(table, from, now, cycles_, rows_.cycles));
  if (!rows_.cycles.empty()) return Ok();
  // None for weeks: the last one is older.
  return learning::ScanDaysBack(
      records_, table, now,
      [&](const std::string& key, const std::string& value) {
        Result<learning::CycleRow> row = learning::ReadRow<learning::CycleRow>(table, key, value);
        if (row) rows_.cycles.push_back(*std::move(row));
      },
      [&] { return !rows_.cycles.empty(); });
}

Result<const DashboardRows*> DashboardSource::Read(Instant now, Duration window) {
  const Instant from = now - std::max<Duration>(window, kRead);
  rows_.problems.clear();
  WFE_RETURN_IF_ERROR(ReadDays(learning::kUsageTable, from, now, usage_, rows_.usage));
  WFE_RETURN_IF_ERROR(ReadDays(learning::kReportsTable, from, now, reports_, rows_.reports));
  WFE_RETURN_IF_ERROR(ReadCycles(now, from));
  WFE_RETURN_IF_ERROR(ReadCalls(now));
  WFE_ASSIGN_OR_RETURN(rows_.budgets, budgets_());
  return &rows_;
}

}  // namespace wfe::dashboard
